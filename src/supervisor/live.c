/* src/supervisor/live.c - a reload, in one or more rounds
 *
 * In a round the files are read and compared (reload.h). The changes are accepted as far
 * as a plan can be made of them; their sockets are opened and their PreUp hooks are run.
 * A file for which something of this fails becomes RELOAD_BAD, which means that its old
 * version counts, and the plan is made again. Until then, nothing that is in force has
 * been touched. Then the new plan replaces the old one: first in the worker, then on the
 * host. Devices that have gone are removed last: their PreDown hooks may need them. */
#include "supervisor/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_tun.h"
#include "supervisor/changes.h"
#include "supervisor/configure.h"
#include "supervisor/reload.h"

/* What an accepted file will have. The array is parallel to reload.v. */
struct prepared {
	enum reload_state wanted; /* what the state of the file was at first */
	bool failed;              /* it can't come, whatever becomes of the others */
	bool open;                /* device has new sockets */
	bool remark;              /* they are those of a file with another mark */
	bool listens;             /* device has its UAPI socket */
	bool made;                /* the worker has the device of an added file */
	bool pre_up;              /* the host knows it: its PreUp hooks have run */
	struct tunnel device;     /* owned; moved away when the round is committed */
};

struct round {
	struct live *l;                /* borrowed */
	const struct conf_paths *from; /* borrowed */
	struct changes_done *result;
	struct diag *diag;
	struct conf_set fresh; /* owned */
	struct reload reload;
	struct prepared *prepared; /* owned */
	struct diag
		contradictions; /* what the plan that was tried last left out, and why */
	struct plan plan;       /* the accepted one; after swap_plans the old one */
	struct conf_set set;    /* of r->plan; the array is owned, but not the confs */
	struct tunnel *gone;    /* owned: the devices of the old plan */
	size_t gone_count;
	bool worker_silent; /* the worker didn't answer, and this was reported */
};

/* ---- what can be in force */

static uint32_t path_mtu(void *context, const struct conf *conf, const struct ip_addr *to)
{
	struct live *l = context;

	return host_path_mtu(l->hosts->shared, conf, to);
}

/* Returns where the peer is now, or NULL if its file has a new Endpoint whose address is
 * known. Until it is known, the worker also keeps the endpoint that it has. */
static const struct endpoint *endpoint_now(void *context, const struct conf *conf,
                                           const struct conf_peer *peer, bool *by_arrival)
{
	const struct live *l = context;
	const struct plan_peer *p =
		tunnels_find_peer(l->tunnels, conf->name, peer->public_key);

	if (!p || p->way.endpoint.addr.family == IP_NONE ||
	    (peer->endpoint.addr.family != IP_NONE &&
	     !reload_same_endpoint(p->conf, peer)))
		return NULL;
	if (!peer->has_endpoint && !p->conf->has_endpoint) /* wg may have set it */
		*by_arrival = p->way.by_arrival;
	return &p->way.endpoint;
}

/* Removes the device that was made for PreUp hooks. */
static void unmake(struct round *r, size_t i)
{
	struct worker_child *worker = &r->l->keeper->worker;
	struct command m =
		command_of(COMMAND_DEVICE_REMOVE, reload_name(&r->reload.v[i]));

	if (!r->prepared[i].made)
		return;
	r->prepared[i].made = false;
	tunnels_take_from_beside(r->l->tunnels, &r->prepared[i].device);
	/* a worker that is gone has no devices */
	if (worker_child_send(worker, &m) == 0)
		(void)!worker_child_wait(worker);
}

/* The file is not taken in, or not yet. It gives up its port, because another file may
 * want it. */
static void leave_out(struct round *r, size_t i)
{
	unmake(r, i);
	tunnel_close_udp(&r->prepared[i].device);
	r->prepared[i].open = false;
	hosts_leave_out(r->l->hosts, &r->l->tunnels->plan, reload_name(&r->reload.v[i]));
}

static void refuse(struct round *r, size_t i)
{
	r->reload.v[i].state = RELOAD_BAD;
	r->prepared[i].failed = true;
	leave_out(r, i);
}

