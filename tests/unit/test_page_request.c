#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page/page_request.h"

/* In memory of exactly this size, so that ASan sees what is read behind it. */
static enum page_request_state read_copy(const char *text, size_t n, char **copy,
                                         struct page_request *out)
{
	*copy = malloc(n ? n : 1);
	ck_assert_ptr_nonnull(*copy);
	memcpy(*copy, text, n);
	return page_request_read(*copy, n, out);
}

static const struct {
	const char *text;
	const char *method, *target, *host;
	bool keep_alive;
} whole[] = {
	{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", "a", true },
	{ "HEAD /x?y HTTP/1.1\r\nhOST:\t localhost:81 \t\r\nX:\r\n\r\n", "HEAD", "/x?y",
	  "localhost:81", true },
	{ "POST /%00 HTTP/1.1\r\nHost: [::1]:1\r\nContent-Length: 0\r\n\r\n", "POST",
	  "/%00", "[::1]:1", true },
	{ "GET / HTTP/1.1\nHost: a\n\n", "GET", "/", "a", true },
	{ "GET / HTTP/1.1\r\nHost: a\n\r\n", "GET", "/", "a", true },
	{ "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET", "/", "", true },
	{ "GET / HTTP/1.9\r\nHost: a\r\n\r\n", "GET", "/", "a", true },
	{ "GET / HTTP/1.0\r\n\r\n", "GET", "/", "", false },
	{ "\r\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", "a", true },
	{ "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: "
	  "keep-alive\r\n\r\n",
	  "GET", "/", "a", false },
	{ "GET / HTTP/1.0\r\nConnection: x, Keep-Alive\r\n\r\n", "GET", "/", "", true },
	{ "GET / HTTP/1.1\r\nHost: a\r\nConnection: CLOSE\r\n\r\n", "GET", "/", "a",
	  false },
	{ "GET / HTTP/1.1\r\nHost: a\r\nConnection: a,close , b\r\n\r\n", "GET", "/", "a",
	  false },
	{ "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n", "GET",
	  "/", "a", false },
	{ "GET / HTTP/1.1\r\nHost: a\r\nCookie: a=\xc3\xa4\tb\r\n\r\n", "GET", "/", "a",
	  true },
};

START_TEST(whole_requests)
{
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++) {
		size_t n = strlen(whole[i].text);
		struct page_request r;
		char *copy;

		ck_assert_int_eq(read_copy(whole[i].text, n, &copy, &r),
		                 PAGE_REQUEST_WHOLE);
		ck_assert_uint_eq(r.bytes, n);
		ck_assert_msg(http_span_equals(r.method, whole[i].method), "request %zu",
		              i);
		ck_assert_msg(http_span_equals(r.target, whole[i].target), "request %zu",
		              i);
		ck_assert_msg(r.host.n == strlen(whole[i].host) &&
		                      (r.host.n == 0 ||
		                       http_span_equals(r.host, whole[i].host)),
		              "request %zu", i);
		ck_assert_msg(r.keep_alive == whole[i].keep_alive, "request %zu", i);
		free(copy);
	}
}
END_TEST

/* Whatever its pieces are, a request is complete with its last byte and not before. */
START_TEST(split_reads)
{
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++) {
		for (size_t n = 0; n < strlen(whole[i].text); n++) {
			struct page_request r;
			char *copy;

			ck_assert_msg(read_copy(whole[i].text, n, &copy, &r) ==
			                      PAGE_REQUEST_MORE,
			              "%zu bytes of request %zu", n, i);
			free(copy);
		}
	}
}
END_TEST

START_TEST(the_next_request_follows)
{
	static const char text[] = "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\n"
				   "Host: b\r\n\r\nGET /c";
	struct page_request r;
	size_t at;

	ck_assert_int_eq(page_request_read(text, strlen(text), &r), PAGE_REQUEST_WHOLE);
	ck_assert(http_span_equals(r.target, "/a") && http_span_equals(r.host, "a"));
	at = r.bytes;
	ck_assert_int_eq(page_request_read(text + at, strlen(text) - at, &r),
	                 PAGE_REQUEST_WHOLE);
	ck_assert(http_span_equals(r.target, "/b") && http_span_equals(r.host, "b"));
	at += r.bytes;
	ck_assert_int_eq(page_request_read(text + at, strlen(text) - at, &r),
	                 PAGE_REQUEST_MORE);
}
END_TEST

