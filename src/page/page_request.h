/* src/page/page_request.h - what does a browser ask the page? The head of one request
 *
 * The bytes come from any program on this machine. They are read as those of the proxy
 * (http/http_head.h), and what the page has no use for is refused. */
#ifndef TUNION_PAGE_PAGE_REQUEST_H
#define TUNION_PAGE_PAGE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "http/http_span.h"

#define PAGE_REQUEST_MAX 8192U /* bytes of a head */

enum page_request_state {
	PAGE_REQUEST_MORE,  /* it is not complete */
	PAGE_REQUEST_WHOLE, /* all members are set */
	PAGE_REQUEST_WRONG, /* only `refusal` is set; what follows can't be understood */
};

struct page_request {
	struct http_span method, target, host; /* borrowed from the bytes */
	bool keep_alive;  /* the client may ask again on this connection */
	unsigned refusal; /* the status code that says what is wrong */
	size_t bytes;     /* length of the head; the next request begins after it */
};

/* Reads the request that begins at `bytes`. It has no body, or is refused. */
MUST_CHECK enum page_request_state page_request_read(const char *bytes, size_t n,
                                                     struct page_request *out);

#endif
