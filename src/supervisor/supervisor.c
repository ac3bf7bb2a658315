/* src/supervisor/supervisor.c - up, serve and down
 *
 * `up` is a series of steps. supervisor_down undoes them in reverse, beginning at any
 * point, so that it is all a failing step has to call. The worker is forked first, while
 * there are no keys in memory that it could inherit. What it asks for later (sockets) or
 * reports (endpoints) arrives in talk.c. The host's routes are updated once in each round
 * of the loop. */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ending.h"
#include "base/memory.h"
#include "base/process.h"
#include "inside/insiders.h"
#include "instance/instance.h"
#include "io/loop.h"
#include "plan/plan_make.h"
#include "plan/way_compute.h"
#include "supervisor/clients.h"
#include "supervisor/end_signals.h"
#include "supervisor/follow.h"
#include "supervisor/hook_service.h"
#include "supervisor/hosts.h"
#include "supervisor/keeper.h"
#include "supervisor/live.h"
#include "supervisor/page_child.h"
#include "supervisor/place.h"
#include "supervisor/port_wait.h"
#include "supervisor/refresh.h"
#include "supervisor/status_request.h"
#include "supervisor/supervisor_status.h"
#include "supervisor/takedown.h"
#include "supervisor/talk.h"
#include "supervisor/tunnels.h"
#include "supervisor/underlay.h"
#include "supervisor/vpn_app.h"

/* Others decide when endpoints move, and so how often. This limits the updates. */
#define UPDATE_PAUSE_NS (200 * NS_PER_MS)

/* No other file knows this struct: each part only gets the other parts that it needs. */
struct supervisor {
	struct log log;
	struct ending ending;
	struct instance instance;
	struct tunnels tunnels;
	struct hosts hosts;
	struct place_inside inside; /* place points to it */
	struct host_place place;
	bool elsewhere; /* the tun is not in our own network namespace, but at `place` */
	struct vpn_app app;
	const struct supervisor_events *events; /* borrowed; may be NULL */
	struct insiders insiders;
	struct loop *loop; /* owned */
	struct end_signals signals;
	struct keeper keeper;
	struct keeper_events keeper_events;
	struct talk talk;
	struct hook_service hook_service;
	struct hooks_events hooks_events;
	struct underlay underlay;
	struct follow follow;
	struct live live;
	struct takedown takedown;
	struct refresh refresh;
	struct clients clients;
	struct status_request status;
	struct supervisor_status self;
	struct page_child page;
	struct helper_log lines;
	bool reload_asked;
	bool down_wanted;        /* a client wants it; this may be refused */
	bool ready_for_down;     /* PreDown has run, and the files are saved */
	struct diag prepared;    /* the messages of these steps, for the answer */
	uint64_t next_update_ns; /* the earliest time of the next update of the host */
	uint64_t up_since_ns;
};

/* ---- up */

static int make_plan(struct supervisor *s, struct diag *diag)
{
	struct plan_env env = { .path_mtu = host_path_mtu,
		                .tun = s->instance.tun,
		                .one_tun = s->elsewhere,
		                .applications = s->app.tun.wanted,
		                .context = s->hosts.shared };

	plan_clear(&s->tunnels.plan);
	return plan_make(&s->tunnels.plan, &s->tunnels.files, &env, diag);
}

static int open_sockets(struct supervisor *s, struct diag *diag)
{
	struct port_wait wait = { &s->instance, s->keeper.worker.interrupt_fd, 0, 0 };
	int first = tunnels_make(&s->tunnels);

	if (first)
		diag_error(diag, NULL, 0, "out of memory");
	/* all of them are tried, so that all errors are reported in one run */
	for (size_t i = 0; i < s->tunnels.count && first != -EINTR; i++) {
		struct tunnel *t = &s->tunnels.v[i];
		uint32_t mark = host_file_mark(s->hosts.shared, t->plan->conf);
		int err = port_wait_open(&wait, t, mark, diag);

		if (!err)
			err = instance_listen_uapi(&s->instance, t->plan->way.name,
			                           &t->uapi_fd, diag);
		if (!first || err == -EINTR)
			first = err;
	}
	return first;
}

