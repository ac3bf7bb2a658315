/* src/engine/devices.h - the virtual devices of an engine: they come, get their settings,
 * and go
 *
 * What is WireGuard's of a device (keys, peers, allowed IPs) is set through device_wg. */
#ifndef TUNION_ENGINE_DEVICES_H
#define TUNION_ENGINE_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/drop.h"
#include "base/ip.h"
#include "base/key.h"
#include "plan/way.h"

struct device;
struct engine;
struct udp_link;
struct wg_device;
struct wg_peer;

/* What tunion, not WireGuard, has to know of a device. Strings and arrays are copied. */
struct device_settings {
	const struct ip_addr *addresses; /* the file's Addresses */
	size_t address_count;
	uint32_t mtu_bytes; /* effective inner MTU */
	uint16_t port;      /* UDP port: ListenPort or the one drawn */
	int32_t metric;
	bool table_off;
	bool source_fix_off;
	const struct ip_addr
		*dns_servers; /* for the virtual resolver, see engine_set_resolver */
	size_t dns_server_count;
	const char *const *dns_domains;
	size_t dns_domain_count;
	enum way_via via;
	const char *via_name; /* device, with WAY_VIA_DEVICE; may be added later */
};

/* -EEXIST, -ENOMEM. The device starts stopped, without peers: configure it through
 * device_wg(), then engine_touch, then wg_device_start. */
MUST_CHECK int engine_add_device(struct engine *e, const char *name, struct device **out);
void engine_remove_device(struct engine *e, struct device *d);
struct device *engine_find_device(const struct engine *e, const char *name);
/* In the order added. */
struct device *engine_first_device(const struct engine *e);
struct device *engine_next_device(const struct device *d);

/* Also forgets what device_set_peer_via said: say it again after this. 0 or -ENOMEM. */
MUST_CHECK int device_set(struct device *d, const struct device_settings *settings);
/* Via of one peer, over that of its device. Kept by key, so the peer may come later, and
 * one that is removed and added again (wg setconf) has it still. 0 or -ENOMEM. */
MUST_CHECK int device_set_peer_via(struct device *d,
                                   const uint8_t public_key[static KEY_BYTES],
                                   enum way_via via, const char *via_name);
void device_set_udp(struct device *d, struct udp_link *udp);
/* Only the port of the settings: the device got new sockets. */
void device_set_port(struct device *d, uint16_t port);

struct wg_device *device_wg(const struct device *d);
const char *device_name(const struct device *d);
struct engine *device_engine(const struct device *d);
uint32_t device_mtu_bytes(const struct device *d);
uint16_t device_port(const struct device *d);
/* wg's and the engine's own counts, added up. */
void device_drops(const struct device *d, struct drop_counts *out);
/* The peer's next hop and state; valid after engine_settle. */
const struct way_peer *peer_way(const struct wg_peer *p);
/* And back: whose way it is. Borrowed. */
const struct wg_peer *way_wg_peer(const struct way_peer *way);

/* After any change of keys, peers, allowed IPs, endpoints by configuration: this device's
 * part of the union is made anew, and the ways, before the next packet. Cheap; call it as
 * often as you like. */
void engine_touch(struct device *d);

#endif
