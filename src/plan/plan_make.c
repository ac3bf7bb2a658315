/* src/plan/plan_make.c - finds the errors between files, in this order: names in Via,
 * circles of Via, equal ports. Then it computes the union and the ways, and finds each
 * Via that leads nowhere. */
#include "plan/plan_make.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_findings.h"
#include "plan/plan_mtu.h"
#include "plan/plan_tun.h"
#include "plan/source_address.h"
#include "plan/way_compute.h"

#define CYCLE_STRLEN 512 /* the text of a longer cycle is cut */

/* ---- from conf to devices */

static struct way_peer *peer_of(const struct trie_entry *entry)
{
	return &((const struct plan_prefix *)(const void *)entry)->peer->way;
}

static void choose_sources(struct plan_device *d)
{
	struct ip_prefix all4 = source_address_all(IP_V4);
	struct ip_prefix all6 = source_address_all(IP_V6), ula = source_address_ula();

	d->way.address4 = plan_source(d, &all4);
	d->way.address6 = plan_source(d, &all6);
	d->way.address_ula = plan_source(d, &ula);
}

static int add_prefix(struct plan_device *d, struct plan_peer *peer,
                      const struct conf_prefix *from)
{
	struct plan_prefix *p =
		(struct plan_prefix *)(void *)trie_find(d->allowed_ips, &from->prefix);
	int err;

	if (!p) {
		p = &d->prefixes[d->prefix_count];
		err = trie_insert(d->allowed_ips, from->prefix, &p->trie);
		if (err)
			return err;
		d->prefix_count++;
	}
	if (!way_is_default(&from->prefix))
		d->way.names_networks = true;
	p->peer = peer; /* the last peer that names a prefix has it */
	p->line = from->line;
	return 0;
}

static int fill_prefixes(struct plan_device *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->peer_count; i++)
		n += d->conf->peers[i].allowed_ips.n;
	d->allowed_ips = trie_new();
	d->prefixes = calloc(n + 1, sizeof(*d->prefixes));
	if (!d->allowed_ips || !d->prefixes)
		return -ENOMEM;
	/* a gate carries nobody */
	d->way.allowed_ips = d->conf->switches.gate ? NULL : d->allowed_ips;
	for (size_t i = 0; i < d->peer_count; i++) {
		const struct conf_prefixes *from = &d->conf->peers[i].allowed_ips;

		for (size_t j = 0; j < from->n; j++) {
			int err = add_prefix(d, &d->peers[i], &from->v[j]);

			if (err)
				return err;
		}
	}
	return 0;
}

static void fill_endpoint(struct plan_peer *p, const struct conf *conf,
                          const struct plan_env *env)
{
	const struct endpoint *now = NULL;

	p->way.by_arrival = !p->conf->has_endpoint;
	if (env && env->endpoint)
		now = env->endpoint(env->context, conf, p->conf, &p->way.by_arrival);
	p->way.endpoint = now ? *now : p->conf->endpoint;
}

static int fill_device(struct plan_device *d, const struct conf *conf,
                       const struct plan_env *env)
{
	d->conf = conf;
	d->way.name = conf->name;
	d->way.metric = conf->metric;
	d->way.has_metric = conf->has_metric;
	d->tun = plan_tun_of(conf, env);
	d->way.table_off = d->tun.kind != PLAN_TUN_SHARED;
	d->way.has_fwmark = conf->fwmark != 0;
	d->left_out = env && env->one_tun && plan_needs_own_tun(conf);
	choose_sources(d);
	d->way.port = conf->listen_port;
	d->way.peer_of = peer_of;
	d->carrier_fits_bytes = UINT32_MAX;
	d->peers = calloc(conf->peer_count + 1, sizeof(*d->peers));
	if (!d->peers)
		return -ENOMEM;
	d->peer_count = conf->peer_count;
	for (size_t i = 0; i < d->peer_count; i++) {
		struct plan_peer *p = &d->peers[i];

		p->conf = &conf->peers[i];
		p->way.device = &d->way;
		fill_endpoint(p, conf, env);
		p->way.sibling = i + 1 < d->peer_count ? &d->peers[i + 1].way : NULL;
	}
	d->way.peers = d->peer_count > 0 ? &d->peers->way : NULL;
	return fill_prefixes(d);
}

