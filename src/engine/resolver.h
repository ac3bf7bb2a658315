/* src/engine/resolver.h - which file's DNS server is asked for a name?
 *
 * Design section 4, DNS. With one tun, the host has only one link that can have DNS
 * servers. So the host is given one virtual resolver address, and the choice between the
 * servers is made here, while a query passes through the engine. A query to the virtual
 * address is sent on to a server of
 *  - the file whose search domain is the longest suffix of the name;
 *  - if there is none, the file that has the default route now;
 *  - if there is none, the first file that has servers.
 * The answer gets the virtual address as its source again. This needs no socket and
 * doesn't parse answers.
 *
 * A server that doesn't answer is not asked for a while. With TCP the name isn't known
 * during the handshake. So a connection goes to the server that has sent the client's
 * last truncated answer. */
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
/* A server is dead if a query isn't answered for the first of these times. It is tried
 * again after the second one. */
#define RESOLVER_PATIENCE_NS (1500 * NS_PER_MS)
#define RESOLVER_DEAD_NS     (30 * NS_PER_SEC)

struct resolver;

struct resolver *resolver_new(void);
/* NULL is fine. */
void resolver_free(struct resolver *r);

/* Sets the virtual address of each family. IP_NONE: this family has no resolver. */
void resolver_set_address(struct resolver *r, const struct ip_addr *ipv4,
                          const struct ip_addr *ipv6);

/* Is there a virtual address? If not, the two functions below need not be called. */
bool resolver_active(const struct resolver *r);
/* Is this one of the virtual addresses? */
bool resolver_is_virtual(const struct resolver *r, const struct ip_addr *addr);
/* The virtual address of this family, or IP_NONE. */
const struct ip_addr *resolver_address(const struct resolver *r, enum ip_family family);
/* Is it the address of a server of any file? */
bool resolver_is_server(const struct resolver *r, const struct ip_addr *addr);

struct resolver_file {
	uint32_t id;                   /* of the device */
	const char *name;              /* files are sorted by the bytes of their names */
	const struct ip_addr *servers; /* in the order of the file */
	size_t server_count;
	const char *const *domains; /* without a dot at the start or the end */
	size_t domain_count;
};

/* Copies the file; it replaces the previous one with this id. Returns 0, or -ENOMEM; then
 * nothing has changed. */
MUST_CHECK int resolver_set_file(struct resolver *r, const struct resolver_file *file);
void resolver_forget_file(struct resolver *r, uint32_t id);

/* Does the file have a server of this family? */
bool resolver_has_server(const struct resolver *r, uint32_t id, enum ip_family family);
/* Sets the file that has the default route now, for queries to servers of this family. 0,
 * which is no file's id, means that there is none. */
void resolver_set_default(struct resolver *r, enum ip_family family, uint32_t id);

enum resolver_result {
	RESOLVER_NOT_OURS,  /* isn't for the virtual address: go on */
	RESOLVER_SENT_ON,   /* is for a server now: go on with the changed view */
	RESOLVER_NO_SERVER, /* there is no server, or it is no query: unreachable */
	RESOLVER_LATER,     /* a later fragment: it goes where its first fragment went */
};

/* To be called for packets from the host. With RESOLVER_SENT_ON, *file becomes the id of
 * the file whose server it is (another file may have a server with the same address), and
 * resolver_goes_through has to be called. */
MUST_CHECK enum resolver_result resolver_out(struct resolver *r, struct packet *p,
                                             struct ip_view *view, uint32_t *file,
                                             uint64_t now_ns);
/* The packet that was sent on last goes through the device with this id, so answers have to
 * come from there. */
void resolver_goes_through(struct resolver *r, uint32_t id);
/* To be called for packets to the host that have come through the device `id`, after their
 * destination has been translated. If the packet is an answer to a query that was sent on
 * through this device, its source becomes the virtual address again. Other packets are not
 * changed. */
void resolver_in(struct resolver *r, uint32_t id, struct packet *p, struct ip_view *view,
                 uint64_t now_ns);
/* The same for an answer that hasn't come through a device, and is not a packet yet (outside.h):
 * only notes that the file's server answers, and whether this client will ask it again by
 * TCP. */
void resolver_answered(struct resolver *r, uint32_t file, const struct ip_addr *server,
                       const struct ip_addr *client, bool truncated, uint64_t now_ns);

/* Without a virtual address, the host asks the servers itself, and resolver_out only notes that
 * they were asked. While this is true, resolver_watch_answer has to be called for each packet
 * to the host that has come through a device. */
bool resolver_watches(const struct resolver *r, uint64_t now_ns);
void resolver_watch_answer(struct resolver *r, const struct packet *p, uint64_t now_ns);

/* A server that was asked more than once, and lately, and has not answered since. */
struct resolver_silence {
	uint32_t file; /* id */
	struct ip_addr server;
	uint64_t for_ns; /* since the first of these queries */
	bool others;     /* not all servers of the file are silent */
};

/* Visits them in file order. */
void resolver_walk_silent(const struct resolver *r, uint64_t now_ns,
                          void (*visit)(void *context, const struct resolver_silence *s),
                          void *context);

#endif
