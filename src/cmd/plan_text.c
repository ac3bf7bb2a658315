/* src/cmd/plan_text.c - prints two tables: the union, and the devices */
#include "cmd/plan_text.h"

#include <string.h>

#include "cmd/table.h"
#include "plan/plan_tun.h"

#define CHAIN_STRLEN 512
#define CHAINS_MAX   8 /* of the different chains of a device, this many are shown */

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
		table_cell(t, "%s",
		           e == node->first                         ? "active"
		           : union_stands_by(node, e->peer->device) ? "standby"
		                                                    : "shadowed");
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

/* The different chains of a device's peers, in the order of the peers. */
struct chains {
	char text[CHAINS_MAX][CHAIN_STRLEN];
	size_t peers[CHAINS_MAX];
	size_t count, not_shown;
};

static void add_chain(struct chains *c, const struct plan_peer *peer)
{
	char text[CHAIN_STRLEN];

	way_format(&peer->way, text, sizeof(text));
	for (size_t i = 0; i < c->count; i++) {
		if (strcmp(c->text[i], text) == 0) {
			c->peers[i]++;
			return;
		}
	}
	if (c->count == CHAINS_MAX) {
		c->not_shown++;
		return;
	}
	memcpy(c->text[c->count], text, sizeof(text));
	c->peers[c->count++] = 1;
}

static void mtu_cell(struct table *t, const struct plan_device *d)
{
	if (d->mtu_bytes > d->carrier_fits_bytes)
		table_cell(t, "%u (%u fits)", d->mtu_bytes, d->carrier_fits_bytes);
	else
		table_cell(t, "%u", d->mtu_bytes);
}

static void address_cell(struct table *t, const struct plan_device *d, size_t i)
{
	char address[IP_PREFIX_STRLEN];

	if (i < d->conf->addresses.n)
		table_cell(t, "%s",
		           ip_prefix_format(&d->conf->addresses.v[i].prefix, address));
	else
		table_cell(t, "%s", i == 0 ? "-" : "");
}

static void chain_cell(struct table *t, const struct chains *c, size_t i)
{
	if (i < c->count && c->peers[i] > 1)
		table_cell(t, "%s (%zu peers)", c->text[i], c->peers[i]);
	else if (i < c->count)
		table_cell(t, "%s", c->text[i]);
	else if (i == c->count && c->not_shown > 0)
		table_cell(t, "(%zu more peers)", c->not_shown);
	else
		table_cell(t, "%s", i == 0 ? "(no peers)" : "");
}

static void add_device(struct table *t, const struct plan_device *d)
{
	struct chains c;
	size_t rows;

	c.count = c.not_shown = 0;
	for (size_t i = 0; i < d->peer_count; i++)
		add_chain(&c, &d->peers[i]);
	rows = c.count + (c.not_shown > 0);
	if (rows < d->conf->addresses.n)
		rows = d->conf->addresses.n;
	for (size_t i = 0; i == 0 || i < rows; i++) {
		table_cell(t, "%s", i == 0 ? d->way.name : "");
		if (i == 0)
			mtu_cell(t, d);
		else
			table_cell(t, "%s", "");
		address_cell(t, d, i);
		chain_cell(t, &c, i);
	}
}

void plan_text(const struct plan *plan, FILE *out)
{
	struct table t = { .columns = 4 };
	struct plan_walk walk = { 0 };
	const struct plan_device *d;

	union_text(plan, out);
	own_tuns_text(plan, out);
	fputc('\n', out);
	table_cell(&t, "DEVICE");
	table_cell(&t, "MTU");
	table_cell(&t, "ADDRESS");
	table_cell(&t, "CHAIN");
	while ((d = plan_next(plan, &walk)))
		add_device(&t, d);
	table_print(&t, out);
	if (plan->shared_count > 0)
		fprintf(out, "\nhost tun: MTU %u\n", plan->tun_mtu_bytes);
	for (size_t i = 0; i < plan->device_count; i++) {
		const struct conf *conf = plan->devices[i].conf;

		if (plan_needs_own_tun(conf))
			fprintf(out, "exec, gate and proxy leave out %s: %s (%s:%u)\n",
			        conf->name, plan_tun_reason(&plan->devices[i].tun),
			        conf->path, plan->devices[i].tun.line);
	}
}
