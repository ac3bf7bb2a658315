/* src/cmd/plan_text.c - prints tables: the union, the devices, and the ways */
#include "cmd/plan_text.h"

#include <string.h>

#include "base/printable.h"
#include "cmd/table.h"
#include "plan/plan_tun.h"

#define WAY_STRLEN 512
#define WAYS_MAX   8 /* of the different ways of a device, this many are shown */

/* ---- the union */

static const char *endpoint_text(const struct conf_peer *peer, char *out, size_t size)
{
	bool bracket = peer->has_endpoint && strchr(peer->endpoint_host, ':');

	if (peer->has_endpoint)
		snprintf(out, size, bracket ? "[%s]:%u" : "%s:%u", peer->endpoint_host,
		         peer->endpoint_port);
	else
		snprintf(out, size, "-");
	return out;
}

/* The state of the entry and, if there is something wrong with its way, that of the way. */
static void state_cell(struct table *t, const struct union_node *node,
                       const struct union_entry *e)
{
	const char *state = e == node->first                         ? "active"
	                    : union_stands_by(node, e->peer->device) ? "standby"
	                                                             : "shadowed";

	if (e->peer->state == WAY_OK)
		table_cell(t, "%s", state);
	else if (e->peer->state == WAY_NO_ENDPOINT &&
	         !plan_peer_of(e->peer)->conf->has_endpoint)
		table_cell(t, "%s, waiting", state); /* it has to call us */
	else if (e->peer->state == WAY_NO_ENDPOINT)  /* the words of status */
		table_cell(t, "%s, %s", state,
		           e->peer->endpoint.addr.family == IP_NONE ? "no address"
		                                                    : "no endpoint");
	else
		table_cell(t, "%s, %s", state, way_state_name(e->peer->state));
}

static bool add_node(void *context, const struct union_node *node)
{
	struct table *t = context;
	char prefix[IP_PREFIX_STRLEN], key[KEY_SHORT_STRLEN], endpoint[300];

	ip_prefix_format(&node->trie.prefix, prefix);
	for (const struct union_entry *e = node->first; e; e = e->next) {
		const struct conf_peer *peer = plan_peer_of(e->peer)->conf;

		table_cell(t, "%s", e == node->first ? prefix : "");
		table_cell(t, "%s", e->peer->device->name);
		table_cell(t, "%s", key_short(peer->public_key, key));
		table_cell(t, "%s", endpoint_text(peer, endpoint, sizeof(endpoint)));
		state_cell(t, node, e);
	}
	return true;
}

static void union_text(const struct plan *plan, FILE *out)
{
	struct table t = { .columns = 5 };

	table_cell(&t, "PREFIX");
	table_cell(&t, "DEVICE");
	table_cell(&t, "PEER");
	table_cell(&t, "ENDPOINT");
	table_cell(&t, "STATE");
	union_walk(&plan->table, add_node, &t);
	table_print(&t, out);
}

/* ---- tuns that files have of their own */

struct own_tun {
	struct table *table;
	const struct plan_device *device;
	bool begun; /* has it a line? */
};

static void own_name_cells(struct own_tun *own)
{
	const struct plan_device *d = own->device;

	table_cell(own->table, "%s", own->begun ? "" : d->way.name);
	if (own->begun)
		table_cell(own->table, "%s", "");
	else
		table_cell(own->table, "%s (line %u)", plan_tun_reason(&d->tun),
		           d->tun.line);
	own->begun = true;
}

static bool add_own_node(void *context, const struct union_node *node)
{
	struct own_tun *own = context;
	const struct conf_peer *peer = plan_peer_of(node->first->peer)->conf;
	char prefix[IP_PREFIX_STRLEN], key[KEY_SHORT_STRLEN], endpoint[300];

	own_name_cells(own);
	table_cell(own->table, "%s", ip_prefix_format(&node->trie.prefix, prefix));
	table_cell(own->table, "%s", key_short(peer->public_key, key));
	table_cell(own->table, "%s", endpoint_text(peer, endpoint, sizeof(endpoint)));
	return true;
}

static void own_tuns_text(const struct plan *plan, FILE *out)
{
	struct table t = { .columns = 5 };

	if (plan->shared_count == plan->device_count)
		return;
	table_cell(&t, "TUN OF ITS OWN");
	table_cell(&t, "BECAUSE OF");
	table_cell(&t, "PREFIX");
	table_cell(&t, "PEER");
	table_cell(&t, "ENDPOINT");
	for (size_t i = plan->shared_count; i < plan->device_count; i++) {
		struct own_tun own = { .table = &t, .device = &plan->devices[i] };

		union_walk(&own.device->table, add_own_node, &own);
		if (own.begun)
			continue;
		own_name_cells(&own);
		for (int column = 2; column < 5; column++)
			table_cell(&t, "-");
	}
	fputc('\n', out);
	table_print(&t, out);
}

