/* tests/sim/scene.h - a network that was designed by hand: a client with one device for
 * each server, described by a table */
#ifndef TUNION_SIM_SCENE_H
#define TUNION_SIM_SCENE_H

#include "world.h"

#define SECOND NS_PER_SEC

struct scene_device {
	const char *name;
	const char *allowed[4]; /* the AllowedIPs of its only peer */
	const char *endpoint;   /* NULL: the IPv4 address of the server */
	const char *via;        /* the name of a device, or "network" */
	uint16_t keepalive_s;
	int32_t metric; /* 0: none is written */
	bool calls;     /* no Endpoint is known: the server calls, with a keepalive */
};

struct scene {
	struct world *w;
	struct node *client, *server[NODE_DEVICES];
	struct device *device[NODE_DEVICES], *server_device[NODE_DEVICES];
	struct wg_peer *peer[NODE_DEVICES];
	struct ip_addr address4[NODE_DEVICES], address6[NODE_DEVICES]; /* of devices */
	/* the addresses of a host behind each server */
	struct ip_addr lan4[NODE_DEVICES], lan6[NODE_DEVICES];
	size_t n;
	uint16_t next_probe;
};

/* home is inside vpn, which takes everything */
extern const struct scene_device scene_vpn_and_home[2];

void scene_start(struct scene *s, const struct scene_device *devices, size_t n);
/* Also checks that all that arrived was intact and meant for somebody. */
void scene_end(struct scene *s);
void scene_run(struct scene *s, uint64_t ns);

/* Sends a probe from the address of device i to dst. */
uint16_t scene_probe(struct scene *s, size_t i, const struct ip_addr *dst, size_t n);
/* The trail as text, "2>0>1". */
const char *scene_trail_text(const struct trail *t, char *out, size_t size);
/* Checks that a probe went there and back through these servers. Node 0 is the client;
 * server i is node i + 1. */
void scene_check_way(struct scene *s, uint16_t probe, const char *there,
                     const char *back);
void scene_check_trail(const struct trail *t, const char *expected);

#endif
