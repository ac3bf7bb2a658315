/* src/host/host.h - what is changed on the Linux host for an instance, and how is it
 * undone?
 *
 * The supervisor calls these functions in this order:
 *  - host_new removes what a killed instance of this name has left.
 *  - plan_make uses host_path_mtu.
 *  - host_prepare chooses the mark and makes the tun, which is still down.
 *    Then sockets are opened with host_mark, and the devices are made in the worker.
 *  - host_pre_up runs the PreUp hooks, which can already use the devices.
 *    Then the devices get keys and peers, and are started.
 *  - host_up sets the MTU and the addresses, sets the tun up, sets DNS, routes, rules and
 *    the guard, and runs the PostUp hooks.
 *  - host_update changes what is different, whenever the plan or an endpoint has changed.
 *    If another tun of the instance may give up prefixes, host_close is called before it.
 *    For each new file, host_file_added is called before it and host_file_up after it.
 *    When the devices of files that have gone are gone, too, host_post_down is called.
 *  - host_down runs the PreDown hooks, undoes everything in reverse order, and runs the
 *    PostDown hooks. Then host_free.
 *
 * All or nothing: if a step of host_prepare, host_pre_up or host_up fails, everything
 * before it is undone in reverse order before the function returns. Supervisor process.
 * May block: it runs other programs and waits for them, so nobody else may reap children
 * that he doesn't know. Needs CAP_NET_ADMIN. */
#ifndef TUNION_HOST_HOST_H
#define TUNION_HOST_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/ip.h"
#include "base/log.h"
#include "host/hooks.h"
#include "host/host_place.h"
#include "host/own_networks.h"
#include "host/yield.h"
#include "plan/plan.h"

struct host_options {
	const char *tun; /* name of the host tun; copied */
	/* RUNDIR/TUN.state: what has to be undone if we are killed; copied; may be
	 * NULL */
	const char *state_path;
	/* Of the instance, which stays locked until the programs that were run for it have
	 * ended, too: see spawn.h. 0: there is none. */
	int lock_fd;
	bool vnet_hdr; /* of the tun, see tun_open.h */
	bool no_guard; /* don't set up a guard, see guard.h */
	bool no_dns;   /* leave the host's name servers as they are */
	/* Copied; what host_network_servers returns instead of what it finds; 0: none. */
	const struct ip_addr *name_servers;
	size_t name_server_count;          /* at most NAMESERVERS_MAX */
	const struct log *log;             /* borrowed; NULL: nothing is logged */
	const struct hooks_events *events; /* borrowed; may be NULL */
	unsigned hook_limit_s;             /* see hooks.h; 0: the default */
	/* Borrowed; NULL: the tun is in our own network namespace. Otherwise no hooks are
	 * run, and nothing has to be kept in a state file. See host_place.h. */
	const struct host_place *place;
	/* What a killed instance has left is not undone, but keeps packets from leaving in
	 * the clear until remains_let_go: see remains.h. */
	bool keep_remains;
	/* Nothing that fails opens the host: it is left as if we had been killed. See
	 * remains_stay_closed. */
	bool stay_closed;
};

struct host;
struct host_state;

/* Also undoes what the state file contains, and removes it, unless it is to be kept. So call it only when no
 * instance of this name runs. Returns 0 or -errno, with the reason in diag. */
MUST_CHECK int host_new(struct host **out, const struct host_options *options,
                        struct diag *diag);
/* Also does what host_down does, if that wasn't called. h may be NULL. */
void host_free(struct host *h);
/* For a forked child, or before the process ends: frees it, but changes nothing on the
 * host. The tun stays open. h may be NULL. */
void host_forget(struct host *h);

/* The function for plan_env.path_mtu; context is the struct host. Returns 0 if
 * unknown. */
uint32_t host_path_mtu(void *context, const struct conf *conf, const struct ip_addr *to);

/* Returns the name servers that the network offers, without those of tunnels. If they
 * can't be found out any more, returns those found last. Returns how many, at most
 * max. */
size_t host_network_servers(struct host *h, struct ip_addr *out, size_t max);
/* From now on also without those of other tuns. The text has the form of a resolv.conf; it
 * is taken over, and may be NULL. */
void host_leave_out_servers(struct host *h, char *text);

/* See own_networks.h. There are none without a tun, or if it is not in our own network
 * namespace, or if the plan has no gate. To be called after host_prepare. Returns 0 or
 * -errno. */
MUST_CHECK int host_own_networks(struct host *h, const struct plan *plan,
                                 struct own_networks *out);

enum host_reach {
	HOST_REACH_NONE, /* there is no route */
	HOST_REACH_POOR, /* only from an IPv6 address that isn't for the internet */
	HOST_REACH_GOOD,
};
/* How well do the datagrams of a file reach this address? conf may be NULL. */
enum host_reach host_reach(struct host *h, const struct conf *conf,
                           const struct ip_addr *to);

/* The plan is only borrowed during the call. Returns 0 or -errno, with the reason in
 * diag. */
MUST_CHECK int host_prepare(struct host *h, const struct plan *plan, struct diag *diag);
/* Before host_prepare these are -1 and 0, and also if there is no tun at all. The fd
 * stays the host's. The ifindex is also 0 if the tun is not in our own network
 * namespace. */
