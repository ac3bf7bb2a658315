/* src/names/lookup_sockets.h - from whom does a lookup get its sockets?
 *
 * Without these functions c-ares makes them itself. It uses all of the functions or none. */
#ifndef TUNION_NAMES_LOOKUP_SOCKETS_H
#define TUNION_NAMES_LOOKUP_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/ip.h"

struct ares_channeldata;

/* Sockets that are none of the kernel's. Each is known by a number from 0 on. All return
 * -errno if they fail. */
struct lookup_sockets {
	/* AF_INET or AF_INET6, SOCK_STREAM or SOCK_DGRAM. Returns its number. */
	int (*open)(void *context, int family, int type);
	void (*close)(void *context, int number);
	/* A stream need not be connected yet when this returns 0. */
	int (*connect)(void *context, int number, const struct endpoint *to);
	/* Return how many bytes it was. `from` is set for datagrams. */
	ssize_t (*receive)(void *context, int number, void *bytes, size_t n,
	                   struct endpoint *from);
	ssize_t (*send)(void *context, int number, const void *bytes, size_t n);
	/* From now on lookup_ready is to be called when this is possible. */
	void (*watch)(void *context, int number, bool readable, bool writable);
	void *context; /* borrowed */
};

/* Embedded by the lookup: who makes sockets of the kernel's. One of the two functions is set;
 * see lookup_set_sockets and lookup_set_connected. */
struct lookup_maker {
	int (*make)(void *context, int family, int type);
	int (*make_connected)(void *context, int type, const struct endpoint *to);
	void *context; /* borrowed */
	int any_fd;    /* borrowed: any descriptor */
	int type;      /* of the socket that is connected next */
};

/* All is borrowed by the channel. */
void lookup_sockets_make(struct ares_channeldata *channel, struct lookup_maker *maker);
void lookup_sockets_use(struct ares_channeldata *channel,
                        const struct lookup_sockets *sockets);

#endif
