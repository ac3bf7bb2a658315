/* src/worker/engine_status.c - members are put together with json_pack. Its "o" takes
 * over the reference even if json_pack fails, and a NULL for "o" makes the whole value
 * NULL. So only the end result has to be checked. */
#include "worker/engine_status.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_part.h"
#include "base/key.h"
#include "plan/union.h"
#include "plan/way.h"
#include "wg/device.h"

#define CHAIN_STRLEN 512
#define CHAIN_MAX    (2 * WAY_MAX)

static json_t *key_json(const uint8_t key[static KEY_BYTES])
{
	char text[KEY_BASE64_CHARS + 1];

	key_to_base64(text, key);
	return json_string(text);
}

/* How long ago a reason last occurred, of those whose time is known. */
static json_t *drop_ages_json(const struct drop_counts *c, uint64_t now_ns)
{
	json_t *ages = json_object();

	for (unsigned i = DROP_NONE + 1; ages && i < DROP_COUNT; i++) {
		uint64_t last_ns = c->last_ns[i];
		uint64_t age_ns = now_ns > last_ns ? now_ns - last_ns : 0;

		if (last_ns == 0)
			continue;
		if (json_object_set_new(ages, drop_name((enum drop)i),
		                        json_integer((json_int_t)(age_ns / NS_PER_SEC))) <
		    0) {
			json_decref(ages);
			ages = NULL;
		}
	}
	return ages;
}

/* Contains only reasons that have occurred. */
static json_t *drops_json(const struct drop_counts *c)
{
	json_t *drops = json_object();

	for (unsigned i = DROP_NONE + 1; drops && i < DROP_COUNT; i++) {
		if (c->by[i] == 0)
			continue;
		if (json_object_set_new(drops, drop_name((enum drop)i),
		                        json_integer((json_int_t)c->by[i])) < 0) {
			json_decref(drops);
			drops = NULL;
		}
	}
	return drops;
}

static json_t *chain_json(const struct way_peer *way)
{
	const struct way_peer *hops[CHAIN_MAX];
	size_t n = way ? way_list(way, hops, ARRAY_SIZE(hops)) : 0;
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		list = json_list_add(list, json_string(hops[i]->device->name));
	if (way && way->state == WAY_OK)
		list = json_list_add(list, json_string("network"));
	return list;
}

/* The source address of its outer packets inside a carrier; null if the host chooses
 * it. */
static json_t *source_json(const struct way_peer *way)
{
	const struct ip_addr *source = way && way->next ? way_source(way) : NULL;
	char text[IP_ADDR_STRLEN];

	return source ? json_string(ip_addr_format(source, text)) : json_null();
}

static json_t *carrier_json(const struct way_peer *way)
{
	const struct wg_peer *carrier = way && way->next ? way_wg_peer(way->next) : NULL;

	return carrier ? key_json(wg_peer_public_key(carrier)) : json_null();
}

struct prefixes {
	const struct union_table *table; /* NULL: the device is not in the union */
	const struct way_peer *way;
	json_t *all, *standby;
	/* names of devices, without duplicates */
	json_t *stands_by_for, *stands_in_for, *stood_in_by;
	json_t *comes_after; /* objects, without duplicates */
};

static json_t *append_once(json_t *list, const char *name)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), name) == 0)
			return list;
	return json_list_add(list, json_string(name));
}

/* Why does this device not have the prefix? */
static void add_after(struct prefixes *p, const struct way_device *first, bool standby)
{
	for (size_t i = 0; i < json_array_size(p->comes_after); i++) {
		json_t *device =
			json_object_get(json_array_get(p->comes_after, i), "device");

		if (strcmp(json_string_value(device), first->name) == 0)
			return;
	}
	p->comes_after = json_list_add(
		p->comes_after,
		json_pack("{s:s, s:s, s:b}", "device", first->name, "why",
	                  way_reason_name(way_reason(first, p->way->device)), "standby",
	                  standby));
}

/* May the device take over, or is it the first one, of which others take over? */
static bool takes_part(const struct union_node *node, const struct way_device *device)
{
	return node->first->peer->device == device || union_stands_by(node, device);
}

