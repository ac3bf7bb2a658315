/* tests/sim/world.h - a network of hosts with one engine each, in one process, in virtual
 * time
 *
 * Everything that travels is a raw IP packet in an event queue: it may be lost, doubled,
 * delayed, overtaken. The world knows which node owns which address. A node gives a
 * packet that is for itself to a device's UDP port or to its application (an echo), and
 * one for an address behind its tun to the tun; what its tun brings out goes the same
 * way, or out to the world, under the server's public address (NAT, as providers do it).
 * So servers are routers, and nothing in the world but engines knows what a tunnel is.
 *
 * Each packet bears the trail of server engines it came through, for the tests to compare
 * with the chain they expect. */
#ifndef TUNION_SIM_WORLD_H
#define TUNION_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/packet.h"
#include "craft.h"
#include "defrag.h"
#include "engine/engine.h"
#include "events.h"

#define NODE_MAX      32
#define NODE_DEVICES  16
#define OWNER_MAX     256
#define NAT_MAX       256
#define NAT_PORT      40000 /* first */
#define PROBE_MAX     4096
#define APP_PORT      7777
#define SIM_LOG_LINES 16

struct node_udp {
	struct udp_link link; /* first member */
	struct node *node;
	struct device *device;
	uint16_t port;
};

/* What a server has translated on the way out. */
struct nat {
	struct ip_addr addr; /* the client's, inside */
	uint16_t port;
};

struct node {
	struct world *world;
	uint8_t id;
	struct engine *engine;
	struct tun_link tun;
	struct log log;
	struct node_udp udp[NODE_DEVICES];
	size_t udp_count;
	struct ip_addr public4, public6; /* IP_NONE: none of the family */
	struct ip_addr local[32];        /* all addresses the node itself has */
	size_t local_count;
	struct ip_addr behind_tun[8];
	size_t behind_count;
	struct defrag defrag; /* of what comes out of the tun */
	uint64_t fragments;
	struct nat nats[NAT_MAX];
	size_t nat_count;
	bool server; /* echoes what its application gets; forwards, translates */
	uint64_t random;
	/* May be NULL: sees what the engine sends and delivers, fragments too; true: has
	 * taken it, so that it does not go on. */
	bool (*on_udp)(struct node *node, const struct endpoint *to,
	               const struct packet *p);
	bool (*on_tun)(struct node *node, const uint8_t *ip, size_t n);
	void *context;  /* of these two */
	uint64_t sends; /* calls of the UDP link */
	/* what came of it */
	uint64_t sent[NODE_MAX]; /* datagrams of its devices, by destination node */
	uint64_t bursts,
		last_burst_ns;     /* times it began to send after a second of silence */
	uint64_t endpoint_changes; /* told by the engine */
	uint64_t complaints;       /* likewise: of peers that owe an answer */
	uint64_t failures;         /* peers that stopped to answer, by the log */
	uint64_t wakeups;          /* times the engine asked to be woken */
	uint64_t icmp_errors;      /* ICMP errors that came out of the tun */
	char log_lines[SIM_LOG_LINES][200];
	size_t log_count;
};

/* An application packet and what became of it. */
struct probe {
	struct ip_addr src; /* where the answer has to come */
	uint16_t src_port;
	uint8_t tos;                /* as sent, both ways */
	unsigned arrived, returned; /* times, duplicates included */
	struct trail there,
		back; /* of the first; innermost server last there, first back */
	uint8_t final_node;
	uint8_t tos_there, tos_back; /* as they arrived */
	struct ip_addr src_there;    /* as the target saw it */
};

struct conditions {
	uint32_t delay_us, jitter_us; /* jitter makes packets overtake each other */
	uint32_t loss_permille, duplicate_permille;
};

struct owner {
	struct ip_addr addr;
	struct node *node;
};

struct world {
	uint64_t now_ns, random, seed;
	struct conditions conditions;
	struct node nodes[NODE_MAX];
	size_t node_count;
	struct owner owners[OWNER_MAX];
	size_t owner_count;
	struct events queue;
	uint64_t handled;
	uint64_t lost, unroutable;
	bool ce_marks; /* every ECT packet on the network ... */
	const struct node *ce_from,
		*ce_to; /* ... between these gets a CE mark; NULL: any */
	struct probe probes[PROBE_MAX];
	/* of what is worked on: for what comes out of a tun, and out of a socket */
	struct trail tun_trail, udp_trail;
	struct {
		struct craft buffers[BATCH_MAX];
		struct packet *packets[BATCH_MAX];
		size_t n;
		bool open;
	} batch;          /* of probes, see node_batch */
	uint64_t corrupt; /* packets that were not what they had to be: must stay 0 */
	uint64_t strays;  /* for no application: messages that no device claims */
};

struct world *world_new(uint64_t seed);
void world_free(struct world *w);

/* A node with an engine and, where not NULL, public addresses. */
struct node *world_node(struct world *w, const char *public4, const char *public6,
                        bool server);
/* An address of the node itself. */
void node_local(struct node *node, const struct ip_addr *addr);
/* ... that the world knows, too. */
void node_own(struct node *node, const struct ip_addr *addr);
/* It has moved: the public address of that family is another one. */
void node_move(struct node *node, const char *addr);
void node_behind_tun(struct node *node, const struct ip_addr *addr);

/* A device with a fresh key; settings->port is also its UDP port in the world. */
struct device *node_device(struct node *node, const char *name,
                           const struct device_settings *settings);
/* Makes a's and b's devices peers of each other; returns a's. Endpoints, if any, numeric.
 */
struct wg_peer *world_peer(struct device *a, struct device *b, const char *endpoint_of_b);
void peer_allow(struct wg_peer *p, const char *prefix);

/* Sends probe `id` from node's tun: an application datagram with n bytes. Its source port
 * is APP_PORT, or one of its own where the source is not the device's that it leaves by:
 * who translates addresses may not confuse it with others. */
void node_probe(struct node *node, uint16_t id, const struct ip_addr *src,
                const struct ip_addr *dst, size_t n, uint8_t tos);
void node_probe_translated(struct node *node, uint16_t id, const struct ip_addr *src,
                           const struct ip_addr *dst, size_t n);
/* Several at once: what comes between goes in as one batch, of at most BATCH_MAX. */
void node_batch_begin(struct node *node);
void node_batch_end(struct node *node);

/* An IP packet that comes to the node to be routed into its tun. */
void node_inject(struct node *node, const struct craft *c);

/* Runs what is due until then; ends early, returning false, when more than max_events
 * have been handled: a packet storm. */
bool world_run(struct world *w, uint64_t until_ns, uint64_t max_events);
/* Is nothing pending at all, in no queue and no engine? */
bool world_idle(const struct world *w);

uint64_t node_drops(const struct node *node, enum drop reason);
struct ip_addr sim_addr(const char *text);
struct ip_prefix sim_prefix(const char *text);

#endif