#define HEAD "GET / HTTP/1.1\r\nHost: a\r\n"

static const struct {
	const char *text;
	unsigned refusal;
} wrong[] = {
	{ "GET\r\n\r\n", 400 },
	{ "GET /\r\n\r\n", 400 }, /* HTTP/0.9 */
	{ "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400 },
	{ "G\x01T / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400 }, /* for a proxy */
	{ "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505 },
	{ "GET / HTTP/1.x\r\nHost: a\r\n\r\n", 505 },
	{ "GET / HTTP/11.1\r\nHost: a\r\n\r\n", 400 },
	{ "GET / http/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "PRI * HTTP/2.0\r\n\r\n", 505 },
	{ "GET / HTTP/1.1\r\n\r\n", 400 }, /* no Host */
	{ HEAD "Host: a\r\n\r\n", 400 },
	{ HEAD "hOsT: b\r\n\r\n", 400 },
	{ HEAD "X\r\n\r\n", 400 },
	{ HEAD ": x\r\n\r\n", 400 },
	{ HEAD "X : x\r\n\r\n", 400 },
	{ HEAD "X: x\r\n folded\r\n\r\n", 400 },
	{ HEAD "X: \x7f\r\n\r\n", 400 },
	{ HEAD "X: a\rHost: b\r\n\r\n", 400 },
	{ HEAD "Content-Length: 1\r\n\r\nx", 413 },
	{ HEAD "Content-Length: 0, 1\r\n\r\nx", 400 },
	{ HEAD "transfer-encoding: chunked\r\n\r\n0\r\n\r\n", 413 },
	{ "POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n", 413 },
	{ HEAD "transfer-encoding: gzip\r\n\r\n", 400 },
};

START_TEST(wrong_requests)
{
	struct page_request r;
	char *copy;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		ck_assert_int_eq(
			read_copy(wrong[i].text, strlen(wrong[i].text), &copy, &r),
			PAGE_REQUEST_WRONG);
		ck_assert_msg(r.refusal == wrong[i].refusal, "request %zu: %u", i,
		              r.refusal);
		free(copy);
	}
	ck_assert_int_eq(read_copy(HEAD "X: \0\r\n\r\n", strlen(HEAD) + 8, &copy, &r),
	                 PAGE_REQUEST_WRONG);
	free(copy);
}
END_TEST

/* The longest head is complete with its last byte; one byte more is too long. */
START_TEST(a_head_that_is_too_long)
{
	char text[PAGE_REQUEST_MAX + 1];
	struct page_request r;
	size_t n = (size_t)snprintf(text, sizeof(text), HEAD "X: ");

	memset(text + n, 'x', sizeof(text) - n);
	ck_assert_int_eq(page_request_read(text, PAGE_REQUEST_MAX - 1, &r),
	                 PAGE_REQUEST_MORE);
	ck_assert_int_eq(page_request_read(text, PAGE_REQUEST_MAX, &r),
	                 PAGE_REQUEST_WRONG);
	ck_assert_uint_eq(r.refusal, 431);
	memcpy(text + PAGE_REQUEST_MAX - 3, "\r\n\r\n", 4);
	ck_assert_int_eq(page_request_read(text, PAGE_REQUEST_MAX + 1, &r),
	                 PAGE_REQUEST_WRONG);
	ck_assert_uint_eq(r.refusal, 431);
	memcpy(text + PAGE_REQUEST_MAX - 4, "\r\n\r\n", 4);
	ck_assert_int_eq(page_request_read(text, PAGE_REQUEST_MAX, &r),
	                 PAGE_REQUEST_WHOLE);
	ck_assert_uint_eq(r.bytes, PAGE_REQUEST_MAX);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("page/page_request");

	tcase_add_test(tc, whole_requests);
	tcase_add_test(tc, split_reads);
	tcase_add_test(tc, the_next_request_follows);
	tcase_add_test(tc, wrong_requests);
	tcase_add_test(tc, a_head_that_is_too_long);
	return tc;
}
