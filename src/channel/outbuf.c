/* src/channel/outbuf.c - a growing buffer that wipes the bytes it no longer needs */
#include "channel/outbuf.h"

#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"

#define CAPACITY_MIN  512
#define CAPACITY_KEPT (16U << 10) /* an empty buffer keeps at most this */

static void release(uint8_t *bytes, size_t capacity)
{
	if (bytes)
		sodium_memzero(bytes, capacity);
	free(bytes);
}

void outbuf_clear(struct outbuf *o)
{
	release(o->bytes, o->capacity);
	*o = (struct outbuf){ 0 };
}

/* Makes room for n bytes after the end. Doesn't use realloc, which wouldn't wipe the old
 * bytes. */
static bool make_room(struct outbuf *o, size_t n)
{
	size_t used = outbuf_bytes(o),
	       capacity = o->capacity ? o->capacity : CAPACITY_MIN;
	uint8_t *bytes;

	if (n <= o->capacity - o->end)
		return true;
	if (n > SIZE_MAX / 4 || used > SIZE_MAX / 4)
		return false;
	while (capacity < 2 * (used + n))
		capacity *= 2;
	bytes = malloc(capacity);
	if (!bytes)
		return false;
	if (used)
		memcpy(bytes, o->bytes + o->first, used);
	release(o->bytes, o->capacity);
	*o = (struct outbuf){ .bytes = bytes, .end = used, .capacity = capacity };
	return true;
}

void outbuf_add(struct outbuf *o, const void *bytes, size_t n)
{
	if (n == 0 || o->failed)
		return;
	if (!make_room(o, n)) {
		o->failed = true;
		return;
	}
	memcpy(o->bytes + o->end, bytes, n);
	o->end += n;
}

void outbuf_print(struct outbuf *o, const char *fmt, ...)
{
	va_list args;
	int n;

	if (o->failed)
		return;
	if (!make_room(o, OUTBUF_PRINT_MAX)) {
		o->failed = true;
		return;
	}
	va_start(args, fmt);
	n = vsnprintf((char *)o->bytes + o->end, OUTBUF_PRINT_MAX, fmt, args);
	va_end(args);
	if (n < 0 || n >= OUTBUF_PRINT_MAX)
		o->failed = true;
	else
		o->end += (size_t)n;
}

void outbuf_consume(struct outbuf *o, size_t n)
{
	if (n == 0)
		return;
	sodium_memzero(o->bytes + o->first, n);
	o->first += n;
	if (o->first != o->end)
		return;
	o->first = o->end = 0;
	if (o->capacity > CAPACITY_KEPT && !o->failed) {
		outbuf_clear(o);
		memory_give_back(); /* what needed so much memory is finished */
	}
}

int outbuf_write(struct outbuf *o, int fd)
{
	while (outbuf_bytes(o)) {
		ssize_t n = send(fd, o->bytes + o->first, outbuf_bytes(o), MSG_NOSIGNAL);

		if (n < 0 && errno == ENOTSOCK)
			n = write(fd, o->bytes + o->first, outbuf_bytes(o));
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		outbuf_consume(o, (size_t)n);
	}
	return 0;
}

void outbuf_print_key(struct outbuf *o, const char *name,
                      const uint8_t key[static KEY_BYTES])
{
	char hex[KEY_HEX_CHARS + 1];

	key_to_hex(hex, key);
	outbuf_print(o, "%s=%s\n", name, hex);
	sodium_memzero(hex, sizeof(hex));
}

void outbuf_print_sealed(struct outbuf *o, const char *name, const struct sealed_key *key)
{
	uint8_t bytes[KEY_BYTES];

	if (sealed_open(key, bytes))
		outbuf_print_key(o, name, bytes);
	else
		o->failed = true;
	sodium_memzero(bytes, sizeof(bytes));
}