int host_tun_fd(const struct host *h);
uint32_t host_tun_ifindex(const struct host *h);
/* Returns the mark (SO_MARK) of the network sockets of files without a FwMark, and of those
 * that belong to no file. It is 0, which means none, only if the tun is not in our own
 * network namespace. */
uint32_t host_mark(const struct host *h);
/* From now on uses this mark, which another host of the instance has chosen. */
void host_use_mark(struct host *h, uint32_t mark);
/* Returns the mark of the file's sockets; without a file (NULL) the same as host_mark. */
uint32_t host_file_mark(const struct host *h, const struct conf *conf);
/* To be called before sockets are opened for the files of a new plan: these may need
 * another host_mark. host_prepare has done so. Returns 0 or -errno, with the reason in
 * diag. */
MUST_CHECK int host_choose_mark(struct host *h, const struct plan *plan,
                                struct diag *diag);
/* That plan doesn't come: the mark is again the one in force. */
void host_unchoose_mark(struct host *h);
/* Returns the virtual resolver's addresses, for engine_set_resolver; the family is
 * IP_NONE if there is none. To be called after host_prepare and after each
 * host_update. */
void host_resolver(const struct host *h, struct ip_addr *ipv4, struct ip_addr *ipv6);

/* May the host's own ways be used to ask a DNS server to which no tunnel leads? Not if
 * programs are in another network namespace, so that they have no way but the tunnels. */
bool host_may_ask_outside(const struct host *h);

MUST_CHECK int host_pre_up(struct host *h, const struct plan *plan, struct diag *diag);
MUST_CHECK int host_up(struct host *h, const struct plan *plan, struct diag *diag);
/* For remains.h: with keep_remains, what is left is taken over before host_up. */
struct host_state *host_state_of(struct host *h);
/* For a file that comes while the instance is up: checks its hooks and runs PreUp, unless
 * it is already up. Returns 0 or -errno, with the reason in diag. After an error, the
 * file must not be in the plan for host_update. */
MUST_CHECK int host_file_added(struct host *h, const struct conf *conf,
                               struct diag *diag);
/* For a file that is changed while the instance is up: only warns of what it wants and
 * doesn't get. No hooks are run, as in wg-quick. */
void host_file_changed(struct host *h, const struct conf *conf, struct diag *diag);
/* To be called after a host_update with this file: runs PostUp. Returns 0 or -errno, with
 * the reason in diag. As in wg-quick, after an error the file has to go again, with a
 * host_update without it, and its PreDown and PostDown won't run. */
MUST_CHECK int host_file_up(struct host *h, const struct conf *conf, struct diag *diag);

/* Routes or rules of others may have changed. The next host_update looks at them again;
 * without this, it only does so if routes of ours are new. */
void host_network_changed(struct host *h);
/* Runs PreDown of the files that the plan (NULL: one without files) no longer has. The next
 * host_update then leaves it out. */
void host_leave_files(struct host *h, const struct plan *plan, struct diag *diag);
/* To be called before host_update if another tun of the instance may give up prefixes: what
 * this plan will hold is closed from now on, so that nothing leaves in the clear meanwhile.
 * See closing.h. What can't be done is left to host_update. */
void host_close(struct host *h, const struct plan *plan);
/* To be called after host_up. What can't be applied is reported, and the rest is applied
 * all the same: a running instance is not taken down because of it. The ways must have
 * been computed (way_compute) from the present endpoints. An endpoint that is a name
 * counts as soon as it is resolved. Returns 0 or the first error. */
MUST_CHECK int host_update(struct host *h, const struct plan *plan, struct diag *diag);
/* The file gets a tun of its own, which will have its name: it is no alternative name of
 * this tun any more. If it doesn't, the next host_update gives it back. */
void host_give_up_name(struct host *h, const char *name);
/* Runs PostDown of the files that the plan no longer has. Returns 0, or -errno if the
 * state file can't be written. */
MUST_CHECK int host_post_down(struct host *h, const struct plan *plan, struct diag *diag);

/* Runs the PreDown hooks of all files in reverse order, before host_down, which then
 * leaves them out. At this point host_down may still be cancelled. As in wg-quick, a hook
 * that fails wants the instance to stay up: then returns its exit status, which is above
 * 0, or -errno, with the reason in diag. */
MUST_CHECK int host_pre_down(struct host *h, struct diag *diag);

/* Adds those of our addresses, routes and rules that somebody has removed, and leaves the
 * others as they are. The plan is the one in force. Returns how many were missing. */
size_t host_restore(struct host *h, const struct plan *plan);

/* Returns the n prefixes of ours that yield to other links now. Valid until the next
 * change. */
const struct yield *host_yields(const struct host *h, size_t *n);

/* Runs the hooks of files whose PostUp has succeeded, as they were then. Between PreDown
 * and PostDown hooks hooks_events.gone is called. A failure is a warning, and everything
 * else is undone all the same. Returns 0, the exit status of the first PostDown hook that
 * has failed, or -errno if it couldn't be run. */
MUST_CHECK int host_down(struct host *h, struct diag *diag);
/* The same after a host_update with a plan without devices, which has run the PreDown
 * hooks. */
void host_end(struct host *h, struct diag *diag);

#endif
