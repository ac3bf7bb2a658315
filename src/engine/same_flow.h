/* src/engine/same_flow.h - does a packet belong to the same TCP connection as the one
 * before it, and so go the same way with the same translation?
 *
 * Packets of a connection come together, up to 45 at once. Only the first of them is looked
 * at in every respect. What was decided about it is right for those that follow directly, if
 * they differ in nothing that the decision depends on: no fragments, no extension headers,
 * no beginning or end of the connection. The user forgets what is known before anything
 * changes on which a decision depends, so it is never kept longer than one batch. */
#ifndef TUNION_ENGINE_SAME_FLOW_H
#define TUNION_ENGINE_SAME_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/packet.h"

/* The IP header, and the ports behind it. */
#define SAME_FLOW_HEAD_BYTES 44

struct same_flow {
	uint32_t ip_bytes; /* of the IP header; 0: no other packet is like this one */
	bool known;        /* what has become of it, so others may follow */
	bool changed;
	uint8_t before[SAME_FLOW_HEAD_BYTES];
	uint8_t after[SAME_FLOW_HEAD_BYTES];
	/* What is added to the complements of the two checksums, RFC 1624 eqn. 3. */
	uint16_t ip_change, tcp_change;
};

/* Begins with a packet that will be looked at, and may be translated. */
void same_flow_begin(struct same_flow *s, const struct packet *p);
/* The same packet after that; p may be a copy. Whatever became of it happens to the next ones
 * as well, but only addresses, ports and their checksums may have changed. */
void same_flow_end(struct same_flow *s, const struct packet *p);
/* There is no packet before, or it has no followers. */
void same_flow_forget(struct same_flow *s);

/* Is p, the next packet, of the same connection, and at most so long? Then it is made as long
 * as its header says and translated like the packet before. */
MUST_CHECK bool same_flow_next(const struct same_flow *s, struct packet *p,
                               uint32_t max_bytes);

#endif
