/* src/proxy/lwip_stack.h - streams and datagrams over TCP/IP in this process, by lwIP
 *
 * It stands where otherwise the host's tun is: what the engine would write to the tun comes
 * in by a tun_link, and what a host would send through it is given to the engine, in
 * batches. So no system call is made per packet, and no namespace is needed.
 *
 * lwIP has its state in variables of its own, so that a process has one stack only. Its
 * memory is bounded: what each connection may have unread and unacknowledged, and all of
 * them together. While nothing is under way there are no timers. */
#ifndef TUNION_PROXY_LWIP_STACK_H
#define TUNION_PROXY_LWIP_STACK_H

#include <stdint.h>

#include "base/attr.h"
#include "base/link.h"
#include "proxy/lwip_env.h"
#include "proxy/stack.h"

struct lwip_stack;

/* Returns 0 or -errno. */
MUST_CHECK int lwip_stack_new(struct lwip_stack **out, const struct lwip_env *env);
/* Its streams and ports must have been closed before. NULL is fine. */
void lwip_stack_free(struct lwip_stack *s);

struct stack *lwip_stack_as_stack(struct lwip_stack *s);
/* For engine_set_tun. */
struct tun_link *lwip_stack_as_link(struct lwip_stack *s);

/* When lwip_stack_run is due; NEVER_NS: when something has come or was asked for. */
uint64_t lwip_stack_deadline_ns(const struct lwip_stack *s);
/* Calls `ready` of streams and ports, runs the timers, and sends. To be called in each
 * round of the loop, not while the engine is at work. */
void lwip_stack_run(struct lwip_stack *s, uint64_t now_ns);

#endif
