/* src/host/dns.h - which name servers is the host told to use?
 *
 * One file with DNS servers: those, as wg-quick. Several: the virtual address alone,
 * where the engine sends each query on to the server of the file that fits its name.
 * Either way by resolvconf(8), openresolv's or systemd-resolved's, or, where there is
 * none and systemd-resolved is in use, by resolvectl(1). */
#ifndef TUNION_HOST_DNS_H
#define TUNION_HOST_DNS_H

#include <stdbool.h>
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

/* Does this resolv.conf (path) lead to systemd-resolved? Only then has resolvectl any
 * effect on those who read it. */
bool dns_is_resolved(const char *path);

/* Sets the text's servers and domains in place of what was set before. 0 or -errno, the
 * reason in diag, with the file and line of a server that the plan wants: -ENOENT if
 * there is neither resolvconf nor resolvectl, because queries that go on to the servers
 * of before would leak. */
MUST_CHECK int dns_up(const char *tun, const struct plan *plan, const char *text,
                      struct diag *diag);
/* What fails is a warning. */
void dns_down(const char *tun, struct diag *diag);

#endif
