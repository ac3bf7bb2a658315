/* src/control/status.c - members are packed with json_pack, whose "o" takes the reference
 * over also when it fails; a NULL for "o" makes the whole NULL, so errors need no care on
 * the way. */
#include "control/status.h"

#include <inttypes.h>
#include <string.h>

#include "base/key.h"
#include "plan/union.h"
#include "plan/way.h"
#include "wg/device.h"

#define CHAIN_STRLEN 512
#define CHAIN_MAX    (2 * WAY_MAX)

static json_t *append(json_t *list, json_t *item)
{
	if (list && json_array_append_new(list, item) == 0)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *key_json(const uint8_t key[static KEY_BYTES])
{
	char text[KEY_BASE64_CHARS + 1];

	key_to_base64(text, key);
	return json_string(text);
}

/* Only reasons that occurred. */
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
		list = append(list, json_string(hops[i]->device->name));
	if (way && way->state == WAY_OK)
		list = append(list, json_string("network"));
	return list;
}

struct prefixes {
	const struct union_table *table;
	const struct way_peer *way;
	json_t *all, *standby;
};

static bool add_prefix(void *context, const struct ip_prefix *prefix)
{
	struct prefixes *p = context;
	struct trie_entry *entry = trie_find(p->table->trie, prefix);
	const struct union_node *node =
		entry ? CONTAINER_OF(entry, struct union_node, trie) : NULL;
	char text[IP_PREFIX_STRLEN];

	ip_prefix_format(prefix, text);
	p->all = append(p->all, json_string(text));
	if (node && node->first->peer != p->way)
		p->standby = append(p->standby, json_string(text));
	return p->all && p->standby;
}

static json_t *peer_json(const struct union_table *table, const struct wg_peer *p,
                         uint64_t now_ns)
{
	const struct endpoint *e = wg_peer_endpoint(p);
	struct prefixes prefixes = { table, peer_way(p), json_array(), json_array() };
	char endpoint[ENDPOINT_STRLEN], way[CHAIN_STRLEN] = "";
	struct wg_peer_stats stats;

	wg_peer_stats(p, &stats, now_ns);
	wg_peer_walk_allowed_ips(p, add_prefix, &prefixes);
	if (prefixes.way)
		way_format(prefixes.way, way, sizeof(way));
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:s, s:o, s:s, s:o, s:I, s:I, s:b, s:i}",
		"public_key", key_json(wg_peer_public_key(p)), "endpoint",
		e->addr.family == IP_NONE ? json_null()
					  : json_string(endpoint_format(e, endpoint)),
		"allowed_ips", prefixes.all, "standby", prefixes.standby, "state",
		prefixes.way ? way_state_name(prefixes.way->state) : "", "chain",
		chain_json(prefixes.way), "way", way, "latest_handshake",
		stats.last_handshake_ns
			? json_integer((json_int_t)(stats.last_handshake_ns / NS_PER_SEC))
			: json_null(),
		"rx_bytes", (json_int_t)stats.rx_bytes, "tx_bytes",
		(json_int_t)stats.tx_bytes, "session", (int)stats.session,
		"persistent_keepalive", (int)wg_peer_keepalive(p));
}

static json_t *device_json(const struct device *d, const struct uapi_host *host,
                           uint64_t now_ns)
{
	const struct wg_device *wg = device_wg(d);
	const struct union_table *table = engine_union(device_engine(d));
	uint32_t fwmark = host->fwmark ? host->fwmark(host->context, d) : 0;
	json_t *peers = json_array();
	struct drop_counts drops;

	device_drops(d, &drops);
	for (const struct wg_peer *p = wg_device_first_peer(wg); p; p = wg_peer_next(p))
		peers = append(peers, peer_json(table, p, now_ns));
	return json_pack(
		"{s:s, s:o, s:i, s:I, s:i, s:o, s:o}", "name", device_name(d),
		"public_key",
		wg_device_has_private_key(wg) ? key_json(wg_device_public_key(wg))
					      : json_null(),
		"listen_port", (int)device_port(d), "fwmark", (json_int_t)fwmark, "mtu",
		(int)device_mtu_bytes(d), "peers", peers, "drops", drops_json(&drops));
}

char *status_of_engine(const struct engine *e, const struct uapi_host *host,
                       uint64_t now_ns)
{
	json_t *devices = json_array(), *all;
	char *text;

	for (const struct device *d = engine_first_device(e); d;
	     d = engine_next_device(d))
		devices = append(devices, device_json(d, host, now_ns));
	all = json_pack("{s:o, s:o}", "devices", devices, "drops",
	                drops_json(engine_drops(e)));
	text = all ? json_dumps(all, JSON_COMPACT) : NULL;
	json_decref(all);
	return text;
}

char *status_complete(const char *engine_text, size_t engine_bytes,
                      const struct status_instance *i)
{
	json_t *engine = json_loadb(engine_text, engine_bytes, 0, NULL), *all;
	char *text = NULL;

	all = json_pack("{s:s, s:i, s:I, s:i, s:i, s:i, s:I}", "tun", i->tun, "tun_mtu",
	                (int)i->tun_mtu_bytes, "mark", (json_int_t)i->mark, "pid", i->pid,
	                "engine_pid", i->engine_pid, "engine_restarts",
	                (int)i->engine_restarts, "up_seconds", (json_int_t)i->up_s);
	if (all && json_is_object(engine) && json_object_update(all, engine) == 0)
		text = json_dumps(all, JSON_INDENT(2));
	json_decref(engine);
	json_decref(all);
	return text;
}

