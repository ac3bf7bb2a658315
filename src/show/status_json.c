/* src/show/status_json.c */
#include "show/status_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"

const char *status_string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

int64_t status_integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

const char *status_key_short(const char *base64, char out[static KEY_SHORT_STRLEN])
{
	uint8_t public_key[KEY_BYTES];

	if (key_from_base64(public_key, base64, strlen(base64)))
		return key_short(public_key, out);
	memcpy(out, "-", sizeof("-"));
	return out;
}

const char *status_age(int64_t s, char out[static STATUS_AGE_BYTES])
{
	if (s < 120)
		snprintf(out, STATUS_AGE_BYTES, "%" PRId64 " s", s);
	else if (s < 7200)
		snprintf(out, STATUS_AGE_BYTES, "%" PRId64 " min", s / 60);
	else if (s < 2 * 86400)
		snprintf(out, STATUS_AGE_BYTES, "%" PRId64 " h", s / 3600);
	else
		snprintf(out, STATUS_AGE_BYTES, "%" PRId64 " d", s / 86400);
	return out;
}

static const json_t *find(const json_t *list, const char *key, const char *value,
                          size_t hint)
{
	const json_t *at = json_array_get(list, hint);

	if (at && strcmp(status_string(at, key), value) == 0)
		return at;
	for (size_t i = 0; i < json_array_size(list); i++) {
		at = json_array_get(list, i);
		if (strcmp(status_string(at, key), value) == 0)
			return at;
	}
	return NULL;
}

const json_t *status_device(const json_t *status, const char *name, size_t hint)
{
	return find(json_object_get(status, "devices"), "name", name, hint);
}

const json_t *status_peer(const json_t *device, const char *public_key, size_t hint)
{
	return find(json_object_get(device, "peers"), "public_key", public_key, hint);
}

static uint64_t counter(const json_t *object, const char *key)
{
	int64_t n = status_integer(object, key);

	return n > 0 ? (uint64_t)n : 0;
}

struct traffic status_peer_traffic(const json_t *peer)
{
	return (struct traffic){ counter(peer, "rx_bytes"), counter(peer, "tx_bytes") };
}

struct traffic status_device_traffic(const json_t *device)
{
	const json_t *peers = json_object_get(device, "peers");
	struct traffic sum = { 0 };

	for (size_t i = 0; i < json_array_size(peers); i++) {
		struct traffic t = status_peer_traffic(json_array_get(peers, i));

		sum.rx_bytes += t.rx_bytes;
		sum.tx_bytes += t.tx_bytes;
	}
	return sum;
}

static uint64_t rate(uint64_t before, uint64_t now, uint64_t elapsed_ns)
{
	if (elapsed_ns == 0 || now <= before)
		return 0;
	return (uint64_t)((double)(now - before) * (double)NS_PER_SEC /
	                  (double)elapsed_ns);
}

struct traffic traffic_rate(struct traffic before, struct traffic now,
                            uint64_t elapsed_ns)
{
	return (struct traffic){ rate(before.rx_bytes, now.rx_bytes, elapsed_ns),
		                 rate(before.tx_bytes, now.tx_bytes, elapsed_ns) };
}
