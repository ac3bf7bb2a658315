/* src/cmd/plan_json.c - members are put together with json_pack. Its "o" takes over the
 * reference even if json_pack fails, and a NULL for "o" makes the whole value NULL. So
 * only the end result has to be checked. Keys are only ever added: see tunion-json(5). */
#include "cmd/plan_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_part.h"
#include "plan/plan_tun.h"

#define CHAIN_STRLEN 512
#define TRACE_MAX    (2 * WAY_MAX)

static json_t *number_or_null(uint32_t number)
{
	return number ? json_integer(number) : json_null();
}

static json_t *diag_list(const struct diag *diag, enum diag_severity severity)
{
	json_t *list = json_array();

	for (size_t i = 0; i < diag->count; i++) {
		const struct diag_entry *e = &diag->entries[i];

		if (e->severity == severity)
			list = json_list_add(list,
			                     json_pack("{s:o, s:o, s:s}", "file",
			                               json_printable(e->file), "line",
			                               number_or_null(e->line), "text",
			                               e->text));
	}
	return list;
}

static json_t *public_key(const struct conf_peer *peer)
{
	char key[KEY_BASE64_CHARS + 1];

	key_to_base64(key, peer->public_key);
	return json_string(key);
}

static json_t *endpoint_or_null(const struct endpoint *e)
{
	char text[ENDPOINT_STRLEN];

	return e->addr.family == IP_NONE ? json_null()
	                                 : json_string(endpoint_format_named(e, text));
}

/* The endpoint as it is written in the file, which may be a name. */
static json_t *endpoint_said(const struct conf_peer *peer)
{
	if (!peer->has_endpoint)
		return json_null();
	if (strchr(peer->endpoint_host, ':'))
		return json_sprintf("[%s]:%u", peer->endpoint_host, peer->endpoint_port);
	return json_sprintf("%s:%u", peer->endpoint_host, peer->endpoint_port);
}

static json_t *via(enum way_via kind, const struct way_device *device)
{
	switch (kind) {
	case WAY_VIA_UNION:
		break;
	case WAY_VIA_NETWORK:
		return json_string("network");
	case WAY_VIA_DEVICE:
		return json_string(device->name);
	}
	return json_null();
}

static json_t *chain(const struct way_peer *peer)
{
	const struct way_peer *hops[TRACE_MAX];
	size_t n = way_list(peer, hops, ARRAY_SIZE(hops));
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		list = json_list_add(list, json_string(hops[i]->device->name));
	if (peer->state == WAY_OK)
		list = json_list_add(list, json_string("network"));
	return list;
}

static json_t *peer_json(const struct plan_peer *p)
{
	char text[CHAIN_STRLEN];

	return json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:s}", "public_key",
	                 public_key(p->conf), "endpoint", endpoint_said(p->conf),
	                 "address", endpoint_or_null(&p->way.endpoint), "via",
	                 via(p->way.via, p->way.via_device), "state",
	                 way_state_name(p->way.state), "chain", chain(&p->way), "way",
	                 way_format(&p->way, text, sizeof(text)));
}

static json_t *peers_json(const struct plan_device *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->peer_count; i++)
		list = json_list_add(list, peer_json(&d->peers[i]));
	return list;
}

static json_t *addresses_json(const struct plan_device *d)
{
	json_t *list = json_array();
	char text[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < d->conf->addresses.n; i++)
		list = json_list_add(list,
		                     json_string(ip_prefix_format(
					     &d->conf->addresses.v[i].prefix, text)));
	return list;
}

static json_t *table_json(const struct conf *conf)
{
	switch (conf->table.kind) {
	case CONF_TABLE_AUTO:
		break;
	case CONF_TABLE_OFF:
		return json_string("off");
	case CONF_TABLE_NUMBER:
		return json_integer(conf->table.number);
	}
	return json_string("auto");
}

static json_t *fits_or_null(const struct plan_device *d)
{
	return d->carrier_fits_bytes == UINT32_MAX ? json_null()
	                                           : json_integer(d->carrier_fits_bytes);
}

static bool add_own_prefix(void *context, const struct union_node *node)
{
	json_t **list = context;
	const struct plan_peer *p = plan_peer_of(node->first->peer);
	char prefix[IP_PREFIX_STRLEN];

	ip_prefix_format(&node->trie.prefix, prefix);
	*list = json_list_add(*list, json_pack("{s:s, s:o}", "prefix", prefix, "peer",
	                                       public_key(p->conf)));
	return *list != NULL;
}

/* What of the host's packets in this tun goes to which peer, and why there is such a
 * tun. */
