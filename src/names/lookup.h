/* src/names/lookup.h - asks /etc/hosts and name servers for a host's addresses
 *
 * A lookup has its own name servers. Nothing here waits: answers come from the loop. Uses
 * c-ares, which reads what name servers answer; where that must not be, another process does
 * so (struct lookup_remote). */
#ifndef TUNION_NAMES_LOOKUP_H
#define TUNION_NAMES_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "io/loop.h"
#include "names/lookup_settings.h"
#include "names/lookup_sockets.h"

struct lookup;

#define LOOKUP_ADDRESSES_MAX 16 /* of one host; further ones are left out */
#define LOOKUP_SERVERS_MAX   4
/* So long one server is asked for one name, if it is silent. */
#define LOOKUP_SERVER_NS (4500 * NS_PER_MS)
/* The status of c-ares (ARES_ECONNREFUSED) that says that no server can be asked. */
#define LOOKUP_STATUS_REFUSED 11
/* Why there is no address, if there is no such name. Also for those who ask libc, whose own
 * text depends on which libc it is. */
#define LOOKUP_NO_SUCH_NAME "there is no such name"

/* A question that another process asks name servers. Embedded by the lookup. */
struct lookup_errand {
	/* Called once, from the loop, but not before `ask` has returned. The status is that
	 * of c-ares; 0: there are addresses, at most LOOKUP_ADDRESSES_MAX. */
	void (*done)(struct lookup_errand *errand, int status,
	             const struct ip_addr *found, size_t n);
	void *ticket; /* of the remote; NULL: it is not under way */
};

/* Who asks name servers for this process. */
struct lookup_remote {
	/* The settings and the host are only borrowed for the call. `network`: they are the
	 * network's. Returns 0 or -errno. */
	int (*ask)(void *context, struct lookup_errand *errand,
	           const struct lookup_settings *settings, bool network,
	           const char *host);
	/* errand->done is not called any more. */
	void (*forget)(void *context, struct lookup_errand *errand);
	void *context; /* borrowed */
};

struct lookup_call;

/* Embedded by the user; all zeroes at first. */
struct lookup_query {
	/* Called once for each question, perhaps before lookup_ask returns. It may ask
	 * again. error is NULL if there are addresses. Their port is 0, and each of them
	 * is there only once. */
	void (*done)(struct lookup_query *query, const char *error,
	             const struct endpoint *found, size_t n);
	struct lookup_call *call; /* NULL: no question is under way */
	int status;               /* that of c-ares, when done is called */
};

/* The search domains come from /etc/resolv.conf as it is now, and so do the servers if
 * `servers` is NULL. loop is borrowed. Returns 0 or -errno. */
MUST_CHECK int lookup_new(struct lookup **out, struct loop *loop,
                          const struct ip_addr *servers, size_t n);
/* The same, but only /etc/hosts is asked here, and what it doesn't have is asked by the remote,
 * which is borrowed. */
MUST_CHECK int lookup_new_remote(struct lookup **out, struct loop *loop,
                                 const struct ip_addr *servers, size_t n,
                                 const struct lookup_remote *remote);
/* One for the process that does so: it asks no hosts file. It has to be made while files can
 * be read, because c-ares gets its random numbers from one, and reads none later. */
MUST_CHECK int lookup_new_settled(struct lookup **out, struct loop *loop,
                                  const struct lookup_settings *settings);
/* One that never reads a file, for a process that can't: neither of the two, also later. It
 * has to be made while files can be read, and knows no servers. Only the hosts file and the name
 * localhost lead to this machine: a server's answer that does has no such address. */
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

/* Uses sockets that this function makes, such as those of another network namespace. It
 * returns one that doesn't block and is closed by exec, or -errno. Before the first
 * question. */
void lookup_set_sockets(struct lookup *l,
                        int (*make)(void *context, int family, int type), void *context);

/* The same with sockets that this function makes and connects; a stream need not be connected
 * yet when it returns. */
void lookup_set_connected(struct lookup *l,
                          int (*make)(void *context, int type, const struct endpoint *to),
                          void *context);

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
