/* src/engine/reassembly.h - fragments inside a carrier that may be a carried device's
 * datagram
 *
 * Design R10. Only fragments of UDP to the carrier's own address are looked at. Only the
 * first names the port: it says whether a device wants the datagram, or the host. Until
 * then they are held; bounded in datagrams, fragments and time; an overlap drops the
 * datagram (RFC 5722). */
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
#define REASSEMBLY_FRAGMENTS 512 /* held at once, all together */

struct reassembly;

struct reassembly_env {
	struct timerq *timers;    /* borrowed */
	struct packet_pool *pool; /* borrowed */
	/* Does a device accept UDP for this port inside the carrier? */
	bool (*wanted)(void *context, uint32_t carrier, uint16_t port);
	/* A held fragment turns out to be the host's. */
	void (*release)(void *context, uint32_t carrier, struct packet *fragment,
	                uint64_t now_ns);
	/* Fragments whose datagram was not completed, or made no sense. */
	void (*dropped)(void *context, uint32_t carrier, size_t n);
	void *context; /* borrowed */
};

/* NULL if out of memory. */
struct reassembly *reassembly_new(const struct reassembly_env *env);
/* NULL is fine. */
void reassembly_free(struct reassembly *r);

enum reassembly_result {
	REASSEMBLY_PASS,  /* the host's: to the tun as it is */
	REASSEMBLY_TAKEN, /* held or dropped */
	REASSEMBLY_WHOLE, /* with this one a datagram is complete */
};

/* A fragment has come in through `carrier` (any id that stays the carrier's) for one of
 * its addresses. WHOLE: *whole is the IP packet without fragmentation; it comes from the
 * pool and the caller gives it back there. */
MUST_CHECK enum reassembly_result reassembly_add(struct reassembly *r, uint32_t carrier,
                                                 const struct packet *p, uint64_t now_ns,
                                                 struct packet **whole);

#endif
