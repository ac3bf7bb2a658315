/* src/host/altnames.c */
#include "host/altnames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void altnames_clear(struct altnames *a)
{
	free(a->v);
	*a = (struct altnames){ 0 };
}

static bool has(const struct altnames *a, const char *name)
{
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(a->v[i].name, name) == 0)
			return true;
	}
	return false;
}

static void remove_others(struct altnames *a, struct netlink *nl, uint32_t tun,
                          const struct plan *plan)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->n; i++) {
		/* a name that can't be removed is gone already */
		if (plan_find(plan, a->v[i].name))
			a->v[kept++] = a->v[i];
		else
			(void)!netlink_link_remove_altname(nl, tun, a->v[i].name);
	}
	a->n = kept;
}

int altnames_change(struct altnames *a, struct netlink *nl, uint32_t tun,
                    const struct plan *plan)
{
	if (!a->v)
		a->v = calloc(ALTNAMES_MAX, sizeof(*a->v));
	if (!a->v)
		return -ENOMEM;
	remove_others(a, nl, tun, plan);
	for (size_t i = 0; i < plan->device_count && a->n < ALTNAMES_MAX; i++) {
		const char *name = plan->devices[i].conf->name;

		if (has(a, name) || netlink_link_add_altname(nl, tun, name) < 0)
			continue;
		strncpy(a->v[a->n++].name, name, IFNAME_MAX);
	}
	return 0;
}

void altnames_give_up(struct altnames *a, struct netlink *nl, uint32_t tun,
                      const char *name)
{
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(a->v[i].name, name) != 0)
			continue;
		(void)!netlink_link_remove_altname(nl, tun, name);
		a->v[i] = a->v[--a->n];
		return;
	}
}

size_t altnames_restore(const struct altnames *a, struct netlink *nl, uint32_t tun)
{
	size_t added = 0;

	for (size_t i = 0; i < a->n; i++)
		added += netlink_link_add_altname(nl, tun, a->v[i].name) == 0;
	return added;
}
