/* src/supervisor/live.c
 *
 * One round: the files are read and compared (reload.h), and what differs is accepted as
 * far as a plan can be made of it, its sockets opened and its PreUp hooks run. Whatever
 * fails on the way turns a file into RELOAD_BAD, which stands for its old version, and
 * the plan is made again. Until then nothing has been touched. Then the new plan takes
 * the old one's place: the engine first, the host, and what has gone last, so that its
 * PreDown hooks still reach something. */
#include "supervisor/live.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plan/plan_make.h"
#include "supervisor/names.h"
#include "supervisor/reload.h"
#include "supervisor/supervisor_state.h"

/* What an accepted file will have; parallel to reload.v. */
struct prepared {
	bool in;                  /* while accepting: the plan tried has the fresh file */
	bool open;                /* device has new sockets */
	bool listens;             /* device has its UAPI socket */
	bool made;                /* the engine has the device, of an added file */
	bool pre_up;              /* its PreUp hooks have run */
	struct configured device; /* owned; moved away when the round is committed */
};

struct round {
	struct supervisor *s;
	struct live_result *result;
	struct diag *diag;
	struct conf_set fresh; /* owned */
	struct reload reload;
	struct prepared *prepared; /* owned */
	struct plan plan;          /* of what is accepted; then the one before it */
	struct conf_set set; /* of the plan tried; the array is owned, not the confs */
	struct configured *gone; /* owned: devices of the plan before */
	size_t gone_count;
	bool engine_silent; /* and it has been told */
};

/* ---- diagnostics */

static void copy_entry(struct diag *to, const struct diag_entry *e)
{
	if (e->severity == DIAG_ERROR)
		diag_error(to, e->file, e->line, "%s", e->text);
	else
		diag_warning(to, e->file, e->line, "%s", e->text);
}

static void copy_errors(struct diag *to, const struct diag *from)
{
	for (size_t i = 0; i < from->count; i++)
		if (from->entries[i].severity == DIAG_ERROR)
			copy_entry(to, &from->entries[i]);
}

/* Warnings are worth telling where something is new. */
static void copy_warnings(struct round *r, const struct diag *from)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct diag_entry *e = &from->entries[i];

		if (e->severity != DIAG_WARNING || !e->file)
			continue;
		for (size_t j = 0; j < r->reload.n; j++) {
			const struct reload_file *f = &r->reload.v[j];

			if (reload_differs(f) && f->fresh &&
			    strcmp(f->fresh->path, e->file) == 0)
				copy_entry(r->diag, e);
		}
	}
}

/* ---- what can be planned */

static uint32_t path_mtu(void *context, const struct ip_addr *to)
{
	struct supervisor *s = context;

	return host_path_mtu(s->host, to);
}

/* Where the peer has roamed to, unless its file has a new Endpoint. */
static const struct endpoint *endpoint_now(void *context, const struct conf *conf,
                                           const struct conf_peer *peer)
{
	const struct supervisor *s = context;
	const struct plan_device *d = plan_find(&s->plan, conf->name);

	for (size_t i = 0; d && i < d->peer_count; i++) {
		const struct plan_peer *p = &d->peers[i];

		if (memcmp(p->conf->public_key, peer->public_key, KEY_BYTES) != 0)
			continue;
		if (p->way.endpoint.addr.family == IP_NONE ||
		    !reload_same_endpoint(p->conf, peer))
			return NULL;
		return &p->way.endpoint;
	}
	return NULL;
}

/* The plan of all that is `in`. */
static int try_plan(struct round *r, bool whole, struct plan *out, struct diag *diag)
{
	struct plan_env env = { .path_mtu = whole ? path_mtu : NULL,
		                .endpoint = endpoint_now,
		                .tun = r->s->instance.tun,
		                .context = r->s };

	r->set.n = 0;
	for (size_t i = 0; i < r->reload.n; i++) {
		const struct reload_file *f = &r->reload.v[i];
		struct conf *conf = reload_conf(f);

		if (reload_differs(f) && !r->prepared[i].in)
			conf = f->old;
		if (conf)
			r->set.v[r->set.n++] = conf;
	}
	return plan_make(out, &r->set, &env, diag);
}

