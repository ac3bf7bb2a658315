#include "http/http_head.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/http_target.h"
#include "unit.h"

#define SECRET "bWU6c2VjcmV0"

static unsigned freed_secrets;

/* Looks for the secret in memory that is given back. */
void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p)
{
	if (p && memmem(p, malloc_usable_size(p), SECRET, strlen(SECRET)))
		freed_secrets++;
	__real_free(p);
}

/* The head grows several times, so that it is copied. */
START_TEST(passwords_are_wiped)
{
	static const char text[] =
		"GET http://h/ HTTP/1.1\r\nProxy-Authorization: Basic " SECRET "\r\nX: ";
	struct http_head h = { 0 };
	uint8_t more[5000];
	size_t taken;
	int err = http_head_feed(&h, (const uint8_t *)text, strlen(text), &taken);

	ck_assert_int_eq(err, 0);
	memset(more, 'x', sizeof(more));
	err = http_head_feed(&h, more, sizeof(more), &taken);
	ck_assert_int_eq(err, 0);
	ck_assert_ptr_nonnull(memmem(h.text, h.n, SECRET, strlen(SECRET)));
	http_head_clear(&h);
	ck_assert_uint_eq(freed_secrets, 0);
}
END_TEST

/* Requests as a client of a proxy sends them, and what is sent on; or the status of the
 * answer. */
