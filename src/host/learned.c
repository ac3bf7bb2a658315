/* src/host/learned.c - deletes learned routes, and makes sockets look up their way
 * again */
#include "host/learned.h"

#include <errno.h>
#include <stdlib.h>

#include "host/host_config.h"

#define TRIES_MAX        3 /* to read a list that changes meanwhile */
#define LOOPBACK_IFINDEX 1 /* in each network namespace */

/* Is it an endpoint to which we send through the network? */
static bool is_endpoint(const struct plan *plan, const struct ip_addr *a)
{
	const struct plan *whole = plan_whole(plan);

	for (size_t i = 0; i < whole->device_count; i++) {
		const struct plan_device *d = &whole->devices[i];

		for (size_t j = 0; j < d->peer_count; j++) {
			const struct way_peer *p = &d->peers[j].way;

			if (p->state == WAY_OK && !p->next &&
			    ip_addr_equal(&p->endpoint.addr, a))
				return true;
		}
	}
	return false;
}

struct collector {
	const struct plan *plan;
	uint32_t tun;
	struct host_items found; /* owned */
	int error;
};

static bool collect(void *context, const struct netlink_item *item)
{
	struct collector *c = context;
	const struct netlink_route *r = &item->route;

	if (item->kind == NETLINK_KIND_ROUTE && r->learned && r->ifindex != c->tun &&
	    !is_endpoint(c->plan, &r->dst.addr))
		c->error = host_items_add(&c->found, item);
	return c->error == 0;
}

static void forget_routes(struct netlink *nl, uint32_t tun, const struct plan *plan)
{
	struct collector c = { .plan = plan, .tun = tun };
	int err = -EAGAIN;

	for (int i = 0; i < TRIES_MAX && err == -EAGAIN; i++) {
		c.found.n = 0;
		err = netlink_dump_learned(nl, collect, &c);
	}
	/* one that is already gone has expired */
	(void)!netlink_delete(nl, c.found.v, c.found.n, NULL);
	host_items_clear(&c.found);
}

/* fe80::7475:6e69:6f6e, which nobody else has. */
static struct netlink_item address_on(uint32_t ifindex)
{
	return (struct netlink_item){
		.kind = NETLINK_KIND_ADDRESS,
		.address = { .ifindex = ifindex,
		             .no_prefix_route = true,
		             .prefix = { .addr = { .family = IP_V6,
		                                   .b = { 0xfe, 0x80, [10] = 't', 'u',
		                                          'n', 'i', 'o', 'n' } },
		                         .len = 128 } }
	};
}

void learned_end(struct netlink *nl)
{
	const struct netlink_item item = address_on(LOOPBACK_IFINDEX);

	(void)!netlink_delete(nl, &item, 1, NULL);
}

/* Adds the address for a moment, and returns whether that was possible. The kernel has always
 * treated an IPv6 address that comes or goes as a change of everything. One that an instance
 * has left when it was killed only goes. */
static bool renew_sockets(struct netlink *nl, uint32_t ifindex)
{
	const struct netlink_item item = address_on(ifindex);
	int err = netlink_add(nl, &item, 1, NULL);

	if (err != 0 && err != -EEXIST)
		return false;
	(void)!netlink_delete(nl, &item, 1, NULL);
	return true;
}

/* On another link than lo, a link-local address makes the kernel look for routers, and
 * with that begin a handshake. */
void learned_forget(struct netlink *nl, uint32_t tun, const struct plan *plan)
{
	forget_routes(nl, tun, plan);
	if (!renew_sockets(nl, LOOPBACK_IFINDEX))
		(void)renew_sockets(nl, tun);
}
