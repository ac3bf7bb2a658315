/* tests/sim/fake_device.h - what a worker has been told of one device, as a value and as text */
#ifndef TUNION_SIM_FAKE_DEVICE_H
#define TUNION_SIM_FAKE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ifname.h"
#include "base/ip.h"
#include "base/key.h"
#include "channel/outbuf.h"
#include "plan/way.h"

#define FAKE_DEVICE_PEERS   4
#define FAKE_DEVICE_ALLOWED 8

struct fake_peer {
	uint8_t key[KEY_BYTES];
	uint8_t preshared[KEY_BYTES];
	struct endpoint endpoint; /* IP_NONE: none */
	unsigned keepalive_s;
	char via[16];
	struct ip_prefix allowed[FAKE_DEVICE_ALLOWED];
	size_t allowed_count;
};

/* What a device has been told; the test makes the same from a plan. */
struct fake_device {
	char name[IFNAME_MAX + 1];
	uint8_t private_key[KEY_BYTES];
	uint32_t mtu_bytes;
	int32_t metric;
	bool has_metric, has_fwmark;
	bool table_off, left_out, own_tun, source_fix_off, gate, isolate_off, started;
	bool source_check_off;
	uint16_t port;
	char via[16]; /* a device, "union" or "network" */
	char addresses[200], servers[200], domains[200];
	struct fake_peer peers[FAKE_DEVICE_PEERS];
	size_t peer_count;
};

/* Peers sorted by key, allowed IPs by text: two that are the same print the same. */
void fake_device_print(struct outbuf *o, const struct fake_device *d);
/* As the UAPI's get=1. */
void fake_device_print_uapi(struct outbuf *o, const struct fake_device *d);
/* Words for `via`. */
void fake_via(char out[static 16], enum way_via via, const char *name);
/* Adds one address to a text of them. */
void fake_add_address(char *text, size_t size, const struct ip_addr *addr);

#endif
