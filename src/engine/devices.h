/* src/engine/devices.h - adds the virtual devices of an engine, gives them their
 * settings, and removes them
 *
 * The WireGuard part of a device (keys, peers, allowed IPs) is set through device_wg. */
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
struct tun_link;
struct udp_link;
struct wg_device;
struct wg_peer;

/* What only tunion, not WireGuard, has to know of a device. Strings and arrays are
 * copied. */
struct device_settings {
	const struct ip_addr *addresses; /* the file's Addresses */
	size_t address_count;
	uint32_t mtu_bytes; /* effective MTU of inner packets */
	uint16_t port;      /* UDP port: the file's ListenPort, or one chosen at random */
	int32_t metric;
	bool has_metric; /* the file says so; then it may stand by (design R3) */
	bool has_fwmark; /* so does this: see way_device */
	bool table_off;
	bool left_out; /* not in the union; it only carries whose Via names it */
	bool source_fix_off;
	bool source_check_off; /* see source_check.h */
	bool gate;             /* its peers are clients: see gate.h */
	bool isolate_off;      /* of a gate: its clients reach each other */
	/* it is not in the union, and has a tun of its own: device_set_tun */
	bool own_tun;
	const struct ip_addr *dns_servers; /* used by the resolver: engine_set_resolver */
	size_t dns_server_count;
	const char *const *dns_domains;
	size_t dns_domain_count;
	enum way_via via;
	const char *via_name; /* with WAY_VIA_DEVICE; the device may be added later */
};

/* Returns 0, -EEXIST or -ENOMEM. The new device is stopped and has no peers. Configure it
 * through device_wg(), call engine_touch, and then wg_device_start. */
MUST_CHECK int engine_add_device(struct engine *e, const char *name, struct device **out);
void engine_remove_device(struct engine *e, struct device *d);
struct device *engine_find_device(const struct engine *e, const char *name);
/* The devices in the order they were added. */
struct device *engine_first_device(const struct engine *e);
struct device *engine_next_device(const struct device *d);

/* Also forgets all calls of device_set_peer_via, so repeat these. Returns 0 or
 * -ENOMEM. */
MUST_CHECK int device_set(struct device *d, const struct device_settings *settings);
/* Sets the Via of one peer, which counts instead of that of its device. It is kept by the
 * peer's key. So the peer may be added later, and a peer that is removed and added again
 * (wg setconf) still has its Via. Returns 0 or -ENOMEM. */
MUST_CHECK int device_set_peer_via(struct device *d,
                                   const uint8_t public_key[static KEY_BYTES],
                                   enum way_via via, const char *via_name);
void device_set_udp(struct device *d, struct udp_link *udp);
/* Sets the tun of a device with own_tun. The link is borrowed. It may be replaced; while
 * it is NULL, as at the start, packets for it are dropped. */
void device_set_tun(struct device *d, struct tun_link *tun);
/* Changes only the port, because the device has got new sockets. */
void device_set_port(struct device *d, uint16_t port);

struct wg_device *device_wg(const struct device *d);
const char *device_name(const struct device *d);
struct engine *device_engine(const struct device *d);
uint32_t device_mtu_bytes(const struct device *d);
uint16_t device_port(const struct device *d);
bool device_has_own_tun(const struct device *d);
/* The drops that wg and the engine have counted for this device. */
void device_drops(const struct device *d, struct drop_counts *out);
/* Returns the peer's next hop and state, which are valid after engine_settle. */
const struct way_peer *peer_way(const struct wg_peer *p);
/* Why a peer doesn't have its prefixes (design R3). */
struct peer_standing {
	unsigned failures;   /* how often it has failed in a row; 0: it doesn't fail */
	uint64_t waits_ns;   /* for so long it won't get them back, even if it answers */
	const char *try_via; /* borrowed; see peer_standing; mostly NULL */
};
/* Is valid after engine_settle. If the peer has a private address and has never answered, and
 * another device would carry it if this one didn't have the same prefix, try_via is the name of
 * that one: perhaps the server can only be reached inside it, and then Via has to say so. */
void peer_standing(const struct wg_peer *p, struct peer_standing *out, uint64_t now_ns);
/* Returns the peer to which this way belongs. Borrowed. */
const struct wg_peer *way_wg_peer(const struct way_peer *way);

/* To be called after keys, peers, allowed IPs or endpoints were configured. This device's
 * part of the union and all ways are then computed again before the next packet. A call
 * is cheap, so call this as often as you like. */
void engine_touch(struct device *d);

#endif
