/* src/supervisor/underlay.h - how does a running instance follow the network below it?
 *
 * The part of the supervisor that resolves the names of Endpoints, notices when somebody
 * changes links, addresses, routes or rules, and keeps the devices' MTUs to what the
 * paths allow. Part of supervisor.c: all functions work on its struct. */
#ifndef TUNION_SUPERVISOR_UNDERLAY_H
#define TUNION_SUPERVISOR_UNDERLAY_H

#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "channel/command.h"
#include "io/loop.h"

struct supervisor;

/* Embedded in the supervisor. All zeroes, but monitor.fd -1: not begun. */
struct underlay {
	struct loop_source monitor; /* fd owned; -1: none */
	unsigned changes;           /* bits of monitor.h, not dealt with yet */
	uint64_t due_ns;            /* when they are; valid if there are any */
	uint64_t dealt_ns;          /* when some were last */
	uint64_t restored_ns;       /* when something had to be put back last; 0: never */
	uint64_t restore_pause_ns;
};

/* Asks for the names of the files, and waits for answers, but not long; what is known
 * then is in the files. Before the plan is made that is to be carried out; the host and
 * the loop are there, and a plan that is only tried. 0 or -ENOMEM. */
MUST_CHECK int underlay_begin(struct supervisor *s);
/* The host is up: follows the network from now on, and tells what is still missing. */
void underlay_up(struct supervisor *s, struct diag *diag);
/* Fine if it did not begin. */
void underlay_end(struct supervisor *s);

/* COMMAND_PATH_NEWS, COMMAND_UNANSWERED, COMMAND_ENDPOINT. */
void underlay_path_news(struct supervisor *s);
void underlay_unanswered(struct supervisor *s, const struct command *m);
void underlay_found(struct supervisor *s, const struct command *m);

/* After the ways have been computed anew: so are MTUs, and the engine is told. The host
 * is not. */
void underlay_update_mtus(struct supervisor *s);

/* Puts back what somebody has taken away, as far as that has been noticed, also where
 * underlay_run would still wait because it happens again and again. */
void underlay_restore_now(struct supervisor *s);

/* When underlay_run is due; NEVER_NS: not. */
uint64_t underlay_deadline_ns(const struct supervisor *s, uint64_t now_ns);
/* In each round of the loop. */
void underlay_run(struct supervisor *s, uint64_t now_ns);

#endif
