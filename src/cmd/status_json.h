/* src/cmd/status_json.h - members of a status, which may be of another version than ours:
 * what is missing or of another type is nothing */
#ifndef TUNION_CMD_STATUS_JSON_H
#define TUNION_CMD_STATUS_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed; "" for nothing. */
const char *status_string(const json_t *object, const char *key);
int64_t status_integer(const json_t *object, const char *key);

/* The device of this name, the peer of this public key; borrowed, or NULL. They come in
 * the same place most of the time: so `hint`, an index, is tried first. */
const json_t *status_device(const json_t *status, const char *name, size_t hint);
const json_t *status_peer(const json_t *device, const char *public_key, size_t hint);

/* What it has transferred. */
struct traffic {
	uint64_t rx_bytes, tx_bytes;
};
struct traffic status_peer_traffic(const json_t *peer);
/* Of all its peers. */
struct traffic status_device_traffic(const json_t *device);
/* Per second; after a restart counters are lower than before: 0. */
struct traffic traffic_rate(struct traffic before, struct traffic now,
                            uint64_t elapsed_ns);

#endif
