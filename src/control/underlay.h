/* src/control/underlay.h - how does a running instance follow the network below it?
 *
 * The part of the supervisor that resolves the names of Endpoints. Part of supervisor.c:
 * all functions work on its struct. */
#ifndef TUNION_CONTROL_UNDERLAY_H
#define TUNION_CONTROL_UNDERLAY_H

#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "control/command.h"

struct supervisor;

/* Asks for the names of the files, and waits for answers, but not long; what is known
 * then is in the files. Before the plan is made that is to be carried out; the host and
 * the loop are there, and a plan that is only tried. 0 or -ENOMEM. */
MUST_CHECK int underlay_begin(struct supervisor *s);
/* The host is up: tells what is still missing. */
void underlay_up(struct supervisor *s, struct diag *diag);
/* Fine if it did not begin. */
void underlay_end(struct supervisor *s);

/* COMMAND_UNANSWERED, COMMAND_ENDPOINT. */
void underlay_unanswered(struct supervisor *s, const struct command *m);
void underlay_found(struct supervisor *s, const struct command *m);

/* When underlay_run is due; NEVER_NS: not. */
uint64_t underlay_deadline_ns(const struct supervisor *s, uint64_t now_ns);
/* In each round of the loop. */
void underlay_run(struct supervisor *s, uint64_t now_ns);

#endif
