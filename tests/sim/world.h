/* tests/sim/world.h - a network of hosts with one engine each, in one process,
 * in virtual time
 *
 * Everything that travels is a raw IP packet in an event queue. It may be lost, doubled,
 * delayed or overtaken. The world knows which node owns which address. If a packet is for
 * the node itself, the node gives it to the UDP port of a device, or to its application,
 * which answers it. If it is for an address behind the node's tun, the node writes it to
 * the tun. What comes out of the tun is routed in the same way, or goes out to the world
 * with the server's public address (NAT, as providers do it). So servers are routers, and
 * nothing in the world except the engines knows what a tunnel is.
 *
 * Each packet has a trail of the server engines through which it came. Tests compare it
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
#define NAT_PORT      40000 /* the first one */
#define PROBE_MAX     4096
#define APP_PORT      7777
#define SIM_LOG_LINES 16

struct node_udp {
	struct udp_link link; /* first member */
	struct node *node;
	struct device *device;
	uint16_t port;
};

/* The tun of a device that has its own. */
struct node_tun {
	struct tun_link link; /* first member */
	struct node *node;
	struct device *device;
};

/* An address and port that a server has translated on the way out. */
struct nat {
	struct ip_addr addr; /* of the client, inside */
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
	struct node_tun own_tuns[NODE_DEVICES]; /* parallel to udp */
	struct ip_addr public4, public6;        /* IP_NONE if it has none of the family */
	struct ip_addr local[32];               /* all addresses of the node itself */
	size_t local_count;
	struct ip_addr behind_tun[16];
	size_t behind_count;
	struct defrag defrag; /* for what comes out of the tun */
	uint64_t fragments;
	struct nat nats[NAT_MAX];
	size_t nat_count;
	bool server; /* answers what its application gets; forwards; translates */
	uint64_t random;
	/* These may be NULL. They see what the engine sends and delivers, also fragments.
	 * If one returns true it has taken the packet, which then goes no further. */
	bool (*on_udp)(struct node *node, const struct endpoint *to,
	               const struct packet *p);
	bool (*on_tun)(struct node *node, const uint8_t *ip, size_t n);
	bool (*on_own_tun)(struct node *node, const uint8_t *ip, size_t n);
	void *context;  /* for these three */
	uint64_t sends; /* calls of the UDP link */
	/* results */
	uint64_t sent[NODE_MAX]; /* datagrams of its devices, by destination node */
	/* how often it began to send after a second of silence, and when it did last */
	uint64_t bursts, last_burst_ns;
	uint64_t endpoint_changes;     /* that the engine reported */
	uint64_t complaints;           /* of the engine about peers that owe an answer */
	struct endpoint complained_of; /* where the last of these was tried */
	uint64_t failures;             /* peers that stopped answering, as the log says */
	uint64_t wakeups;              /* how often the engine asked to be woken */
	uint64_t icmp_errors;          /* ICMP errors that came out of the tun */
	char log_lines[SIM_LOG_LINES][200];
	size_t log_count;
};

/* An application packet and what became of it. */
struct probe {
	/* out of whose tun the answer has to come; NULL: the shared one */
	const struct device *tun;
	struct ip_addr src; /* to which the answer has to come */
	uint16_t src_port;
	uint8_t tos;                /* as sent, in both directions */
	unsigned arrived, returned; /* how often, with duplicates */
	/* trails of the first packet; the innermost server is last in there,
	 * first in back */
	struct trail there, back;
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
	/* Every ECT packet on the network between these two nodes gets a CE mark. NULL
	 * stands for any node. */
	bool ce_marks;
	const struct node *ce_from, *ce_to;
	struct probe probes[PROBE_MAX];
	/* trails of what is being handled: for what comes out of a tun, and of a
	 * socket */
	struct trail tun_trail, udp_trail;
	const struct device *out_of; /* whose tun that is; NULL: the shared one */
	struct {
		struct craft buffers[BATCH_MAX];
		struct packet *packets[BATCH_MAX];
		struct device *tun; /* that they go into; NULL: the shared one */
		size_t n;
		bool open;
	} batch;          /* of probes, see node_batch_begin */
	uint64_t corrupt; /* packets that were not as they had to be: must stay 0 */
	uint64_t strays;  /* packets for no application: messages that no device claims */
};

struct world *world_new(uint64_t seed);
void world_free(struct world *w);

/* Makes a node with an engine and, where they are not NULL, public addresses. */
struct node *world_node(struct world *w, const char *public4, const char *public6,
                        bool server);
/* Adds an address of the node itself. */
void node_local(struct node *node, const struct ip_addr *addr);
/* Adds an address of the node itself that the world knows too. */
void node_own(struct node *node, const struct ip_addr *addr);
/* The node moves: its public address of that family is replaced. */
void node_move(struct node *node, const char *addr);
void node_behind_tun(struct node *node, const struct ip_addr *addr);

/* Makes a device with a new key. settings->port is also its UDP port in the world. With
 * own_tun it gets a tun, too, which node->on_tun doesn't see. */
struct device *node_device(struct node *node, const char *name,
                           const struct device_settings *settings);
/* Makes the devices a and b peers of each other and returns the peer of a. The endpoint,
 * if there is one, is numeric. */
struct wg_peer *world_peer(struct device *a, struct device *b, const char *endpoint_of_b);
void peer_allow(struct wg_peer *p, const char *prefix);

/* Gives the node an IP packet that it routes into its tun. */
void node_inject(struct node *node, const struct craft *c);

/* Runs everything that is due until then. Ends early, and returns false, when more than
 * max_events have been handled: this is a packet storm. */
bool world_run(struct world *w, uint64_t until_ns, uint64_t max_events);
/* True if nothing is pending in any queue or engine. */
bool world_idle(const struct world *w);

uint64_t node_drops(const struct node *node, enum drop reason);
struct ip_addr sim_addr(const char *text);
struct ip_prefix sim_prefix(const char *text);

#endif
