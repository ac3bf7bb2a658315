/* src/base/drop.h - why was a packet dropped? One list for wg and engine, counted per device. */
#ifndef TUNION_BASE_DROP_H
#define TUNION_BASE_DROP_H

#include <stdint.h>

enum drop {
	DROP_NONE = 0,
	/* outbound */
	DROP_MALFORMED,      /* not an IP packet, or its lengths contradict each other */
	DROP_NO_ROUTE,       /* no prefix of the union matches the destination */
	DROP_NO_KEY,         /* the device has no private key */
	DROP_NO_ENDPOINT,    /* the peer's endpoint is not known (yet) */
	DROP_TOO_BIG,        /* larger than the device's MTU */
	DROP_LOOP,           /* the peer's way is a routing loop (design R2) */
	DROP_WAY_TOO_LONG,   /* more than WAY_MAX peers */
	DROP_NO_CARRIER_PEER, /* Via names a carrier none of whose peers has the endpoint */
	DROP_NO_CARRIER_ADDRESS, /* the carrier has no Address of the endpoint's family (R7) */
	DROP_STAGED_FULL,    /* the queue that waits for a handshake was full: oldest dropped */
	DROP_HANDSHAKE_FAILED, /* given up after REKEY_ATTEMPT_TIME; the queue was dropped */
	DROP_SEND,           /* the socket refused it */
	DROP_SOURCE,         /* bears another device's address, and no flow is free (section 5) */
	/* inbound */
	DROP_BAD_MESSAGE,    /* unknown type, or a length that the type can't have */
	DROP_BAD_MAC1,
	DROP_UNKNOWN_INDEX,  /* receiver index of no keypair and no handshake */
	DROP_BAD_HANDSHAKE,  /* did not authenticate, or from no peer of the device */
	DROP_REPLAYED_HANDSHAKE, /* its timestamp is not newer than the last */
	DROP_HANDSHAKE_FLOOD, /* initiations of one peer too close together */
	DROP_UNDER_LOAD,     /* no valid mac2 while under load, or over the rate limit */
	DROP_BAD_COOKIE,     /* a cookie reply that did not authenticate */
	DROP_BAD_AUTH,       /* transport data whose tag is wrong */
	DROP_REPLAY,         /* transport counter seen, or behind the window */
	DROP_EXPIRED_KEY,    /* keypair past REJECT_AFTER_TIME or REJECT_AFTER_MESSAGES */
	DROP_WRONG_SOURCE,   /* inner source address is not the peer's (cryptokey routing) */
	DROP_FRAGMENT,       /* of a datagram that was never completed, or made no sense (R10) */
	DROP_TUN,            /* the tun refused it, or there is none */
	DROP_DOWN,           /* the device is not started */
	DROP_COUNT,
};

/* Short words for status and JSON, such as "no-route"; never change one. */
const char *drop_name(enum drop reason);

/* Embedded per device. */
struct drop_counts {
	uint64_t by[DROP_COUNT];
};

static inline void drop_count(struct drop_counts *c, enum drop reason, uint64_t n)
{
	c->by[reason] += n;
}

#endif