static json_t *own_tun_json(const struct plan_device *d)
{
	json_t *prefixes;

	if (!d->own_tun)
		return json_null();
	prefixes = json_array();
	union_walk(&d->table, add_own_prefix, &prefixes);
	return json_pack("{s:s, s:s, s:i, s:o}", "name", d->way.name, "because",
	                 plan_tun_reason(&d->tun), "line", (int)d->tun.line, "prefixes",
	                 prefixes);
}

static json_t *device_json(const struct plan_device *d)
{
	return json_pack("{s:s, s:o, s:i, s:o, s:o, s:o, s:i, s:o, s:o, s:o, s:o}",
	                 "name", d->way.name, "file", json_printable(d->conf->path),
	                 "mtu", (int)d->mtu_bytes, "carrier_fits", fits_or_null(d),
	                 "addresses", addresses_json(d), "listen_port",
	                 number_or_null(d->conf->listen_port), "metric",
	                 (int)d->way.metric, "table", table_json(d->conf), "via",
	                 via(d->way.via, d->way.via_device), "peers", peers_json(d),
	                 "own_tun", own_tun_json(d));
}

static const char *state_of(const struct union_node *node, const struct union_entry *e)
{
	if (e == node->first)
		return "active";
	return union_stands_by(node, e->peer->device) ? "standby" : "shadowed";
}

/* Why does the first entry come before this one? */
static json_t *why(const struct union_node *node, const struct union_entry *e)
{
	if (e == node->first)
		return json_null();
	return json_string(
		way_reason_name(way_reason(node->first->peer->device, e->peer->device)));
}

static bool add_node(void *context, const struct union_node *node)
{
	json_t **list = context, *entries = json_array();
	char prefix[IP_PREFIX_STRLEN];

	for (const struct union_entry *e = node->first; e; e = e->next) {
		const struct plan_device *d = plan_device_of(e->peer);
		const struct plan_prefix *p = plan_prefix_find(d, &node->trie.prefix);

		entries = json_list_add(
			entries,
			json_pack("{s:s, s:o, s:o, s:s, s:o}", "device", d->way.name,
		                  "peer", public_key(plan_peer_of(e->peer)->conf), "line",
		                  number_or_null(p ? p->line : 0), "state",
		                  state_of(node, e), "why", why(node, e)));
	}
	ip_prefix_format(&node->trie.prefix, prefix);
	*list = json_list_add(
		*list, json_pack("{s:s, s:o}", "prefix", prefix, "entries", entries));
	return *list != NULL;
}

json_t *plan_json(const struct plan *plan, const struct diag *diag, bool ok)
{
	json_t *devices = json_array(), *prefixes = json_array();
	struct plan_walk walk = { 0 };
	const struct plan_device *d;

	while ((d = plan_next(plan, &walk)))
		devices = json_list_add(devices, device_json(d));
	if (plan->table.trie)
		union_walk(&plan->table, add_node, &prefixes);
	return json_pack("{s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "ok", ok, "errors",
	                 diag_list(diag, DIAG_ERROR), "warnings",
	                 diag_list(diag, DIAG_WARNING), "notes",
	                 diag_list(diag, DIAG_NOTE), "tun_mtu",
	                 number_or_null(plan->tun_mtu_bytes), "devices", devices, "union",
	                 prefixes);
}

json_t *plan_json_errors(const struct diag *diag)
{
	return json_pack("{s:o}", "errors", diag_list(diag, DIAG_ERROR));
}

/* ---- plan */

static json_t *prefix_list(const struct ip_prefix *v, size_t n)
{
	json_t *list = json_array();
	char text[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < n; i++)
		list = json_list_add(list, json_string(ip_prefix_format(&v[i], text)));
	return list;
}

static json_t *server_list(const struct plan_app *app)
{
	json_t *list = json_array();
	char text[IP_ADDR_STRLEN];

	for (size_t i = 0; i < app->server_count; i++)
		list = json_list_add(list,
		                     json_string(ip_addr_format(&app->servers[i], text)));
	return list;
}

static json_t *name_list(const struct plan_app_names *names)
{
	json_t *list = json_array();

	for (size_t i = 0; i < names->n; i++)
		list = json_list_add(list, json_string(names->v[i]));
	return list;
}

static void add_domain(void *context, const char *domain)
{
	json_t **list = context;

	*list = json_list_add(*list, json_string(domain));
}

