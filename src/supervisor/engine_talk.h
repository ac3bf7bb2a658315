/* src/supervisor/engine_talk.h - what the engine says on its own, and its status. Part of
 * supervisor.c */
#ifndef TUNION_SUPERVISOR_ENGINE_TALK_H
#define TUNION_SUPERVISOR_ENGINE_TALK_H

#include "supervisor/supervisor_state.h"

/* For worker_child.handle. */
void talk_handle(void *supervisor, struct command *m);

/* Clients want the status: asks the engine, which has ENGINE_SILENCE_MS to answer. */
void talk_ask_status(struct supervisor *s);
/* When talk_status_run has something to do; NEVER_NS: nothing. */
uint64_t talk_status_deadline_ns(const struct supervisor *s);
/* The same from now on, for poll(): -1 for never. */
int talk_status_wait_ms(const struct supervisor *s);
/* Tells the clients if the engine has not answered in time. */
void talk_status_run(struct supervisor *s);

#endif
