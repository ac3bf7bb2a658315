/* src/supervisor/lookup.h - asks /etc/hosts and name servers for a host's addresses
 *
 * One lookup is one way of asking: its servers, and the mark of its sockets. Nothing here
 * waits; answers come out of the loop. By c-ares. Supervisor process. */
#ifndef TUNION_SUPERVISOR_LOOKUP_H
#define TUNION_SUPERVISOR_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "io/loop.h"

#define LOOKUP_ADDRESSES_MAX 16 /* of one host; more are left out */

struct lookup;
struct lookup_call;

/* Embedded by who asks, zeroed at first. */
struct lookup_query {
	/* Once per question, maybe before lookup_ask returns; may ask again. error: NULL
	 * if there are addresses; they have port 0, and each is there once. */
	void (*done)(struct lookup_query *query, const char *error,
	             const struct endpoint *found, size_t n);
	struct lookup_call *call; /* NULL: not asked */
};

/* Search domains are those of /etc/resolv.conf as it is now, and so are the servers if
 * `servers` is NULL. loop is borrowed. 0 or -errno. */
MUST_CHECK int lookup_new(struct lookup **out, struct loop *loop,
                          const struct ip_addr *servers, size_t n);
/* Questions under way are not answered. NULL is fine. */
void lookup_free(struct lookup *l);

/* SO_MARK of its sockets, those that are open too; 0: none. Without the right to it they
 * stay unmarked. */
void lookup_set_mark(struct lookup *l, uint32_t mark);

/* query->done is set. */
void lookup_ask(struct lookup *l, struct lookup_query *query, const char *host);
/* No answer is wanted any more. Fine if it was not asked. */
void lookup_forget(struct lookup_query *query);
bool lookup_asked(const struct lookup_query *query);

/* When lookup_run is due; NEVER_NS: not. */
uint64_t lookup_deadline_ns(const struct lookup *l, uint64_t now_ns);
/* Gives up what was not answered in time, or asks once more. Before the next wait. */
void lookup_run(struct lookup *l);

#endif
