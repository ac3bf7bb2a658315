/* src/page/page_request.c */
#include "page/page_request.h"

#include "http/http_head.h"

#define BAD_REQUEST       400U
#define BODY_NOT_EXPECTED 413U
#define HEAD_TOO_LARGE    431U
#define NOT_IMPLEMENTED   501 /* a body whose end HTTP/1.0 can't tell */

/* Only the origin-form of a target is taken: this is no proxy. Returns 0 or a status code. */
static unsigned check(const struct http_message *m)
{
	if (m->chunked || (m->has_length && m->length > 0))
		return BODY_NOT_EXPECTED;
	if (m->target.at[0] != '/' || !http_span_is_visible(m->target))
		return BAD_REQUEST;
	return m->minor >= 1 && !m->host.at ? BAD_REQUEST : 0;
}

static unsigned read_head(struct http_span head, struct page_request *out)
{
	struct http_message m;
	int status = http_request_read(&m, head.at, head.n);

	if (status)
		return status == NOT_IMPLEMENTED ? BODY_NOT_EXPECTED : (unsigned)status;
	out->method = m.method;
	out->target = m.target;
	out->host = m.host;
	out->keep_alive = m.keep_alive;
	return check(&m);
}

enum page_request_state page_request_read(const char *bytes, size_t n,
                                          struct page_request *out)
{
	struct http_span head;

	*out = (struct page_request){ 0 };
	out->bytes =
		http_head_find(bytes, n < PAGE_REQUEST_MAX ? n : PAGE_REQUEST_MAX, &head);
	if (out->bytes == 0 && n < PAGE_REQUEST_MAX)
		return PAGE_REQUEST_MORE;
	out->refusal = out->bytes == 0 ? HEAD_TOO_LARGE : read_head(head, out);
	return out->refusal ? PAGE_REQUEST_WRONG : PAGE_REQUEST_WHOLE;
}