static bool can_be_planned(struct round *r)
{
	struct diag not_told = { 0 };
	struct plan plan;
	int err = try_plan(r, false, &plan, &not_told);

	if (!err)
		plan_clear(&plan);
	diag_clear(&not_told);
	return !err;
}

static size_t take_in(struct round *r, const size_t *pending, size_t n, bool in)
{
	size_t taken = 0;

	for (size_t i = 0; i < n; i++) {
		if (r->prepared[pending[i]].in == in)
			continue;
		r->prepared[pending[i]].in = in;
		taken++;
	}
	return taken;
}

/* Takes in as many of the pending changes as go together, by halves: few mistakes among
 * many changes take few tries. True if any was. Those in already stay. */
static bool take_in_part(struct round *r, const size_t *pending, size_t n)
{
	bool left, right;

	if (take_in(r, pending, n, true) == 0)
		return false;
	if (can_be_planned(r))
		return true;
	take_in(r, pending, n, false);
	if (n == 1)
		return false;
	left = take_in_part(r, pending, n / 2);
	right = take_in_part(r, pending + n / 2, n - n / 2);
	return left || right;
}

/* The device that was made for PreUp hooks goes again. */
static void unmake(struct round *r, size_t i)
{
	struct worker_child *engine = &r->s->engine;
	struct command m =
		command_of(COMMAND_DEVICE_REMOVE, reload_name(&r->reload.v[i]));

	if (!r->prepared[i].made)
		return;
	r->prepared[i].made = false;
	/* one that is gone has no devices */
	if (worker_child_send(engine, &m) == 0)
		(void)!worker_child_wait(engine);
}

static void refuse(struct round *r, size_t i)
{
	r->prepared[i].in = false;
	r->reload.v[i].state = RELOAD_BAD;
	unmake(r, i);
}

/* The mistakes that the changes pending would make, all together: two that contradict
 * each other are told as that. None of them is in. */
static void refuse_with_reason(struct round *r, const size_t *pending, size_t n)
{
	struct diag why = { 0 };
	struct plan plan;

	if (n == 0)
		return;
	take_in(r, pending, n, true);
	if (try_plan(r, false, &plan, &why) == 0)
		plan_clear(&plan);
	copy_errors(r->diag, &why);
	diag_clear(&why);
	for (size_t i = 0; i < n; i++)
		refuse(r, pending[i]);
}

/* Changes that contradict the rest are refused, as few as can be found. */
static int sort_out(struct round *r)
{
	size_t *pending = calloc(r->reload.n + 1, sizeof(*pending)), n = 0, left;
	bool more = true;

	if (!pending)
		return -ENOMEM;
	for (size_t i = 0; i < r->reload.n; i++) {
		r->prepared[i].in = false;
		if (reload_differs(&r->reload.v[i]))
			pending[n++] = i;
	}
	while (n > 0 && more) {
		more = take_in_part(r, pending, n);
		left = 0;
		for (size_t i = 0; i < n; i++)
			if (!r->prepared[pending[i]].in)
				pending[left++] = pending[i];
		n = left;
	}
	refuse_with_reason(r, pending, n);
	free(pending);
	return 0;
}

/* Makes r->plan of the changes that can be made. */
static int accept_changes(struct round *r)
{
	struct diag told = { 0 };
	int err;

	plan_clear(&r->plan);
	for (size_t i = 0; i < r->reload.n; i++)
		r->prepared[i].in = reload_differs(&r->reload.v[i]);
	err = try_plan(r, true, &r->plan, &told);
	if (err == -EINVAL) {
		diag_clear(&told);
		err = sort_out(r);
		if (!err)
			err = try_plan(r, true, &r->plan, &told);
	}
	if (err)
		copy_errors(r->diag, &told);
	else
		copy_warnings(r, &told);
	diag_clear(&told);
	return err;
}

/* ---- sockets and hooks of what comes */

