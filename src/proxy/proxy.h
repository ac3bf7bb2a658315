/* src/proxy/proxy.h - all of a proxy: its ports, its connections, its names
 *
 * What it needs from outside is given to it: sockets that listen, stacks, a loop. Its
 * memory is bounded: the connections are counted, each has a small struct and no buffer
 * (half.h), and what is read of a request is limited. */
#ifndef TUNION_PROXY_PROXY_H
#define TUNION_PROXY_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/log.h"
#include "io/loop.h"
#include "proxy/conn.h"
#include "proxy/destination.h"
#include "proxy/stack.h"
#include "proxy/users.h"

#define PROXY_CONNECTIONS_MAX 4096

/* How many connections may this process have at once, if each needs `each` descriptors, and
 * all else `other`? At least 1. */
size_t proxy_connections_max(size_t each, size_t other);

struct lookup;
struct proxy;

/* All borrowed. */
struct proxy_options {
	struct loop *loop;
	const struct log *log;
	const struct users *users; /* NULL: everybody may use it */
	struct stack *inside;      /* into the union */
	/* Makes a socket of the network outside, see outlet.h; and a stack over such. */
	int (*make_outside)(void *context, int family, int type);
	void *context;
	/* The socket by which the process of the status page gets connections, see
	 * page_entry.h; -1: it isn't there yet. NULL: there is no page. */
	const int *page;
	struct stack *outside;
	bool direct; /* what is not in the union is reached outside */
	size_t connections_max;
	const struct conn_limits *limits; /* NULL: the default */
	uint64_t dial_ns;                 /* 0: the default */
};

MUST_CHECK int proxy_new(struct proxy **out, const struct proxy_options *options);
/* Ends all connections. NULL is fine. */
void proxy_free(struct proxy *p);

/* What becomes of those who connect to a port. */
enum proxy_way {
	PROXY_ASK,     /* they say in SOCKS or HTTP where they want to go */
	PROXY_INSIDE,  /* to a destination in the union */
	PROXY_OUTSIDE, /* to one of the network outside */
};

/* Listens at this socket, which is owned from here on, also after an error. `to` is for
 * the last two ways. Returns 0 or -errno. */
MUST_CHECK int proxy_listen(struct proxy *p, int fd, enum proxy_way way,
                            const struct destination *to);
/* The same with datagrams. */
MUST_CHECK int proxy_listen_udp(struct proxy *p, int fd, enum proxy_way way,
                                const struct destination *to);

/* Names are looked up by this one from now on. It is borrowed, and so is the one before. */
void proxy_use_lookup(struct proxy *p, struct lookup *lookup);

/* Takes connections at this port of the union; `to` is one of the network outside. Only
 * with a stack that can. Return 0 or -errno. */
MUST_CHECK int proxy_listen_inside(struct proxy *p, const struct endpoint *at,
                                   const struct destination *to);
MUST_CHECK int proxy_listen_inside_udp(struct proxy *p, const struct endpoint *at,
                                       const struct destination *to);

/* As those of lookup.h, for timers too. */
uint64_t proxy_deadline_ns(const struct proxy *p, uint64_t now_ns);
void proxy_run(struct proxy *p, uint64_t now_ns);

#endif
