/* tests/sim/forgers.h - servers that send what nobody has asked for, also with the sources
 * of others (design R12)
 *
 * The oracle says which of it may come out of the client's tun, and as what the rest is
 * dropped. */
#ifndef TUNION_SIM_FORGERS_H
#define TUNION_SIM_FORGERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "oracle.h"
#include "world.h"

#define FORGERS_PACKETS 512

struct forgers {
	const struct plan *plan;
	struct node **servers;
	size_t server_count;
	size_t phone_count; /* clients of a gate */
	uint64_t *state;    /* of the random numbers */
	bool passes[FORGERS_PACKETS], came[FORGERS_PACKETS];
	size_t count;
	uint64_t dropped[DROP_COUNT]; /* how often the client has to */
};

/* Some servers know other addresses of the client than their tunnel's. */
void forgers_allow(const struct forgers *f);
/* Packets have taken these chains, so the tunnels have sessions: the servers on them send a
 * few packets each. */
void forgers_send(struct forgers *f, const struct chain *chains, size_t n);
/* To be called for what comes out of the client's tun. Is it one of theirs? */
bool forgers_see(struct forgers *f, const uint8_t *ip, size_t n);
/* Has come what had to come, and nothing else? */
bool forgers_all_right(const struct forgers *f);

#endif
