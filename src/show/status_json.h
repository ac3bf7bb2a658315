/* src/show/status_json.h - finds members of a status. It may be from another version than
 * ours, so a member that is missing or has another type counts as nothing */
#ifndef TUNION_SHOW_STATUS_JSON_H
#define TUNION_SHOW_STATUS_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/key.h"

/* Borrowed; "" if there is nothing. */
const char *status_string(const json_t *object, const char *key);
int64_t status_integer(const json_t *object, const char *key);

/* Writes the short form of a public key, the same in all outputs; "-" if the text is no key.
 * Returns out. */
const char *status_key_short(const char *base64, char out[static KEY_SHORT_STRLEN]);

#define STATUS_AGE_BYTES 32
/* Writes the largest unit: "12 s", "5 min", "3 h", "2 d". Returns out. */
const char *status_age(int64_t seconds, char out[static STATUS_AGE_BYTES]);

/* Return the device with this name and the peer with this public key; borrowed, or NULL.
 * They are mostly in the same place as before. So `hint`, an index, is tried first. */
const json_t *status_device(const json_t *status, const char *name, size_t hint);
const json_t *status_peer(const json_t *device, const char *public_key, size_t hint);

/* How much was transferred. */
struct traffic {
	uint64_t rx_bytes, tx_bytes;
};
struct traffic status_peer_traffic(const json_t *peer);
/* The sum over all its peers. */
struct traffic status_device_traffic(const json_t *device);
/* The bytes per second; 0 if a counter has become lower, which happens after a
 * restart. */
struct traffic traffic_rate(struct traffic before, struct traffic now,
                            uint64_t elapsed_ns);

#endif
