/* src/engine/resolver.h - which file's DNS server is asked for a name?
 *
 * Design section 4, DNS. One tun is one resolver link for the host, so the host is given
 * one virtual resolver address, and the choice is made here, in the packet's way: a query
 * to that address gets the address of a server of the file whose search domain is the
 * longest suffix of the name; else of the file that has the default route now; else of the
 * first with servers. The answer gets the virtual address back. No socket, no parser of
 * answers.
 *
 * A server that does not answer is passed over for a while. TCP names nothing before its
 * handshake: a connection goes where the client's last truncated answer came from. */
#ifndef TUNION_ENGINE_RESOLVER_H
#define TUNION_ENGINE_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "base/iphdr.h"
#include "base/packet.h"

#define RESOLVER_PORT 53
/* A server with a query unanswered for so long is dead, and tried again after the second.
 */
#define RESOLVER_PATIENCE_NS (1500 * NS_PER_MS)
#define RESOLVER_DEAD_NS     (30 * NS_PER_SEC)

struct resolver;

struct resolver *resolver_new(void);
/* NULL is fine. */
void resolver_free(struct resolver *r);

/* The virtual address of each family; IP_NONE: no resolver in that family. */
void resolver_set_address(struct resolver *r, const struct ip_addr *ipv4,
                          const struct ip_addr *ipv6);

/* Has it an address? If not, the two functions below need not be called. */
bool resolver_active(const struct resolver *r);

struct resolver_file {
	uint32_t id;                   /* the device's */
	const char *name;              /* file order is the byte order of names */
	const struct ip_addr *servers; /* in the file's order */
	size_t server_count;
	const char *const *domains; /* without leading or final dot */
	size_t domain_count;
};

/* Copied; replaces what was known of this id. 0 or -ENOMEM: then nothing has changed. */
MUST_CHECK int resolver_set_file(struct resolver *r, const struct resolver_file *file);
void resolver_forget_file(struct resolver *r, uint32_t id);

/* Has the file a server of the family? */
bool resolver_has_server(const struct resolver *r, uint32_t id, enum ip_family family);
/* The file that has the default route now, for queries to servers of this family; 0 (no
 * file's id): none. */
void resolver_set_default(struct resolver *r, enum ip_family family, uint32_t id);

enum resolver_result {
	RESOLVER_NOT_OURS,  /* not to the virtual address: go on */
	RESOLVER_SENT_ON,   /* now to a server: go on with the changed view */
	RESOLVER_NO_SERVER, /* nobody to ask, or no query: unreachable */
	RESOLVER_LATER,     /* a later fragment: goes where its first one went */
};

/* From the host. */
MUST_CHECK enum resolver_result resolver_out(struct resolver *r, struct packet *p,
                                             struct ip_view *view, uint64_t now_ns);
/* To the host, destination already as the host knows it: an answer of a server we sent a
 * query on to comes from the virtual address again; all else is left as it is. */
void resolver_in(struct resolver *r, struct packet *p, struct ip_view *view,
                 uint64_t now_ns);

#endif
