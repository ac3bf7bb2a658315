/* src/worker/worker_stand_in.h - connects what stands in for the tun with the engine */
#ifndef TUNION_WORKER_WORKER_STAND_IN_H
#define TUNION_WORKER_WORKER_STAND_IN_H

#include "base/attr.h"
#include "channel/command.h"
#include "worker/stand_in.h"

struct engine;

/* Embedded in the worker. All zeroes: there is none, and the functions do nothing. */
struct worker_stand_in {
	struct stand_in *stand_in; /* owned */
	struct engine *engine;     /* borrowed */
};

/* Must not be moved afterwards. Returns 0 or -errno. */
MUST_CHECK int worker_stand_in_begin(struct worker_stand_in *w,
                                     const struct stand_in_entry *entry,
                                     struct engine *engine, struct loop *loop,
                                     const struct log *log);
/* Before the engine is freed. */
void worker_stand_in_end(struct worker_stand_in *w);

/* Carry out COMMAND_STAND_IN, and the part of COMMAND_RESOLVER that concerns it. Return 0
 * or -errno. */
MUST_CHECK int worker_stand_in_give(struct worker_stand_in *w, struct command *m);
void worker_stand_in_resolver(struct worker_stand_in *w, const struct command *m);

uint64_t worker_stand_in_deadline_ns(const struct worker_stand_in *w, uint64_t now_ns);
void worker_stand_in_run(struct worker_stand_in *w, uint64_t now_ns);

#endif
