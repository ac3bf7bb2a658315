/* src/http/http_body.h - where does the body of an HTTP message end? (RFC 9112 6) */
#ifndef TUNION_HTTP_HTTP_BODY_H
#define TUNION_HTTP_HTTP_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/http_head.h"

/* Embedded, and may be copied. All zeroes is a body that has ended. */
struct http_body {
	enum http_body_state {
		HTTP_BODY_ENDED,
		HTTP_BODY_BAD,         /* the chunks are wrong */
		HTTP_BODY_UNTIL_CLOSE, /* ends with the connection */
		HTTP_BODY_LENGTH,
		/* chunked: */
		HTTP_BODY_SIZE_FIRST, /* a chunk's size, its first digit */
		HTTP_BODY_SIZE,
		HTTP_BODY_EXTENSION,
		HTTP_BODY_SIZE_LF,
		HTTP_BODY_DATA,
		HTTP_BODY_DATA_CR,
		HTTP_BODY_DATA_LF,
		HTTP_BODY_TRAILER_FIRST, /* the first byte of a line after the last chunk */
		HTTP_BODY_TRAILER,
		HTTP_BODY_TRAILER_LF,
		HTTP_BODY_LAST_LF,
	} state;
	uint64_t left;  /* bytes of data */
	uint32_t extra; /* bytes of extensions and trailers; bounded */
};

struct http_body http_body_of_request(const struct http_message *m);
/* head_only: the request was HEAD. */
struct http_body http_body_of_response(const struct http_message *m, bool head_only);

/* Goes on over these bytes, and returns how many of them belong to the body. Fewer than n:
 * it has ended, or is bad. */
size_t http_body_take(struct http_body *b, const uint8_t *bytes, size_t n);

#endif