json_t *plan_json_app(const struct plan *plan, const struct plan_app *app,
                      const struct diag *diag, bool ok)
{
	static const struct plan_app nothing = { 0 };
	json_t *domains = json_array(), *families = json_array();

	if (app)
		plan_walk_domains(plan, add_domain, &domains);
	else
		app = &nothing;
	if (app->allow_families)
		families = json_list_add(json_list_add(families, json_string("inet")),
		                         json_string("inet6"));
	return json_pack("{s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "ok",
	                 ok, "errors", diag_list(diag, DIAG_ERROR), "warnings",
	                 diag_list(diag, DIAG_WARNING), "mtu",
	                 number_or_null(plan->tun_mtu_bytes), "addresses",
	                 prefix_list(app->addresses, app->address_count), "routes",
	                 prefix_list(app->routes.v, app->routes.n), "dns_servers",
	                 server_list(app), "search_domains", domains, "allow_families",
	                 families, "included_applications", name_list(&app->included),
	                 "excluded_applications", name_list(&app->excluded));
}

/* ---- trace */

static json_t *source_json(const struct way_peer *p)
{
	const struct ip_addr *source = p->next ? way_source(p) : NULL;
	char text[IP_ADDR_STRLEN];

	return source ? json_string(ip_addr_format(source, text)) : json_null();
}

static json_t *hop_json(const struct way_peer *p)
{
	return json_pack("{s:s, s:o, s:i, s:o, s:o, s:o, s:s, s:o, s:o, s:n}", "device",
	                 p->device->name, "peer", public_key(plan_peer_of(p)->conf),
	                 "mtu", (int)plan_device_of(p)->mtu_bytes, "source_address",
	                 source_json(p), "source_port", number_or_null(p->device->port),
	                 "destination", endpoint_or_null(&p->endpoint), "state",
	                 way_state_name(p->state), "carrier_fits",
	                 fits_or_null(plan_device_of(p)), "endpoint",
	                 endpoint_said(plan_peer_of(p)->conf), "unanswered");
}

/* Where a packet goes that the host sends into a tun of a file's own. */
static json_t *own_trace(const struct plan_device *d, const struct ip_addr *dst)
{
	const struct trie_entry *entry = trie_lookup(d->allowed_ips, dst);
	const struct way_peer *taker = entry ? d->way.peer_of(entry) : NULL;
	char prefix[IP_PREFIX_STRLEN], way[CHAIN_STRLEN];

	if (!taker)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:o, s:s}", "tun", d->way.name, "state",
	                 way_state_name(taker->state), "prefix",
	                 ip_prefix_format(&entry->prefix, prefix), "chain", chain(taker),
	                 "way", way_format(taker, way, sizeof(way)));
}

static json_t *own_traces(const struct plan *plan, const struct ip_addr *dst)
{
	json_t *list = json_array();

	for (size_t i = plan->shared_count; i < plan->device_count; i++) {
		const struct plan_device *d = &plan->devices[i];

		if (trie_lookup(d->allowed_ips, dst))
			list = json_list_add(list, own_trace(d, dst));
	}
	return list;
}

json_t *plan_json_trace(const struct plan *plan, const struct ip_addr *dst)
{
	const struct way_peer *taker = union_lookup(&plan->table, dst), *list[TRACE_MAX];
	const struct trie_entry *entry;
	char address[IP_ADDR_STRLEN], prefix[IP_PREFIX_STRLEN], way[CHAIN_STRLEN];
	json_t *hops = json_array();
	size_t n;

	ip_addr_format(dst, address);
	if (!taker)
		return json_pack(
			"{s:s, s:s, s:n, s:n, s:n, s:[], s:o, s:n, s:n, s:n, s:n, s:o}",
			"address", address, "state", "no-route", "prefix", "device",
			"peer", "chain", "hops", hops, "way", "file", "line", "tun",
			"own_tuns", own_traces(plan, dst));
	n = way_list(taker, list, ARRAY_SIZE(list));
	for (size_t i = 0; i < n; i++)
		hops = json_list_add(hops, hop_json(list[i]));
	entry = trie_lookup(plan_device_of(taker)->allowed_ips, dst);
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:n, s:o}", "address",
		address, "state", way_state_name(taker->state), "prefix",
		ip_prefix_format(&entry->prefix, prefix), "device", taker->device->name,
		"peer", public_key(plan_peer_of(taker)->conf), "chain", chain(taker),
		"hops", hops, "way", way_format(taker, way, sizeof(way)), "file",
		json_printable(plan_device_of(taker)->conf->path), "line",
		number_or_null(((const struct plan_prefix *)(const void *)entry)->line),
		"tun", "own_tuns", own_traces(plan, dst));
}

int plan_json_print(json_t *json, bool ok)
{
	if (!json || json_dumpf(json, stdout, JSON_INDENT(2)) != 0) {
		fprintf(stderr, "tunion: can't write JSON\n");
		ok = false;
	}
	putchar('\n');
	json_decref(json);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
