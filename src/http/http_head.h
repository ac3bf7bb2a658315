/* src/http/http_head.h - collects the head of an HTTP message, and reads it
 *
 * The head is the start line and the fields, up to the empty line (RFC 9112 2). What is
 * sent on is printed anew from what was understood. So the other side never has to guess
 * what a strange line end or blank means. Pure functions over text from strangers. */
#ifndef TUNION_HTTP_HTTP_HEAD_H
#define TUNION_HTTP_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "http/http_span.h"

#define HTTP_HEAD_MAX   32768 /* bytes; a browser's cookies take some thousands */
#define HTTP_FIELDS_MAX 128

/* ---- where a head ends */

/* All zeroes: nothing was read yet. */
struct http_end {
	unsigned left_out; /* bytes of empty lines before the first one */
	bool begun;
	bool line_has_text; /* of the line that is read now */
	bool complete;
};

/* Looks for the head that begins at `bytes`, perhaps after empty lines (RFC 9112 2.2).
 * Returns how many bytes these and the head have, and *head is the head with the empty line
 * that ends it; 0: it isn't complete. */
size_t http_head_find(const char *bytes, size_t n, struct http_span *head);

/* ---- collecting */

/* All zeroes: nothing was read yet. */
struct http_head {
	char *text; /* owned */
	size_t n, size;
	struct http_end end;
};

/* Takes bytes up to the end of the head; *taken says how many. Returns 0, -E2BIG or
 * -ENOMEM. Nothing is taken any more when it is complete. */
MUST_CHECK int http_head_feed(struct http_head *h, const uint8_t *bytes, size_t n,
                              size_t *taken);
/* Wipes it, and makes it ready for the next head. */
void http_head_clear(struct http_head *h);

/* ---- reading */

struct http_field {
	struct http_span name, value;
};

/* Borrowed from the text. Fields that are meant for this hop only (RFC 9110 7.6.1) are
 * left out of `fields`, and so are Host of a request and the lengths. */
struct http_message {
	struct http_span method, target; /* of a request */
	unsigned status;                 /* of a response */
	struct http_span reason;
	unsigned minor; /* 0: HTTP/1.0; 1: a newer HTTP/1 */
	struct http_field fields[HTTP_FIELDS_MAX];
	size_t field_count;
	struct http_span host;          /* of a request; at NULL: there is none */
	struct http_span authorization; /* Proxy-Authorization; at NULL: there is none */
	bool has_length, chunked;
	uint64_t length; /* of the body, if has_length */
	bool keep_alive; /* the sender will go on after this message */
};

/* Returns 0, or the status of the answer: 400, 431, 501 or 505. */
MUST_CHECK int http_request_read(struct http_message *m, const char *text, size_t n);
/* Returns 0, or 502. */
MUST_CHECK int http_response_read(struct http_message *m, const char *text, size_t n);

/* ---- printing: to be freed; NULL if out of memory. *n is the length. */

/* For the server of this authority. */
char *http_request_print(const struct http_message *m, struct http_span authority,
                         struct http_span path, size_t *n);
/* For the client. */
char *http_response_print(const struct http_message *m, bool keep_alive, size_t *n);

/* ---- answers of our own */

/* A complete answer with this status, and `text` as its body, which ends with a newline.
 * head_only: for a client that has asked by HEAD. To be freed; NULL if out of memory. */
char *http_answer(unsigned status, const char *text, bool head_only, size_t *n);
/* The same with a text of this type. */
char *http_answer_as(unsigned status, const char *type, const char *text, bool head_only,
                     size_t *n);

#endif
