/* src/proxy/request.h - what does a client ask for, before bytes are only passed on? */
#ifndef TUNION_PROXY_REQUEST_H
#define TUNION_PROXY_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "http/http_head.h"
#include "proxy/destination.h"
#include "proxy/dial.h"
#include "proxy/exchange.h"
#include "proxy/socks.h"
#include "proxy/stack.h"
#include "proxy/users.h"

/* On the heap, of one connection. All zeroes, with socks_init: nothing was asked yet. */
struct request {
	struct socks socks;
	struct http_head head;
	struct exchange exchange;
	struct dial dial;
	struct destination to; /* port 0: the status page */
	char *text;            /* owned: the head that the server gets, or our answer */
	size_t text_n;
	bool dialing;   /* dial is in use */
	bool head_only; /* of HTTP: an answer has no body */
};

enum request_kind {
	REQUEST_REFUSED, /* text is the answer */
	REQUEST_CONNECT, /* to is set */
	REQUEST_PLAIN,   /* to and text are set */
	REQUEST_NO_MEMORY,
};

/* Reads the head of HTTP, which is complete. The message is borrowed from it. The client is
 * asked where it has connected to. */
MUST_CHECK enum request_kind request_http(struct request *r, struct http_message *m,
                                          const struct users *users,
                                          const struct stream *client, bool has_page);
/* Makes the text an answer of our own. Returns REQUEST_REFUSED or REQUEST_NO_MEMORY. */
enum request_kind request_refuse(struct request *r, unsigned status, const char *why);
/* Wipes it. NULL is fine. */
void request_free(struct request *r);

#endif
