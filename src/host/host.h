/* src/host/host.h - what of the Linux host is changed for an instance, and how it is put
 * back
 *
 * The supervisor's way through it:
 *  - host_new clears what a killed instance of the name left.
 *  - plan_make is given host_path_mtu.
 *  - host_prepare chooses the mark and makes the tun (still down).
 *    Then sockets are opened with host_mark, and devices made in the engine.
 *  - host_pre_up runs the PreUp hooks, to which the devices are there.
 *    Then the devices are given keys and peers and started.
 *  - host_up sets MTU, addresses, the tun up, DNS, routes, rules and the guard, and runs
 * the PostUp hooks.
 *  - host_update, whenever the plan or an endpoint has changed, does what differs;
 *    host_file_added comes before it and host_file_up after it, for each new file.
 *    Once the devices of files that have gone are gone too, host_post_down.
 *  - host_down runs the PreDown hooks, puts everything back in reverse, and runs the
 * PostDown hooks. Then host_free.
 *
 * All or nothing: where a step of host_prepare, host_pre_up or host_up fails, all before it are
 * undone, in reverse, before the call returns. Supervisor process; may block; runs other
 * programs and waits for them, so nobody else may reap children that he doesn't know.
 * Needs CAP_NET_ADMIN. */
#ifndef TUNION_HOST_HOST_H
#define TUNION_HOST_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/ip.h"
#include "base/log.h"
#include "host/hooks.h"
#include "plan/plan.h"

struct host_options {
	const char *tun;        /* name of the host tun; copied */
	const char *state_path; /* RUNDIR/TUN.state: what to undo, should we be killed;
	                           copied; NULL: not kept */
	bool vnet_hdr;          /* of the tun, see tun_open.h */
	bool no_guard;          /* see guard.h: do without */
	bool no_dns;            /* leave the host's name servers as they are */
	const struct log *log;  /* borrowed; NULL: silent */
	const struct hooks_events *events; /* borrowed; may be NULL */
};

struct host;

/* Also undoes what the state file names, and removes it: call it only when no instance of
 * this name runs. 0 or -errno, the reason in diag. */
MUST_CHECK int host_new(struct host **out, const struct host_options *options,
                        struct diag *diag);
/* As host_down, should it not have been called. NULL is fine. */
void host_free(struct host *h);
/* In a forked child: frees it and changes nothing on the host, which is its parent's.
 * NULL is fine. */
void host_forget(struct host *h);

/* For plan_env.path_mtu; context is the struct host. 0: unknown. */
uint32_t host_path_mtu(void *context, const struct ip_addr *to);

/* The name servers that the network offers (not those of tunnels), now or, where that
 * can't be told any more, when last it could. Returns how many, at most max. */
size_t host_network_servers(struct host *h, struct ip_addr *out, size_t max);

enum host_reach {
	HOST_REACH_NONE, /* no route */
	HOST_REACH_POOR, /* from an IPv6 address that is not meant for the internet */
	HOST_REACH_GOOD,
};
/* How do our own datagrams get there? */
enum host_reach host_reach(struct host *h, const struct ip_addr *to);

/* The plan is borrowed during the call only. 0 or -errno, the reason in diag. */
MUST_CHECK int host_prepare(struct host *h, const struct plan *plan, struct diag *diag);
/* After host_prepare, else: -1, 0. The fd stays the host's. */
int host_tun_fd(const struct host *h);
uint32_t host_tun_ifindex(const struct host *h);
/* Mark of every network socket of the instance (SO_MARK); never 0. */
uint32_t host_mark(const struct host *h);
/* For engine_set_resolver, after host_prepare and again after each host_update: the
 * virtual resolver's addresses; IP_NONE where there is none. */
void host_resolver(const struct host *h, struct ip_addr *ipv4, struct ip_addr *ipv6);

MUST_CHECK int host_pre_up(struct host *h, const struct plan *plan, struct diag *diag);
MUST_CHECK int host_up(struct host *h, const struct plan *plan, struct diag *diag);
/* Of a file that comes while the instance is up: checks its hooks and runs PreUp. One
 * that is up already is passed over. 0 or -errno, the reason in diag: it must then not
 * be in the plan that host_update is given. */
MUST_CHECK int host_file_added(struct host *h, const struct conf *conf,
                               struct diag *diag);
/* After host_update with it: PostUp. 0 or -errno, the reason in diag: as with wg-quick it
 * is to go again, by a host_update without it, and its PreDown and PostDown won't run. */
MUST_CHECK int host_file_up(struct host *h, const struct conf *conf, struct diag *diag);

/* After host_up. What cannot be applied is reported and the rest is applied all the same:
 * a running instance is not taken down for it. The ways must be computed (way_compute)
 * from the endpoints as they are now; an endpoint that is a name counts from when it is
 * resolved. 0, or the first error. */
MUST_CHECK int host_update(struct host *h, const struct plan *plan, struct diag *diag);
/* PostDown of the files that the plan no longer has. 0 or -errno: the state file can't be
 * written. */
MUST_CHECK int host_post_down(struct host *h, const struct plan *plan, struct diag *diag);

/* Before host_down, where it may still be called off: the PreDown hooks, which host_down
 * then leaves out. Of all files, in reverse order. As with wg-quick one that fails wants
 * the instance to stay: its exit status, above 0, or -errno, the reason in diag. */
MUST_CHECK int host_pre_down(struct host *h, struct diag *diag);

/* Adds what of our addresses, routes and rules somebody has taken away; what is there
 * stays as it is. The plan is the one in force. Returns how much was missing. */
size_t host_restore(struct host *h, const struct plan *plan);

/* Hooks of files whose PostUp had succeeded run, as they were then; between PreDown and
 * PostDown hooks_events.gone is called. What fails is reported as a warning, and
 * everything else is undone. 0, or the exit status of the first PostDown hook that failed,
 * or -errno if it could not be run. */
MUST_CHECK int host_down(struct host *h, struct diag *diag);

#endif