static int check_interrupt(struct supervisor *s, struct diag *diag)
{
	if (!end_signals_take(&s->signals))
		return 0;
	diag_error(diag, NULL, 0, "interrupted");
	return -EINTR;
}

static int make_host(struct supervisor *s, const struct supervisor_options *o,
                     struct diag *diag)
{
	const char *state_path = s->elsewhere ? NULL : s->instance.state_path;
	struct host_options options = { .tun = s->instance.tun,
		                        .state_path = state_path,
		                        .lock_fd = s->instance.lock_fd,
		                        .vnet_hdr = !o->no_offload,
		                        .no_guard = o->no_firewall,
		                        .no_dns = o->no_dns,
		                        .name_servers = o->name_servers,
		                        .name_server_count = o->name_server_count,
		                        .place = s->elsewhere ? &s->place : NULL,
		                        .log = &s->log,
		                        .events = &s->hooks_events,
		                        .hook_limit_s = o->hook_limit_s,
		                        .keep_remains = true };

	return hosts_new(&s->hosts, &options, diag);
}

/* An instance that is numbered has a name before its files are read, because another one may
 * look for a name at the same time. */
static int choose_instance(struct supervisor *s, const struct supervisor_options *o,
                           struct diag *diag)
{
	int err =
		o->tun ? instance_init(&s->instance, o->run_dir, o->tun, diag)
		       : instance_lock_numbered(&s->instance, o->run_dir, o->base, diag);

	if (!err && o->tun && s->elsewhere)
		err = instance_separate_uapi(&s->instance);
	s->talk.tun = s->instance.tun;
	return err;
}

/* In here, nothing outside this process is changed before the last two steps. */
static int prepare(struct supervisor *s, const struct supervisor_options *o,
                   struct diag *diag)
{
	const struct conf_paths from = { .v = o->paths,
		                         .n = o->path_count,
		                         .names_folder = o->names_folder,
		                         .gate = o->gate };
	struct plan_env env = { .one_tun = s->elsewhere,
		                .applications = s->app.tun.wanted };
	int err = keeper_start(&s->keeper);

	if (err) {
		diag_error(diag, NULL, 0, "can't start the worker process: %s",
		           strerror(-err));
		return err;
	}
	err = vpn_app_prepare(&s->app, o->app, diag);
	if (!err)
		err = page_child_begin(&s->page, diag);
	if (!err)
		err = choose_instance(s, o, diag);
	if (!err)
		err = follow_init(&s->follow, &from, o->no_watch);
	env.tun = s->instance.tun;
	if (!err)
		err = tunnels_read(&s->tunnels, &from, &env, diag);
	if (!err && o->tun)
		err = instance_lock(&s->instance, diag);
	return err ? err : make_host(s, o, diag);
}

/* PreUp hooks run between the two steps of the devices, as in the newer wg-quick, so that
 * what they set stays. */
static int bring_up_devices(struct supervisor *s, struct diag *diag)
{
	int err = keeper_make_devices(&s->keeper),
	    hooks = err ? 0 : hosts_pre_up(&s->hosts, &s->tunnels.plan, diag);

	if (!err && !hooks)
		err = keeper_complete_devices(&s->keeper);
	if (err)
		worker_child_explain(&s->keeper.worker, err, diag);
	return err ? err : hooks;
}

static void forget(void *context);

static int begin_underlay(struct supervisor *s, const struct supervisor_options *o,
                          struct diag *diag)
{
	int err = loop_new(&s->loop);
	struct underlay_env env = { .log = &s->log,
		                    .loop = s->loop,
		                    .hosts = &s->hosts,
		                    .tunnels = &s->tunnels,
		                    .worker = &s->keeper.worker,
		                    .servers_given = o->name_server_count > 0,
		                    .resolver = { .log = &s->log,
		                                  .loop = s->loop,
		                                  .entry = o->resolver,
		                                  .keep_stderr = s->keeper.keep_stderr,
		                                  .forget = forget,
		                                  .context = s } };

