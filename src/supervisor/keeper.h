/* src/supervisor/keeper.h - keeps a worker at work: starts it, tells it all that it has to
 * know, and puts another one in the place of one that has died */
#ifndef TUNION_SUPERVISOR_KEEPER_H
#define TUNION_SUPERVISOR_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/log.h"
#include "host/host.h"
#include "io/loop.h"
#include "supervisor/ending.h"
#include "supervisor/tunnels.h"
#include "supervisor/worker_child.h"

#define KEEPER_RESTARTS_MAX 5 /* in a minute */

struct keeper_events {
	/* In the worker's process, whose descriptors of ours are closed already: frees all
	 * that it has inherited. */
	void (*forget)(void *context);
	/* There is another worker: what the one before was asked for is not answered. */
	void (*restarted)(void *context);
	/* The worker had been late; others may have been told that something is not in
	 * force. */
	void (*answers_again)(void *context);
	void *context; /* borrowed */
};

/* Embedded. All pointers are borrowed and set before keeper_start, but for those that are
 * not there yet. */
struct keeper {
	struct worker_child worker; /* its handle and context are set */
	struct worker_options options;
	bool keep_stderr;
	const struct log *log;
	struct ending *ending;
	struct tunnels *tunnels;
	const struct keeper_events *events;
	struct host *host; /* from keeper_make_devices on */
	struct loop *loop; /* from keeper_watch on */

	struct loop_source channel;
	uint32_t channel_events; /* what is waited for; 0: not in the loop */
	uint64_t restarts_ns[KEEPER_RESTARTS_MAX]; /* ring: when it was restarted */
	unsigned restart_count;
};

/* Forks. 0 or -errno. */
MUST_CHECK int keeper_start(struct keeper *k);
/* The tun, and the devices as `ip link add` makes them: hooks can speak to them. Returns
 * as worker_child_wait. */
MUST_CHECK int keeper_make_devices(struct keeper *k);
/* What the files say of them, then the start. As worker_child_wait. */
MUST_CHECK int keeper_complete_devices(struct keeper *k);
/* Queues where the host sends its DNS queries now. 0 or -errno. */
MUST_CHECK int keeper_send_resolver(struct keeper *k);

/* Before each wait of the loop: writes what there is to be written, and has the loop hear
 * the worker, and start another one should it die. 0 or -errno. */
MUST_CHECK int keeper_watch(struct keeper *k);
/* In each round of the loop: what the worker has refused is logged. */
void keeper_round(struct keeper *k);
/* A worker that does not answer would hold up whoever speaks to its devices, such as
 * hooks: finds out, and where it does not, says so in diag, kills it and starts another
 * one. What UAPI clients had set is then lost. False: the worker is another one, or there
 * is none. */
MUST_CHECK bool keeper_make_answer(struct keeper *k, struct diag *diag);

/* Ends the worker, for good. Nothing happens if there is none any more. */
void keeper_end(struct keeper *k);

#endif
