/* src/supervisor/engine_keeper.h - keeps an engine process at work: starts it, tells it all
 * it has to know, and puts another in the place of one that has died. Part of
 * supervisor.c */
#ifndef TUNION_SUPERVISOR_ENGINE_KEEPER_H
#define TUNION_SUPERVISOR_ENGINE_KEEPER_H

#include "base/attr.h"
#include "base/diag.h"
#include "supervisor/supervisor_state.h"

/* 0 or -errno. engine.handle is set. */
MUST_CHECK int keeper_start(struct supervisor *s);
/* The tun, and the devices as `ip link add` makes them: hooks can speak to them. Returns
 * as worker_child_wait. */
MUST_CHECK int keeper_make_devices(struct supervisor *s);
/* What the files say of them, then the start. As worker_child_wait. */
MUST_CHECK int keeper_complete_devices(struct supervisor *s);

/* Before each wait of the loop: writes what there is to be written, and has the loop hear
 * the engine, and start another one should it die. 0 or -errno. */
MUST_CHECK int keeper_watch(struct supervisor *s);
/* An engine that does not answer would hold up whoever speaks to its devices, such as
 * hooks: finds out, and where it does not, says so in diag, kills it and starts another
 * one. What UAPI clients had set is then lost. False: the engine is another one, or none.
 */
MUST_CHECK bool keeper_make_answer(struct supervisor *s, struct diag *diag);

#endif
