/* src/page/page_request.h - what does a browser ask? The head of one request, RFC 9112
 *
 * The bytes come from any program on this machine. Only the few things are read that the
 * page needs, and what could be understood in two ways is refused. */
#ifndef TUNION_PAGE_PAGE_REQUEST_H
#define TUNION_PAGE_PAGE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

#define PAGE_REQUEST_MAX 8192U /* bytes of a head */

/* A piece of what was received; not NUL-terminated. */
struct http_text {
	const char *at; /* borrowed */
	size_t n;
};

enum page_request_state {
	PAGE_REQUEST_MORE,  /* it is not complete */
	PAGE_REQUEST_WHOLE, /* all members are set */
	PAGE_REQUEST_WRONG, /* only `refusal` is set; what follows can't be understood */
};

struct page_request {
	struct http_text method, target, host;
	bool keep_alive;  /* the client may ask again on this connection */
	unsigned refusal; /* the status code that says what is wrong */
	size_t bytes;     /* length of the head; the next request begins after it */
};

/* Reads the request that begins at `bytes`. It has no body, or is refused. */
MUST_CHECK enum page_request_state page_request_read(const char *bytes, size_t n,
                                                     struct page_request *out);

bool http_text_is(struct http_text text, const char *expected);

#endif
