/* src/worker/stand_in.h - what stands in for the host's tun in the worker?
 *
 * Where there is no tun, somebody in this process may have the packets that a host would
 * have: TCP/IP, and connections over it. The worker doesn't know what that is. It gives it
 * the packets by a tun_link, the descriptors that the supervisor has for it, and its turn in
 * each round of the loop. Worker process and thread. */
#ifndef TUNION_WORKER_STAND_IN_H
#define TUNION_WORKER_STAND_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "base/link.h"
#include "base/log.h"
#include "sandbox/call_filter.h"

struct loop;

/* What the worker gives it; all borrowed. */
struct stand_in_env {
	struct loop *loop;
	const struct log *log;
	/* As local_route and local_is_own in engine/local.h. */
	int (*route)(void *context, const struct ip_addr *to, struct ip_addr *from,
	             uint32_t *mtu_bytes);
	bool (*is_own)(void *context, const struct ip_addr *addr);
	/* As engine_tun_input. */
	void (*send)(void *context, struct packet **packets, size_t n, uint64_t now_ns);
	void *context;
};

struct stand_in;

struct stand_in_ops {
	/* From the supervisor: a word that says what it is for, and perhaps a descriptor,
	 * which it owns from here on (-1: none). Returns 0 or -errno. */
	int (*give)(struct stand_in *s, const char *what, int fd);
	/* Names are asked of these servers from now on, which are none if no file has any.
	 * The search domains are lines. */
	void (*names)(struct stand_in *s, const struct ip_addr *servers, size_t n,
	              const char *domains);
	/* When is `run` due? NEVER_NS: it isn't. */
	uint64_t (*deadline_ns)(const struct stand_in *s, uint64_t now_ns);
	/* Called in each round, when the engine isn't at work. */
	void (*run)(struct stand_in *s, uint64_t now_ns);
	/* Frees it. It may still send. */
	void (*end)(struct stand_in *s);
};

/* Its first member. */
struct stand_in {
	const struct stand_in_ops *ops;
	struct tun_link *link; /* for packets that are meant for the host */
};

/* How it is made: in a worker_entry (channel/worker_entry.h). */
struct stand_in_entry {
	/* Returns 0 or -errno. */
	int (*begin)(struct stand_in **out, const struct stand_in_env *env,
	             void *context);
	void *context; /* memory of the supervisor's process, of which the worker has a copy */
	/* borrowed: the system calls that it makes, besides those of worker_calls.h */
	const struct call_rule *calls;
	size_t call_count;
};

#endif
