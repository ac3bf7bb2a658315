/* src/worker/worker_outside.h - the sockets to DNS servers that no tunnel leads to
 *
 * The worker can't make any: it asks the supervisor, who makes them only to servers that a file
 * names, and connects them. A UDP socket is used for as long as queries keep coming, but not for
 * ever: another one has another port (RFC 5452), and another source address where the network
 * has changed. See engine/outside.h. Worker process and thread. */
#ifndef TUNION_WORKER_WORKER_OUTSIDE_H
#define TUNION_WORKER_WORKER_OUTSIDE_H

#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "channel/command.h"
#include "engine/engine.h"
#include "io/loop.h"
#include "worker/report.h"
#include "worker/worker_relay.h"

#define WORKER_OUTSIDE_SERVERS_MAX 16
/* Another socket is asked for after so long a time, or after so long a silence. */
#define WORKER_OUTSIDE_AGE_NS    (60 * NS_PER_SEC)
#define WORKER_OUTSIDE_SILENT_NS (10 * NS_PER_SEC)

struct outside_server;

/* Embedded in the worker. Zeroed but for the borrowed pointers: nothing was asked. */
struct worker_outside {
	struct loop *loop;     /* borrowed */
	struct engine *engine; /* borrowed */
	struct report *report; /* borrowed */
	struct worker_relays relays;
	struct outside_server *first; /* owned list: the one asked last comes first */
	size_t count;
};

void worker_outside_clear(struct worker_outside *w);
/* Closes the UDP sockets: those that come next leave as the network now is. */
void worker_outside_network_changed(struct worker_outside *w);

/* What the engine wants: see engine/env.h. */
void worker_outside_ask(struct worker_outside *w, const struct ip_addr *server,
                        const void *query, size_t n, uint64_t now_ns);
void worker_outside_connect(struct worker_outside *w, const struct ip_addr *server,
                            uint16_t port);
/* COMMAND_OUTSIDE: the supervisor's answer. Takes the descriptors. */
void worker_outside_answered(struct worker_outside *w, struct command *m,
                             uint64_t now_ns);

#endif
