/* src/channel/outbuf.h - bytes that wait to be written, and are wiped after that
 *
 * Replies of the UAPI and frames contain private keys. So what leaves the buffer, because
 * it is sent or because the buffer grows, is overwritten. */
#ifndef TUNION_CHANNEL_OUTBUF_H
#define TUNION_CHANNEL_OUTBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/key.h"
#include "base/sealed.h"

/* Zeroed is empty. When memory runs out, `failed` is set and stays set, and bytes that
 * are added later are lost. So check it before sending. */
struct outbuf {
	uint8_t *bytes; /* owned */
	size_t first, end, capacity;
	bool failed;
};

/* Wipes and frees. Then the buffer is empty. */
void outbuf_clear(struct outbuf *o);

static inline size_t outbuf_bytes(const struct outbuf *o)
{
	return o->end - o->first;
}

void outbuf_add(struct outbuf *o, const void *bytes, size_t n);
/* Prints at most OUTBUF_PRINT_MAX characters at a time; more would set `failed`. */
#define OUTBUF_PRINT_MAX 512
void outbuf_print(struct outbuf *o, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Prints a line NAME=KEY of the UAPI, with the key in hex. */
void outbuf_print_key(struct outbuf *o, const char *name,
                      const uint8_t key[static KEY_BYTES]);
/* The same with a sealed key; no key is all zeroes. */
void outbuf_print_sealed(struct outbuf *o, const char *name,
                         const struct sealed_key *key);
/* Removes n bytes from the front; n <= outbuf_bytes. */
void outbuf_consume(struct outbuf *o, size_t n);

/* Writes to a socket or a pipe; only as much as can be written without waiting if fd is
 * non-blocking. Returns 0, even if something is left, or -errno. */
MUST_CHECK int outbuf_write(struct outbuf *o, int fd);

#endif