/* A file that contradicted one which has failed may come after all. */
static void want_again(struct round *r)
{
	diag_clear(&r->contradictions);
	for (size_t i = 0; i < r->reload.n; i++)
		if (!r->prepared[i].failed)
			r->reload.v[i].state = r->prepared[i].wanted;
}

/* Whoever looks for a device (tunnels_find) looks at these, too. */
static void point_to_plan(struct round *r)
{
	for (size_t i = 0; i < r->reload.n; i++)
		if (r->prepared[i].made)
			r->prepared[i].device.plan =
				plan_find(&r->plan, reload_name(&r->reload.v[i]));
}

/* Makes r->plan of the changes that can be made. */
static int accept_changes(struct round *r)
{
	struct plan_env env = { .path_mtu = path_mtu,
		                .endpoint = endpoint_now,
		                .tun = r->l->instance->tun,
		                .one_tun = r->l->one_tun,
		                .applications = r->l->applications,
		                .context = r->l };
	struct plan before = r->plan; /* devices that were made point there */
	int err = changes_accept(&r->reload, &env, &r->set, &r->plan, &r->contradictions);

	if (!err)
		err = hosts_choose_mark(r->l->hosts, &r->plan, r->diag);
	for (size_t i = 0; i < r->reload.n; i++) {
		if (r->reload.v[i].state == RELOAD_BAD)
			leave_out(r, i);
	}
	if (!err)
		point_to_plan(r);
	plan_clear(err ? &r->plan : &before);
	if (err)
		r->plan = before;
	return err;
}

/* ---- sockets and hooks of files that come */

/* Returns the device whose sockets on this port become free in this round, or NULL. */
static struct tunnel *port_giver(struct round *r, uint16_t port)
{
	for (size_t i = 0; port && i < r->l->tunnels->count; i++) {
		struct tunnel *d = &r->l->tunnels->v[i];
		const struct reload_file *f;

		if (d->port != port)
			continue;
		f = reload_find(&r->reload, d->plan->way.name);
		return f && (f->state == RELOAD_REMOVED ||
		             (f->state == RELOAD_CHANGED && reload_changes_sockets(f)))
		               ? d
		               : NULL;
	}
	return NULL;
}

static int open_sockets(struct round *r, struct prepared *p, const struct reload_file *f)
{
	struct tunnel *giver, *old;
	int err;

	old = tunnels_find(r->l->tunnels, reload_name(f));
	if (old && old->port == f->fresh->listen_port && tunnel_listens_at(old, f->fresh))
		return 0; /* `wg set` has already set this port */
	giver = port_giver(r, f->fresh->listen_port);
	/* if a file was renamed, or two files swap their ports, the same sockets are used
	 * again */
	p->remark = giver && hosts_marks_differ(r->l->hosts, giver->plan->conf, f->fresh);
	err = giver && tunnel_listens_at(giver, f->fresh)
	              ? tunnel_share_udp(&p->device, giver)
	              : tunnel_open_udp(&p->device,
	                                host_file_mark(r->l->hosts->shared, f->fresh),
	                                giver, r->diag);
	if (!err)
		p->open = true;
	return err;
}

static int wait_for_worker(struct round *r, int err)
{
	struct worker_child *worker = &r->l->keeper->worker;
	bool told = r->worker_silent;

	if (!err)
		err = worker_child_wait(worker);
	r->worker_silent = err == -ETIMEDOUT;
	if (err && !worker->broken && !(told && r->worker_silent))
		worker_child_explain(worker, err, r->diag);
	return err;
}

static int make_device(struct round *r, struct prepared *p)
{
	struct worker_child *worker = &r->l->keeper->worker;
	const char *name = p->device.plan->way.name;
	int err = configure_device(worker, &p->device);

	if (!err)
		err = configure_tun(worker, name, hosts_tun_fd(r->l->hosts, name));
	err = wait_for_worker(r, err);
	/* A worker that is late makes the device when it continues. If it has ended, the next
	 * one does: the file must not be refused for that, while another one goes whose
	 * prefixes it has. */
	if (worker->broken)
		err = 0;
	p->made = !err || err == -ETIMEDOUT || err == -EINTR;
	if (p->made)
		tunnels_put_beside(r->l->tunnels, &p->device);
	return err;
}

