/* src/proxy/half.h - one direction of a connection: bytes from one stream to another
 *
 * A half keeps no bytes, except text of our own that is sent first (a reply, the head of
 * a request). What `to` doesn't take stays where it is: see stack.h; or in a pipe, see
 * pipes.h. splice(2) knows no MSG_NOSIGNAL, so SIGPIPE must be ignored. */
#ifndef TUNION_PROXY_HALF_H
#define TUNION_PROXY_HALF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "http/http_body.h"
#include "proxy/pipes.h"
#include "proxy/stack.h"

/* Shared by all halves: where bytes are between two calls of the stack. */
struct half_space {
	uint8_t *bytes;
	size_t n;
	struct pipes *pipes; /* borrowed; NULL: nothing is spliced */
};

/* Embedded. All zeroes: nothing to do. */
struct half {
	struct stream *from, *to; /* borrowed */
	char *first;              /* owned: text that is sent before anything else */
	size_t first_n, first_at;
	int pipe[2];         /* owned, if something is in it */
	size_t piped_n;      /* so much: it was taken from `from` */
	struct pipes *pipes; /* borrowed: where the pipe is from */
	bool blocked;        /* `to` takes nothing more now */
	bool ended;          /* `from` has ended, and `to` was told */
	uint64_t moved_bytes;
};

enum half_result {
	HALF_WAITS,      /* for one of the streams */
	HALF_AGAIN,      /* there is more, but it is somebody else's turn */
	HALF_ENDED,      /* `from` has ended, and `to` was told */
	HALF_BODY_ENDED, /* the body that was asked for has ended */
	HALF_BROKEN,     /* one of the streams is, or the body is wrong */
};

/* Sends this text first, after what is still to be sent. Owns the text from here on; NULL
 * means that there was no memory for it. Returns 0 or -ENOMEM. */
MUST_CHECK int half_say(struct half *h, char *text, size_t n);
/* The same with a copy of these bytes. */
MUST_CHECK int half_say_copy(struct half *h, const void *bytes, size_t n);
/* Sends what half_say has left. Returns false if `to` is broken. */
MUST_CHECK bool half_flush(struct half *h);
/* Is there still something of half_say? */
bool half_is_saying(const struct half *h);
/* `from` has ended: tells `to`. */
void half_end(struct half *h);

/* Moves as much as possible; with a body only what belongs to it, and its end doesn't end
 * the half. */
MUST_CHECK enum half_result half_move(struct half *h, struct http_body *body,
                                      const struct half_space *space);
/* Forgets everything; doesn't touch the streams. */
/* Adds what is to be waited for in a relay: STREAM_READ and STREAM_WRITE. */
void half_wants(const struct half *h, unsigned *from, unsigned *to);
void half_clear(struct half *h);

#endif
