/* src/supervisor/names.h - where are the peers whose Endpoint is a name?
 *
 * A name must never wait for the tunnel that waits for the name. So there are two ways of
 * asking: the network's, with the name servers that the host had before `up` and marked
 * sockets, which leave by the network; and the host's, as any other program asks,
 * and so maybe through a tunnel. The first answer is sought from the network; what it
 * does not know, and what is asked for again later because a peer stopped answering, is
 * asked of each in turn. What has no address yet is asked for until it has.
 *
 * Nothing waits; all comes out of the loop. Supervisor process. */
#ifndef TUNION_SUPERVISOR_NAMES_H
#define TUNION_SUPERVISOR_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/ip.h"
#include "base/key.h"
#include "base/log.h"
#include "conf/set.h"
#include "io/loop.h"
#include "supervisor/candidates.h"

struct names;

struct names_env {
	struct loop *loop;     /* borrowed */
	const struct log *log; /* borrowed */
	/* The network's name servers as they are now; returns how many, at most max. */
	size_t (*servers)(void *context, struct ip_addr *out, size_t max);
	/* How well is the endpoint reached as one of this peer? */
	enum candidate_rank (*rank)(void *context, const char *device,
	                            const uint8_t public_key[static KEY_BYTES],
	                            const struct endpoint *endpoint);
	/* The peer has to be tried at this endpoint from now on. Comes out of names_run
	 * and the loop; not out of names_update. */
	void (*moved)(void *context, const char *device,
	              const uint8_t public_key[static KEY_BYTES],
	              const struct endpoint *endpoint);
	void *context; /* borrowed */
};

/* 0 or -ENOMEM. */
MUST_CHECK int names_new(struct names **out, const struct names_env *env);
/* NULL is fine. */
void names_free(struct names *n);

/* The names of these files count from now on, those of others no more; what is known of a
 * peer whose Endpoint is as it was stays. Sets `endpoint` of every peer of the set whose
 * name is resolved, to where it is tried. 0 or -ENOMEM. */
MUST_CHECK int names_update(struct names *n, struct conf_set *set);
/* That are asked for, and without an answer so far, good or bad. */
size_t names_unasked(const struct names *n);
/* A warning for each name that has no address yet. */
void names_warn(const struct names *n, struct diag *diag);

/* SO_MARK of what leaves by the network. */
void names_set_mark(struct names *n, uint32_t mark);
/* The host's name servers may be tunnels' from now on: asks both ways. */
void names_use_host(struct names *n);

/* The peer owes an answer to an initiation that went to `tried` some seconds ago; said
 * again and again as long as it does. Another address takes the place of the one that was
 * tried, not of one that has still to be. */
void names_unanswered(struct names *n, const char *device,
                      const uint8_t public_key[static KEY_BYTES],
                      const struct endpoint *tried, uint64_t now_ns);
/* The peer was heard from there. */
void names_found(struct names *n, const char *device,
                 const uint8_t public_key[static KEY_BYTES],
                 const struct endpoint *endpoint);
/* The network has changed: what failed is tried again at once, what can be reached is
 * judged anew. */
void names_network_changed(struct names *n, uint64_t now_ns);

/* When names_run is due; NEVER_NS: not. */
uint64_t names_deadline_ns(const struct names *n, uint64_t now_ns);
/* In each round of the loop. */
void names_run(struct names *n, uint64_t now_ns);

#endif