static bool stands_before(const struct union_node *node, const struct way_device *a,
                          const struct way_device *b)
{
	const struct union_entry *e = node->first;

	while (e && e->peer->device != a && e->peer->device != b)
		e = e->next;
	return e && e->peer->device == a;
}

static void add_standby(struct prefixes *p, const struct union_node *node)
{
	const struct way_device *device = p->way->device, *active = node->active->device;
	const struct union_entry *e = node->first;

	if (active == device) {
		for (; e && e->peer->device != device; e = e->next)
			if (takes_part(node, e->peer->device))
				p->stands_in_for = append_once(p->stands_in_for,
				                               e->peer->device->name);
	} else if (!takes_part(node, device)) {
		add_after(p, node->first->peer->device, false);
	} else if (stands_before(node, device, active)) {
		p->stood_in_by = append_once(p->stood_in_by, active->name);
	} else {
		p->stands_by_for = append_once(p->stands_by_for, active->name);
		add_after(p, active, true);
	}
}

static bool add_prefix(void *context, const struct ip_prefix *prefix)
{
	struct prefixes *p = context;
	struct trie_entry *entry = p->table ? trie_find(p->table->trie, prefix) : NULL;
	const struct union_node *node =
		entry ? CONTAINER_OF(entry, struct union_node, trie) : NULL;
	char text[IP_PREFIX_STRLEN];

	ip_prefix_format(prefix, text);
	p->all = json_list_add(p->all, json_string(text));
	if (node && node->active != p->way)
		p->standby = json_list_add(p->standby, json_string(text));
	if (node && p->way)
		add_standby(p, node);
	return p->all && p->standby;
}

/* For how long has it owed an answer? */
static json_t *unanswered_json(const struct wg_peer_stats *stats, uint64_t now_ns)
{
	uint64_t since_ns = stats->owed_since_ns;

	if (since_ns == 0)
		return json_null();
	return json_integer(
		(json_int_t)((now_ns > since_ns ? now_ns - since_ns : 0) / NS_PER_SEC));
}

static json_t *peer_json(const struct union_table *table, const struct wg_peer *p,
                         uint64_t now_ns)
{
	const struct endpoint *e = wg_peer_endpoint(p);
	struct prefixes prefixes = {
		.table = table,
		.way = peer_way(p),
		.all = json_array(),
		.standby = json_array(),
		.stands_by_for = json_array(),
		.stands_in_for = json_array(),
		.stood_in_by = json_array(),
		.comes_after = json_array(),
	};
	struct peer_standing standing;
	char endpoint[ENDPOINT_STRLEN], way[CHAIN_STRLEN] = "";
	struct wg_peer_stats stats;

	wg_peer_stats(p, &stats, now_ns);
	peer_standing(p, &standing, now_ns);
	wg_peer_walk_allowed_ips(p, add_prefix, &prefixes);
	if (prefixes.way)
		way_format(prefixes.way, way, sizeof(way));
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:s, s:o, s:s, s:o, s:o, s:o, s:I, s:I, s:b, s:i, s:o, s:i, s:I, s:o, s:o, s:b, s:b, s:n, s:n, s:n}",
		"public_key", key_json(wg_peer_public_key(p)), "endpoint",
		e->addr.family == IP_NONE ? json_null()
					  : json_string(endpoint_format(e, endpoint)),
		"allowed_ips", prefixes.all, "standby", prefixes.standby, "stands_by_for",
		prefixes.stands_by_for, "stands_in_for", prefixes.stands_in_for,
		"stood_in_by", prefixes.stood_in_by, "usable",
		!(prefixes.way && prefixes.way->unusable), "state",
		prefixes.way ? way_state_name(prefixes.way->state) : "", "chain",
		chain_json(prefixes.way), "way", way, "carrier_peer",
		carrier_json(prefixes.way), "source_address", source_json(prefixes.way),
		"latest_handshake",
		stats.last_handshake_ns
			? json_integer((json_int_t)(stats.last_handshake_ns / NS_PER_SEC))
			: json_null(),
		"rx_bytes", (json_int_t)stats.rx_bytes, "tx_bytes",
		(json_int_t)stats.tx_bytes, "session", (int)stats.session,
		"persistent_keepalive", (int)wg_peer_keepalive(p), "comes_after",
		prefixes.comes_after, "failures", (int)standing.failures, "waits_seconds",
		(json_int_t)((standing.waits_ns + NS_PER_SEC - 1) / NS_PER_SEC),
		"try_via", standing.try_via ? json_string(standing.try_via) : json_null(),
		"unanswered_seconds", unanswered_json(&stats, now_ns), "by_arrival",
		(int)wg_peer_by_arrival(p), "waiting",
		wg_peer_by_arrival(p) && e->addr.family == IP_NONE,
		/* the supervisor knows */
		"endpoint_name", "asked_again_seconds", "name_error");
}