	s->keeper.loop = s->loop;
	if (!err)
		vpn_app_begin(&s->app, &env);
	if (!err)
		err = underlay_begin(&s->underlay, &env);
	if (err)
		diag_error(diag, NULL, 0, "can't look up names: %s", strerror(-err));
	return err;
}

static int bring_up(struct supervisor *s, const struct supervisor_options *o,
                    struct diag *diag)
{
	int err = begin_underlay(s, o, diag);

	if (!err)
		err = make_plan(s, diag);
	if (!err)
		err = hosts_prepare(&s->hosts, &s->tunnels.plan, diag);
	if (!err)
		err = open_sockets(s, diag);
	if (!err)
		err = check_interrupt(s, diag);
	if (!err)
		err = bring_up_devices(s, diag);
	if (!err)
		err = hosts_up(&s->hosts, &s->tunnels.plan, diag);
	if (!err)
		underlay_up(&s->underlay, diag);
	return err ? err : check_interrupt(s, diag);
}

static void want_status(void *context);
static void want_down(void *context);
static void want_reload(void *context);
static const char *want_file(void *context, bool in, const char *what);
static int enter(void *context, int client_fd);

static void tell_plan(const struct supervisor *s)
{
	struct ip_addr resolver4, resolver6;

	if (!s->events)
		return;
	host_resolver(s->hosts.shared, &resolver4, &resolver6);
	s->events->planned(s->events->context, &s->tunnels.plan, &resolver4, &resolver6);
}

static int begin_to_serve(struct supervisor *s, const struct supervisor_options *o,
                          struct diag *diag)
{
	int pidfd = o->inside ? o->inside->pidfd : -1, lines_fd = o->lines_fd, err;

	s->clients.want_status = want_status;
	s->clients.want_down = want_down;
	s->clients.want_reload = want_reload;
	s->clients.want_file = want_file;
	s->clients.enter = enter;
	s->clients.context = s;
	s->clients.page_url = page_child_url(&s->page);
	err = instance_listen(&s->instance, diag);
	if (err)
		return err;
	err = end_signals_start(&s->signals, s->loop);
	if (!err)
		err = vpn_app_start(&s->app, s->loop);
	if (!err)
		err = clients_start(&s->clients, s->loop, s->instance.listen_fd);
	if (!err)
		err = page_child_serve(&s->page);
	if (!err && lines_fd > 0)
		err = helper_log_start(&s->lines, s->loop, lines_fd);
	if (!err)
		err = follow_start(&s->follow, s->loop, &s->log);
	if (!err && pidfd >= 0)
		err = insiders_start(&s->insiders, s->loop, pidfd);
	if (err)
		diag_error(diag, NULL, 0, "can't start to serve requests: %s",
		           strerror(-err));
	return err;
}

/* ---- callbacks between the parts */

/* Called in a forked child, where our descriptors are already closed. Frees all that was
 * inherited, above all the keys. Must not change anything outside the process. */
static void forget(void *context)
{
	struct supervisor *s = context;

	channel_clear(&s->keeper.worker.channel);
	permit_clear(&s->keeper.worker.permit);
	page_child_forget(&s->page);
	underlay_forget(&s->underlay);
	clients_forget(&s->clients);
	insiders_clear(&s->insiders);
	loop_free(s->loop);
	tunnels_forget(&s->tunnels, s->live.reading);
	hosts_forget(&s->hosts);
	follow_clear(&s->follow);
	live_clear(&s->live);
	refresh_clear(&s->refresh);
	diag_clear(&s->prepared);
	status_request_clear(&s->status);
	instance_forget(&s->instance);
	free(s);
}

static void worker_restarted(void *context)
{
	struct supervisor *s = context;

	status_request_restarted(&s->status);
}

static void worker_answers_again(void *context)
{
	struct supervisor *s = context;

	s->reload_asked = true;
}

