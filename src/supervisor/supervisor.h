/* src/supervisor/supervisor.h - the process that keeps the caller's rights: up, serve, down
 *
 * It reads files and changes the host; it never reads a packet. Signals that are to end
 * it (SIGTERM, SIGINT, SIGHUP) are blocked from supervisor_up on and taken in
 * supervisor_serve. */
#ifndef TUNION_SUPERVISOR_SUPERVISOR_H
#define TUNION_SUPERVISOR_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/log.h"
#include "channel/worker_entry.h"

struct supervisor;

struct supervisor_options {
	const char *tun;     /* name of the host tun, and of the instance */
	const char *run_dir; /* NULL: the default */
	/* Tunnel files and directories. Absolute: hooks, SaveConfig and reload need them
	 * later, wherever the process is then. Copied. */
	const char *const *paths;
	size_t path_count;
	const struct log *log;      /* borrowed for as long as it lives */
	struct worker_entry worker; /* run in the process that has the packets */
	unsigned silence_ms;        /* the worker's, see worker_child.h; 0: the default */
	bool no_watch;              /* files are read again only when a client asks */
	bool foreground;            /* the engine may keep our stderr, too */
	bool no_firewall;           /* host_options.no_guard */
	bool no_dns;                /* host_options.no_dns */
	bool no_offload;            /* the kernel gives and takes single packets only */
};

/* All or nothing: what was done is undone where it fails. 0, and then the instance is up
 * and answers requests; or -errno, errors and warnings in diag either way. -EINTR: a
 * signal asked for the end meanwhile. */
MUST_CHECK int supervisor_up(struct supervisor **out,
                             const struct supervisor_options *options, struct diag *diag);
/* Returns when somebody wants it down: 0, or -errno when the engine can't be kept alive.
 */
MUST_CHECK int supervisor_serve(struct supervisor *s);
/* Puts the host back, ends the engine, tells who asked for it, frees. NULL is fine. */
void supervisor_down(struct supervisor *s, struct diag *diag);

#endif