static bool changes_port(const struct reload_file *f)
{
	return f->state == RELOAD_ADDED || (f->state == RELOAD_CHANGED &&
	                                    f->old->listen_port != f->fresh->listen_port);
}

/* Whose sockets on the port become free in this round? */
static struct configured *port_giver(struct round *r, uint16_t port)
{
	for (size_t i = 0; port && i < r->s->device_count; i++) {
		struct configured *d = &r->s->devices[i];
		const struct reload_file *f;

		if (d->port != port)
			continue;
		f = reload_find(&r->reload, d->plan->way.name);
		return f && (f->state == RELOAD_REMOVED ||
		             (f->state == RELOAD_CHANGED && changes_port(f)))
		               ? d
		               : NULL;
	}
	return NULL;
}

/* A file that is renamed, or two that swap their ports: the very sockets go on. */
static int take_over(struct configured *to, const struct configured *from)
{
	for (int i = 0; i < UDP_FAMILIES; i++) {
		if (from->udp_fds[i] < 0)
			continue;
		to->udp_fds[i] = fcntl(from->udp_fds[i], F_DUPFD_CLOEXEC, 0);
		if (to->udp_fds[i] < 0)
			return -errno;
	}
	to->port = from->port;
	return 0;
}

static int open_sockets(struct round *r, struct prepared *p, const struct reload_file *f)
{
	struct configured *giver, *old;
	int err;

	old = supervisor_find_device(r->s, reload_name(f));
	if (old && old->port == f->fresh->listen_port)
		return 0; /* `wg set` was there before */
	giver = port_giver(r, f->fresh->listen_port);
	err = giver ? take_over(&p->device, giver)
	            : supervisor_open_udp(r->s, &p->device, r->diag);
	if (!err)
		p->open = true;
	return err;
}

static int wait_for_engine(struct round *r, int err)
{
	bool told = r->engine_silent;

	if (!err)
		err = worker_child_wait(&r->s->engine);
	r->engine_silent = err == -ETIMEDOUT;
	if (err && !(told && r->engine_silent))
		supervisor_say_engine_error(r->s, err, r->diag);
	return err;
}

static int make_device(struct round *r, struct prepared *p)
{
	struct worker_child *engine = &r->s->engine;
	int err = configure_device(engine, &p->device);

	err = wait_for_engine(r, err);
	/* one that is late makes it when it goes on */
	p->made = !err || err == -ETIMEDOUT || err == -EINTR;
	return err;
}

static int prepare(struct round *r, size_t i)
{
	const struct reload_file *f = &r->reload.v[i];
	struct prepared *p = &r->prepared[i];
	int err = 0;

	p->device.plan = plan_find(&r->plan, reload_name(f));
	if (changes_port(f) && !p->open)
		err = open_sockets(r, p, f);
	if (err || f->state != RELOAD_ADDED)
		return err;
	if (!p->listens)
		err = instance_listen_uapi(&r->s->instance, reload_name(f),
		                           &p->device.uapi_fd, r->diag);
	p->listens = !err;
	return err || p->made ? err : make_device(r, p);
}

static int run_pre_up(struct round *r, size_t i)
{
	const struct reload_file *f = &r->reload.v[i];
	struct prepared *p = &r->prepared[i];
	int err;

	if (f->state != RELOAD_ADDED || p->pre_up)
		return 0;
	r->s->coming = &p->device;
	err = host_file_added(r->s->host, f->fresh, r->diag);
	r->s->coming = NULL;
	p->pre_up = !err;
	return err;
}

/* One step of all files that come. False if some turned out not to go. */
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

/* All devices are there before the first hook runs. False: the plan has to be made again.
 */
static bool prepare_changes(struct round *r)
{
	return do_step(r, prepare) && do_step(r, run_pre_up);
}

/* ---- the new plan takes over */

/* Devices of the plan before that are in the new one move there; the others stay behind.
 */