/* ---- text: what is missing or of another type prints as nothing, as a later version of
 * the running instance may have it so */

static const char *string_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static json_int_t integer_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* "1 hour, 2 minutes", the two largest units. */
static void print_duration(int64_t s, FILE *out)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = {
		{ 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" }
	};
	unsigned printed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(units) && printed < 2; i++) {
		int64_t n = s / units[i].seconds;

		if (n == 0 && (printed == 0 || i < ARRAY_SIZE(units) - 1))
			continue;
		if (n > 0)
			fprintf(out, "%s%" PRId64 " %s%s", printed ? ", " : "", n,
			        units[i].name, n == 1 ? "" : "s");
		s %= units[i].seconds;
		printed++;
	}
	if (printed == 0)
		fprintf(out, "0 seconds");
}

static void print_bytes(json_int_t n, FILE *out)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double v = (double)n;
	size_t i = 0;

	for (; v >= 1024 && i + 1 < ARRAY_SIZE(units); i++)
		v /= 1024;
	fprintf(out, i ? "%.2f %s" : "%.0f %s", v, units[i]);
}

static void print_list(const char *title, const json_t *list, FILE *out)
{
	if (json_array_size(list) == 0)
		return;
	fprintf(out, "    %s: ", title);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		fprintf(out, "%s%s", i ? ", " : "", text ? text : "");
	}
	fputc('\n', out);
}

static void print_drops(const char *indent, json_t *drops, FILE *out)
{
	const char *reason, *comma = "";
	json_t *n;

	if (json_object_size(drops) == 0)
		return;
	fprintf(out, "%sdropped: ", indent);
	json_object_foreach(drops, reason, n)
	{
		fprintf(out, "%s%" PRId64 " %s", comma, (int64_t)json_integer_value(n),
		        reason);
		comma = ", ";
	}
	fputc('\n', out);
}

static void print_peer(const json_t *peer, int64_t wall_s, FILE *out)
{
	const json_t *endpoint = json_object_get(peer, "endpoint");
	int64_t handshake_s = integer_of(peer, "latest_handshake");
	json_int_t keepalive_s = integer_of(peer, "persistent_keepalive");

	fprintf(out, "  peer: %s\n", string_of(peer, "public_key"));
	fprintf(out, "    chain: %s\n", string_of(peer, "way"));
	if (json_is_string(endpoint))
		fprintf(out, "    endpoint: %s\n", json_string_value(endpoint));
	print_list("allowed ips", json_object_get(peer, "allowed_ips"), out);
	print_list("standby for", json_object_get(peer, "standby"), out);
	if (handshake_s > 0) {
		fprintf(out, "    latest handshake: ");
		print_duration(wall_s > handshake_s ? wall_s - handshake_s : 0, out);
		fprintf(out, " ago%s\n",
		        json_is_true(json_object_get(peer, "session")) ? ""
		                                                       : " (no session)");
	}
	fprintf(out, "    transfer: ");
	print_bytes(integer_of(peer, "rx_bytes"), out);
	fprintf(out, " received, ");
	print_bytes(integer_of(peer, "tx_bytes"), out);
	fprintf(out, " sent\n");
	if (keepalive_s > 0)
		fprintf(out, "    persistent keepalive: every %" PRId64 " s\n",
		        (int64_t)keepalive_s);
}

static void print_device(const json_t *d, int64_t wall_s, FILE *out)
{
	const json_t *peers = json_object_get(d, "peers");

	fprintf(out, "\n%s\n", string_of(d, "name"));
	fprintf(out, "  public key: %s\n",
	        *string_of(d, "public_key") ? string_of(d, "public_key") : "(none)");
	fprintf(out, "  listening port: %" PRId64 ", mtu: %" PRId64 "\n",
	        (int64_t)integer_of(d, "listen_port"), (int64_t)integer_of(d, "mtu"));
	print_drops("  ", json_object_get(d, "drops"), out);
	for (size_t i = 0; i < json_array_size(peers); i++)
		print_peer(json_array_get(peers, i), wall_s, out);
}

void status_print(const json_t *status, int64_t wall_s, FILE *out)
{
	const json_t *devices = json_object_get(status, "devices");

	fprintf(out, "%s: mtu %" PRId64 ", %zu device%s, up for ",
	        string_of(status, "tun"), (int64_t)integer_of(status, "tun_mtu"),
	        json_array_size(devices), json_array_size(devices) == 1 ? "" : "s");
	print_duration(integer_of(status, "up_seconds"), out);
	fputc('\n', out);
	if (integer_of(status, "engine_restarts") > 0)
		fprintf(out, "  engine restarts: %" PRId64 "\n",
		        (int64_t)integer_of(status, "engine_restarts"));
	print_drops("  ", json_object_get(status, "drops"), out);
	for (size_t i = 0; i < json_array_size(devices); i++)
		print_device(json_array_get(devices, i), wall_s, out);
}
