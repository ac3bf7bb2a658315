/* src/engine/device_list.c */
#include "engine/device_list.h"

#include <string.h>

static struct device *device_of_link(struct bucket_link *link)
{
	return CONTAINER_OF(link, struct device, by_name);
}

struct device *device_list_find(const struct engine *e, const char *name)
{
	struct bucket_link *l = bucket_first(&e->devices.by_name, bucket_hash_name(name));

	while (l && strcmp(device_of_link(l)->way.name, name) != 0)
		l = bucket_next(l);
	return l ? device_of_link(l) : NULL;
}

struct device *device_list_by_id(const struct engine *e, uint32_t id)
{
	struct device *d = e->devices.first;

	while (d && d->id != id)
		d = device_list_next(d);
	return d;
}

struct device *device_list_next(const struct device *d)
{
	return d->way.sibling ? device_of_way(d->way.sibling) : NULL;
}

void device_list_add(struct engine *e, struct device *d)
{
	d->previous = e->devices.last;
	if (e->devices.last)
		e->devices.last->way.sibling = &d->way;
	else
		e->devices.first = d;
	e->devices.last = d;
	bucket_add(&e->devices.by_name, &d->by_name, bucket_hash_name(d->way.name));
}

void device_list_remove(struct engine *e, struct device *d)
{
	struct device *next = device_list_next(d);

	if (d->previous)
		d->previous->way.sibling = d->way.sibling;
	else
		e->devices.first = next;
	if (next)
		next->previous = d->previous;
	else
		e->devices.last = d->previous;
	bucket_remove(&e->devices.by_name, &d->by_name);
}
