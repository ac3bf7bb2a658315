/* src/plan/plan.c - finds things in a finished plan; plan_make.c makes it */
#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plan/source_address.h"

#define TABLE_MAIN 254U /* RT_TABLE_MAIN; 0 stands for it, too */

static int compare_name(const void *name, const void *device)
{
	return strcmp(name, ((const struct plan_device *)device)->conf->name);
}

static struct plan_device *find_among(struct plan_device *devices, size_t n,
                                      const char *name)
{
	return n > 0 ? bsearch(name, devices, n, sizeof(*devices), compare_name) : NULL;
}

/* Both parts are in byte order of their names, like the files of the set. */
struct plan_device *plan_find(const struct plan *plan, const char *name)
{
	size_t shared = plan->shared_count;
	struct plan_device *d = find_among(plan->devices, shared, name);

	return d ? d
	         : find_among(plan->devices + shared, plan->device_count - shared, name);
}

const struct plan_device *plan_next(const struct plan *plan, struct plan_walk *walk)
{
	size_t own_count = plan->device_count - plan->shared_count;
	const struct plan_device *shared = plan->devices + walk->shared;
	const struct plan_device *own = plan->devices + plan->shared_count + walk->own;

	if (walk->shared < plan->shared_count &&
	    (walk->own == own_count || strcmp(shared->conf->name, own->conf->name) < 0)) {
		walk->shared++;
		return shared;
	}
	if (walk->own == own_count)
		return NULL;
	walk->own++;
	return own;
}

struct plan plan_of_shared_tun(const struct plan *whole)
{
	struct plan part = *whole;

	part.device_count = part.shared_count;
	part.whole = whole;
	return part;
}

struct plan plan_of_own_tun(const struct plan *whole, size_t device)
{
	struct plan_device *d = &whole->devices[device];

	return (struct plan){ .devices = d,
		              .device_count = 1,
		              .table = d->table,
		              .tun_mtu_bytes = d->mtu_bytes,
		              .whole = whole };
}

const struct plan_prefix *plan_prefix_find(const struct plan_device *device,
                                           const struct ip_prefix *prefix)
{
	return (const struct plan_prefix *)(const void *)trie_find(device->allowed_ips,
	                                                           prefix);
}

struct ip_addr plan_source(const struct plan_device *device, const struct ip_prefix *dst)
{
	const struct conf *conf = device->conf;
	struct ip_prefix best = { 0 };

	for (size_t i = 0; i < conf->addresses.n; i++) {
		const struct ip_prefix *address = &conf->addresses.v[i].prefix;

		if (source_address_is_better(address, &best, dst))
			best = *address;
	}
	return best.addr;
}

/* Routes in the main table only look at destinations, like those of the union. */
bool plan_needs_own_tun(const struct conf *conf)
{
	bool number = conf->table.kind == CONF_TABLE_NUMBER && conf->table.number != 0 &&
	              conf->table.number != TABLE_MAIN;

	return !conf->switches.gate &&
	       (conf->switches.own_tun || number || conf->table.kind == CONF_TABLE_OFF);
}

bool plan_has_gate(const struct plan *plan)
{
	for (size_t i = 0; i < plan->device_count; i++) {
		if (plan->devices[i].conf->switches.gate)
			return true;
	}
	return false;
}

const struct conf_dns *plan_dns(const struct plan_device *device)
{
	static const struct conf_dns none = { 0 };

	return device->left_out ? &none : &device->conf->dns;
}

/* Is the j-th domain of the i-th file already in the list? */
static bool domain_said(const struct plan *plan, size_t i, size_t j)
{
	const char *domain = plan_dns(&plan->devices[i])->domains.v[j].text;

	for (size_t k = 0; k <= i; k++) {
		const struct conf_dns *dns = plan_dns(&plan->devices[k]);
		size_t n = k == i ? j : dns->domains.n;

		if (dns->servers.n == 0)
			continue;
		for (size_t l = 0; l < n; l++) {
			if (strcasecmp(dns->domains.v[l].text, domain) == 0)
				return true;
		}
	}
	return false;
}

void plan_walk_domains(const struct plan *plan,
                       void (*visit)(void *context, const char *domain), void *context)
{
	for (size_t i = 0; i < plan->device_count; i++) {
		const struct conf_dns *dns = plan_dns(&plan->devices[i]);

		for (size_t j = 0; j < dns->domains.n && dns->servers.n > 0; j++) {
			if (!domain_said(plan, i, j))
				visit(context, dns->domains.v[j].text);
		}
	}
}

bool plan_has_default_route(const struct plan_device *device)
{
	for (size_t i = 0; i < device->prefix_count; i++) {
		if (device->prefixes[i].trie.prefix.len == 0)
			return true;
	}
	return false;
}

void plan_clear(struct plan *plan)
{
	union_clear(&plan->table);
	for (size_t i = 0; i < plan->device_count; i++) {
		union_clear(&plan->devices[i].table);
		trie_free(plan->devices[i].allowed_ips);
		free(plan->devices[i].prefixes);
		free(plan->devices[i].peers);
	}
	free(plan->devices);
	*plan = (struct plan){ 0 };
}
