/* src/names/lookup.h - asks /etc/hosts and name servers for a host's addresses
 *
 * A lookup has its own name servers and its own mark for the sockets. Nothing here waits:
 * answers come from the loop. Uses c-ares. Supervisor process. */
#ifndef TUNION_NAMES_LOOKUP_H
#define TUNION_NAMES_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/ip.h"
#include "io/loop.h"

struct lookup;

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

#define LOOKUP_ADDRESSES_MAX 16 /* of one host; further ones are left out */
#define LOOKUP_SERVERS_MAX   4

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
/* One that never reads a file, for a process that can't: neither of the two, also later. It
 * has to be made while files can be read, and knows no servers. */
MUST_CHECK int lookup_new_bare(struct lookup **out, struct loop *loop);
/* From now on a bare lookup asks these servers, at most LOOKUP_SERVERS_MAX, and searches in
 * these domains. If that is something new, questions that are under way fail. Returns 0 or
 * -errno. */
MUST_CHECK int lookup_set_servers(struct lookup *l, const struct ip_addr *servers,
                                  size_t n, const char *const *domains,
                                  size_t domain_count);
/* From now on a bare lookup first looks into this text of a hosts file, which is borrowed; NULL:
 * there is none. */
void lookup_set_hosts(struct lookup *l, const char *text);
/* The servers of /etc/resolv.conf; returns how many, at most `max`. */
size_t lookup_system_servers(struct ip_addr *out, size_t max);
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

/* The same with sockets that aren't the kernel's; borrowed. */
void lookup_set_own_sockets(struct lookup *l, const struct lookup_sockets *sockets);
/* Such a socket can be read or written now, or is broken. It may be closed in here. */
void lookup_ready(struct lookup *l, int number, bool readable, bool writable);

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
