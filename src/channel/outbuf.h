/* src/channel/outbuf.h - bytes that wait to be written, and are wiped once they are
 *
 * Replies of the UAPI and frames hold private keys; so whatever leaves the buffer, by
 * being sent or by growing, is overwritten. */
#ifndef TUNION_CHANNEL_OUTBUF_H
#define TUNION_CHANNEL_OUTBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/key.h"

/* Zeroed is empty. Once memory has run out, `failed` stays set, and what was added after
 * is lost: whoever sends has to look at it first. */
struct outbuf {
	uint8_t *bytes; /* owned */
	size_t first, end, capacity;
	bool failed;
};

/* Wipes and frees; then empty. */
void outbuf_clear(struct outbuf *o);

static inline size_t outbuf_bytes(const struct outbuf *o)
{
	return o->end - o->first;
}

void outbuf_add(struct outbuf *o, const void *bytes, size_t n);
/* At most OUTBUF_PRINT_MAX characters at a time, else `failed`. */
#define OUTBUF_PRINT_MAX 512
void outbuf_print(struct outbuf *o, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A line NAME=KEY of the UAPI, the key in hex. */
void outbuf_print_key(struct outbuf *o, const char *name,
                      const uint8_t key[static KEY_BYTES]);
/* Takes n bytes, n <= outbuf_bytes, off the front. */
void outbuf_consume(struct outbuf *o, size_t n);

/* Writes to a socket or pipe what goes without waiting, if fd is non-blocking. 0, also
 * when something is left; or -errno. */
MUST_CHECK int outbuf_write(struct outbuf *o, int fd);

#endif
