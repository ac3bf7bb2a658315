/* src/proxy/conn.h - one client's connection, from its first byte to its last
 *
 * A client says what it wants in SOCKS or HTTP; the first byte tells which. A connection
 * to a forwarded port says nothing: its destination is fixed. */
#ifndef TUNION_PROXY_CONN_H
#define TUNION_PROXY_CONN_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/timerq.h"
#include "proxy/association.h"
#include "proxy/dial.h"
#include "proxy/half.h"
#include "proxy/stack.h"
#include "proxy/users.h"

struct conn;

struct conn_limits {
	uint64_t ask_ns;         /* for the whole request of a client */
	uint64_t keep_ns;        /* until the next request of plain HTTP */
	uint64_t idle_ns;        /* without a byte */
	uint64_t half_closed_ns; /* the same, when one side has ended */
	uint64_t end_ns;         /* until a client hangs up after the last answer */
};

/* What connections share; all borrowed. */
struct conn_env {
	struct timerq *timers;
	const struct half_space *space;
	const struct users *users; /* NULL: everybody may use it */
	const struct conn_limits *limits;
	const struct association_env *association;
	struct conn *first; /* owned: all of them; NULL at first */
	size_t count;
	/* Connects to the process of the status page. Returns 0 or -errno. NULL: none. */
	int (*open_page)(void *context, struct stream **out);
	/* A connection has ended, and there is room for another one. */
	void (*closed)(void *context);
	void *context;
};

/* Owns the client from here on, also after an error; the connection belongs to env->first.
 * `to` NULL: the client says it. */
void conn_start(struct conn_env *env, const struct dial_env *dial, struct stream *client,
                const struct destination *to, uint64_t now_ns);
/* Ends all of them; both sides learn that it wasn't in order. */
void conn_end_all(struct conn_env *env);

#endif
