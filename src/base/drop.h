/* src/base/drop.h - why was a packet dropped? One list for wg and engine,
 * counted per device. */
#ifndef TUNION_BASE_DROP_H
#define TUNION_BASE_DROP_H

#include <stdint.h>

enum drop {
	DROP_NONE = 0,
	/* outbound */
	DROP_MALFORMED,       /* not an IP packet, or its lengths disagree */
	DROP_NO_ROUTE,        /* no prefix of the union matches the destination */
	DROP_MULTICAST,       /* the same, for a group: mostly the host's own messages */
	DROP_NO_KEY,          /* the device has no private key */
	DROP_NO_ENDPOINT,     /* the peer's endpoint is not known (yet) */
	DROP_TOO_BIG,         /* larger than the device's MTU */
	DROP_LOOP,            /* the peer's way is a routing loop (design R2) */
	DROP_WAY_TOO_LONG,    /* the way has more than WAY_MAX peers */
	DROP_NO_CARRIER_PEER, /* no peer of the Via carrier has the endpoint */
	DROP_NO_CARRIER_ADDRESS, /* the carrier has no Address of the family (R7) */
	DROP_STAGED_FULL,        /* the queue for a handshake was full; its oldest went */
	DROP_HANDSHAKE_FAILED,   /* given up after REKEY_ATTEMPT_TIME, with its queue */
	DROP_SEND,               /* the socket refused it */
	DROP_SOURCE,             /* another device's address, no free flow (section 5) */
	DROP_GATE_LOOP,          /* a client's packet is a datagram of our own (R15) */
	/* inbound */
	DROP_BAD_MESSAGE,        /* unknown type, or a length that the type can't have */
	DROP_BAD_MAC1,           /* a handshake message whose mac1 is wrong */
	DROP_UNKNOWN_INDEX,      /* no keypair or handshake has this receiver index */
	DROP_BAD_HANDSHAKE,      /* did not authenticate, or is from no peer */
	DROP_REPLAYED_HANDSHAKE, /* its timestamp is not newer than the last */
	DROP_HANDSHAKE_FLOOD,    /* the peer's initiations come too fast */
	DROP_UNDER_LOAD,      /* under load: no right mac2, over the limit, or no room */
	DROP_BAD_COOKIE,      /* a cookie reply that did not authenticate */
	DROP_BAD_AUTH,        /* transport data whose tag is wrong */
	DROP_REPLAY,          /* the counter was seen, or is behind the window */
	DROP_EXPIRED_KEY,     /* past REJECT_AFTER_TIME or REJECT_AFTER_MESSAGES */
	DROP_WRONG_SOURCE,    /* inner source is not the peer's (cryptokey routing) */
	DROP_FORGED_SOURCE,   /* the source belongs to another device (design R12) */
	DROP_GUARDED_ADDRESS, /* for the address of another, which has a default route */
	DROP_FRAGMENT,        /* its datagram was not completed, or is absurd (R10) */
	DROP_TUN,             /* the tun refused it, or there is none */
	DROP_DOWN,            /* the device is not started */
	DROP_COUNT,
};

/* A short word for status and JSON, such as "no-route". Programs rely on these words, so
 * none of them may ever change. */
const char *drop_name(enum drop reason);

/* Embedded per device. */
struct drop_counts {
	uint64_t by[DROP_COUNT];
	uint64_t last_ns[DROP_COUNT]; /* when they were last counted; 0: not known */
	/* Borrowed: the time of the batch or timer that is being handled; NULL: not known. */
	const uint64_t *now_ns;
};

static inline void drop_count(struct drop_counts *c, enum drop reason, uint64_t n)
{
	if (n == 0)
		return;
	c->by[reason] += n;
	if (c->now_ns)
		c->last_ns[reason] = *c->now_ns;
}

#endif