static int move_devices(struct round *r)
{
	struct supervisor *s = r->s;
	struct configured *devices = calloc(r->plan.device_count + 1, sizeof(*devices));

	if (!devices) {
		diag_error(r->diag, NULL, 0, "out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < r->plan.device_count; i++) {
		const char *name = r->plan.devices[i].way.name;
		struct configured *old = supervisor_find_device(s, name);
		const struct reload_file *f = reload_find(&r->reload, name);
		struct configured *from =
			old ? old : &r->prepared[f - r->reload.v].device;

		devices[i] = *from;
		devices[i].plan = &r->plan.devices[i];
		for (int k = 0; k < UDP_FAMILIES; k++)
			from->udp_fds[k] = -1;
		from->uapi_fd = -1;
	}
	r->gone = s->devices;
	r->gone_count = s->device_count;
	s->devices = devices;
	s->device_count = r->plan.device_count;
	return 0;
}

/* While hooks ran peers may have roamed on, or names been resolved. */
static void catch_up(struct round *r)
{
	for (size_t i = 0; i < r->plan.device_count; i++) {
		struct plan_device *d = &r->plan.devices[i];

		for (size_t k = 0; k < d->peer_count; k++) {
			struct plan_peer *p = &d->peers[k];
			const struct endpoint *now = endpoint_now(r->s, d->conf, p->conf);

			if (!now || endpoint_equal(now, &p->way.endpoint))
				continue;
			p->way.endpoint = *now;
			r->s->endpoints_moved = true; /* the loop computes the ways */
		}
	}
}

/* r->plan becomes the old one. Confs change hands when all is done. */
static void swap_plans(struct round *r)
{
	struct plan old = r->s->plan;

	catch_up(r);
	r->s->plan = r->plan;
	r->plan = old;
}

/* ---- telling the engine */

static int send_sockets(struct round *r, struct configured *d, struct prepared *p)
{
	supervisor_close_udp(d);
	memcpy(d->udp_fds, p->device.udp_fds, sizeof(d->udp_fds));
	d->port = p->device.port;
	for (int i = 0; i < UDP_FAMILIES; i++)
		p->device.udp_fds[i] = -1;
	return configure_sockets(&r->s->engine, d, true, 0);
}

/* The instance has one mark, of all its sockets. */
static void warn_of_mark(struct round *r, const struct conf *conf)
{
	if (conf->fwmark && conf->fwmark != host_mark(r->s->host))
		diag_warning(r->diag, conf->path, conf->fwmark_line,
		             "another FwMark is used from the next up on");
}

static int send_mark(struct round *r, struct configured *d, const struct conf *conf)
{
	warn_of_mark(r, conf);
	d->fwmark = conf->fwmark ? host_mark(r->s->host) : 0;
	return configure_sockets(&r->s->engine, d, false, 0);
}

static int send_changed(struct round *r, struct configured *d,
                        const struct reload_file *f)
{
	struct prepared *p = &r->prepared[f - r->reload.v];
	struct outbuf lines = { 0 };
	int err = 0;

	if (p->open)
		err = send_sockets(r, d, p);
	if (!err && f->old->fwmark != f->fresh->fwmark)
		err = send_mark(r, d, f->fresh);
	reload_print_uapi(&lines, f->old, d->plan);
	if (!err && (outbuf_bytes(&lines) > 0 || lines.failed))
		err = configure_wireguard(&r->s->engine, d->plan->way.name, &lines);
	outbuf_clear(&lines);
	return err;
}

/* Also devices whose files are the same: the MTU of a carrier counts. */
static int send_device(struct round *r, struct configured *d)
{
	const char *name = d->plan->way.name;
	const struct reload_file *f = reload_find(&r->reload, name);
	const struct plan_device *old = plan_find(&r->plan, name);
	int err = 0;

	if (!old) {
		/* the plan may be another than when it was made */
		warn_of_mark(r, d->plan->conf);
		err = configure_settings(&r->s->engine, d->plan);
		return err ? err : configure_addconf(&r->s->engine, d);
	}
	if (!reload_same_settings(old, d->plan))
		err = configure_settings(&r->s->engine, d->plan);
	if (!err && f->state == RELOAD_CHANGED)
		err = send_changed(r, d, f);
	return err;
}

/* What it does not take is reported; should it have died, the loop finds out and starts
 * another one by the new plan. One that does not answer yet will do all that it was sent
 * once it goes on. */
static void tell_engine(struct round *r)
{
	struct supervisor *s = r->s;
	int err = 0;

	for (size_t i = 0; i < s->device_count && !err; i++)
		err = send_device(r, &s->devices[i]);
	err = wait_for_engine(r, err);
	if (err && err != -ETIMEDOUT && err != -EINTR)
		return;
	err = 0;
	for (size_t i = 0; i < s->device_count && !err; i++) {
		const char *name = s->devices[i].plan->way.name;
		struct command m = command_of(COMMAND_DEVICE_START, name);

		if (!plan_find(&r->plan, name))
			err = worker_child_send(&s->engine, &m);
	}
	(void)!wait_for_engine(r, err);
}

static void remove_gone(struct round *r)
{
	struct supervisor *s = r->s;
	int err = 0;

	for (size_t i = 0; i < r->plan.device_count && !err; i++) {
		const char *name = r->plan.devices[i].way.name;
		struct command m = command_of(COMMAND_DEVICE_REMOVE, name);

		if (!plan_find(&s->plan, name))
			err = worker_child_send(&s->engine, &m);
	}
	if (!err)
		err = supervisor_send_resolver(s);
	(void)!wait_for_engine(r, err);
	for (size_t i = 0; i < r->plan.device_count; i++) {
		const char *name = r->plan.devices[i].way.name;

		if (!plan_find(&s->plan, name))
			instance_unlisten_uapi(&s->instance, name);
	}
}

/* ---- confs change hands */

/* Those in force go to s->files, the others are freed; reload is void afterwards. */
static void keep_files(struct round *r)
{
	struct conf_set *kept = &r->set;

	kept->n = 0;
	for (size_t i = 0; i < r->reload.n; i++) {
		struct reload_file *f = &r->reload.v[i];
		struct conf *keep = reload_conf(f);

		if (keep)
			kept->v[kept->n++] = keep;
		if (f->old != keep)
			conf_free(f->old);
		if (f->fresh != keep)
			conf_free(f->fresh);
	}
	free(r->s->files.v);
	r->s->files = *kept;
	*kept = (struct conf_set){ 0 };
	r->fresh.n = 0;
	if (names_update(r->s->names, &r->s->files) < 0)
		diag_error(r->diag, NULL, 0, "out of memory");
}

/* ---- rounds */

static void count_done(struct round *r)
{
	for (size_t i = 0; i < r->reload.n; i++) {
		const struct reload_file *f = &r->reload.v[i];

		if (f->state == RELOAD_ADDED)
			r->result->added++;
		else if (f->state == RELOAD_CHANGED)
			r->result->changed++;
		else if (f->state == RELOAD_REMOVED)
			r->result->removed++;
		if (reload_differs(f))
			log_info(&r->s->log, reload_name(f), "%s",
			         f->state == RELOAD_ADDED     ? "added"
			         : f->state == RELOAD_CHANGED ? "changed"
			                                      : "removed");
	}
}

static bool anything_differs(const struct round *r)
{
	for (size_t i = 0; i < r->reload.n; i++)
		if (reload_differs(&r->reload.v[i]))
			return true;
	return false;
}

static int begin_round(struct round *r)
{
	r->prepared = calloc(r->reload.n + 1, sizeof(*r->prepared));
	r->set.v = calloc(r->reload.n + 1, sizeof(struct conf *));
	if (!r->prepared || !r->set.v) {
		diag_error(r->diag, NULL, 0, "out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < r->reload.n; i++)
		r->prepared[i].device =
			(struct configured){ .udp_fds = { -1, -1 }, .uapi_fd = -1 };
	return 0;
}

static void end_round(struct round *r)
{
	for (size_t i = 0; r->prepared && i < r->reload.n; i++) {
		struct prepared *p = &r->prepared[i];

		if (p->device.uapi_fd >= 0) /* it has not moved */
			unmake(r, i);
		if (p->device.uapi_fd >= 0)
			instance_unlisten_uapi(&r->s->instance,
			                       reload_name(&r->reload.v[i]));
		supervisor_close_device(&p->device);
	}
	for (size_t i = 0; i < r->gone_count; i++)
		supervisor_close_device(&r->gone[i]);
	plan_clear(&r->plan);
	free(r->gone);
	free(r->prepared);
}

static void update_host(struct round *r)
{
	size_t before = r->diag->errors;
	int err = host_update(r->s->host, &r->s->plan, r->diag);

	if (err < 0 && r->diag->errors == before)
		diag_error(r->diag, NULL, 0, "the host can't be brought up to date: %s",
		           strerror(-err));
	r->s->host_failed = err < 0;
}

/* Applies what differs in r->reload. */
static int run_round(struct round *r)
{
	int err = begin_round(r);

	while (!err && anything_differs(r)) {
		err = accept_changes(r);
		if (!err && prepare_changes(r))
			break;
	}
	if (!err && anything_differs(r))
		err = move_devices(r);
	if (err || !anything_differs(r))
		goto out;
	swap_plans(r);
	tell_engine(r);
	update_host(r);
	remove_gone(r);
	(void)!host_post_down(r->s->host, &r->s->plan, r->diag); /* it's in diag */
	count_done(r);
out:
	end_round(r);
	return err;
}

/* PostUp of what was added; files where it fails become RELOAD_REMOVED. True if any did.
 */
static bool run_post_up(struct supervisor *s, const struct reload *done,
                        struct reload *next, struct diag *diag)
{
	bool any = false;

	*next = (struct reload){ .v = calloc(done->n + 1, sizeof(*next->v)) };
	for (size_t i = 0; i < done->n; i++) {
		const struct reload_file *f = &done->v[i];
		struct conf *conf = reload_conf(f);
		struct reload_file after = { RELOAD_SAME, conf, conf };

		if (!conf)
			continue;
		if (f->state == RELOAD_ADDED && host_file_up(s->host, conf, diag) < 0) {
			after = (struct reload_file){ RELOAD_REMOVED, conf, NULL };
			any = true;
		}
		if (next->v)
			next->v[next->n++] = after;
	}
	return any && next->v;
}

/* As wg-quick: a file whose PostUp fails goes down again. */
static void finish_added(struct round *r)
{
	struct live_result not_told;
	struct round again = { .s = r->s, .result = &not_told, .diag = r->diag };
	bool failed = run_post_up(r->s, &r->reload, &again.reload, r->diag);

	keep_files(r);
	if (failed && run_round(&again) == 0)
		keep_files(&again);
	free(again.set.v);
	reload_clear(&again.reload);
}

static void note_errors(struct supervisor *s, const struct diag *diag)
{
	diag_clear(&s->file_errors);
	copy_errors(&s->file_errors, diag);
}

static int read_again(struct round *r, struct diag *read)
{
	struct supervisor *s = r->s;
	int err = conf_set_reread(&r->fresh, &s->files, (const char *const *)s->paths,
	                          s->path_count, read);

	if (err && err != -EINVAL)
		return err;
	reload_refuse(&s->files, &r->fresh, read);
	err = reload_compare(&r->reload, &s->files, &r->fresh, read);
	if (err)
		diag_error(r->diag, NULL, 0, "out of memory");
	return err;
}

int live_reload(struct supervisor *s, struct live_result *result, struct diag *diag)
{
	struct round r = { .s = s, .result = result, .diag = diag };
	struct diag read = { 0 };
	int err;

	*result = (struct live_result){ 0 };
	err = read_again(&r, &read);
	copy_errors(diag, &read);
	if (!err) {
		copy_warnings(&r, &read);
		err = run_round(&r);
		if (!err && anything_differs(&r))
			finish_added(&r);
		else if (!err && s->host_failed)
			update_host(&r);
	}
	note_errors(s, diag);
	free(r.set.v);
	reload_clear(&r.reload);
	conf_set_clear_but(&r.fresh, &s->files);
	diag_clear(&read);
	if (!err && diag->errors > 0)
		err = -EINVAL;
	return err;
}
