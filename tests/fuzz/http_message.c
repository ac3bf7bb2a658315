/* tests/fuzz/http_message.c - any bytes as a request, and as a response, both with a body. What is
 * understood is printed and read again, and must mean the same. A body ends at the same
 * byte in one piece and byte by byte. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/http_body.h"
#include "http/http_head.h"
#include "proxy/http_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_body(struct http_body whole, const uint8_t *bytes, size_t n)
{
	struct http_body single = whole;
	size_t at = 0, taken = http_body_take(&whole, bytes, n);

	while (at < n && http_body_take(&single, bytes + at, 1) == 1)
		at++;
	if (at != taken || whole.state != single.state || whole.left != single.left)
		abort();
}

static void check_same(const struct http_message *a, const struct http_message *b)
{
	if (a->field_count != b->field_count || a->has_length != b->has_length ||
	    a->length != b->length || a->chunked != b->chunked || a->minor != b->minor ||
	    a->status != b->status)
		abort();
	for (size_t i = 0; i < a->field_count; i++) {
		const struct http_field *x = &a->fields[i], *y = &b->fields[i];

		if (x->name.n != y->name.n || x->value.n != y->value.n ||
		    memcmp(x->name.at, y->name.at, x->name.n) != 0 ||
		    memcmp(x->value.at, y->value.at, x->value.n) != 0)
			abort();
	}
}

/* Exactly one head must be in what is sent on: otherwise a stranger could smuggle in a
 * second one. */
static void check_one_head(const char *text, size_t n)
{
	struct http_head h = { 0 };
	size_t taken;

	if (http_head_feed(&h, (const uint8_t *)text, n, &taken) != 0 ||
	    !h.end.complete || taken != n)
		abort();
	http_head_clear(&h);
}

static void check_request(const struct http_message *m)
{
	struct http_span authority, path;
	struct http_message again;
	struct destination d;
	size_t n;
	char *text;

	if (!http_target_read(m->target, &d, &authority, &path))
		return;
	text = http_request_print(m, authority, path, &n);
	if (!text || n + 1 >= HTTP_HEAD_MAX)
		goto out;
	check_one_head(text, n);
	if (http_request_read(&again, text, n) != 0)
		abort();
	check_same(m, &again);
out:
	free(text);
}

static void check_response(const struct http_message *m)
{
	struct http_message again;
	size_t n;
	char *text = http_response_print(m, true, &n);

	check_one_head(text, n);
	if (http_response_read(&again, text, n) != 0)
		abort();
	check_same(m, &again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct http_head h = { 0 };
	struct http_message m;
	size_t taken;

	if (http_head_feed(&h, bytes, n, &taken) != 0 || !h.end.complete)
		goto out;
	if (http_request_read(&m, h.text, h.n) == 0) {
		check_request(&m);
		check_body(http_body_of_request(&m), bytes + taken, n - taken);
	}
	if (http_response_read(&m, h.text, h.n) == 0) {
		check_response(&m);
		check_body(http_body_of_response(&m, false), bytes + taken, n - taken);
	}
out:
	http_head_clear(&h);
	return 0;
}
