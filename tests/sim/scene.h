/* tests/sim/scene.h - a network that was thought out: a client with a device per server,
 * as a table says it */
#ifndef TUNION_SIM_SCENE_H
#define TUNION_SIM_SCENE_H

#include "world.h"

#define SECOND NS_PER_SEC

struct scene_device {
	const char *name;
	const char *allowed[4]; /* of its one peer */
	const char *endpoint;   /* NULL: the server's IPv4 address */
	const char *via;        /* a device, or "network" */
	uint16_t keepalive_s;
};

struct scene {
	struct world *w;
	struct node *client, *server[NODE_DEVICES];
	struct device *device[NODE_DEVICES], *server_device[NODE_DEVICES];
	struct wg_peer *peer[NODE_DEVICES];
	struct ip_addr address4[NODE_DEVICES], address6[NODE_DEVICES]; /* the devices' */
	struct ip_addr lan4[NODE_DEVICES],
		lan6[NODE_DEVICES]; /* a host behind each server */
	size_t n;
	uint16_t next_probe;
};

/* home inside vpn, which takes everything */
extern const struct scene_device scene_vpn_and_home[2];

void scene_start(struct scene *s, const struct scene_device *devices, size_t n);
/* And all that arrived was whole and meant for somebody. */
void scene_end(struct scene *s);
void scene_run(struct scene *s, uint64_t ns);

/* From device i's address to dst. */
uint16_t scene_probe(struct scene *s, size_t i, const struct ip_addr *dst, size_t n);
/* The trail as text, "2>0>1". */
const char *scene_trail_text(const struct trail *t, char *out, size_t size);
/* There and back by these servers. Node 0 is the client; server i is node i + 1. */
void scene_check_way(struct scene *s, uint16_t probe, const char *there,
                     const char *back);
void scene_check_trail(const struct trail *t, const char *expected);

#endif