/* Gives a place to those files that have a tun of their own, or to those that share one. */
static void place_devices(struct plan *plan, const struct conf_set *set,
                          const struct plan_env *env, bool own_tun)
{
	for (size_t i = 0; i < set->n; i++) {
		if (plan_tun_is_own(set->v[i], env) != own_tun)
			continue;
		plan->devices[plan->device_count].conf = set->v[i];
		plan->devices[plan->device_count++].own_tun = own_tun;
	}
}

static int fill_devices(struct plan *plan, const struct conf_set *set,
                        const struct plan_env *env)
{
	int err = 0;

	plan->devices = calloc(set->n + 1, sizeof(*plan->devices));
	if (!plan->devices)
		return -ENOMEM;
	place_devices(plan, set, env, false);
	plan->shared_count = plan->device_count;
	place_devices(plan, set, env, true);
	for (size_t i = 0; i < plan->device_count && !err; i++) {
		struct plan_device *d = &plan->devices[i];

		assert(d->conf);
		err = fill_device(d, d->conf, env);
		if (!err && d->own_tun)
			err = union_init(&d->table);
		if (i + 1 < plan->device_count)
			d->way.sibling = &plan->devices[i + 1].way;
	}
	return err;
}

/* ---- errors between files */

/* A Via that can't be right is reported and then ignored, so that one mistake is
 * reported once. */
static void fill_via(const struct plan *plan, const struct conf *conf,
                     const struct conf_carrier *from, enum way_via *via,
                     struct way_device **via_device, struct diag *diag)
{
	struct plan_device *carrier = NULL;

	*via = WAY_VIA_UNION;
	*via_device = NULL;
	switch (from->kind) {
	case CONF_VIA_UNION:
		return;
	case CONF_VIA_NETWORK:
		*via = WAY_VIA_NETWORK;
		return;
	case CONF_VIA_DEVICE:
		carrier = plan_find(plan, from->name);
		break;
	}
	if (carrier && carrier->conf->switches.gate) {
		diag_error(
			diag, conf->path, from->line,
			"Via = %s, but %s is a gate, which carries nobody: expected another tunnel file, or network",
			from->name, carrier->conf->path);
		return;
	}
	if (!carrier) {
		diag_error(
			diag, conf->path, from->line,
			"Via = %s, but there is no tunnel file %s.conf: expected the name of one, or network",
			from->name, from->name);
		return;
	}
	*via = WAY_VIA_DEVICE;
	*via_device = &carrier->way;
}

/* Its clients are answered through the network, where they have called from. */
static void fill_via_of_gate(struct plan_device *d, struct diag *diag)
{
	if (d->conf->via.kind != CONF_VIA_UNION)
		diag_error(
			diag, d->conf->path, d->conf->via.line,
			"Via in the file of a gate: its clients reach it through the network; expected no Via");
	d->way.via = WAY_VIA_NETWORK;
	for (size_t i = 0; i < d->prefix_count; i++) {
		const struct plan_prefix *p = &d->prefixes[i];

		if (p->trie.prefix.len == 0)
			diag_error(
				diag, d->conf->path, p->line,
				"AllowedIPs with everything in the file of a gate: its peers are clients, and nothing would be left for the tunnels; expected the clients' own addresses");
	}
}

static void fill_vias(struct plan *plan, struct diag *diag)
{
	for (size_t i = 0; i < plan->device_count; i++) {
		struct plan_device *d = &plan->devices[i];

		if (d->conf->switches.gate)
			fill_via_of_gate(d, diag);
		else
			fill_via(plan, d->conf, &d->conf->via, &d->way.via,
			         &d->way.via_device, diag);
		for (size_t j = 0; j < d->peer_count; j++) {
			struct plan_peer *p = &d->peers[j];

			fill_via(plan, d->conf, &p->conf->via, &p->way.via,
			         &p->way.via_device, diag);
		}
	}
}