static int prepare(struct round *r, size_t i)
{
	const struct reload_file *f = &r->reload.v[i];
	struct prepared *p = &r->prepared[i];
	int err = 0;

	p->device.plan = plan_find(&r->plan, reload_name(f));
	if (reload_changes_sockets(f) && !p->open)
		err = open_sockets(r, p, f);
	if (!err)
		err = hosts_make_tun(r->l->hosts, &r->plan, p->device.plan, r->diag);
	if (err || f->state != RELOAD_ADDED)
		return err;
	if (!p->listens)
		err = instance_listen_uapi(r->l->instance, reload_name(f),
		                           &p->device.uapi_fd, r->diag);
	p->listens = !err;
	return err || p->made ? err : make_device(r, p);
}

/* Is its tun another one from now on? Hooks run for each tun, as in wg-quick. */
static bool comes_to_tun(const struct live *l, const struct reload_file *f)
{
	const struct plan_env env = { .tun = l->instance->tun,
		                      .one_tun = l->hosts->options.place != NULL };

	return f->state == RELOAD_ADDED ||
	       (f->state == RELOAD_CHANGED &&
	        plan_tun_is_own(f->old, &env) != plan_tun_is_own(f->fresh, &env));
}

static int run_pre_up(struct round *r, size_t i)
{
	const struct reload_file *f = &r->reload.v[i];
	struct prepared *p = &r->prepared[i];
	int err;

	if (p->pre_up || (f->state != RELOAD_ADDED && f->state != RELOAD_CHANGED))
		return 0;
	if (!comes_to_tun(r->l, f)) {
		hosts_file_changed(r->l->hosts, plan_find(&r->plan, f->fresh->name),
		                   r->diag);
		p->pre_up = true;
		return 0;
	}
	err = hosts_file_added(r->l->hosts, plan_find(&r->plan, f->fresh->name), r->diag);
	p->pre_up = !err;
	return err;
}

/* Does one step for all files that come. Returns false if it has failed for a file. */
static bool do_step(struct round *r, int (*step)(struct round *r, size_t i))
{
	bool all = true;

	for (size_t i = 0; i < r->reload.n; i++) {
		if (!reload_differs(&r->reload.v[i]) || !r->reload.v[i].fresh)
			continue;
		if (step(r, i) == 0)
			continue;
		refuse(r, i);
		all = false;
	}
	return all;
}

/* All devices exist before the first hook runs. Returns false if the plan has to be made
 * again. */
static bool prepare_changes(struct round *r)
{
	return do_step(r, prepare) && do_step(r, run_pre_up);
}

/* ---- the new plan takes over */

/* Moves the devices of the old plan that are also in the new one. The others stay in
 * `gone`. */
