/* src/page/http_response.h - answers in HTTP/1.1, for nobody to keep or to embed */
#ifndef TUNION_PAGE_HTTP_RESPONSE_H
#define TUNION_PAGE_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

#include "channel/outbuf.h"

/* What precedes an answer's text. All borrowed. */
struct http_response {
	unsigned status;
	const char *type;   /* of the text */
	const char *policy; /* Content-Security-Policy; NULL: nothing in it may be used */
	const char *file;   /* to be saved under this name; NULL: to be shown */
	bool keep_alive;
};

/* Adds a whole answer. `only_head` leaves out the text, but not its length. */
void http_response_add(struct outbuf *out, const struct http_response *head,
                       const void *text, size_t n, bool only_head);
/* Adds one that says in words what the status code means and, if `why` isn't NULL, why. */
void http_response_add_refusal(struct outbuf *out, unsigned status, const char *why,
                               bool keep_alive, bool only_head);

#endif
