/* src/supervisor/keeper.h - keeps a worker running: starts it, tells it everything it has
 * to know, and replaces it when it has died */
#ifndef TUNION_SUPERVISOR_KEEPER_H
#define TUNION_SUPERVISOR_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/ending.h"
#include "base/log.h"
#include "io/loop.h"
#include "supervisor/backoff.h"
#include "supervisor/hosts.h"
#include "supervisor/tunnels.h"
#include "supervisor/worker_child.h"

struct keeper_events {
	/* Called in the worker's process, where our descriptors are already closed:
	 * frees everything that the worker has inherited. */
	void (*forget)(void *context);
	/* Called when there is another worker. It won't answer what its predecessor was
	 * asked. */
	void (*restarted)(void *context);
	/* Called when the worker was late and answers again. Meanwhile others may have
	 * been told that something is not in force. */
	void (*answers_again)(void *context);
	void *context; /* borrowed */
};

/* Embedded. All pointers are borrowed, and must be set before keeper_start, except those
 * that don't exist yet. */
struct keeper {
	struct worker_child worker; /* its handle and context must be set */
	struct worker_options options;
	bool keep_stderr;
	const struct log *log;
	struct ending *ending;
	struct tunnels *tunnels;
	const struct keeper_events *events;
	struct hosts *hosts; /* needed from keeper_make_devices on */
	struct loop *loop;   /* needed from keeper_watch on */

	struct loop_source channel;
	uint32_t channel_events; /* the events waited for; 0: it is not in the loop */
	bool completed; /* keys and peers were sent to all of the plan's devices */
	struct backoff backoff;
	unsigned restarts;     /* of all */
	bool stopped;          /* devices stay stopped when they are complete */
	bool told_of_networks; /* that there are too many of them */
};

/* Forks a worker. Returns 0 or -errno. */
MUST_CHECK int keeper_start(struct keeper *k);
/* Gives the worker the tuns, if there are any, and makes the devices like `ip link add`,
 * so that hooks can use them. Returns what worker_child_wait returns. */
MUST_CHECK int keeper_make_devices(struct keeper *k);
/* Sends what the files say of the devices, and starts them. Returns the same. */
MUST_CHECK int keeper_complete_devices(struct keeper *k);
/* Queues what the worker has to know of the host now: the addresses to which it sends its
 * DNS queries, and for the clients of a gate its own networks. Returns 0 or -errno. */
MUST_CHECK int keeper_send_host(struct keeper *k);

/* Queues all tuns that files have of their own, because one of them may be another one
 * now. Returns 0 or -errno. */
MUST_CHECK int keeper_send_own_tuns(struct keeper *k);

/* To be called before each wait of the loop: writes what has to be written, and makes the
 * loop listen to the worker and start another one if it dies. Returns 0 or -errno. */
MUST_CHECK int keeper_watch(struct keeper *k);
/* To be called in each round of the loop: logs what the worker has refused, and starts
 * another one if it has ended or can't be used and it is time for that. */
void keeper_round(struct keeper *k);
/* When keeper_round has to be called next because a worker has to be started; NEVER_NS:
 * there is one. If workers end again and again, there is a pause before the next one is
 * started, in which there is none (worker_child_absent): see backoff.h. */
uint64_t keeper_deadline_ns(const struct keeper *k);
/* To be called again and again while a hook runs, outside of the loop: hears the worker, and
 * starts another one if it has ended. That one has what hooks may use at this time: before
 * keeper_complete_devices only devices without keys, and always those beside the plan. Does
 * nothing after keeper_end. */
void keeper_serve_hook(struct keeper *k);
/* If there is none, starts one at once, because it is needed. */
void keeper_hurry(struct keeper *k);
/* A worker that doesn't answer would block everybody who uses its devices, such as hooks.
 * This finds out whether it answers. If not, it says so in diag, kills the worker and
 * starts another one; what UAPI clients had set is then lost. Returns false if there is
 * another worker now, or none. */
MUST_CHECK bool keeper_make_answer(struct keeper *k, struct diag *diag);

/* Ends the worker and starts no other one. Does nothing if there is none. */
void keeper_end(struct keeper *k);

#endif