static void connect_worker(struct supervisor *s, const struct supervisor_options *o)
{
	s->keeper_events = (struct keeper_events){ forget, worker_restarted,
		                                   worker_answers_again, s };
	s->keeper = (struct keeper){
		.worker = { .channel.fd = -1,
		            .interrupt_fd = -1,
		            .silence_ms =
		                    o->silence_ms ? o->silence_ms : WORKER_SILENCE_MS,
		            .end_ms = WORKER_END_MS,
		            .entry = o->worker,
		            .handle = talk_handle,
		            .context = &s->talk },
		.options = { s->log.level, o->no_offload, o->worker.stand_in },
		.keep_stderr = o->foreground && BUILT_WITH_SANITIZERS,
		.log = &s->log,
		.ending = &s->ending,
		.tunnels = &s->tunnels,
		.events = &s->keeper_events,
		.hosts = &s->hosts,
	};
	s->talk = (struct talk){ .log = &s->log,
		                 .ending = &s->ending,
		                 .keeper = &s->keeper,
		                 .tunnels = &s->tunnels,
		                 .underlay = &s->underlay,
		                 .status = &s->status,
		                 .app_tun = &s->app.tun };
}

static void connect_inside(struct supervisor *s, const struct supervisor_inside *inside)
{
	s->inside = (struct place_inside){ inside->fds, inside->socket };
	s->place = place_inside(&s->inside);
	s->insiders.fds = inside->fds;
	s->insiders.ending = &s->ending;
	s->insiders.log = &s->log;
}

static void connect_place(struct supervisor *s, const struct supervisor_options *o)
{
	const struct vpn_app_env env = {
		&s->log,           &s->ending,   &s->tunnels,
		&s->keeper.worker, &s->underlay, &s->talk.outside
	};

	s->elsewhere = s->live.one_tun = o->inside || o->no_tun || o->app;
	s->live.applications = o->app;
	if (o->inside)
		connect_inside(s, o->inside);
	else
		s->place = host_place_nowhere();
	vpn_app_connect(&s->app, o->app, &env, &s->place);
}

static void connect_parts(struct supervisor *s)
{
	s->self = (struct supervisor_status){
		&s->instance, &s->tunnels,  &s->hosts,       &s->keeper,     &s->live,
		&s->follow,   &s->underlay, &s->up_since_ns, &s->page.lines, &s->lines
	};
	s->status = (struct status_request){ .clients = &s->clients,
		                             .worker = &s->keeper.worker,
		                             .describe = supervisor_status_describe,
		                             .context = &s->self,
		                             .due_ns = NEVER_NS };
	s->hook_service = (struct hook_service){ .instance = &s->instance,
		                                 .tunnels = &s->tunnels,
		                                 .keeper = &s->keeper,
		                                 .clients = &s->clients,
		                                 .status = &s->status };
	s->hooks_events = hook_service_events(&s->hook_service);
	s->takedown =
		(struct takedown){ &s->keeper, &s->hosts, &s->instance, &s->tunnels };
	s->live = (struct live){ .log = &s->log,
		                 .instance = &s->instance,
		                 .tunnels = &s->tunnels,
		                 .hosts = &s->hosts,
		                 .keeper = &s->keeper,
		                 .underlay = &s->underlay };
	s->refresh = (struct refresh){ .clients = &s->clients,
		                       .follow = &s->follow,
		                       .live = &s->live,
		                       .keeper = &s->keeper,
		                       .takedown = &s->takedown,
		                       .tunnels = &s->tunnels };
	s->signals.ending = &s->ending;
	s->signals.source.fd = s->instance.lock_fd = s->instance.listen_fd =
		s->underlay.monitor.fd = -1;
}

int supervisor_up(struct supervisor **out, const struct supervisor_options *options,
                  struct diag *diag)
{
	struct supervisor *s = calloc(1, sizeof(*s));
	int err;

