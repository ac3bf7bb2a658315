/* src/host/guard.h - keeps packets to the tunnels' addresses from coming in by other
 * links
 *
 * As wg-quick: wherever a family's traffic is led to the tun by rules, packets to one of
 * the tun's addresses that come by another device are dropped, and the mark of our own
 * datagrams is kept in conntrack, so that strict reverse path filtering knows the
 * answers. Redirects (ICMPv6, RFC 4861 8) are dropped too: anybody on the link can send
 * one, it becomes a route for one address, and such routes pass by our rules (see
 * learned.h). By nft(8), or where there is none by iptables(8). */
#ifndef TUNION_HOST_GUARD_H
#define TUNION_HOST_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "host/host_config.h"

/* Sets the guard of a family up, or anew in place of an old one. The addresses of the
 * family among items are guarded. 0 or -errno with the reason in diag: -ENOENT if there is
 * neither program. */
MUST_CHECK int guard_up(const char *tun, enum ip_family family,
                        const struct host_items *items, uint32_t mark, struct diag *diag);
/* Removes it; fine if there is none. What fails is a warning. */
void guard_down(const char *tun, enum ip_family family, struct diag *diag);

/* The text that is given to nft and to iptables-restore; to be freed; NULL: no memory. */
char *guard_nft_text(const char *tun, enum ip_family family,
                     const struct host_items *items, uint32_t mark);
char *guard_iptables_text(const char *tun, enum ip_family family,
                          const struct host_items *items, uint32_t mark);
/* What deletes our rules, made from the output of iptables-save. */
char *guard_iptables_removal(const char *tun, const char *saved);

#endif
