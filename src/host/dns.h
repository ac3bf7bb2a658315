/* src/host/dns.h - which name servers is the host told to use?
 *
 * If one file has DNS servers, the host is told to use these, as with wg-quick. If
 * several files have servers, the host is only told the virtual address; there the engine
 * sends each query on to a server of the file that fits its name. But if none of all these
 * servers is in a prefix, no tunnel is the way to one, and the host is told them. This is
 * done with resolvconf(8), from openresolv or systemd-resolved; or, if that is missing
 * and systemd-resolved is in use, with resolvectl(1). */
#ifndef TUNION_HOST_DNS_H
#define TUNION_HOST_DNS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/ip.h"
#include "host/spawn.h"
#include "plan/plan.h"

#define DNS_INTERFACE_STRLEN 64

/* Returns the virtual resolver's address in each family that has servers. The family is
 * IP_NONE if there is none, or if it isn't needed because only one file has servers, or no
 * tunnel is the way to any of them. */
void dns_virtual_addresses(const struct plan *plan, struct ip_addr *ipv4,
                           struct ip_addr *ipv6);

/* Does the same, but one file with servers is enough. */
void dns_lasting_addresses(const struct plan *plan, struct ip_addr *ipv4,
                           struct ip_addr *ipv6);

/* Visits the servers that the host is told, in their order, each only once. */
void dns_walk_servers(const struct plan *plan,
                      void (*visit)(void *context, const struct ip_addr *server),
                      void *context);

/* Returns the text for resolvconf, to be freed; it is empty if nothing has to be done.
 * Returns NULL if out of memory. */
char *dns_text(const struct plan *plan);

/* Returns the whole text of a resolv.conf for the plan, to be freed. If no file has
 * servers, these are the n other ones. Returns NULL if out of memory. */
char *dns_resolv_conf(const struct plan *plan, const struct ip_addr *others, size_t n);

/* Returns the name under which resolvconf knows us. Some versions sort by the names of
 * interfaces, and recognise tunnels by a prefix. It is found in interface-order (path;
 * which may be missing). */
const char *dns_interface(const char *path, const char *tun,
                          char out[static DNS_INTERFACE_STRLEN]);

/* Does this resolv.conf (path) lead to systemd-resolved? Only then does resolvectl change
 * anything for those who read the file. */
bool dns_is_resolved(const char *path);

/* Sets the servers and domains of the text, which replace what was set before. Returns 0
 * or -errno. The reason is in diag, with the file and line of a server that the plan
 * wants. -ENOENT means that there is neither resolvconf nor resolvectl. This is an error
 * because queries that still go to the old servers would leak. */
MUST_CHECK int dns_up(const struct spawn_tun *tun, const struct plan *plan,
                      const char *text, struct diag *diag);
/* Returns 0 or -errno. Failures are warnings, but for -ENOENT: there is no such program. */
MUST_CHECK int dns_down(const struct spawn_tun *tun, struct diag *diag);

#endif
