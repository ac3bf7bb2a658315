/* src/supervisor/supervisor.h - the process that keeps the caller's rights: up, serve,
 * down
 *
 * It reads files and changes the host, but never reads a packet. The signals that end it
 * (SIGTERM, SIGINT, SIGHUP) are blocked from supervisor_up on, and are handled in
 * supervisor_serve. */
#ifndef TUNION_SUPERVISOR_SUPERVISOR_H
#define TUNION_SUPERVISOR_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/log.h"
#include "channel/worker_entry.h"
#include "inside/handover.h"
#include "names/resolver_entry.h"
#include "plan/plan.h"
#include "supervisor/page_child.h"
#include "supervisor/vpn_app.h"

struct supervisor;

/* For `exec` and `proxy`: the tun is where a command runs. All borrowed, except the
 * pidfd. */
struct supervisor_inside {
	const struct handover_fds *fds;
	int socket; /* to the process inside, see handover.h */
	int pidfd;  /* of the command */
};

/* What the caller may want to follow. */
struct supervisor_events {
	/* Called when the first plan is in force, before supervisor_up returns, and after
	 * each reload. The addresses are the virtual resolver's, see host_resolver. */
	void (*planned)(void *context, const struct plan *plan,
	                const struct ip_addr *resolver4, const struct ip_addr *resolver6);
	void *context; /* borrowed */
};

struct supervisor_options {
	/* Name of the host tun, and of the instance. NULL, only with `inside` and no_tun:
	 * base and a number, the first that is free. */
	const char *tun;
	const char *base;
	const struct supervisor_inside *inside; /* borrowed; NULL: the tun is here */
	bool no_tun; /* for `gate`: nothing is changed on the host */
	/* What processes of the caller say comes here, see helper_log.h; 0 or less: there are
	 * none. Borrowed. */
	int lines_fd;
	/* Borrowed; NULL: there is no such app. Nothing is changed on the host, either. */
	const struct vpn_app_wanted *app;
	const struct supervisor_events *events; /* borrowed; may be NULL */
	const struct page_wanted *page;         /* borrowed; NULL: no status page */
	const char *run_dir;                    /* NULL: the default */
	/* Tunnel files and directories; copied. The paths must be absolute, because
	 * hooks, SaveConfig and reload need them later, when the working directory is
	 * another. */
	const char *const *paths;
	size_t path_count;
	const char *names_folder; /* see conf_paths; borrowed for the start */
	/* NULL, or a file that is a gate, see conf_paths; absolute and copied, too. */
	const char *gate;
	const struct log *log;          /* borrowed for as long as the supervisor lives */
	struct worker_entry worker;     /* what runs in the worker */
	struct resolver_entry resolver; /* what runs in the resolver */
	unsigned silence_ms;            /* see worker_child.h; 0: the default */
	bool no_watch;                  /* files are read again only when a client asks */
	bool foreground;                /* the worker may keep our stderr, too */
	bool no_firewall;               /* host_options.no_guard */
	bool no_dns;                    /* host_options.no_dns */
	unsigned hook_limit_s;          /* host_options.hook_limit_s */
	/* May be NULL. After an error: is the host left closed, because an instance that was
	 * killed has left it so? */
	bool *still_closed;
	bool no_offload; /* exchange only single packets with the kernel */
	/* Borrowed. Only these are asked for names in Endpoints; 0: the host's, and those
	 * of the network. */
	const struct ip_addr *name_servers;
	size_t name_server_count; /* at most NAMESERVERS_MAX */
};

/* All or nothing: if a step fails, everything is undone. Returns 0 when the instance is
 * up and answers requests, or -errno. Errors and warnings are in diag in both cases.
 * -EINTR means that a signal asked for the end meanwhile. */
MUST_CHECK int supervisor_up(struct supervisor **out,
                             const struct supervisor_options *options, struct diag *diag);
/* Returns when somebody wants it down: 0, or -errno if no worker can be kept alive. */
MUST_CHECK int supervisor_serve(struct supervisor *s);
/* Restores the host, ends the worker, answers those who asked for it, and frees
 * everything. s may be NULL. */
void supervisor_down(struct supervisor *s, struct diag *diag);
/* Has the end come because the app's tun is gone? */
bool supervisor_tun_revoked(const struct supervisor *s);
/* Returns the name of the tun; valid until supervisor_down. */
const char *supervisor_tun(const struct supervisor *s);
/* Returns the address of the status page, or NULL if there is none. It has the token, so it
 * must not be logged. As valid as the tun's name. */
const char *supervisor_page_url(const struct supervisor *s);

#endif
