/* src/cmd/trace_status.c - a status may be from another version than ours, and it comes
 * from a worker that strangers can send packets to. So the way ends where something is
 * missing or contradicts itself. */
#include "cmd/trace_status.h"

#include <string.h>

#include "conf/value.h"
#include "show/status_health.h"
#include "show/status_json.h"

/* Which peer has an address, and because of which prefix? */
struct match {
	const json_t *device, *peer; /* borrowed; NULL: no peer */
	const char *text;            /* borrowed: the prefix */
	int len;                     /* of the prefix; -1: no peer */
};

static bool contains(const json_t *list, const char *text)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *other = json_string_value(json_array_get(list, i));

		if (other && strcmp(other, text) == 0)
			return true;
	}
	return false;
}

/* A prefix that stands by captures nothing. */
static void match_peer(struct match *m, const json_t *device, const json_t *peer,
                       const struct ip_addr *dst)
{
	const json_t *allowed = json_object_get(peer, "allowed_ips");
	const json_t *standby = json_object_get(peer, "standby");

	for (size_t i = 0; i < json_array_size(allowed); i++) {
		const char *text = json_string_value(json_array_get(allowed, i));
		struct ip_prefix prefix;

		if (text && value_allowed_ip(&prefix, text) == VALUE_ALLOWED_OK &&
		    prefix.len > m->len && ip_prefix_contains(&prefix, dst) &&
		    !contains(standby, text))
			*m = (struct match){ device, peer, text, prefix.len };
	}
}

static void match_device(struct match *m, const json_t *device, const struct ip_addr *dst)
{
	const json_t *peers = json_object_get(device, "peers");

	for (size_t i = 0; i < json_array_size(peers); i++)
		match_peer(m, device, json_array_get(peers, i), dst);
}

/* Then the union doesn't contain its prefixes. */
static bool has_own_tun(const json_t *device)
{
	return json_is_true(json_object_get(device, "own_tun"));
}

static struct match find(const json_t *status, const struct ip_addr *dst)
{
	const json_t *devices = json_object_get(status, "devices");
	struct match m = { .len = -1 };

	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *device = json_array_get(devices, i);

		if (!has_own_tun(device))
			match_device(&m, device, dst);
	}
	return m;
}

/* Returns a member of the status as it is, or null if it isn't there. */
static json_t *member(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return value ? json_incref(value) : json_null();
}

static json_t *hop(const json_t *device, const json_t *peer)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:n, s:o, s:b}", "device",
	                 member(device, "name"), "peer", member(peer, "public_key"),
	                 "mtu", member(device, "mtu"), "source_address",
	                 member(peer, "source_address"), "source_port",
	                 member(device, "listen_port"), "destination",
	                 member(peer, "endpoint"), "state", member(peer, "state"),
	                 "carrier_fits", "endpoint", member(peer, "endpoint_name"),
	                 "unanswered", status_unanswered(peer));
}

/* The chain contains the devices; each peer contains the key of the next device's
 * peer. */
static json_t *hops(const json_t *status, const struct match *m)
{
	const json_t *chain = json_object_get(m->peer, "chain");
	const json_t *device = m->device, *peer = m->peer;
	json_t *list = json_array();

	for (size_t i = 1; list && device && peer; i++) {
		const char *next = json_string_value(json_array_get(chain, i));

		if (json_array_append_new(list, hop(device, peer)) < 0) {
			json_decref(list);
			return NULL;
		}
		device = next ? status_device(status, next, 0) : NULL;
		peer = device ? status_peer(device, status_string(peer, "carrier_peer"),
		                            0)
		              : NULL;
	}
	return list;
}

/* Where a packet goes that the host sends into a tun of a file's own. */
static json_t *own_traces(const json_t *status, const struct ip_addr *dst)
{
	const json_t *devices = json_object_get(status, "devices");
	json_t *list = json_array();

	for (size_t i = 0; list && i < json_array_size(devices); i++) {
		const json_t *device = json_array_get(devices, i);
		struct match m = { .len = -1 };

		if (has_own_tun(device))
			match_device(&m, device, dst);
		if (m.peer &&
		    json_array_append_new(
			    list, json_pack("{s:o, s:o, s:s, s:o, s:o}", "tun",
		                            member(device, "name"), "state",
		                            member(m.peer, "state"), "prefix", m.text,
		                            "chain", member(m.peer, "chain"), "way",
		                            member(m.peer, "way"))) < 0) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

json_t *trace_status(const json_t *status, const struct ip_addr *dst)
{
	struct match m = find(status, dst);
	char address[IP_ADDR_STRLEN];

	ip_addr_format(dst, address);
	if (!m.peer)
		return json_pack(
			"{s:s, s:s, s:n, s:n, s:n, s:[], s:[], s:n, s:n, s:n, s:o, s:o}",
			"address", address, "state", "no-route", "prefix", "device",
			"peer", "chain", "hops", "way", "file", "line", "tun",
			member(status, "tun"), "own_tuns", own_traces(status, dst));
	return json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:n, s:n, s:o, s:o}",
	                 "address", address, "state", member(m.peer, "state"), "prefix",
	                 m.text, "device", member(m.device, "name"), "peer",
	                 member(m.peer, "public_key"), "chain", member(m.peer, "chain"),
	                 "hops", hops(status, &m), "way", member(m.peer, "way"), "file",
	                 "line", "tun", member(status, "tun"), "own_tuns",
	                 own_traces(status, dst));
}
