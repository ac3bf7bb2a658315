#include "http/http_body.h"

#include <string.h>

#include "unit.h"

static const struct {
	const char *in;
	size_t body_n; /* how many of its bytes belong to the body */
	enum http_body_state end;
} chunked[] = {
	{ "0\r\n\r\nX", 5, HTTP_BODY_ENDED },
	{ "3\r\nabc\r\n0\r\n\r\nX", 13, HTTP_BODY_ENDED },
	{ "00003;x=y\r\nabc\r\nA \r\n0123456789\r\n0\r\n\r\n", 37, HTTP_BODY_ENDED },
	{ "0\r\nName: value\r\nB: c\r\n\r\nX", 24, HTTP_BODY_ENDED },
	{ "3\r\nab", 5, HTTP_BODY_DATA },
	{ "\r\n", 0, HTTP_BODY_BAD },
	{ "x", 0, HTTP_BODY_BAD },
	{ "3\nabc", 1, HTTP_BODY_BAD },
	{ "3\rX", 2, HTTP_BODY_BAD },
	{ "3\r\nabcX", 6, HTTP_BODY_BAD },
	{ "-1\r\n", 0, HTTP_BODY_BAD },
	{ "fffffffffffffffff\r\n", 15, HTTP_BODY_BAD },
	{ "3;x\ny\r\nabc", 3, HTTP_BODY_BAD },
	{ "0\r\n\n", 3, HTTP_BODY_BAD },
	{ "0\r\na\n", 4, HTTP_BODY_BAD },
};

START_TEST(chunks)
{
	const uint8_t *in = (const uint8_t *)chunked[_i].in;
	size_t in_n = strlen(chunked[_i].in);
	const struct http_message m = { .chunked = true };

	for (size_t piece = 1; piece <= in_n; piece++) {
		struct http_body b = http_body_of_request(&m);
		size_t at = 0, n, wanted;

		do {
			wanted = in_n - at < piece ? in_n - at : piece;
			n = http_body_take(&b, in + at, wanted);
			at += n;
		} while (n == wanted && at < in_n);
		ck_assert_uint_eq(at, chunked[_i].body_n);
		ck_assert_int_eq(b.state, chunked[_i].end);
	}
}
END_TEST

START_TEST(endless_trailers)
{
	const struct http_message m = { .chunked = true };
	struct http_body b = http_body_of_request(&m);
	uint8_t line[] = "trailer: 0123456789\r\n";
	size_t lines = 0;

	ck_assert_uint_eq(http_body_take(&b, (const uint8_t *)"0\r\n", 3), 3);
	while (b.state != HTTP_BODY_BAD && lines++ < 5000)
		(void)http_body_take(&b, line, sizeof(line) - 1);
	ck_assert_uint_lt(lines, 5000);
}
END_TEST

START_TEST(lengths)
{
	struct http_message m = { .status = 200, .has_length = true, .length = 5 };
	struct http_body b = http_body_of_response(&m, false);

	ck_assert_uint_eq(http_body_take(&b, (const uint8_t *)"abc", 3), 3);
	ck_assert_uint_eq(http_body_take(&b, (const uint8_t *)"defg", 4), 2);
	ck_assert_int_eq(b.state, HTTP_BODY_ENDED);
	ck_assert_uint_eq(http_body_take(&b, (const uint8_t *)"h", 1), 0);
	ck_assert_int_eq(http_body_of_response(&m, true).state, HTTP_BODY_ENDED);
	m.status = 304;
	ck_assert_int_eq(http_body_of_response(&m, false).state, HTTP_BODY_ENDED);
	m = (struct http_message){ .status = 200 };
	b = http_body_of_response(&m, false);
	ck_assert_uint_eq(http_body_take(&b, (const uint8_t *)"abc", 3), 3);
	ck_assert_int_eq(b.state, HTTP_BODY_UNTIL_CLOSE);
	ck_assert_int_eq(http_body_of_request(&m).state, HTTP_BODY_ENDED);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("http/http_body");

	tcase_add_loop_test(tc, chunks, 0, ARRAY_SIZE(chunked));
	tcase_add_test(tc, endless_trailers);
	tcase_add_test(tc, lengths);
	return tc;
}
