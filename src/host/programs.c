/* src/host/programs.c - the same conditions as in dns.c and guard.c, but known before `up` */
#include "host/programs.h"

#include "host/dns.h"
#include "host/spawn.h"

#define RESOLV_CONF "/etc/resolv.conf"

/* Returns the line of the file's first name server that the host is told; 0: none. */
static unsigned dns_line(const struct plan_device *d)
{
	const struct conf_addrs *servers = &d->conf->dns.servers;

	return d->left_out || servers->n == 0 ? 0 : servers->lines[0];
}

/* Returns the line of the file's default route; 0: it has none that the host gets. */
static unsigned default_line(const struct plan_device *d)
{
	if (d->left_out || d->conf->table.kind == CONF_TABLE_OFF)
		return 0;
	for (size_t i = 0; i < d->prefix_count; i++) {
		if (d->prefixes[i].trie.prefix.len == 0)
			return d->prefixes[i].line;
	}
	return 0;
}

/* Finds a prefix that a server on the network is in: rules lead it to the tun, too. */
static void find_covering(const struct plan *plan, const struct plan_device *d,
                          struct program_missing *out)
{
	for (size_t k = 0; k < d->peer_count && !out->conf; k++) {
		const struct way_peer *way = &d->peers[k].way, *taker = NULL;
		const struct trie_entry *in;

		if (way->state == WAY_OK && !way->next)
			taker = union_lookup(&plan->table, &way->endpoint.addr);
		if (!taker)
			continue;
		in = trie_lookup(plan_device_of(taker)->allowed_ips, &way->endpoint.addr);
		out->conf = plan_device_of(taker)->conf;
		out->line = plan_prefix_find(plan_device_of(taker), &in->prefix)->line;
	}
}

size_t programs_missing(const struct plan *plan, bool (*has)(const char *name),
                        struct program_missing out[static PROGRAMS_MAX])
{
	struct program_missing dns = { .programs = "resolvconf",
		                       .packages = "openresolv or systemd-resolved",
		                       .option = "--no-dns",
		                       .need = "DNS" };
	struct program_missing guard = { .programs = "nft or iptables",
		                         .packages = "nftables or iptables",
		                         .option = "--no-firewall",
		                         .need = "AllowedIPs" };
	struct plan_walk walk = { 0 };
	const struct plan_device *d;
	size_t n = 0;

	while ((d = plan_next(plan, &walk))) {
		if (!dns.conf && (dns.line = dns_line(d)) != 0)
			dns.conf = d->conf;
		if (!guard.conf && (guard.line = default_line(d)) != 0)
			guard.conf = d->conf;
		find_covering(plan, d, &guard);
	}
	if (dns.conf && !has("resolvconf") &&
	    !(has("resolvectl") && dns_is_resolved(RESOLV_CONF)))
		out[n++] = dns;
	if (guard.conf && !has("nft") && !has("iptables-restore"))
		out[n++] = guard;
	return n;
}
