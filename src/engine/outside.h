/* src/engine/outside.h - a file's DNS server that no tunnel leads to
 *
 * The host would ask it itself, if the virtual resolver didn't stand between the two: it is a
 * public one, or one of the LAN. So it is asked by sockets of this host that have no mark, as the
 * sockets of every program here (engine/env.h). UDP queries leave with other ids
 * (outside_queries.h); TCP connections are joined with others (outside_meeting.h). */
#ifndef TUNION_ENGINE_OUTSIDE_H
#define TUNION_ENGINE_OUTSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/iphdr.h"
#include "base/packet.h"

struct engine;

/* A longer answer is cut off, with the flag TC, so that the client asks by TCP: this fits in
 * every tunnel's MTU (RFC 9715 3). A longer query is refused. */
#define OUTSIDE_DNS_MAX 1232U

MUST_CHECK int outside_init(struct engine *e); /* 0 or -ENOMEM */
/* Before the packet pool is freed. May be called even if outside_init has failed. */
void outside_clear(struct engine *e);

/* See the functions of engine.h. */
void outside_set(struct engine *e, bool on);
void outside_answer(struct engine *e, const struct ip_addr *server, const void *answer,
                    size_t n, uint64_t now_ns);
void outside_relay(struct engine *e, uint16_t port, const struct endpoint *relay);

struct outside_source {
	uint32_t file;  /* whose server it is for; 0: it isn't a query */
	bool from_host; /* it was read from the shared tun, and is not a gate's client's */
};

enum outside_result {
	OUTSIDE_REFUSED, /* it doesn't go outside */
	OUTSIDE_TAKEN,
	OUTSIDE_TO_HOST, /* the packet was changed, and now goes to the host */
};

/* Takes a packet that no tunnel leads to. Of a query, the destination is the server. */
MUST_CHECK enum outside_result outside_take(struct engine *e, struct packet *p,
                                            const struct ip_view *view,
                                            const struct outside_source *from,
                                            uint64_t now_ns);

#endif
