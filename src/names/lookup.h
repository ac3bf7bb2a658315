/* src/names/lookup.h - asks /etc/hosts and name servers for a host's addresses
 *
 * A lookup has its own name servers and its own mark for the sockets. Nothing here waits:
 * answers come from the loop. Uses c-ares. Supervisor process. */
#ifndef TUNION_NAMES_LOOKUP_H
#define TUNION_NAMES_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "io/loop.h"

#define LOOKUP_ADDRESSES_MAX 16 /* of one host; further ones are left out */

struct lookup;
struct lookup_call;

/* Embedded by the user; all zeroes at first. */
struct lookup_query {
	/* Called once for each question, perhaps before lookup_ask returns. It may ask
	 * again. error is NULL if there are addresses. Their port is 0, and each of them
	 * is there only once. */
	void (*done)(struct lookup_query *query, const char *error,
	             const struct endpoint *found, size_t n);
	struct lookup_call *call; /* NULL: no question is under way */
};

/* The search domains come from /etc/resolv.conf as it is now, and so do the servers if
 * `servers` is NULL. loop is borrowed. Returns 0 or -errno. */
MUST_CHECK int lookup_new(struct lookup **out, struct loop *loop,
                          const struct ip_addr *servers, size_t n);
/* Questions that are under way get no answer. l may be NULL. */
void lookup_free(struct lookup *l);

/* Sets SO_MARK of its sockets, also of open ones; 0: no mark. Without the right to do so,
 * they stay unmarked. */
void lookup_set_mark(struct lookup *l, uint32_t mark);

/* Uses sockets that this function makes, such as those of another network namespace. It
 * returns one that doesn't block and is closed by exec, or -errno. Before the first
 * question. */
void lookup_set_sockets(struct lookup *l,
                        int (*make)(void *context, int family, int type), void *context);

/* query->done must be set. */
void lookup_ask(struct lookup *l, struct lookup_query *query, const char *host);
/* No answer is wanted any more. May be called even if nothing was asked. */
void lookup_forget(struct lookup_query *query);
bool lookup_asked(const struct lookup_query *query);

/* The time at which lookup_run is due; NEVER_NS: it isn't. */
uint64_t lookup_deadline_ns(const struct lookup *l, uint64_t now_ns);
/* Gives up questions that were not answered in time, or asks them again. Call it before
 * the next wait. */
void lookup_run(struct lookup *l);

#endif
