/* src/supervisor/underlay.h - how does a running instance follow the network under it?
 *
 * Resolves the names in Endpoints; notices when somebody changes links, addresses, routes
 * or rules; and sets the devices' MTUs to what the paths allow. It notes in the tunnels
 * that something has moved (endpoints_moved). The caller then updates the host's
 * routes. */
#ifndef TUNION_SUPERVISOR_UNDERLAY_H
#define TUNION_SUPERVISOR_UNDERLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/log.h"
#include "channel/command.h"
#include "io/loop.h"
#include "supervisor/hosts.h"
#include "supervisor/outlook.h"
#include "supervisor/resolver_child.h"
#include "supervisor/tunnels.h"
#include "supervisor/worker_child.h"

struct names;

/* All borrowed. */
struct underlay_env {
	const struct log *log;
	struct loop *loop;
	struct hosts *hosts;
	struct tunnels *tunnels;
	struct worker_child *worker;
	bool servers_given; /* the user has named the name servers: no other is asked */
	bool only_looks; /* don't ask the system to tell us of changes: see outlook.h */
	const struct outward_sockets *outward; /* see outward_look; may be NULL */
	/* How the process is started that asks for names. If it has a make_socket, only the
	 * network is asked; else the host, too. */
	struct resolver_child_env resolver;
};

/* Embedded. Before underlay_begin it is all zeroes except for monitor.fd, which is -1. */
struct underlay {
	struct underlay_env env;
	struct names *names;            /* owned; NULL before underlay_begin */
	struct resolver_child resolver; /* asks for them */
	struct lookup_remote remote;    /* its functions, for names */
	bool following;                 /* the host is up */
	int error;                      /* -errno: what underlay_run will return next */
	struct loop_source monitor;     /* fd owned; -1: there is none */
	bool looks; /* there can't be a monitor, so the outlook is what we have */
	struct outlook outlook;
	unsigned changes;     /* bits of monitor.h that haven't been handled yet */
	uint64_t due_ns;      /* when to handle them; valid if there are any */
	uint64_t dealt_ns;    /* when changes were last handled */
	uint64_t restored_ns; /* when we last had to restore something; 0: never */
	uint64_t restore_pause_ns;
};

/* Looks up the names of the files, and waits for answers, but not for long. Enters the
 * addresses known by then in the files. Call it before the final plan is made. Returns 0
 * or -ENOMEM. */
MUST_CHECK int underlay_begin(struct underlay *u, const struct underlay_env *env);
/* The host is up: follows the network from now on, and warns of names without an address.
 * Where the system doesn't tell us of changes, they are noticed when a peer doesn't answer
 * or a datagram can't be sent as before; nothing is done meanwhile. */
void underlay_up(struct underlay *u, struct diag *diag);
/* May be called even if underlay_begin wasn't. */
void underlay_end(struct underlay *u);
/* The same for a forked child, see struct child_plan. */
void underlay_forget(struct underlay *u);

/* There are other files now. Returns 0 or -ENOMEM. */
MUST_CHECK int underlay_files_changed(struct underlay *u);

/* These handle COMMAND_PATH_NEWS, COMMAND_UNANSWERED and COMMAND_ENDPOINT. */
void underlay_path_news(struct underlay *u);
void underlay_unanswered(struct underlay *u, const struct command *m);
void underlay_found(struct underlay *u, const struct command *m);

/* To be called after the ways were computed again: does the same for the MTUs and tells
 * the worker, but not the host. Returns 0 or -ENOMEM. */
MUST_CHECK int underlay_update_mtus(struct underlay *u);

/* Restores what somebody has removed, as far as this has been noticed, even if
 * underlay_run would still wait because it happens again and again. */
void underlay_restore_now(struct underlay *u);

/* The time at which underlay_run is due; NEVER_NS: never. */
uint64_t underlay_deadline_ns(const struct underlay *u, uint64_t now_ns);
/* To be called in each round of the loop. Returns 0, or -ENOMEM if the worker can't be
 * told. */
MUST_CHECK int underlay_run(struct underlay *u, uint64_t now_ns);

#endif
