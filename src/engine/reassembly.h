/* src/engine/reassembly.h - puts together fragments inside a carrier that may be the
 * datagram of a carried device
 *
 * Design R10. Only fragments of UDP datagrams to the carrier's own address are looked at.
 * Only the first fragment contains the port, which decides whether the datagram is for a
 * device or for the host. Until it comes, the others are held. The number of datagrams
 * and fragments, and the time, are bounded; if there are too many, the carrier that has the most
 * datagrams loses one. A datagram with fragments that overlap is
 * dropped (RFC 5722). */
#ifndef TUNION_ENGINE_REASSEMBLY_H
#define TUNION_ENGINE_REASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/iphdr.h"
#include "base/packet.h"
#include "base/timerq.h"

#define REASSEMBLY_NS        (2 * NS_PER_SEC)
#define REASSEMBLY_DATAGRAMS 64
#define REASSEMBLY_FRAGMENTS 512 /* held at once, of all datagrams together */

struct reassembly;

struct reassembly_env {
	struct timerq *timers;    /* borrowed */
	struct packet_pool *pool; /* borrowed */
	/* Does a device accept datagrams to this port inside the carrier? */
	bool (*wanted)(void *context, uint32_t carrier, uint16_t port);
	/* Called for a held fragment when it turns out to be for the host. */
	void (*release)(void *context, uint32_t carrier, struct packet *fragment,
	                uint64_t now_ns);
	/* Called for fragments whose datagram was not completed, or was wrong. */
	void (*dropped)(void *context, uint32_t carrier, size_t n);
	void *context; /* borrowed */
};

/* Returns NULL if out of memory. */
struct reassembly *reassembly_new(const struct reassembly_env *env);
/* NULL is fine. */
void reassembly_free(struct reassembly *r);

enum reassembly_result {
	REASSEMBLY_PASS,  /* it is for the host: write it to the tun as it is */
	REASSEMBLY_TAKEN, /* it was held or dropped */
	REASSEMBLY_WHOLE, /* it has completed a datagram */
};

/* A fragment has come in through `carrier` (an id that no other device gets) for one of
 * the carrier's addresses. After REASSEMBLY_WHOLE, *whole is the IP packet without
 * fragmentation. It comes from the pool, and the caller gives it back there. */
MUST_CHECK enum reassembly_result reassembly_add(struct reassembly *r, uint32_t carrier,
                                                 const struct packet *p, uint64_t now_ns,
                                                 struct packet **whole);

#endif