	*out = NULL;
	if (!s) {
		diag_error(diag, NULL, 0, "out of memory");
		return -ENOMEM;
	}
	s->log = *options->log;
	connect_worker(s, options);
	connect_parts(s);
	s->page = page_child_of(options->page, &s->log, &s->clients, forget, s);
	s->lines = (struct helper_log){ .log = &s->log, .who = "proxy" };
	connect_place(s, options);
	s->events = options->events;
	process_raise_limits();
	err = prepare(s, options, diag);
	if (!err)
		err = end_signals_block(&s->signals);
	s->keeper.worker.interrupt_fd = s->signals.source.fd;
	if (!err)
		err = bring_up(s, options, diag);
	if (!err)
		err = begin_to_serve(s, options, diag);
	if (!err)
		err = hosts_let_go(&s->hosts, &s->tunnels.plan, diag);
	if (err) {
		bool tell = !takedown_stays_closed(&s->takedown, options->still_closed) &&
		            s->tunnels.count > 0 && !s->elsewhere;

		supervisor_down(s, diag);
		if (tell)
			takedown_tell_failed(diag);
		return err;
	}
	hosts_settle(&s->hosts);
	s->up_since_ns = loop_now_ns();
	tell_plan(s);
	tunnels_log_keys(&s->tunnels, &s->log);
	memory_give_back();
	*out = s;
	return 0;
}

/* ---- serve */

static void want_status(void *context)
{
	struct supervisor *s = context;

	status_request_ask(&s->status);
}

static void want_down(void *context)
{
	struct supervisor *s = context;

	s->down_wanted = true;
}

static void want_reload(void *context)
{
	struct supervisor *s = context;

	s->reload_asked = true;
}

static const char *want_file(void *context, bool in, const char *what)
{
	struct supervisor *s = context;

	return refresh_want_file(&s->refresh, in, what);
}

static int enter(void *context, int client_fd)
{
	struct supervisor *s = context;

	return insiders_admit(&s->insiders, client_fd);
}