static const struct {
	const char *in;
	int status;
	const char *to, *out;
	bool keep_alive;
} requests[] = {
	{ "GET http://example.org/x?y HTTP/1.1\r\nHost: other\r\nAccept: */*\r\n\r\n", 0,
	  "example.org:80",
	  "GET /x?y HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\n\r\n", true },
	{ "\r\n\nGET HTTP://[fd00::1]:81 HTTP/1.1\nA:b\n\n", 0, "[fd00::1]:81",
	  "GET / HTTP/1.1\r\nHost: [fd00::1]:81\r\nA: b\r\n\r\n", true },
	{ "OPTIONS http://h HTTP/1.1\r\n\r\n", 0, "h:80",
	  "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", true },
	{ "GET http://h?q HTTP/1.1\r\n\r\n", 0, "h:80",
	  "GET /?q HTTP/1.1\r\nHost: h\r\n\r\n", true },
	/* what is meant for this hop only is left out */
	{ "GET http://h/ HTTP/1.1\r\nProxy-Connection: Keep-Alive\r\nConnection: close, "
	  "X-Mine\r\nx-mine: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nUpgrade: h2c\r\n"
	  "Proxy-Authorization: Basic eA==\r\nX-Other: 2\r\n\r\n",
	  0, "h:80", "GET / HTTP/1.1\r\nHost: h\r\nX-Other: 2\r\n\r\n", false },
	{ "GET http://h/ HTTP/1.0\r\n\r\n", 0, "h:80",
	  "GET / HTTP/1.0\r\nHost: h\r\n\r\n", false },
	{ "GET http://h/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 0, "h:80",
	  "GET / HTTP/1.0\r\nHost: h\r\n\r\n", true },
	{ "POST http://h/ HTTP/1.1\r\nContent-Length: 5\r\nContent-length: 5\r\n\r\n", 0,
	  "h:80", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", true },
	{ "POST http://h/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 0, "h:80",
	  "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", true },
	/* what could be understood in two ways */
	{ "POST http://h/ HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
	  400, NULL, NULL, false },
	{ "POST http://h/ HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: "
	  "chunked\r\n\r\n",
	  400, NULL, NULL, false },
	{ "POST http://h/ HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400,
	  NULL, NULL, false },
	{ "POST http://h/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 501, NULL,
	  NULL, false },
	{ "POST http://h/ HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400, NULL, NULL,
	  false },
	{ "POST http://h/ HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\n", 400, NULL, NULL,
	  false },
	{ "POST http://h/ HTTP/1.1\r\nContent-Length: 9999999999999999999\r\n\r\n", 400,
	  NULL, NULL, false },
	{ "GET http://h/ HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400, NULL, NULL, false },
	{ "GET http://h/ HTTP/1.1\r\nA : b\r\n\r\n", 400, NULL, NULL, false },
	{ "GET http://h/ HTTP/1.1\r\nA\r\n\r\n", 400, NULL, NULL, false },
	{ "GET http://h/ HTTP/1.1\r\nA: b\rc\r\n\r\n", 400, NULL, NULL, false },
	{ "GET http://h/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, NULL, NULL,
	  false },
	{ "GET http://h/ HTTP/2.0\r\n\r\n", 505, NULL, NULL, false },
	{ "GET http://h/ HTTP/1.1 \r\n\r\n", 400, NULL, NULL, false },
	{ "GET  http://h/ HTTP/1.1\r\n\r\n", 400, NULL, NULL, false },
	{ "GET http://h/\r\n\r\n", 400, NULL, NULL, false },
	{ "G\1T http://h/ HTTP/1.1\r\n\r\n", 400, NULL, NULL, false },
	{ "x\r\n\r\n", 400, NULL, NULL, false },
	/* no target of a proxy: to is NULL */
	{ "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 0, NULL, NULL, true },
	{ "GET https://h/ HTTP/1.1\r\n\r\n", 0, NULL, NULL, true },
	{ "GET http://me:pw@h/ HTTP/1.1\r\n\r\n", 0, NULL, NULL, true },
	{ "GET http:/// HTTP/1.1\r\n\r\n", 0, NULL, NULL, true },
};

/* Collects in pieces of this size. */
static void collect(struct http_head *h, const char *text, size_t piece)
{
	size_t n = strlen(text), taken;

	*h = (struct http_head){ 0 };
	for (size_t at = 0; at < n; at += taken) {
		size_t left = n - at < piece ? n - at : piece;
		int err = http_head_feed(h, (const uint8_t *)text + at, left, &taken);

		ck_assert_int_eq(err, 0);
		ck_assert_uint_eq(taken, left);
	}
	ck_assert(h->end.complete);
}

static void run_request(size_t i, size_t piece)
{
	struct http_span authority, path;
	char to[DESTINATION_STRLEN];
	struct destination d;
	struct http_message m;
	struct http_head h;
	size_t n;
	char *out;

	collect(&h, requests[i].in, piece);
	ck_assert_msg(http_request_read(&m, h.text, h.n) == requests[i].status, "%s",
	              requests[i].in);
	if (requests[i].status)
		goto out;
	ck_assert(m.keep_alive == requests[i].keep_alive);
	ck_assert_msg(http_target_read(m.target, &d, &authority, &path) ==
	                      (requests[i].to != NULL),
	              "%s", requests[i].in);
	if (!requests[i].to)
		goto out;
	ck_assert_str_eq(destination_format(&d, to), requests[i].to);
	out = http_request_print(&m, authority, path, &n);
	ck_assert_uint_eq(n, strlen(requests[i].out));
	ck_assert_mem_eq(out, requests[i].out, n);
	free(out);
out:
	http_head_clear(&h);
}

START_TEST(requests_are_printed_anew)
{
	for (size_t piece = 1; piece < 30; piece++)
		run_request((size_t)_i, piece);
}
END_TEST

static const struct {
	const char *in;
	int status;
	const char *out; /* to a client that stays */
} responses[] = {
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\nServer: x\r\n\r\n",
	  0,
	  "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 3\r\nConnection: "
	  "keep-alive\r\n\r\n" },
	{ "HTTP/1.1 404\r\n\r\n", 0, "HTTP/1.1 404 \r\nConnection: keep-alive\r\n\r\n" },
	{ "HTTP/1.1 100 Continue\n\n", 0, "HTTP/1.1 100 Continue\r\n\r\n" },
	{ "HTTP/1.1 2000 OK\r\n\r\n", 502, NULL },
	{ "HTTP/1.1 20x OK\r\n\r\n", 502, NULL },
	{ "HTTP/1.1 099 OK\r\n\r\n", 502, NULL },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
	  502, NULL },
	{ "ICY 200 OK\r\n\r\n", 502, NULL },
	{ "SSH-2.0-x\r\n\r\n", 502, NULL },
};

START_TEST(responses_are_printed_anew)
{
	const char *in = responses[_i].in;
	struct http_message m;
	struct http_head h;
	size_t n;
	char *out;

	collect(&h, in, 7);
	ck_assert_int_eq(http_response_read(&m, h.text, h.n), responses[_i].status);
	if (responses[_i].status == 0) {
		out = http_response_print(&m, true, &n);
		ck_assert_uint_eq(n, strlen(responses[_i].out));
		ck_assert_mem_eq(out, responses[_i].out, n);
		free(out);
	}
	http_head_clear(&h);
}
END_TEST

START_TEST(nothing_after_the_head_is_taken)
{
	static const char text[] = "GET / HTTP/1.1\r\n\r\nbody";
	struct http_head h = { 0 };
	size_t taken;

	ck_assert_int_eq(http_head_feed(&h, (const uint8_t *)text, strlen(text), &taken),
	                 0);
	ck_assert(h.end.complete);
	ck_assert_str_eq(text + taken, "body");
	ck_assert_int_eq(http_head_feed(&h, (const uint8_t *)"x", 1, &taken), 0);
	ck_assert_uint_eq(taken, 0);
	http_head_clear(&h);
}
END_TEST

START_TEST(long_heads)
{
	static uint8_t bytes[2 * HTTP_HEAD_MAX];
	struct http_head h = { 0 };
	struct http_message m;
	size_t taken;

	memset(bytes, 'a', sizeof(bytes));
	ck_assert_int_eq(http_head_feed(&h, bytes, sizeof(bytes), &taken), -E2BIG);
	ck_assert_uint_le(h.size, HTTP_HEAD_MAX);
	http_head_clear(&h);
	/* too many fields */
	memcpy(bytes, "GET / HTTP/1.1\r\n", 16);
	for (size_t i = 0; i <= HTTP_FIELDS_MAX; i++)
		memcpy(bytes + 16 + 5 * i, "a:b\r\n", 5);
	ck_assert_int_eq(http_request_read(&m, (const char *)bytes,
	                                   16 + 5 * (HTTP_FIELDS_MAX + 1)),
	                 431);
}
END_TEST

START_TEST(own_answers)
{
	size_t n;
	char *text = http_answer(407, "why\n", false, &n);

	ck_assert_uint_eq(n, strlen(text));
	ck_assert_ptr_nonnull(strstr(text, "Proxy-Authenticate: Basic realm="));
	ck_assert_ptr_nonnull(strstr(text, "\r\nContent-Length: 4\r\n"));
	ck_assert_str_eq(text + n - 8, "\r\n\r\nwhy\n");
	free(text);
	text = http_answer(503, "why\n", true, &n);
	ck_assert_str_eq(text + n - 4, "\r\n\r\n");
	free(text);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("http/http_head");

	tcase_add_loop_test(tc, requests_are_printed_anew, 0, ARRAY_SIZE(requests));
	tcase_add_loop_test(tc, responses_are_printed_anew, 0, ARRAY_SIZE(responses));
	tcase_add_test(tc, nothing_after_the_head_is_taken);
	tcase_add_test(tc, long_heads);
	tcase_add_test(tc, own_answers);
	tcase_add_test(tc, passwords_are_wiped);
	return tc;
}
