/* src/host/dns.h - which name servers is the host told to use?
 *
 * One file with DNS servers: those, as wg-quick. Several: the virtual address alone,
 * where the engine sends each query on to the server of the file that fits its name.
 * Either way in one call of resolvconf(8), openresolv's or systemd-resolved's. */
#ifndef TUNION_HOST_DNS_H
#define TUNION_HOST_DNS_H

#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/ip.h"
#include "plan/plan.h"

#define DNS_INTERFACE_STRLEN 64

/* The virtual resolver's address in each family of which there are servers; IP_NONE:
 * none, or it isn't needed as there is no second file with servers. */
void dns_virtual_addresses(const struct plan *plan, struct ip_addr *ipv4,
                           struct ip_addr *ipv6);

/* What resolvconf is given, to be freed; empty if nothing is to be done. NULL: no memory.
 */
char *dns_text(const struct plan *plan);

/* The name under which resolvconf knows us: some versions order by interface names and
 * are told of tunnels by a prefix, found in interface-order (path; may be missing). */
const char *dns_interface(const char *path, const char *tun,
                          char out[static DNS_INTERFACE_STRLEN]);

/* In place of what was set before. 0 or -errno, the reason in diag: -ENOENT without
 * resolvconf, since queries that go on to the servers of before would leak. */
MUST_CHECK int dns_up(const char *tun, const char *text, struct diag *diag);
/* What fails is a warning. */
void dns_down(const char *tun, struct diag *diag);

#endif
