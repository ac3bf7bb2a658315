/* src/show/status_metrics.c - all samples of a metric have to stand together, after its
 * HELP and TYPE. So for each metric, all devices are visited once. */
#include "show/status_metrics.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/attr.h"
#include "show/status_health.h"
#include "show/status_json.h"

/* A metric of the instance, of devices, or of peers. Each of them that has a value gets a
 * sample. */
struct metric {
	const char *name, *type, *help;
	bool (*value)(const json_t *object, int64_t *out);
};

/* The labels of a sample. */
struct labels {
	const char *tun, *device, *peer; /* NULL: the sample doesn't have this label */
};

/* ---- values */

static bool integer_member(const json_t *object, const char *key, int64_t *out)
{
	const json_t *member = json_object_get(object, key);

	*out = json_integer_value(member);
	return json_is_integer(member);
}

static bool boolean_member(const json_t *object, const char *key, int64_t *out)
{
	const json_t *member = json_object_get(object, key);

	*out = json_is_true(member);
	return json_is_boolean(member);
}

static bool up_seconds(const json_t *status, int64_t *out)
{
	return integer_member(status, "up_seconds", out);
}

static bool engine_restarts(const json_t *status, int64_t *out)
{
	return integer_member(status, "engine_restarts", out);
}

static bool tun_mtu(const json_t *status, int64_t *out)
{
	return integer_member(status, "tun_mtu", out);
}

static bool config_errors(const json_t *status, int64_t *out)
{
	const json_t *errors = json_object_get(status, "errors");

	*out = (int64_t)json_array_size(errors);
	return json_is_array(errors);
}

static bool mtu(const json_t *device, int64_t *out)
{
	return integer_member(device, "mtu", out);
}

static bool own_tun(const json_t *device, int64_t *out)
{
	return boolean_member(device, "own_tun", out);
}

/* Counts a device once, however many peers of this one stand in for it. */
static bool stands_in(const json_t *device, int64_t *out)
{
	const json_t *peers = json_object_get(device, "peers");
	json_t *others = json_object();

	for (size_t i = 0; i < json_array_size(peers); i++) {
		const json_t *list =
			json_object_get(json_array_get(peers, i), "stands_in_for");

		for (size_t j = 0; j < json_array_size(list); j++) {
			const char *other = json_string_value(json_array_get(list, j));

			if (other)
				(void)!json_object_set_new(others, other, json_null());
		}
	}
	*out = (int64_t)json_object_size(others);
	json_decref(others);
	return true;
}

static bool rx_bytes(const json_t *peer, int64_t *out)
{
	return integer_member(peer, "rx_bytes", out);
}

static bool tx_bytes(const json_t *peer, int64_t *out)
{
	return integer_member(peer, "tx_bytes", out);
}

static bool latest_handshake(const json_t *peer, int64_t *out)
{
	return integer_member(peer, "latest_handshake", out);
}

static bool session(const json_t *peer, int64_t *out)
{
	return boolean_member(peer, "session", out);
}

static bool usable(const json_t *peer, int64_t *out)
{
	return boolean_member(peer, "usable", out);
}

/* For a peer that has to call us, nothing can be said before it does. */
static bool way_ok(const json_t *peer, int64_t *out)
{
	*out = strcmp(status_string(peer, "state"), "ok") == 0;
	return !status_waits_for_call(peer);
}

static bool waiting(const json_t *peer, int64_t *out)
{
	*out = status_waits_for_call(peer);
	return true;
}

static bool standby_prefixes(const json_t *peer, int64_t *out)
{
	*out = (int64_t)json_array_size(json_object_get(peer, "standby"));
	return true;
}

static const struct metric of_instance[] = {
	{ "tunion_up_seconds", "gauge", "Seconds since the instance is up.", up_seconds },
	{ "tunion_engine_restarts_total", "counter",
	  "How often the worker process ended unexpectedly and was started again.",
	  engine_restarts },
	{ "tunion_tun_mtu_bytes", "gauge", "MTU of the host tun.", tun_mtu },
	{ "tunion_config_errors", "gauge",
	  "Errors because of which the files are not in force as they are now.",
	  config_errors },
};

