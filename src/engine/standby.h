/* src/engine/standby.h - is a peer usable, and who stands in for it? (design R3)
 *
 * A peer fails when it has owed us an answer for 15 s: either to our handshakes, when
 * there is no session; or to data in a session, and then to a handshake. (A live peer
 * answers data within 10 s.) A peer is unusable when it fails, or when its carrier's peer
 * is unusable. Then the union prefers entries for its prefixes that stand by, and the peer
 * is still tried, on the way that it has when it is active. When a handshake succeeds, the
 * peer no longer fails, and has its prefixes back.
 *
 * A peer that fails again within STANDBY_WAIT_MAX_NS after it got its prefixes back has to
 * wait: for STANDBY_WAIT_FIRST_NS, and twice as long each further time, but at most for
 * STANDBY_WAIT_MAX_NS. Only a handshake that is done after this counts.
 *
 * There is no periodic timer: this module only watches the initiations that wg sends. */
#ifndef TUNION_ENGINE_STANDBY_H
#define TUNION_ENGINE_STANDBY_H

#include "engine/core.h"

/* A peer fails when an initiation isn't answered for this time: the first one if there is
 * no session. If there is a session, wg has already waited for 15 s before it sends the
 * initiation, so the second one is enough. */
#define STANDBY_UNANSWERED_NS (15 * NS_PER_SEC)
#define STANDBY_SILENT_NS     (2500 * NS_PER_MS)
/* How often a peer that fails is tried. */
#define STANDBY_RETRY_NS (15 * NS_PER_SEC)
/* For how long a peer waits that fails again and again. */
#define STANDBY_WAIT_FIRST_NS (60 * NS_PER_SEC)
#define STANDBY_WAIT_MAX_NS   (600 * NS_PER_SEC)

void standby_init_engine(struct engine *e);
void standby_init_peer(struct peer *peer);
/* Call it before the peer is freed. */
void standby_clear_peer(struct peer *peer);

/* wg has sent messages for the peer. If one is an initiation and isn't answered within
 * REKEY_TIMEOUT, env.unanswered is called. */
void standby_messages_sent(struct peer *peer, struct packet *const *messages, size_t n,
                           uint64_t now_ns);
void standby_handshake_done(struct peer *peer);
/* How often the peer has failed in a row (0: it doesn't fail), and for how long it won't
 * get its prefixes back even if it answers. */
void standby_peer_failures(const struct peer *peer, uint64_t now_ns, unsigned *in_a_row,
                           uint64_t *wait_ns);

/* settle.c calls this whenever it computes the ways. It finds out which peers are
 * unusable, sorts the union and computes the ways accordingly, and notes which peers
 * others depend on. Standbys must not break a way that exists without them: a standby may
 * be carried by the peer it stands in for, which is a loop. If a way would break, no standby
 * is used. */
void standby_arrange(struct engine *e);

#endif
