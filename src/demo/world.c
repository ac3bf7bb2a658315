/* src/demo/world.c - tables of cables and routes. rtnetlink makes them in the namespace
 * of each host in turn. IPv6 is off: its neighbour messages would only obscure what a
 * cable shows. */
#include "demo/world.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/ip.h"
#include "demo/space.h"
#include "inside/namespace.h"
#include "netlink/netlink.h"

struct cable_end {
	enum world_host host;
	const char *interface;
	const char *address;
	uint8_t len;
};

static const struct cable {
	struct cable_end a, b;
} cables[] = {
	{ { WORLD_CLIENT, WORLD_UPLINK, WORLD_CLIENT_ADDRESS, 24 },
	  { WORLD_INTERNET, "to-client", "198.51.100.1", 24 } },
	{ { WORLD_PROVIDER, "wan", WORLD_PROVIDER_ADDRESS, 24 },
	  { WORLD_INTERNET, "to-provider", "203.0.113.1", 24 } },
	{ { WORLD_HOME, "wan", WORLD_HOME_ADDRESS, 24 },
	  { WORLD_INTERNET, "to-home", "192.0.2.1", 24 } },
	{ { WORLD_HOME, "lan", "192.168.77.1", 24 },
	  { WORLD_LAN, "eth0", WORLD_LAN_ADDRESS, 24 } },
};

static const struct {
	enum world_host host;
	const char *dst;
	uint8_t len;
	const char *gateway;
} routes[] = {
	{ WORLD_CLIENT, "0.0.0.0", 0, "198.51.100.1" },
	{ WORLD_PROVIDER, "0.0.0.0", 0, "203.0.113.1" },
	{ WORLD_HOME, "0.0.0.0", 0, "192.0.2.1" },
	{ WORLD_LAN, "0.0.0.0", 0, "192.168.77.1" },
	{ WORLD_INTERNET, "10.66.0.0", 24, WORLD_PROVIDER_ADDRESS },
};

static const char *const names[] = {
	[WORLD_CLIENT] = "client",     [WORLD_INTERNET] = "internet",
	[WORLD_PROVIDER] = "provider", [WORLD_HOME] = "home",
	[WORLD_LAN] = "lan",
};
_Static_assert(ARRAY_SIZE(names) == WORLD_HOST_COUNT, "every host has a name");

const char *world_host_name(enum world_host host)
{
	return names[host];
}

int world_enter(const struct world *w, enum world_host host)
{
	return space_net_join(w->ns[host]);
}

static struct ip_addr address(const char *text)
{
	struct ip_addr a = { 0 };

	if (!ip_addr_parse(&a, text))
		a.family = IP_NONE; /* our constant is wrong; the kernel refuses it */
	return a;
}

static int make_host(struct world *w, enum world_host host)
{
	struct netlink *nl = NULL;
	int err = space_net_new(&w->ns[host]);

	if (err == 0)
		err = namespace_write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	if (err == -ENOENT) /* the kernel has no IPv6 */
		err = 0;
	if (err == 0)
		err = namespace_write("/proc/sys/net/ipv4/ip_forward",
		                      host == WORLD_CLIENT || host == WORLD_LAN ? "0"
		                                                                : "1");
	if (err == 0)
		err = netlink_open(&nl);
	if (err == 0)
		err = netlink_loopback_up(nl);
	netlink_free(nl);
	return err;
}

static int add_address(struct netlink *nl, const char *interface, const char *text,
                       uint8_t len)
{
	struct netlink_item item = { .kind = NETLINK_KIND_ADDRESS };
	struct netlink_link link;
	int err = netlink_link_find(nl, interface, &link);

	if (err != 0)
		return err;
	item.address.ifindex = link.ifindex;
	item.address.prefix.addr = address(text);
	item.address.prefix.len = len;
	err = netlink_add(nl, &item, 1, NULL);
	if (err == 0)
		err = netlink_link_set_up(nl, link.ifindex);
	return err;
}

static int plug_in(const struct world *w, const struct cable_end *end)
{
	struct netlink *nl = NULL;
	int err = world_enter(w, end->host);

	if (err == 0)
		err = netlink_open(&nl);
	if (err == 0)
		err = add_address(nl, end->interface, end->address, end->len);
	netlink_free(nl);
	return err;
}

static int lay_cable(const struct world *w, const struct cable *c)
{
	struct netlink *nl = NULL;
	int err = world_enter(w, c->a.host);

	if (err == 0)
		err = netlink_open(&nl);
	if (err == 0)
		err = netlink_veth_new(nl, c->a.interface, c->b.interface,
		                       w->ns[c->b.host]);
	netlink_free(nl);
	if (err == 0)
		err = plug_in(w, &c->a);
	if (err == 0)
		err = plug_in(w, &c->b);
	return err;
}

static int add_route(const struct world *w, enum world_host host, const char *dst,
                     uint8_t len, const char *gateway)
{
	struct netlink_item item = { .kind = NETLINK_KIND_ROUTE };
	struct netlink *nl = NULL;
	int err = world_enter(w, host);

	item.route.dst.addr = address(dst);
	item.route.dst.len = len;
	item.route.gateway = address(gateway);
	if (err == 0)
		err = netlink_open(&nl);
	if (err == 0)
		err = netlink_add(nl, &item, 1, NULL);
	netlink_free(nl);
	return err;
}

static int add_internet_address(const struct world *w)
{
	struct netlink *nl = NULL;
	int err = world_enter(w, WORLD_INTERNET);

	if (err == 0)
		err = netlink_open(&nl);
	if (err == 0)
		err = add_address(nl, "lo", WORLD_INTERNET_ADDRESS, 32);
	netlink_free(nl);
	return err;
}

int world_build(struct world *w, struct diag *diag)
{
	int err = 0;

	for (unsigned i = 0; i < WORLD_HOST_COUNT; i++)
		w->ns[i] = -1;
	for (unsigned i = 0; err == 0 && i < WORLD_HOST_COUNT; i++)
		err = make_host(w, (enum world_host)i);
	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(cables); i++)
		err = lay_cable(w, &cables[i]);
	if (err == 0)
		err = add_internet_address(w);
	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(routes); i++)
		err = add_route(w, routes[i].host, routes[i].dst, routes[i].len,
		                routes[i].gateway);
	if (err == -EOPNOTSUPP)
		diag_error(
			diag, NULL, 0,
			"this kernel has no veth devices, which are the demo's cables: load the module veth");
	else if (err != 0)
		diag_error(diag, NULL, 0, "could not build the demo's hosts: %s",
		           strerror(-err));
	return err;
}

void world_clear(struct world *w)
{
	for (unsigned i = 0; i < WORLD_HOST_COUNT; i++)
		if (w->ns[i] >= 0) {
			close(w->ns[i]);
			w->ns[i] = -1;
		}
}
