/* src/engine/local.c */
#include "engine/local.h"

#include <errno.h>

#include "engine/core.h"
#include "engine/device_list.h"
#include "engine/resolver.h"
#include "engine/source.h"

/* It is decided later where a query goes, and then its source is translated. */
static const struct device *for_resolver(const struct engine *e, const struct ip_addr *to)
{
	const struct device *d = e->devices.first;

	while (d && way_address(&d->way, to)->family == IP_NONE)
		d = device_list_next(d);
	return d;
}

static const struct device *for_address(const struct engine *e, const struct ip_addr *to)
{
	const struct way_peer *way = union_lookup(&e->table, to);

	return way ? device_of_way(way->device) : NULL;
}

int local_route(const struct engine *e, const struct ip_addr *to, struct ip_addr *from,
                uint32_t *mtu_bytes)
{
	const struct device *d = resolver_is_virtual(e->resolver, to)
	                                 ? for_resolver(e, to)
	                                 : for_address(e, to);

	if (!d)
		return -ENETUNREACH;
	*from = *way_address(&d->way, to);
	*mtu_bytes = device_mtu_for(d, to->family);
	return from->family == IP_NONE ? -EADDRNOTAVAIL : 0;
}

bool local_is_own(const struct engine *e, const struct ip_addr *addr)
{
	return source_is_of_a_device(e, addr);
}
