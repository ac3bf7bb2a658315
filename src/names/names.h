/* src/names/names.h - where are the peers whose Endpoint is a name?
 *
 * A name must never wait for a tunnel that itself waits for the name. So there are two
 * ways to ask:
 *  - the network: asks the name servers that the host had before `up`, by sockets whose
 *    packets leave through the network;
 *  - the host: asks like any other program, and so perhaps through a tunnel.
 * At first the network is asked. If it doesn't know the name, or if the name is asked for
 * again because a peer no longer answers, the two are asked in turn. A name without an
 * address is asked for until it has one.
 *
 * Nothing here waits: all results come from the loop. Supervisor process. */
#ifndef TUNION_NAMES_NAMES_H
#define TUNION_NAMES_NAMES_H

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
#include "names/candidates.h"

struct lookup_remote;
struct names;

struct names_env {
	struct loop *loop;     /* borrowed */
	const struct log *log; /* borrowed */
	/* Writes the network's present name servers; returns how many, at most max. */
	size_t (*servers)(void *context, struct ip_addr *out, size_t max);
	/* How well can the endpoint be reached, if this peer is there? */
	enum candidate_rank (*rank)(void *context, const char *device,
	                            const uint8_t public_key[static KEY_BYTES],
	                            const struct endpoint *endpoint);
	/* From now on the peer has to be tried at this endpoint. Called by names_run and
	 * from the loop, but not by names_update. */
	void (*moved)(void *context, const char *device,
	              const uint8_t public_key[static KEY_BYTES],
	              const struct endpoint *endpoint);
	void *context; /* borrowed */
	/* Borrowed: who asks name servers. NULL: this process does, by plain sockets. */
	const struct lookup_remote *remote;
};

/* Returns 0 or -ENOMEM. */
MUST_CHECK int names_new(struct names **out, const struct names_env *env);
/* NULL is fine. */
void names_free(struct names *n);

/* From now on only the names of these files count. What is known of a peer whose Endpoint
 * is unchanged stays known. For every peer of the set whose name is resolved, sets
 * `endpoint` to where it is tried. Returns 0 or -ENOMEM. */
MUST_CHECK int names_update(struct names *n, struct conf_set *set);
/* How many names have been asked for, but have neither an answer nor an error yet? */
size_t names_unasked(const struct names *n);
/* What is known of a name; all borrowed, valid until names_run. */
struct names_state {
	const char *device, *host;
	const uint8_t *public_key; /* of the peer */
	uint16_t port;
	bool known;        /* it has an address */
	const char *error; /* why the latest question failed; NULL: it didn't */
	uint64_t ask_ns;   /* when it is asked for again; NEVER_NS: now, or not at all */
};
/* Calls visit for each name, in the order of the files. */
void names_walk(const struct names *n,
                void (*visit)(void *context, const struct names_state *state),
                void *context);
/* Adds a warning for each name that has no address yet. To be called at the end of the start:
 * only what happens later is logged, unless the level is debug. */
void names_warn(struct names *n, struct diag *diag);

/* From now on the host's name servers may belong to tunnels, so both ways are used. */
void names_use_host(struct names *n);

/* The peer owes an answer to an initiation that was sent to `tried` some seconds ago.
 * This is called again and again as long as it does. Another address is then used instead
 * of `tried`, but not instead of one that hasn't been tried yet. */
void names_unanswered(struct names *n, const char *device,
                      const uint8_t public_key[static KEY_BYTES],
                      const struct endpoint *tried, uint64_t now_ns);
/* The peer was heard from this endpoint. */
void names_found(struct names *n, const char *device,
                 const uint8_t public_key[static KEY_BYTES],
                 const struct endpoint *endpoint);
/* The network has changed: names that failed are asked for again at once, and it is
 * decided again which addresses can be reached. */
void names_network_changed(struct names *n, uint64_t now_ns);

/* The time at which names_run is due; NEVER_NS: it isn't. */
uint64_t names_deadline_ns(const struct names *n, uint64_t now_ns);
/* To be called in each round of the loop. */
void names_run(struct names *n, uint64_t now_ns);

#endif