static const struct metric of_device[] = {
	{ "tunion_device_mtu_bytes", "gauge", "Effective MTU of the device.", mtu },
	{ "tunion_device_own_tun", "gauge",
	  "1 if the device has a tun of its own, 0 if it shares one.", own_tun },
	{ "tunion_device_stands_in", "gauge",
	  "For how many devices it stands in, because they are not usable.", stands_in },
};

/* The states of a device; see device_state. */
enum device_state {
	DEVICE_SESSION,
	DEVICE_IDLE,
	DEVICE_WAITING,
	DEVICE_UNUSABLE,
	DEVICE_NO_WAY,
	DEVICE_STATE_COUNT,
};

static const char *const device_states[] = {
	[DEVICE_SESSION] = "session", [DEVICE_IDLE] = "idle",
	[DEVICE_WAITING] = "waiting", [DEVICE_UNUSABLE] = "unusable",
	[DEVICE_NO_WAY] = "no-way",
};
_Static_assert(ARRAY_SIZE(device_states) == DEVICE_STATE_COUNT, "a name for each state");

static const struct metric of_peer[] = {
	{ "tunion_peer_received_bytes_total", "counter",
	  "Bytes of WireGuard messages received from the peer.", rx_bytes },
	{ "tunion_peer_sent_bytes_total", "counter",
	  "Bytes of WireGuard messages sent to the peer.", tx_bytes },
	{ "tunion_peer_latest_handshake_timestamp_seconds", "gauge",
	  "When the latest handshake was completed; no sample before the first.",
	  latest_handshake },
	{ "tunion_peer_session", "gauge",
	  "1 while there is a session that is young enough for sending.", session },
	{ "tunion_peer_usable", "gauge",
	  "0 while the peer or its carrier does not answer, so that standbys take over.",
	  usable },
	{ "tunion_peer_way_ok", "gauge",
	  "1 while its packets have a way to the network; no sample while it is waiting.",
	  way_ok },
	{ "tunion_peer_waiting", "gauge",
	  "1 while it has no Endpoint and has not called yet.", waiting },
	{ "tunion_peer_standby_prefixes", "gauge",
	  "How many of its allowed IPs are now taken by another device.",
	  standby_prefixes },
};

/* ---- text */

static void print_head(const struct metric *m, FILE *out)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, m->type);
}

static void print_label(const char *comma, const char *name, const char *value, FILE *out)
{
	fprintf(out, "%s%s=\"", comma, name);
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			fprintf(out, "\\%c", *value);
		else if (*value == '\n')
			fputs("\\n", out);
		else
			fputc(*value, out);
	}
	fputc('"', out);
}

/* Doesn't close the brace. */
static void print_labels(const char *metric, const struct labels *l, FILE *out)
{
	fprintf(out, "%s{", metric);
	print_label("", "tun", l->tun, out);
	if (l->device)
		print_label(",", "device", l->device, out);
	if (l->peer)
		print_label(",", "peer", l->peer, out);
}

static void print_sample(const struct metric *m, const struct labels *l,
                         const json_t *object, FILE *out)
{
	int64_t value;

	if (!m->value(object, &value))
		return;
	print_labels(m->name, l, out);
	fprintf(out, "} %" PRId64 "\n", value);
}

static void print_of_device(const struct metric *m, const json_t *status, FILE *out)
{
	const json_t *devices = json_object_get(status, "devices");
	struct labels l = { .tun = status_string(status, "tun") };

	print_head(m, out);
	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *d = json_array_get(devices, i);

		l.device = status_string(d, "name");
		print_sample(m, &l, d, out);
	}
}