/* Separates a device from a carrier that it names. Returns the line where it names it. */
static unsigned cut_via(struct plan_device *d, const struct way_device *carrier)
{
	unsigned line = 0;

	for (size_t i = d->peer_count; i > 0; i--) {
		struct plan_peer *p = &d->peers[i - 1];

		if (p->way.via_device != carrier)
			continue;
		line = p->conf->via.line;
		p->way.via_device = NULL;
		p->way.via = WAY_VIA_NETWORK;
	}
	if (d->way.via_device == carrier) {
		line = d->conf->via.line;
		d->way.via_device = NULL;
		d->way.via = WAY_VIA_NETWORK;
	}
	return line;
}

static const char *format_cycle(const struct way_device *on, char *out, size_t size)
{
	const struct way_device *d = on;
	size_t n;

	snprintf(out, size, "%s", on->name);
	do {
		d = d->via_next;
		n = strlen(out);
		snprintf(out + n, size - n, " > %s", d->name);
	} while (d != on);
	return out;
}

static void check_cycles(struct plan *plan, struct diag *diag)
{
	struct way_device *on, *d, *first;
	char text[CYCLE_STRLEN];

	while (plan->device_count > 0 && (on = way_via_cycle(&plan->devices->way))) {
		first = on;
		for (d = on->via_next; d != on; d = d->via_next) {
			if (d < first) /* both are in the one array */
				first = d;
		}
		format_cycle(first, text, sizeof(text));
		diag_error(diag, ((struct plan_device *)first)->conf->path,
		           cut_via((struct plan_device *)first, first->via_next),
		           "Via goes round in a circle: %s", text);
	}
}

static int compare_ports(const void *left, const void *right)
{
	const struct conf *const *a = left, *const *b = right;

	if ((*a)->listen_port != (*b)->listen_port)
		return (*a)->listen_port < (*b)->listen_port ? -1 : 1;
	return strcmp((*a)->name, (*b)->name);
}

static int check_ports(const struct conf_set *set, struct diag *diag)
{
	const struct conf **v = calloc(set->n + 1, sizeof(*v)), *first;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < set->n; i++)
		v[i] = set->v[i];
	qsort(v, set->n, sizeof(*v), compare_ports);
	first = v[0];
	for (size_t i = 1; i < set->n; i++) {
		if (v[i]->listen_port != first->listen_port)
			first = v[i];
		else if (first->listen_port != 0)
			diag_error(
				diag, v[i]->path, v[i]->lines.listen_port,
				"ListenPort %u is also that of %s:%u: expected another one, or none",
				first->listen_port, first->path,
				first->lines.listen_port);
	}
	free(v);
	return 0;
}

/* The shared tun can be that of a single file which needs one of its own. */
static void check_tun(const struct plan *plan, const struct plan_device *d,
                      struct diag *diag)
{
	const char *reason = plan_tun_reason(&d->tun);

	if (!d->own_tun && !d->left_out && plan->shared_count > 1)
		diag_error(
			diag, d->conf->path, d->tun.line,
			"%s asks for a tun of its own called %s, but that is the tun which the other files share: expected another one with --tun, or another name of this file",
			reason, d->conf->name);
}

static void check_tuns(const struct plan *plan, struct diag *diag)
{
	for (size_t i = 0; i < plan->device_count; i++) {
		if (plan->devices[i].tun.kind != PLAN_TUN_SHARED)
			check_tun(plan, &plan->devices[i], diag);
	}
}

/* Only looks at the first n entries: those that were there before the plan. */
static bool file_has_errors(const struct diag *diag, size_t n, const char *path)
{
	for (size_t i = 0; i < n && i < diag->count; i++) {
		const struct diag_entry *e = &diag->entries[i];

		if (e->severity == DIAG_ERROR && e->file && strcmp(e->file, path) == 0)
			return true;
	}
	return false;
}

