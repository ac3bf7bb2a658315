/* src/engine/standby.h - is a peer usable, and who stands in for it? (design R3)
 *
 * A peer fails when it owes us an answer for 15 s: handshakes without a session, or data
 * into a session from which nothing comes (a live peer answers within 10 s) and then a
 * handshake. A peer is unusable when it fails, or when its carrier's peer is unusable;
 * the union then prefers the other entries of its prefixes, and it goes on trying. A
 * handshake ends it.
 *
 * Nothing ticks: what is watched are the initiations that wg sends. */
#ifndef TUNION_ENGINE_STANDBY_H
#define TUNION_ENGINE_STANDBY_H

#include "engine/core.h"

#define STANDBY_UNANSWERED_NS (15 * NS_PER_SEC) /* without a session */
#define STANDBY_SILENT_NS                                                                \
	(2500 *                                                                          \
	 NS_PER_MS) /* with one that has been silent for 15 s                     \
	                    */
#define STANDBY_RETRY_NS (15 * NS_PER_SEC) /* handshakes with peers that fail */

void standby_init_engine(struct engine *e);
void standby_init_peer(struct peer *peer);
/* Before the peer is freed. */
void standby_clear_peer(struct peer *peer);

/* wg has sent messages for the peer: was one an initiation? If it is not answered within
 * REKEY_TIMEOUT, env.unanswered is told. */
void standby_messages_sent(struct peer *peer, struct packet *const *messages, size_t n,
                           uint64_t now_ns);
void standby_handshake_done(struct peer *peer);

/* For settle, whenever the ways are made: sets which peers are unusable, and the union's
 * order and the ways by that. Standbys must not break what would be a way without them:
 * they may be carried by what they stand in for, and be a loop then; in that case there
 * are none. */
void standby_arrange(struct engine *e);

#endif
