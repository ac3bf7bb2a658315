/* src/supervisor/underlay.h - how does a running instance follow the network below it?
 *
 * Resolves the names of Endpoints, notices when somebody changes links, addresses, routes
 * or rules, and keeps the devices' MTUs to what the paths allow. What has moved is noted in
 * the tunnels (endpoints_moved); the host's routes are brought up to date by who asks. */
#ifndef TUNION_SUPERVISOR_UNDERLAY_H
#define TUNION_SUPERVISOR_UNDERLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/log.h"
#include "channel/command.h"
#include "host/host.h"
#include "io/loop.h"
#include "supervisor/tunnels.h"
#include "supervisor/worker_child.h"

struct names;

/* All borrowed. */
struct underlay_env {
	const struct log *log;
	struct loop *loop;
	struct host *host;
	struct tunnels *tunnels;
	struct worker_child *worker;
};

/* Embedded. All zeroes, but monitor.fd -1: not begun. */
struct underlay {
	struct underlay_env env;
	struct names *names;        /* owned; NULL: not begun */
	bool following;             /* the host is up */
	int error;                  /* -errno: what comes out of underlay_run next */
	struct loop_source monitor; /* fd owned; -1: none */
	unsigned changes;           /* bits of monitor.h, not dealt with yet */
	uint64_t due_ns;            /* when they are; valid if there are any */
	uint64_t dealt_ns;          /* when some were last */
	uint64_t restored_ns;       /* when something had to be put back last; 0: never */
	uint64_t restore_pause_ns;
};

/* Asks for the names of the files, and waits for answers, but not long; what is known
 * then is in the files. Before the plan is made that is to be carried out. 0 or -ENOMEM. */
MUST_CHECK int underlay_begin(struct underlay *u, const struct underlay_env *env);
/* The host is up: follows the network from now on, and tells what is still missing. */
void underlay_up(struct underlay *u, struct diag *diag);
/* May be called if it did not begin. */
void underlay_end(struct underlay *u);

/* The files are others now. 0 or -ENOMEM. */
MUST_CHECK int underlay_files_changed(struct underlay *u);

/* COMMAND_PATH_NEWS, COMMAND_UNANSWERED, COMMAND_ENDPOINT. */
void underlay_path_news(struct underlay *u);
void underlay_unanswered(struct underlay *u, const struct command *m);
void underlay_found(struct underlay *u, const struct command *m);

/* After the ways have been computed anew: so are MTUs, and the worker is told. The host
 * is not. 0 or -ENOMEM. */
MUST_CHECK int underlay_update_mtus(struct underlay *u);

/* Puts back what somebody has taken away, as far as that has been noticed, also where
 * underlay_run would still wait because it happens again and again. */
void underlay_restore_now(struct underlay *u);

/* When underlay_run is due; NEVER_NS: never. */
uint64_t underlay_deadline_ns(const struct underlay *u, uint64_t now_ns);
/* In each round of the loop. 0, or -ENOMEM: the worker can't be told. */
MUST_CHECK int underlay_run(struct underlay *u, uint64_t now_ns);

#endif