/* Is the Endpoint a name, and not an address, maybe with a zone? */
static bool has_name(const struct conf_peer *p)
{
	char host[IP_ADDR_STRLEN];
	size_t n = strcspn(p->endpoint_host, "%");
	struct ip_addr addr;

	if (n >= sizeof(host))
		return true;
	memcpy(host, p->endpoint_host, n);
	host[n] = '\0';
	return !ip_addr_parse(&addr, host);
}

static void warn_of_name(const struct plan_device *d, const struct plan_peer *p,
                         const char *carrier, unsigned via_line, struct diag *diag)
{
	char text[ENDPOINT_STRLEN];

	diag_warning(
		diag, d->conf->path, p->conf->endpoint_line,
		"Endpoint %s is at %s now, which is in no AllowedIPs of %s (Via in line %u): its packets are dropped; expected AllowedIPs there that contain it",
		p->conf->endpoint_host, endpoint_format(&p->way.endpoint, text), carrier,
		via_line);
}

/* A carrier whose file was not understood completely may have the endpoint in spite of
 * this. And if a peer has roamed away, that is no mistake in its file. If its name has
 * another address now, that is no mistake either: as an error it would keep a running
 * instance from taking in any other file. */
static void check_carriers(const struct plan_device *d, size_t entries_before,
                           struct diag *diag)
{
	for (size_t i = 0; i < d->peer_count; i++) {
		const struct plan_peer *p = &d->peers[i];
		const struct conf_carrier *said = &p->conf->via;
		struct way_device *via;

		if (p->way.state != WAY_NO_CARRIER_PEER || p->way.next ||
		    !endpoint_equal(&p->way.endpoint, &p->conf->endpoint))
			continue;
		way_effective_via(&p->way, &via);
		if (file_has_errors(diag, entries_before,
		                    ((struct plan_device *)via)->conf->path))
			continue;
		if (said->kind == CONF_VIA_UNION)
			said = &d->conf->via;
		if (has_name(p->conf)) {
			warn_of_name(d, p, via->name, said->line, diag);
			continue;
		}
		diag_error(
			diag, d->conf->path, p->conf->endpoint_line,
			"Endpoint %s is in no AllowedIPs of %s, which has to carry it (Via in line %u)",
			p->conf->endpoint_host, via->name, said->line);
	}
}

/* ---- the plan */

/* A device with a tun of its own has a table of its own. */
static int fill_union(struct plan *plan)
{
	for (size_t i = 0; i < plan->device_count; i++) {
		struct plan_device *d = &plan->devices[i];
		struct union_table *table = d->own_tun ? &d->table : &plan->table;

		if (d->conf->switches.gate || d->left_out)
			continue;
		for (size_t j = 0; j < d->prefix_count; j++) {
			int err = union_add(table, &d->prefixes[j].trie.prefix,
			                    &d->prefixes[j].peer->way);

			if (err)
				return err;
		}
	}
	return 0;
}

static int make(struct plan *plan, const struct conf_set *set, const struct plan_env *env,
                struct diag *diag)
{
	size_t entries_before = diag->count;
	int err = union_init(&plan->table);

	if (!err)
		err = fill_devices(plan, set, env);
	if (!err)
		err = check_ports(set, diag);
	if (err)
		return err;
	check_tuns(plan, diag);
	fill_vias(plan, diag);
	check_cycles(plan, diag);
	if (plan->device_count > 0)
		way_rank(&plan->devices->way);
	err = fill_union(plan);
	if (err)
		return err;
	if (plan->device_count > 0)
		way_compute(&plan->table, &plan->devices->way);
	for (size_t i = 0; i < plan->device_count; i++)
		check_carriers(&plan->devices[i], entries_before, diag);
	if (diag->errors > 0)
		return -EINVAL;
	plan_mtu(plan, env);
	return plan_findings(plan, env, diag);
}

int plan_make(struct plan *out, const struct conf_set *set, const struct plan_env *env,
              struct diag *diag)
{
	int err;

	*out = (struct plan){ 0 };
	err = make(out, set, env, diag);
	if (err == -ENOMEM)
		diag_error(diag, NULL, 0, "out of memory");
	if (!err && diag->errors > 0)
		err = -EINVAL;
	if (err)
		plan_clear(out);
	return err;
}