/* ---- the devices */

static void mtu_cell(struct table *t, const struct plan_device *d)
{
	if (d->mtu_bytes > d->carrier_fits_bytes)
		table_cell(t, "%u (%u fits)", d->mtu_bytes, d->carrier_fits_bytes);
	else
		table_cell(t, "%u", d->mtu_bytes);
}

static void add_device(struct table *t, const struct plan_device *d)
{
	const struct conf_prefixes *addresses = &d->conf->addresses;
	char address[IP_PREFIX_STRLEN];

	for (size_t i = 0; i == 0 || i < addresses->n; i++) {
		table_cell(t, "%s", i == 0 ? d->way.name : "");
		if (i == 0)
			mtu_cell(t, d);
		else
			table_cell(t, "%s", "");
		table_cell(t, "%s",
		           i < addresses->n
		                   ? ip_prefix_format(&addresses->v[i].prefix, address)
		                   : "-");
	}
}

static void devices_text(const struct plan *plan, FILE *out)
{
	struct table t = { .columns = 3 };
	struct plan_walk walk = { 0 };
	const struct plan_device *d;

	table_cell(&t, "DEVICE");
	table_cell(&t, "MTU");
	table_cell(&t, "ADDRESS");
	while ((d = plan_next(plan, &walk)))
		add_device(&t, d);
	table_print(&t, out);
}

/* ---- the ways */

/* The different ways of a device's peers, in the order of the peers. */
struct ways {
	char text[WAYS_MAX][WAY_STRLEN];
	const struct plan_peer *first[WAYS_MAX];
	size_t peers[WAYS_MAX];
	size_t count, not_shown;
};

static void add_way(struct ways *w, const struct plan_peer *peer)
{
	char text[WAY_STRLEN];

	way_format(&peer->way, text, sizeof(text));
	for (size_t i = 0; i < w->count; i++) {
		if (strcmp(w->text[i], text) == 0) {
			w->peers[i]++;
			return;
		}
	}
	if (w->count == WAYS_MAX) {
		w->not_shown++;
		return;
	}
	memcpy(w->text[w->count], text, sizeof(text));
	w->first[w->count] = peer;
	w->peers[w->count++] = 1;
}

static void way_row(struct table *t, const char *name, const char *peer, const char *way)
{
	table_cell(t, "%s", name);
	table_cell(t, "%s", peer);
	table_cell(t, "%s", way);
}

/* A row for each way, with its peer, or with the number of those that have it. */
static void add_ways(struct table *t, const struct plan_device *d)
{
	char peer[32];
	struct ways w;

	w.count = w.not_shown = 0;
	for (size_t i = 0; i < d->peer_count; i++)
		add_way(&w, &d->peers[i]);
	for (size_t i = 0; i < w.count; i++) {
		if (w.peers[i] > 1)
			snprintf(peer, sizeof(peer), "%zu peers", w.peers[i]);
		else
			key_short(w.first[i]->conf->public_key, peer);
		way_row(t, i == 0 ? d->way.name : "", peer, w.text[i]);
	}
	snprintf(peer, sizeof(peer), "%zu peers", w.not_shown);
	if (w.not_shown > 0)
		way_row(t, "", peer, "other ways");
	else if (w.count == 0)
		way_row(t, d->way.name, "-", "(no peers)");
}

static void ways_text(const struct plan *plan, FILE *out)
{
	struct table t = { .columns = 3 };
	struct plan_walk walk = { 0 };
	const struct plan_device *d;

	way_row(&t, "DEVICE", "PEER", "WAY");
	while ((d = plan_next(plan, &walk)))
		add_ways(&t, d);
	table_print(&t, out);
}

static void print_left_out(const struct plan_device *d, FILE *out)
{
	fprintf(out, "exec, gate and proxy leave out %s: %s (", d->conf->name,
	        plan_tun_reason(&d->tun));
	printable_print(out, d->conf->path);
	fprintf(out, ":%u)\n", d->tun.line);
}

void plan_text(const struct plan *plan, FILE *out)
{
	union_text(plan, out);
	own_tuns_text(plan, out);
	fputc('\n', out);
	devices_text(plan, out);
	fputc('\n', out);
	ways_text(plan, out);
	if (plan->shared_count > 0)
		fprintf(out, "\ntun: MTU %u\n", plan->tun_mtu_bytes);
	for (size_t i = 0; i < plan->device_count; i++) {
		if (plan_needs_own_tun(plan->devices[i].conf))
			print_left_out(&plan->devices[i], out);
	}
}