static void print_of_peer(const struct metric *m, const json_t *status, FILE *out)
{
	const json_t *devices = json_object_get(status, "devices");
	struct labels l = { .tun = status_string(status, "tun") };

	print_head(m, out);
	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *d = json_array_get(devices, i),
			     *peers = json_object_get(d, "peers");

		l.device = status_string(d, "name");
		for (size_t j = 0; j < json_array_size(peers); j++) {
			const json_t *peer = json_array_get(peers, j);

			l.peer = status_string(peer, "public_key");
			print_sample(m, &l, peer, out);
		}
	}
}

static bool is_true(const json_t *peer, const char *key)
{
	return json_is_true(json_object_get(peer, key));
}

/* The state of its best peer: the first of the enum that one has. */
static enum device_state device_state(const json_t *device)
{
	const json_t *peers = json_object_get(device, "peers");
	enum device_state best = DEVICE_NO_WAY;

	for (size_t i = 0; i < json_array_size(peers); i++) {
		const json_t *peer = json_array_get(peers, i);
		enum device_state state = DEVICE_NO_WAY;

		if (strcmp(status_string(peer, "state"), "ok") == 0)
			state = !is_true(peer, "usable")   ? DEVICE_UNUSABLE
			        : is_true(peer, "session") ? DEVICE_SESSION
			                                   : DEVICE_IDLE;
		else if (status_waits_for_call(peer))
			state = DEVICE_WAITING;
		if (state < best)
			best = state;
	}
	return best;
}

/* One of the samples of a device is 1. */
static void print_device_states(const json_t *status, FILE *out)
{
	static const struct metric states = {
		"tunion_device_state", "gauge",
		"1 for the state of the device's best peer: it has a session, could have one (idle), has to call (waiting), does not answer or its carrier doesn't (unusable), or has no way (no-way).",
		NULL
	};
	const json_t *devices = json_object_get(status, "devices");
	struct labels l = { .tun = status_string(status, "tun") };

	print_head(&states, out);
	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *d = json_array_get(devices, i);
		enum device_state now = device_state(d);

		l.device = status_string(d, "name");
		for (enum device_state s = 0; s < DEVICE_STATE_COUNT; s++) {
			print_labels(states.name, &l, out);
			print_label(",", "state", device_states[s], out);
			fprintf(out, "} %d\n", s == now);
		}
	}
}

/* Prints only reasons that have occurred. */
static void print_drops(const struct metric *m, const struct labels *l, json_t *drops,
                        FILE *out)
{
	const char *reason;
	json_t *n;

	json_object_foreach(drops, reason, n)
	{
		print_labels(m->name, l, out);
		print_label(",", "reason", reason, out);
		fprintf(out, "} %" PRId64 "\n", (int64_t)json_integer_value(n));
	}
}

static void print_all_drops(const json_t *status, FILE *out)
{
	static const struct metric drops = {
		"tunion_dropped_packets_total", "counter",
		"Packets dropped, by reason; device is empty if they belong to no device.",
		NULL
	};
	const json_t *devices = json_object_get(status, "devices");
	struct labels l = { .tun = status_string(status, "tun"), .device = "" };

	print_head(&drops, out);
	print_drops(&drops, &l, json_object_get(status, "drops"), out);
	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *d = json_array_get(devices, i);

		l.device = status_string(d, "name");
		print_drops(&drops, &l, json_object_get(d, "drops"), out);
	}
}

void status_metrics(const json_t *status, FILE *out)
{
	struct labels l = { .tun = status_string(status, "tun") };

	for (size_t i = 0; i < ARRAY_SIZE(of_instance); i++) {
		print_head(&of_instance[i], out);
		print_sample(&of_instance[i], &l, status, out);
	}
	for (size_t i = 0; i < ARRAY_SIZE(of_device); i++)
		print_of_device(&of_device[i], status, out);
	print_device_states(status, out);
	for (size_t i = 0; i < ARRAY_SIZE(of_peer); i++)
		print_of_peer(&of_peer[i], status, out);
	print_all_drops(status, out);
}
