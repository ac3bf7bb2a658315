/* src/host/own_networks.c */
#include "host/own_networks.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>

#define TRIES_MAX 3 /* to read a list that changes meanwhile */

/* Of the other packets, the union has nothing or knows better. */
static bool leads_away(const struct union_table *u, const struct ip_prefix *dst)
{
	const struct trie_entry *entry = trie_lookup(u->trie, &dst->addr);

	while (entry && entry->prefix.len > dst->len)
		entry = trie_shorter(u->trie, entry);
	return entry != NULL;
}

bool own_networks_has(const struct netlink_route *route, uint32_t tun,
                      const struct union_table *u)
{
	bool in_main = (route->table == RT_TABLE_MAIN || route->table == 0) &&
	               (route->type == RTN_UNICAST || route->type == RTN_UNSPEC);
	bool in_local = route->table == RT_TABLE_LOCAL && route->type == RTN_LOCAL;

	return (in_main || in_local) && route->ifindex != tun && route->dst.len > 0 &&
	       leads_away(u, &route->dst);
}

struct finding {
	struct own_networks *out;
	const struct union_table *table;
	uint32_t tun;
};

static bool visit(void *context, const struct netlink_item *item)
{
	const struct finding *f = context;

	if (item->kind != NETLINK_KIND_ROUTE ||
	    !own_networks_has(&item->route, f->tun, f->table))
		return true;
	f->out->more = f->out->n == OWN_NETWORKS_MAX;
	if (!f->out->more)
		f->out->v[f->out->n++] = item->route.dst;
	return !f->out->more;
}

int own_networks_find(struct own_networks *out, struct netlink *nl, uint32_t tun,
                      const struct union_table *u)
{
	struct finding f = { out, u, tun };
	int err = -EAGAIN;

	for (int i = 0; i < TRIES_MAX && err == -EAGAIN; i++) {
		out->n = 0;
		out->more = false;
		err = netlink_dump(nl, NETLINK_KIND_ROUTE, IP_NONE, visit, &f);
	}
	if (err)
		out->n = 0;
	return err;
}

/* ---- forwarding */

static bool has_clients_of(const struct plan *plan, enum ip_family family)
{
	for (size_t i = 0; i < plan->device_count; i++) {
		const struct plan_device *d = &plan->devices[i];

		for (size_t j = 0; j < d->prefix_count && d->conf->switches.gate; j++) {
			if (d->prefixes[j].trie.prefix.addr.family == family)
				return true;
		}
	}
	return false;
}

/* False if this can't be found out. */
static bool is_off(const char *path)
{
	FILE *in = fopen(path, "re");
	int value = 1;

	if (!in)
		return false;
	if (fscanf(in, "%d", &value) != 1)
		value = 1;
	fclose(in);
	return value == 0;
}

void own_networks_warn(const struct plan *plan, struct diag *diag)
{
	static const struct {
		enum ip_family family;
		const char *path, *name;
	} settings[] = {
		{ IP_V4, "/proc/sys/net/ipv4/ip_forward", "net.ipv4.ip_forward" },
		{ IP_V6, "/proc/sys/net/ipv6/conf/all/forwarding",
		  "net.ipv6.conf.all.forwarding" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		if (has_clients_of(plan, settings[i].family) && is_off(settings[i].path))
			diag_warning(
				diag, NULL, 0,
				"%s is 0: the clients of a gate reach the tunnels and this host, but not its networks; set it to 1 if they should",
				settings[i].name);
	}
}