static int move_devices(struct round *r)
{
	struct live *l = r->l;
	struct tunnel *devices = calloc(r->plan.device_count + 1, sizeof(*devices));

	if (!devices) {
		diag_error(r->diag, NULL, 0, "out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < r->plan.device_count; i++) {
		const char *name = r->plan.devices[i].way.name;
		struct tunnel *old = tunnels_find(l->tunnels, name);
		const struct reload_file *f = reload_find(&r->reload, name);
		struct tunnel *from = old ? old : &r->prepared[f - r->reload.v].device;

		tunnels_take_from_beside(l->tunnels, from);
		devices[i] = *from;
		devices[i].plan = &r->plan.devices[i];
		*from = tunnel_of(from->plan);
	}
	r->gone = l->tunnels->v;
	r->gone_count = l->tunnels->count;
	l->tunnels->v = devices;
	l->tunnels->count = r->plan.device_count;
	return 0;
}

/* While hooks were running, peers may have roamed, or names may have been resolved. */
static void catch_up(struct round *r)
{
	for (size_t i = 0; i < r->plan.device_count; i++) {
		struct plan_device *d = &r->plan.devices[i];

		for (size_t k = 0; k < d->peer_count; k++) {
			struct plan_peer *p = &d->peers[k];
			bool by_arrival = p->way.by_arrival;
			const struct endpoint *now =
				endpoint_now(r->l, d->conf, p->conf, &by_arrival);

			if (!now || (endpoint_equal(now, &p->way.endpoint) &&
			             by_arrival == p->way.by_arrival))
				continue;
			p->way.by_arrival = by_arrival;
			/* the loop computes the ways */
			tunnels_peer_moved(r->l->tunnels, p, now);
		}
	}
}

/* After this, r->plan is the old plan. The confs change owners at the very end. */
static void swap_plans(struct round *r)
{
	struct plan old = r->l->tunnels->plan;

	catch_up(r);
	r->l->tunnels->plan = r->plan;
	r->plan = old;
	tunnels_put_gone_beside(r->l->tunnels, r->gone, r->gone_count);
}

/* ---- telling the worker */

static int send_sockets(struct round *r, struct tunnel *d, struct prepared *p)
{
	tunnel_close_udp(d);
	memcpy(d->udp_fds, p->device.udp_fds, sizeof(d->udp_fds));
	d->port = p->device.port;
	d->drawn = p->device.drawn;
	for (int i = 0; i < UDP_FAMILIES; i++)
		p->device.udp_fds[i] = -1;
	return configure_sockets(&r->l->keeper->worker, d, true);
}

static int send_changed(struct round *r, struct tunnel *d, const struct reload_file *f)
{
	struct prepared *p = &r->prepared[f - r->reload.v];
	struct outbuf lines = { 0 };
	int err = 0;

	if (p->open)
		err = send_sockets(r, d, p);
	if (!err && (p->remark || hosts_marks_differ(r->l->hosts, f->old, f->fresh))) {
		tunnel_set_mark(d, host_file_mark(r->l->hosts->shared, f->fresh),
		                r->diag);
		err = configure_sockets(&r->l->keeper->worker, d, false);
	}
	reload_print_uapi(&lines, f->old, d->plan);
	if (!err && (outbuf_bytes(&lines) > 0 || lines.failed))
		err = configure_wireguard(&r->l->keeper->worker, d->plan->way.name,
		                          &lines);
	outbuf_clear(&lines);
	return err;
}

/* Also called for devices whose files are unchanged, because the MTU of a carrier may
 * have changed. */
static int send_device(struct round *r, struct tunnel *d)
{
	const char *name = d->plan->way.name;
	const struct reload_file *f = reload_find(&r->reload, name);
	const struct plan_device *old = plan_find(&r->plan, name);
	int err = 0;

	if (!old) {
		/* the plan may be different from when the device was made */
		if (r->prepared[f - r->reload.v].remark)
			tunnel_set_mark(
				d, host_file_mark(r->l->hosts->shared, d->plan->conf),
				r->diag);
		err = configure_settings(&r->l->keeper->worker, d->plan);
		return err ? err : configure_addconf(&r->l->keeper->worker, d);
	}
	if (!reload_same_settings(old, d->plan))
		err = configure_settings(&r->l->keeper->worker, d->plan);
	if (!err && d->plan->own_tun && !old->own_tun)
		err = configure_tun(&r->l->keeper->worker, name,
		                    hosts_tun_fd(r->l->hosts, name));
	if (!err && f->state == RELOAD_CHANGED)
		err = send_changed(r, d, f);
	return err;
}

/* What the worker refuses is reported. If it has died, the loop notices this and starts
 * another one with the new plan. If it doesn't answer yet, it will do all that it was
 * sent as soon as it continues. */
static void tell_worker(struct round *r)
{
	struct live *l = r->l;
	int err = 0;

	for (size_t i = 0; i < l->tunnels->count && !err; i++)
		err = send_device(r, &l->tunnels->v[i]);
	err = wait_for_worker(r, err);
	if (err && err != -ETIMEDOUT && err != -EINTR)
		return;
	err = configure_start(&l->keeper->worker, &l->tunnels->plan, &r->plan);
	(void)!wait_for_worker(r, err);
}

static void remove_gone(struct round *r)
{
	struct live *l = r->l;
	int err = 0;

	tunnels_leave_beside(l->tunnels);
	for (size_t i = 0; i < r->plan.device_count && !err; i++) {
		const char *name = r->plan.devices[i].way.name;
		struct command m = command_of(COMMAND_DEVICE_REMOVE, name);

		if (!plan_find(&l->tunnels->plan, name))
			err = worker_child_send(&l->keeper->worker, &m);
	}
	if (!err)
		err = keeper_send_host(l->keeper);
	(void)!wait_for_worker(r, err);
	for (size_t i = 0; i < r->plan.device_count; i++) {
		const char *name = r->plan.devices[i].way.name;

		if (!plan_find(&l->tunnels->plan, name))
			instance_unlisten_uapi(l->instance, name);
	}
}

/* ---- confs change owners */

/* Moves the confs that are in force to l->tunnels->files and frees the others. Then
 * reload is no longer valid. */
static void keep_files(struct round *r)
{
	reload_keep(&r->reload, &r->set);
	free(r->l->tunnels->files.v);
	r->l->tunnels->files = r->set;
	r->set = (struct conf_set){ 0 };
	r->fresh.n = 0;
	if (underlay_files_changed(r->l->underlay) < 0)
		diag_error(r->diag, NULL, 0, "out of memory");
}

/* ---- rounds */

static int begin_round(struct round *r)
{
	r->prepared = calloc(r->reload.n + 1, sizeof(*r->prepared));
	r->set.v = calloc(r->reload.n + 1, sizeof(struct conf *));
	if (!r->prepared || !r->set.v) {
		diag_error(r->diag, NULL, 0, "out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < r->reload.n; i++) {
		r->prepared[i].wanted = r->reload.v[i].state;
		r->prepared[i].device = tunnel_of(NULL);
	}
	return 0;
}

static void end_round(struct round *r)
{
	for (size_t i = 0; r->prepared && i < r->reload.n; i++) {
		struct prepared *p = &r->prepared[i];

		if (p->device.uapi_fd >= 0) { /* it wasn't moved to the tunnels */
			unmake(r, i);
			instance_unlisten_uapi(r->l->instance,
			                       reload_name(&r->reload.v[i]));
		}
		tunnel_close(&p->device);
	}
	for (size_t i = 0; i < r->gone_count; i++)
		tunnel_close(&r->gone[i]);
	plan_clear(&r->plan);
	free(r->gone);
	free(r->prepared);
}

static void update_host(struct round *r)
{
	size_t before = r->diag->errors;
	const struct plan *plan = &r->l->tunnels->plan;
	bool missing = hosts_any_missing(r->l->hosts, plan);
	int err = hosts_make_missing(r->l->hosts, plan, r->diag);
	int update_err = hosts_update(r->l->hosts, plan, r->diag);

	if (!err)
		err = update_err;
	if (err < 0 && r->diag->errors == before)
		diag_error(r->diag, NULL, 0, "can't update the host: %s", strerror(-err));
	r->l->host_failed = err < 0;
	if (missing)
		(void)!wait_for_worker(r, keeper_send_own_tuns(r->l->keeper));
}

/* Only the host did not follow the plan: the worker is told only what results from that. */
static void update_host_again(struct round *r)
{
	update_host(r);
	(void)!wait_for_worker(r, keeper_send_host(r->l->keeper));
}

/* What a refused file would have taken over stays where it is, or it would be in the clear.
 * Returns true if there is any. The files that are refused are not judged again. */
static bool hold_back(struct round *r)
{
	bool any = false;

	for (size_t i = 0; i < r->reload.n; i++)
		if ((r->prepared[i].wanted == RELOAD_ADDED ||
		     r->prepared[i].wanted == RELOAD_CHANGED) &&
		    r->reload.v[i].state == RELOAD_BAD)
			any |= changes_hold_back(&r->reload, &r->reload.v[i], r->from,
			                         r->diag);
	if (any)
		diag_copy_errors(r->diag, &r->contradictions);
	for (size_t i = 0; any && i < r->reload.n; i++)
		if (r->reload.v[i].state == RELOAD_BAD)
			refuse(r, i);
	return any;
}

/* Repeats until everything that is accepted is prepared. Each time round at least one
 * more file has failed, so this comes to an end. */
static int accept_and_prepare(struct round *r)
{
	int err;

	do {
		want_again(r);
		err = changes_any(&r->reload) ? accept_changes(r) : 0;
	} while (!err && (!prepare_changes(r) || hold_back(r)));
	diag_move(r->diag, &r->contradictions);
	return err;
}

/* Applies what differs in r->reload. */
static int run_round(struct round *r)
{
	int err = begin_round(r);

	if (!err)
		err = accept_and_prepare(r);
	if (!err && changes_any(&r->reload))
		err = move_devices(r);
	if (err || !changes_any(&r->reload)) {
		hosts_unchoose_mark(r->l->hosts);
		goto out;
	}
	swap_plans(r);
	tell_worker(r);
	hosts_close(r->l->hosts, &r->l->tunnels->plan, r->diag);
	update_host(r);
	remove_gone(r);
	/* an error is in diag */
	(void)!hosts_post_down(r->l->hosts, &r->l->tunnels->plan, r->diag);
	changes_count(&r->reload, r->result, r->l->log);
out:
	end_round(r);
	return err;
}

/* Runs PostUp of the files that were added. Files for which it fails become
 * RELOAD_REMOVED. Returns true if there are any. */
static bool run_post_up(struct live *l, const struct reload *done, struct reload *next,
                        struct diag *diag)
{
	bool any = false;

	*next = (struct reload){ .v = calloc(done->n + 1, sizeof(*next->v)) };
	for (size_t i = 0; i < done->n; i++) {
		const struct reload_file *f = &done->v[i];
		struct conf *conf = reload_conf(f);
		struct reload_file after = { RELOAD_SAME, conf, conf };

		if (!conf)
			continue;
		if (comes_to_tun(l, f) &&
		    hosts_file_up(l->hosts, plan_find(&l->tunnels->plan, conf->name),
		                  diag) < 0) {
			after = (struct reload_file){ RELOAD_REMOVED, conf, NULL };
			any = true;
		}
		if (next->v)
			next->v[next->n++] = after;
	}
	if (any && next->v)
		changes_remove_carried(next, diag);
	return any && next->v;
}

/* As in wg-quick, a file whose PostUp fails goes down again. */
static void finish_added(struct round *r)
{
	struct changes_done not_told = { 0 };
	struct round again = {
		.l = r->l, .from = r->from, .result = &not_told, .diag = r->diag
	};
	bool failed = run_post_up(r->l, &r->reload, &again.reload, r->diag);

	if (failed)
		changes_uncount(r->result, &r->reload, &again.reload);
	keep_files(r);
	if (failed && run_round(&again) == 0)
		keep_files(&again);
	free(again.set.v);
	reload_clear(&again.reload);
}

static int read_again(struct round *r, const struct conf_paths *from, struct diag *read)
{
	struct conf_set *files = &r->l->tunnels->files;
	int err = conf_set_reread(&r->fresh, files, from, read);

	if (err && err != -EINVAL)
		return err;
	reload_refuse(files, &r->fresh, read);
	err = reload_compare(&r->reload, files, &r->fresh, read);
	if (err)
		diag_error(r->diag, NULL, 0, "out of memory");
	return err;
}

int live_reload(struct live *l, const struct conf_paths *from,
                struct changes_done *result, struct diag *diag)
{
	struct round r = { .l = l, .from = from, .result = result, .diag = diag };
	struct diag read = { 0 };
	int err;

	*result = (struct changes_done){ 0 };
	l->reading = &r.fresh;
	underlay_restore_now(l->underlay);
	err = read_again(&r, from, &read);
	diag_copy_errors(diag, &read);
	if (!err) {
		changes_copy_warnings(&r.reload, &read, diag);
		err = run_round(&r);
		if (!err && changes_any(&r.reload))
			finish_added(&r);
		else if (!err && (l->host_failed ||
		                  hosts_any_missing(l->hosts, &l->tunnels->plan)))
			update_host_again(&r);
	}
	/* a bad file is read with each change, but logged once; the status has its errors */
	diag_log_news(diag, &l->file_errors, l->log);
	free(r.set.v);
	reload_clear(&r.reload);
	conf_set_clear_but(&r.fresh, &l->tunnels->files);
	l->reading = NULL;
	diag_clear(&read);
	if (!err && diag->errors > 0)
		err = -EINVAL;
	return err;
}

void live_clear(struct live *l)
{
	diag_clear(&l->file_errors);
}