static void update_host(struct supervisor *s)
{
	struct diag diag = { 0 };

	s->tunnels.endpoints_moved = false;
	s->next_update_ns = loop_now_ns() + UPDATE_PAUSE_NS;
	if (s->tunnels.plan.device_count > 0)
		way_compute(&s->tunnels.plan.table, &s->tunnels.plan.devices[0].way);
	if (underlay_update_mtus(&s->underlay) < 0)
		ending_want(&s->ending, -ENOMEM);
	s->live.host_failed = hosts_update(&s->hosts, &s->tunnels.plan, &diag) < 0;
	if (s->live.host_failed)
		log_error(&s->log, NULL,
		          "can't update the host's routes after an endpoint has moved");
	if (keeper_send_host(&s->keeper) < 0)
		ending_want(&s->ending, -ENOMEM);
	diag_log(&diag, &s->log);
	diag_clear(&diag);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t deadline_ns(const struct supervisor *s)
{
	uint64_t due_ns = earlier(underlay_deadline_ns(&s->underlay, loop_now_ns()),
	                          follow_deadline_ns(&s->follow));

	/* these were asked for while hooks ran, and nothing else may wake us */
	if (s->down_wanted || s->reload_asked || s->refresh.what ||
	    page_child_is_due(&s->page))
		return 0;
	due_ns = earlier(due_ns, status_request_deadline_ns(&s->status));
	due_ns = earlier(due_ns, keeper_deadline_ns(&s->keeper));
	due_ns = earlier(due_ns, vpn_app_deadline_ns(&s->app));
	return s->tunnels.endpoints_moved ? earlier(due_ns, s->next_update_ns) : due_ns;
}

static void refresh(struct supervisor *s)
{
	bool all = s->reload_asked;

	s->reload_asked = false;
	s->down_wanted = refresh_file(&s->refresh) || s->down_wanted;
	if (all)
		refresh_all(&s->refresh);
	tell_plan(s);
	memory_give_back();
}

/* A client wants it to go down: prepares this and then ends, or answers that it stays up.
 * As in wg-quick, it stays up if a PreDown fails or a file can't be saved. */
static void consider_down(struct supervisor *s)
{
	struct diag diag = { 0 };
	char *text = NULL, last[32];
	int err;

	s->down_wanted = false;
	err = takedown_prepare(&s->takedown, &diag);
	s->ready_for_down = err == 0;
	diag_log(&diag, &s->log);
	if (s->ready_for_down) {
		diag_move(&s->prepared, &diag);
		ending_want(&s->ending, 0);
	} else {
		snprintf(last, sizeof(last), "refused %d", takedown_status(err));
		text = clients_text(&diag, last);
		clients_refuse_down(&s->clients, text ? text : "refused 1\n");
	}
	free(text);
	diag_clear(&diag);
}

/* Does what has become necessary, once in each round of the loop. */
static void run_round(struct supervisor *s)
{
	uint64_t now_ns = loop_now_ns();

	status_request_run(&s->status);
	if (underlay_run(&s->underlay, now_ns) < 0 || vpn_app_run(&s->app, now_ns) < 0)
		ending_want(&s->ending, -ENOMEM);
	if (s->tunnels.endpoints_moved && loop_now_ns() >= s->next_update_ns)
		update_host(s);
	hosts_drop_lost(&s->hosts);
	if (s->down_wanted)
		consider_down(s);
	if (follow_due(&s->follow, loop_now_ns()))
		s->reload_asked = true;
	if ((s->reload_asked || s->refresh.what) && !s->ending.wanted)
		refresh(s);
	keeper_round(&s->keeper);
	page_child_round(&s->page);
}

int supervisor_serve(struct supervisor *s)
{
	while (!s->ending.wanted) {
		int err = keeper_watch(&s->keeper);

		if (!err)
			err = loop_wait(s->loop, deadline_ns(s));
		if (err) {
			log_error(&s->log, NULL, "waiting failed: %s", strerror(-err));
			ending_want(&s->ending, err);
		}
		run_round(s);
	}
	return s->ending.error;
}

const char *supervisor_tun(const struct supervisor *s)
{
	return s->instance.tun;
}

bool supervisor_tun_revoked(const struct supervisor *s)
{
	return s->app.tun.revoked;
}

const char *supervisor_page_url(const struct supervisor *s)
{
	return page_child_url(&s->page);
}

/* ---- down */

void supervisor_down(struct supervisor *s, struct diag *diag)
{
	char *text, last[32] = "ok";
	bool closed;
	int hooks = 0;

	if (!s)
		return;
	diag_move(diag, &s->prepared);
	s->keeper.worker.interrupt_fd = -1;
	closed = hosts_stay_closed(&s->hosts) || (s->ending.error && !s->ready_for_down &&
	                                          !s->elsewhere && s->hosts.shared_is_up);
	/* now it can't be refused any more */
	if (s->up_since_ns && !s->ready_for_down && !closed)
		(void)!takedown_prepare(&s->takedown, diag);
	if (s->hosts.shared_is_up && !closed)
		hooks = hosts_down(&s->hosts, diag);
	keeper_end(&s->keeper);
	page_child_end(&s->page);
	helper_log_end(&s->lines);
	underlay_end(&s->underlay);
	if (closed)
		takedown_leave_closed(&s->takedown, s->up_since_ns ? &s->log : NULL);
	hosts_free(&s->hosts);
	tunnels_clear(&s->tunnels);
	follow_clear(&s->follow);
	live_clear(&s->live);
	refresh_clear(&s->refresh);
	instance_release(&s->instance);
	if (hooks != 0)
		snprintf(last, sizeof(last), "failed %d", takedown_status(hooks));
	text = clients_text(diag, last);
	clients_end(&s->clients, text ? text : "ok\n");
	free(text);
	insiders_clear(&s->insiders);
	vpn_app_end(&s->app);
	loop_free(s->loop);
	end_signals_close(&s->signals);
	instance_clear(&s->instance);
	status_request_clear(&s->status);
	free(s);
}
