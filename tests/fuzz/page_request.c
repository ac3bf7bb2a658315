/* tests/fuzz/page_request.c - requests to the status page: any bytes are read as a browser's. A request
 * that is understood must be the same when it comes alone, in two pieces, and when it is written
 * again in our own words; and only with the token it may get at anything. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page/page_request.h"
#include "page/page_target.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(bool condition)
{
	if (!condition)
		abort();
}

static bool same(struct http_span a, struct http_span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.at, b.at, a.n) == 0);
}

/* Memory of exactly this size. */
static enum page_request_state read_exactly(const char *text, size_t n, char **copy,
                                            struct page_request *out)
{
	*copy = malloc(n ? n : 1);
	check(*copy != NULL);
	memcpy(*copy, text, n);
	return page_request_read(*copy, n, out);
}

static void check_text(struct http_span text, const char *bytes, size_t n)
{
	check(text.n == 0 || (text.at >= bytes && text.at + text.n <= bytes + n));
}

static void check_again(const struct page_request *r)
{
	static char text[2 * PAGE_REQUEST_MAX];
	struct page_request again;
	int n = snprintf(text, sizeof(text),
	                 "%.*s %.*s HTTP/1.1\r\nHost: %.*s\r\nConnection: %s\r\n\r\n",
	                 (int)r->method.n, r->method.at, (int)r->target.n, r->target.at,
	                 (int)r->host.n, r->host.n ? r->host.at : "",
	                 r->keep_alive ? "x" : "close");

	check(n > 0 && (size_t)n < sizeof(text));
	if ((size_t)n > PAGE_REQUEST_MAX)
		return;
	check(page_request_read(text, (size_t)n, &again) == PAGE_REQUEST_WHOLE);
	check(again.bytes == (size_t)n && again.keep_alive == r->keep_alive);
	check(same(r->method, again.method) && same(r->target, again.target) &&
	      same(r->host, again.host));
}

static void check_target(const struct page_request *r)
{
	struct page_target t = page_target_of(r, TOKEN);

	check((t.thing == PAGE_THING_NONE) == (t.refusal != 0));
	check(memchr(t.name, '\0', sizeof(t.name)) != NULL);
	if (t.thing == PAGE_THING_NONE)
		return;
	check(r->target.n >= strlen("/" TOKEN "/") &&
	      memcmp(r->target.at, "/" TOKEN "/", strlen("/" TOKEN "/")) == 0);
	check(r->host.n > 0);
	if (t.thing == PAGE_THING_FILE || t.thing == PAGE_THING_QR)
		check(ifname_valid(t.name) && !strchr(t.name, '/'));
}

static void check_alone(const char *bytes, const struct page_request *r)
{
	struct page_request alone, part;
	char *copy;

	check(read_exactly(bytes, r->bytes, &copy, &alone) == PAGE_REQUEST_WHOLE);
	check(alone.bytes == r->bytes && same(alone.target, r->target));
	free(copy);
	check(read_exactly(bytes, r->bytes - 1, &copy, &part) == PAGE_REQUEST_MORE);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const char *at = (const char *)bytes;
	struct page_request r;

	for (;;) {
		enum page_request_state state = page_request_read(at, n, &r);

		if (state != PAGE_REQUEST_WHOLE) {
			check((state == PAGE_REQUEST_WRONG) == (r.refusal != 0));
			return 0;
		}
		check(r.bytes > 0 && r.bytes <= n && r.bytes <= PAGE_REQUEST_MAX);
		check_text(r.method, at, r.bytes);
		check_text(r.target, at, r.bytes);
		check_text(r.host, at, r.bytes);
		check_alone(at, &r);
		check_again(&r);
		check_target(&r);
		at += r.bytes;
		n -= r.bytes;
	}
}