static json_t *device_json(const struct device *d, const struct uapi_host *host,
                           uint64_t now_ns)
{
	const struct wg_device *wg = device_wg(d);
	bool own_tun = device_has_own_tun(d);
	const struct union_table *table = own_tun ? NULL : engine_union(device_engine(d));
	uint32_t fwmark = host->fwmark ? host->fwmark(host->context, d) : 0;
	json_t *peers = json_array();
	struct drop_counts drops;

	device_drops(d, &drops);
	for (const struct wg_peer *p = wg_device_first_peer(wg); p; p = wg_peer_next(p))
		peers = json_list_add(peers, peer_json(table, p, now_ns));
	return json_pack("{s:s, s:b, s:o, s:i, s:I, s:i, s:o, s:o, s:o}", "name",
	                 device_name(d), "own_tun", own_tun, "public_key",
	                 wg_device_has_private_key(wg)
	                         ? key_json(wg_device_public_key(wg))
	                         : json_null(),
	                 "listen_port", (int)device_port(d), "fwmark", (json_int_t)fwmark,
	                 "mtu", (int)device_mtu_bytes(d), "peers", peers, "drops",
	                 drops_json(&drops), "drop_ages", drop_ages_json(&drops, now_ns));
}

void engine_status_prepare(void)
{
	json_object_seed(0);
}

static json_t *sandbox_json(const struct sandbox *s)
{
	json_t *stages = json_array();

	for (int i = 0; i < SANDBOX_STAGE_COUNT; i++) {
		enum sandbox_stage stage = (enum sandbox_stage)i;
		const char *why = sandbox_why_not(s, stage);

		stages = json_list_add(
			stages, json_pack("{s:s, s:b, s:o}", "stage",
		                          sandbox_stage_name(stage), "in_force", !why,
		                          "why", why ? json_string(why) : json_null()));
	}
	return stages;
}

static void add_silent(void *context, const struct silent_server *s)
{
	json_t **list = context;
	char addr[IP_ADDR_STRLEN];

	*list = json_list_add(
		*list,
		json_pack("{s:s, s:s, s:o, s:I, s:b}", "device", device_name(s->device),
	                  "server", ip_addr_format(&s->addr, addr), "through",
	                  s->through ? json_string(device_name(s->through)) : json_null(),
	                  "seconds", (json_int_t)(s->for_ns / NS_PER_SEC), "others",
	                  s->others));
}

char *engine_status_text(const struct engine *e, const struct uapi_host *host,
                         const struct sandbox *sandbox, uint64_t since_ns,
                         uint64_t now_ns)
{
	json_t *devices = json_array(), *silent = json_array(), *all;
	char *text;

	for (const struct device *d = engine_first_device(e); d;
	     d = engine_next_device(d))
		devices = json_list_add(devices, device_json(d, host, now_ns));
	engine_walk_silent_servers(e, now_ns, add_silent, &silent);
	all = json_pack("{s:o, s:o, s:o, s:o, s:o, s:I}", "devices", devices,
	                "silent_servers", silent, "drops", drops_json(engine_drops(e)),
	                "drop_ages", drop_ages_json(engine_drops(e), now_ns), "sandbox",
	                sandbox_json(sandbox), "engine_seconds",
	                (json_int_t)((now_ns - since_ns) / NS_PER_SEC));
	text = all ? json_dumps(all, JSON_COMPACT) : NULL;
	json_decref(all);
	return text;
}
