/* src/host/guard.h - drops packets to the tunnels' addresses that come in through other
 * links
 *
 * As wg-quick does, whenever rules lead the traffic of a family to the tun: packets to
 * an address of a file with a default route that come in through another device are
 * dropped, and the mark of our own datagrams is kept in conntrack, so that a strict
 * reverse path filter recognises the answers.
 *
 * Redirects (ICMPv6, RFC 4861 8) are dropped, too. Anybody on the link can send one; it
 * becomes a route for one address, and our rules don't apply to such routes (see
 * learned.h).
 *
 * Uses nft(8), or if that is missing, iptables(8). */
#ifndef TUNION_HOST_GUARD_H
#define TUNION_HOST_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "host/host_config.h"
#include "host/spawn.h"

/* Sets up the guard of a family, and replaces an old one. It protects the addresses of
 * the family that are among items (host_config.guard), and keeps the mark and those of
 * rules with goto. Returns 0 or -errno, with the reason in diag; -ENOENT if there is
 * neither program. */
MUST_CHECK int guard_up(const struct spawn_tun *tun, enum ip_family family,
                        const struct host_items *items, uint32_t mark, struct diag *diag);
/* Removes the guard, if there is one. Failures are warnings, but for -ENOENT, which it returns if
 * there is neither program. Otherwise returns 0 or another -errno. */
MUST_CHECK int guard_down(const struct spawn_tun *tun, enum ip_family family,
                          struct diag *diag);

/* Return the text for nft and for iptables-restore. To be freed; NULL if out of
 * memory. */
char *guard_nft_text(const char *tun, enum ip_family family,
                     const struct host_items *items, uint32_t mark);
char *guard_iptables_text(const char *tun, enum ip_family family,
                          const struct host_items *items, uint32_t mark);
#define GUARD_REMOVAL_STRLEN 128
/* Writes the text for nft that deletes our rules, whether they are there or not. Returns
 * out. */
const char *guard_nft_removal(const char *tun, enum ip_family family,
                              char out[static GUARD_REMOVAL_STRLEN]);
/* Returns the text that deletes our rules, made from the output of iptables-save. */
char *guard_iptables_removal(const char *tun, const char *saved);

#endif
