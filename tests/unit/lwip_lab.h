/* tests/unit/lwip_lab.h - a stack of lwIP that talks to itself: what it sends comes back to
 * it, perhaps not all, and not in order. Time is the real one. */
#ifndef TUNION_UNIT_LWIP_LAB_H
#define TUNION_UNIT_LWIP_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/tcphdr.h"
#include "proxy/lwip_stack.h"

#define LWIP_LAB_MTU     1420U
#define LWIP_LAB_PACKETS 4096

/* Addresses of both families: we are ::1 and ::2, nobody else is there. */
#define LWIP_LAB_CLIENT 1
#define LWIP_LAB_SERVER 2
#define LWIP_LAB_NOBODY 9

struct lwip_lab_packet {
	uint8_t *bytes; /* owned */
	size_t n;
};

struct lwip_lab {
	struct lwip_stack *lwip;
	struct stack *stack;
	struct lwip_lab_packet queue[LWIP_LAB_PACKETS];
	size_t count, sent, largest;
	unsigned loss_permille; /* of those that are sent */
	bool reorder;
	bool batches; /* what goes in a round arrives in one batch */
	uint32_t random;
	void (*seen)(struct lwip_lab *lab, const uint8_t *bytes, size_t n);
	/* Does this one get lost? NULL: see loss_permille. */
	bool (*loses)(struct lwip_lab *lab, const uint8_t *bytes, size_t n);
};

/* One end of a connection, and what has come. */
struct lwip_lab_end {
	struct stream *stream;
	unsigned ready; /* what was told since it was asked for */
	size_t said, heard;
	bool ended;
	int err;
};

void lwip_lab_begin(struct lwip_lab *lab);
void lwip_lab_end(struct lwip_lab *lab);
struct endpoint lwip_lab_at(enum ip_family family, uint8_t host, uint16_t port);
/* Packets go, and everybody has his turn, once; waits for at most a millisecond. */
void lwip_lab_round(struct lwip_lab *lab);
/* The same until it is so; fails after a minute. */
void lwip_lab_until(struct lwip_lab *lab, bool (*is_so)(void *context), void *context);
/* Gives a packet to the stack at once. */
void lwip_lab_inject(struct lwip_lab *lab, const uint8_t *bytes, size_t n);

/* Of a packet of TCP: its header, and how many bytes of data it has. */
const struct tcp_header *lwip_lab_tcp(const uint8_t *bytes);
size_t lwip_lab_data_bytes(const uint8_t *bytes, size_t n);

/* Listens at the server's port, and connects to it. */
void lwip_lab_pair(struct lwip_lab *lab, enum ip_family family, uint16_t port,
                   struct lwip_lab_end *client, struct lwip_lab_end *server);
/* Connects; returns what connect has returned. */
int lwip_lab_connect(struct lwip_lab *lab, const struct endpoint *to,
                     struct lwip_lab_end *end);
/* Says as much of `total` bytes of a pattern as goes now. */
void lwip_lab_say(struct lwip_lab_end *end, size_t total);
/* Reads what is there, at most n bytes, and checks the pattern. */
void lwip_lab_hear(struct lwip_lab_end *end, size_t n);

/* The client says so many bytes to the server. */
struct lwip_lab_talk {
	struct lwip_lab_end client, server;
	size_t bytes;
};

/* For lwip_lab_until: goes on saying and hearing; has the server heard all? */
bool lwip_lab_is_heard(void *talk);
/* Closes both ends, in order. */
void lwip_lab_close(struct lwip_lab_talk *talk);

#endif
