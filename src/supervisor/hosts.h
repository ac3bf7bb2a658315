/* src/supervisor/hosts.h - what is changed on the host for each tun of an instance?
 *
 * There is a struct host (host/host.h) for the shared tun, and one for each file that has
 * a tun of its own (design R14). Each of them gets the part of the plan that uses its tun,
 * and has its own state file: RUNDIR/TUN.state and RUNDIR/TUN:NAME.state. The functions
 * call those of host.h for all of them, and in the same order; they are all or nothing
 * as these are. Supervisor process. */
#ifndef TUNION_SUPERVISOR_HOSTS_H
#define TUNION_SUPERVISOR_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "host/host.h"
#include "plan/plan.h"

struct own_host; /* of a file with a tun of its own */

/* Embedded. Zeroed: there is nothing. */
struct hosts {
	struct host *shared;         /* owned */
	struct own_host *own;        /* owned list; the one that came last is first */
	struct host_options options; /* of the shared one; the strings are borrowed */
	struct hooks_events own_events;
	bool shared_is_up;
};

/* Also undoes what a killed instance of this name has left on any of its tuns, or, with
 * keep_remains, runs its hooks and keeps the rest until hosts_let_go. The
 * strings in the options must live longer. Returns 0 or -errno, with the reason in
 * diag. */
MUST_CHECK int hosts_new(struct hosts *h, const struct host_options *options,
                         struct diag *diag);
/* Undoes all that hosts_down hasn't. */
void hosts_free(struct hosts *h);
/* For a forked child, and to leave all as it is: see host_forget. */
void hosts_forget(struct hosts *h);
/* The name is that of a device with a tun of its own; NULL: the shared one. -1: there is
 * none. */
int hosts_tun_fd(const struct hosts *h, const char *name);
/* Is it the index of one of our tuns? */
bool hosts_have_ifindex(const struct hosts *h, uint32_t ifindex);
/* See the functions of these names in host.h. The plan is the whole one. */
MUST_CHECK int hosts_prepare(struct hosts *h, const struct plan *plan, struct diag *diag);
MUST_CHECK int hosts_pre_up(struct hosts *h, const struct plan *plan, struct diag *diag);
MUST_CHECK int hosts_up(struct hosts *h, const struct plan *plan, struct diag *diag);
/* When nothing else can fail any more: removes what a killed instance has left, and no tun
 * needs. Returns 0 or -errno, with the reason in diag. */
MUST_CHECK int hosts_let_go(struct hosts *h, const struct plan *plan, struct diag *diag);
/* Until hosts_settle, everything that fails leaves the host closed, because a killed instance
 * has left it so. */
bool hosts_stay_closed(const struct hosts *h);
void hosts_settle(struct hosts *h);
MUST_CHECK int hosts_update(struct hosts *h, const struct plan *plan, struct diag *diag);
MUST_CHECK int hosts_choose_mark(struct hosts *h, const struct plan *plan,
                                 struct diag *diag);
void hosts_unchoose_mark(struct hosts *h);
/* Before hosts_update, if files may come to another tun, or other files get their prefixes:
 * what the plan will hold on each tun is closed until hosts_update opens the way. Runs
 * PreDown first. */
void hosts_close(struct hosts *h, const struct plan *plan, struct diag *diag);
void hosts_network_changed(struct hosts *h);
MUST_CHECK int hosts_post_down(struct hosts *h, const struct plan *plan,
                               struct diag *diag);
MUST_CHECK int hosts_pre_down(struct hosts *h, struct diag *diag);
size_t hosts_restore(struct hosts *h, const struct plan *plan);
MUST_CHECK int hosts_down(struct hosts *h, struct diag *diag);

/* For a device that comes to a tun while the instance is up: because its file is new, or
 * because it now has, or no longer has, a tun of its own. First make_tun, then file_added
 * runs PreUp; after hosts_update file_up runs PostUp. leave_out undoes make_tun and
 * file_added if the device doesn't come; it does nothing for a device that has its own tun
 * in the plan that is in force. */
MUST_CHECK int hosts_make_tun(struct hosts *h, const struct plan *plan,
                              const struct plan_device *d, struct diag *diag);
MUST_CHECK int hosts_file_added(struct hosts *h, const struct plan_device *d,
                                struct diag *diag);
void hosts_file_changed(struct hosts *h, const struct plan_device *d, struct diag *diag);
MUST_CHECK int hosts_file_up(struct hosts *h, const struct plan_device *d,
                             struct diag *diag);
void hosts_leave_out(struct hosts *h, const struct plan *in_force, const char *name);

/* The tun of this device is gone. Returns false if it has none, or if this is known.
 * hosts_drop_lost then undoes the rest that was done for it. */
bool hosts_tun_lost(struct hosts *h, const char *name);
void hosts_drop_lost(struct hosts *h);
/* Was the device's own tun lost? */
bool hosts_is_missing(const struct hosts *h, const struct plan_device *d);
/* Is there a device of the plan of which this is true? */
bool hosts_any_missing(const struct hosts *h, const struct plan *plan);
/* Makes such tuns anew, and all that is done for them. Returns 0 or the first error. */
MUST_CHECK int hosts_make_missing(struct hosts *h, const struct plan *plan,
                                  struct diag *diag);

/* Do the sockets of these two files need different marks? */
static inline bool hosts_marks_differ(const struct hosts *h, const struct conf *a,
                                      const struct conf *b)
{
	return host_file_mark(h->shared, a) != host_file_mark(h->shared, b);
}

#endif
