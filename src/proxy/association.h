/* src/proxy/association.h - datagrams of one client of SOCKS5 (UDP ASSOCIATE, RFC 1928 7)
 *
 * The client sends to a port of ours, with a header that says where to; answers come back
 * with a header that says where from. It lasts as long as the connection that has asked
 * for it, but not longer than some minutes without a datagram. */
#ifndef TUNION_PROXY_ASSOCIATION_H
#define TUNION_PROXY_ASSOCIATION_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "base/timerq.h"
#include "names/lookup.h"
#include "proxy/half.h"
#include "proxy/stack.h"

struct association;

/* All borrowed. */
struct association_env {
	struct timerq *timers;
	struct lookup **lookup;         /* as in struct dial_env */
	struct stack *stack;            /* to the destinations */
	const struct half_space *space; /* at least ASSOCIATION_SPACE_BYTES */
	uint64_t idle_ns;
	/* Opens a port at this address (its port is 0) for the client; *bound is where it
	 * is. Returns 0 or -errno. */
	int (*open_port)(void *context, const struct ip_addr *at, struct packets **out,
	                 struct endpoint *bound);
	void *context;
};

#define ASSOCIATION_SPACE_BYTES 66000

/* local and remote are the ends of the client's connection, but with the port that the
 * client will send from; 0: it isn't known, and the first one counts. Only datagrams from
 * there are taken. `ended` is called when it was idle for too long. Returns 0 or
 * -errno. */
MUST_CHECK int association_new(struct association **out,
                               const struct association_env *env,
                               const struct endpoint *local,
                               const struct endpoint *remote, struct endpoint *bound,
                               void *user,
                               void (*ended)(struct association *a, uint64_t now_ns));
/* NULL is fine. */
void association_free(struct association *a);
void *association_user(const struct association *a);

#endif
