/* src/proxy/exchange.h - one request of plain HTTP and its response, between two streams
 *
 * The proxy reads both heads, because the next request of the same client may be for
 * another server. One request is under way at a time; what a client sends ahead waits in
 * its stream. */
#ifndef TUNION_PROXY_EXCHANGE_H
#define TUNION_PROXY_EXCHANGE_H

#include <stdbool.h>

#include "base/attr.h"
#include "http/http_body.h"
#include "http/http_head.h"
#include "proxy/destination.h"
#include "proxy/half.h"

struct exchange {
	struct destination at; /* whose server it is */
	struct http_head head; /* of the response, while it is read */
	struct http_body request, response;
	unsigned interim;  /* heads 1xx that were sent on before it */
	bool answered;     /* the head of the response was sent on */
	bool cut_off;      /* the rest of the request can't be sent, or is wrong */
	bool said_more;    /* the client has sent something after the request */
	bool head_only;    /* the request was HEAD */
	bool client_keeps; /* the client wants to go on with this connection */
	bool server_keeps; /* and so does the server */
	bool framed;       /* the client sees where the response ends */
};

enum exchange_result {
	EXCHANGE_WAITS,  /* for one of the streams */
	EXCHANGE_DONE,   /* the response was sent; see exchange_keeps_* */
	EXCHANGE_BAD,    /* no usable response; nothing was sent to the client yet */
	EXCHANGE_BROKEN, /* too late for an answer */
	EXCHANGE_NO_MEMORY,
};

/* For a request whose head was read; it is sent by half_say of `up`. */
void exchange_begin(struct exchange *x, const struct http_message *request,
                    const struct destination *at);
/* Goes on; up is from the client to the server, down the other way. */
MUST_CHECK enum exchange_result exchange_run(struct exchange *x, struct half *up,
                                             struct half *down,
                                             const struct half_space *space);
/* What is to be waited for: STREAM_READ and STREAM_WRITE for each of them. */
void exchange_wants(const struct exchange *x, const struct half *up,
                    const struct half *down, unsigned *client, unsigned *server);
void exchange_clear(struct exchange *x);

#endif
