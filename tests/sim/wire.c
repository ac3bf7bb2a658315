/* tests/sim/wire.c */
#include "wire.h"

#include <stdio.h>
#include <string.h>

#include "fake_host.h"
#include "fake_kernel.h"
#include "host/host_items.h"
#include "story.h"
#include "unit.h"

#define PER_FILE 4
#define EVERYONE 2
#define PROBES   (TUNNEL_FILES * PER_FILE + EVERYONE)

struct probe {
	struct ip_addr to;
	bool held; /* by the files in force at the last rest */
	bool open; /* it was, at a moment since then */
	char how[NETLINK_ITEM_STRLEN + 40];
};

static struct {
	struct probe v[PROBES];
	bool excused;
} wire;
static unsigned long packets;

/* ---- what is sent */

static void send_one(struct probe *p, const struct netlink_item *item)
{
	char text[NETLINK_ITEM_STRLEN];

	for (int tuns = 0; tuns < 2; tuns++) {
		packets++;
		if (fake_kernel_way(&p->to, tuns) != FAKE_WAY_NETWORK || p->open)
			continue;
		p->open = true;
		snprintf(p->how, sizeof(p->how), "%s after %s",
		         tuns ? "in the clear" : "in the clear without tuns",
		         item ? netlink_item_format(item, text) : "all");
	}
}

static bool concerns(const struct netlink_item *item, const struct ip_addr *to)
{
	struct ip_prefix network;

	switch (item->kind) {
	case NETLINK_KIND_ADDRESS: /* other routes may go with it */
		return item->address.prefix.addr.family == to->family;
	case NETLINK_KIND_ROUTE:
		network = ip_prefix_mask(item->route.dst);
		return network.addr.family == to->family &&
		       ip_prefix_contains(&network, to);
	case NETLINK_KIND_RULE:
		break;
	}
	return true;
}

static void send_after(const struct netlink_item *item)
{
	for (size_t i = 0; i < PROBES; i++)
		if (wire.v[i].held && concerns(item, &wire.v[i].to))
			send_one(&wire.v[i], item);
}

/* ---- what is held */

static bool holds(const struct conf_prefixes *list, const struct ip_addr *to)
{
	for (size_t i = 0; i < list->n; i++) {
		struct ip_prefix network = ip_prefix_mask(list->v[i].prefix);

		if (network.addr.family == to->family && ip_prefix_contains(&network, to))
			return true;
	}
	return false;
}

static bool file_holds(const struct conf *conf, const struct ip_addr *to)
{
	if (holds(&conf->addresses, to))
		return true;
	for (size_t i = 0; i < conf->peer_count && conf->table.kind == CONF_TABLE_AUTO;
	     i++)
		if (holds(&conf->peers[i].allowed_ips, to))
			return true;
	return false;
}

static bool list_holds(const struct fake_planned *list, size_t n,
                       const struct tunnel_files *files, const struct ip_addr *to)
{
	for (size_t i = 0; i < n; i++) {
		const struct tunnel_version *v =
			tunnel_files_find(files, list[i].name, list[i].digest);

		if (v && file_holds(v->conf, to))
			return true;
	}
	return false;
}

static bool tun_holds(const struct fake_tun *tun, bool before,
                      const struct tunnel_files *files, const struct ip_addr *to)
{
	return before && tun->refused
	               ? list_holds(tun->before, tun->before_count, files, to)
	               : list_holds(tun->planned, tun->planned_count, files, to);
}

static bool some_tun_holds(bool before, const struct tunnel_files *files,
                           const struct ip_addr *to)
{
	for (size_t i = 0; i < FAKE_HOST_FILES; i++)
		if (fake_host.own[i].name[0] &&
		    tun_holds(&fake_host.own[i], before, files, to))
			return true;
	return tun_holds(&fake_host.shared, before, files, to);
}

/* By what the host was told last, and also before that if the kernel has not done all. */
static bool any_holds(const struct tunnel_files *files, const struct ip_addr *to)
{
	return some_tun_holds(false, files, to) && some_tun_holds(true, files, to);
}

/* ---- wire.h */

static void add_probe(size_t *n, const char *before, size_t file, const char *behind)
{
	char text[IP_ADDR_STRLEN];

	snprintf(text, sizeof(text), "%s%zu%s", before, file, behind);
	REQUIRE(ip_addr_parse(&wire.v[(*n)++].to, text));
}

void wire_begin(void)
{
	size_t n = 0;

	memset(&wire, 0, sizeof(wire));
	for (size_t i = 0; i < TUNNEL_FILES; i++) {
		add_probe(&n, "172.16.", i, ".100");
		add_probe(&n, "172.16.", i, ".7");
		add_probe(&n, "10.", i, ".1.9");
		add_probe(&n, "fd00:", i, "::9");
	}
	add_probe(&n, "198.18.0.", 80, "");
	add_probe(&n, "2001:db8:80::", 80, "");
	REQUIRE(n == PROBES);
	fake_kernel_watch(send_after);
}

void wire_excuse(void)
{
	wire.excused = true;
}

void wire_check(const struct tunnel_files *files)
{
	char text[IP_ADDR_STRLEN];

	for (size_t i = 0; i < PROBES; i++) {
		struct probe *p = &wire.v[i];
		bool held = any_holds(files, &p->to);

		if (wire.excused)
			p->open = false;
		if (held)
			send_one(p, NULL);
		if (held && p->open) {
			tell("%s: %s", ip_addr_format(&p->to, text), p->how);
			fake_kernel_tell();
		}
		REQUIRE(!(held && p->open));
		p->held = held;
		p->open = false;
	}
	wire.excused = false;
}

bool wire_is_closed(void)
{
	for (size_t i = 0; i < PROBES; i++)
		if (wire.v[i].held &&
		    fake_kernel_way(&wire.v[i].to, false) == FAKE_WAY_NETWORK)
			return false;
	return true;
}

bool wire_stayed_closed(void)
{
	for (size_t i = 0; i < PROBES; i++) {
		if (wire.v[i].held && wire.v[i].open) {
			tell("%s", wire.v[i].how);
			return false;
		}
	}
	return wire_is_closed();
}

unsigned long wire_packets(void)
{
	return packets;
}
