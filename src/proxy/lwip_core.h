/* src/proxy/lwip_core.h - what the files that use lwIP share
 *
 * lwIP has its state in variables of its own, so there is one stack in a process. It calls
 * us back amid its work, when little is allowed. So these callbacks only note what has
 * happened, and put the stream on a list; lwip_core_run_due tells its user later. */
#ifndef TUNION_PROXY_LWIP_CORE_H
#define TUNION_PROXY_LWIP_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "base/iphdr.h"
#include "base/link.h"
#include "io/buffers.h"
#include "proxy/lwip_env.h"
#include "proxy/stack.h"

/* lwIP has a struct of the same name. */
#define ip_addr lwip_ip_addr
#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/stats.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>
#undef ip_addr

struct coalescer;
struct lwip_stream;

#define REASSEMBLY_NS (IP_TMR_INTERVAL * NS_PER_MS) /* the timer of fragments */

/* Embedded in what waits for its turn. */
struct lwip_due {
	struct lwip_due *next, *previous; /* NULL: not in the list */
	void (*run)(struct lwip_due *due, uint64_t now_ns);
};

struct lwip_stack {
	struct stack stack;
	struct tun_link link;
	struct lwip_env env;
	struct netif netif;
	struct lwip_due due;             /* the list's ends */
	struct lwip_due last_due;        /* in the list while it is gone through */
	struct lwip_stream *streams;     /* owned by their users; those that have a pcb */
	struct lwip_listener *listeners; /* owned */
	size_t window_bytes;             /* sum of what all streams may have unread */
	size_t unread_bytes;             /* sum of what they have */
	size_t most_unread_bytes;        /* since memory was given back to the system */
	/* What lwIP has sent, and is still to be given to the engine. */
	struct buffers *out;         /* owned */
	struct coalescer *coalescer; /* owned: what a batch is sorted with */
	uint8_t *out_at;             /* where the next packet goes */
	size_t out_n;
	bool flushing;              /* `out` is in use by the engine */
	bool refused;               /* there was no room, so lwIP has kept packets */
	uint64_t tick_ns;           /* when tcp_tmr is due; NEVER_NS: not needed */
	uint64_t stopped_ns;        /* since when it isn't called regularly */
	uint64_t reassembly_ns;     /* when the timers of fragments are due */
	unsigned reassembly_rounds; /* how often they have to run yet */
};

/* ---- the list */

void lwip_core_add_due(struct lwip_stack *s, struct lwip_due *due);
void lwip_core_remove_due(struct lwip_due *due);
void lwip_core_run_due(struct lwip_stack *s, uint64_t now_ns);

/* ---- time */

/* To be called before lwIP is told something: from now on it is told the time, too. */
void lwip_core_wake(struct lwip_stack *s);

/* ---- addresses */

void lwip_core_to_lwip(ip_addr_t *out, const struct ip_addr *addr);
void lwip_core_from_lwip(struct ip_addr *out, const ip_addr_t *addr);
/* 0 or -errno. */
int lwip_core_errno(err_t err);

/* Lowers the segment size in a packet of TCP that begins a connection with `other`. */
void lwip_core_clamp(const struct lwip_stack *s, uint8_t *packet,
                     const struct ip_view *view, const struct ip_addr *other);

/* The largest packet that is sent from now on; 0: of any size. */
void lwip_core_set_mtu(struct lwip_stack *s, uint32_t mtu_bytes);

/* A connection with such a window has used much memory, which is given back at its end. */
#define LWIP_CORE_LARGE (512U << 10)

/* May more be kept in memory now? Otherwise everybody has to do with little. */
bool lwip_core_is_short(void);
/* The last quarter is for what others can't keep for as long as they like: no segments that
 * came too early. */
bool lwip_core_is_crowded(void);
/* The most that may wait in the queue of one connection now. */
size_t lwip_core_queue_most(void);

#endif
