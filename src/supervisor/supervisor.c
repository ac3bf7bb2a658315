/* src/supervisor/supervisor.c
 *
 * `up` is a row of steps; supervisor_down undoes them in reverse, from any point, so that
 * a failing step needs nothing but to call it. The engine is forked first, while there
 * are no keys in memory to inherit. What it asks for later (sockets) or tells (endpoints)
 * arrives in engine_talk.c; the host's routes are brought up to date once per round of
 * the loop. */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/process.h"
#include "plan/plan_make.h"
#include "plan/way_compute.h"
#include "supervisor/engine_keeper.h"
#include "supervisor/engine_talk.h"
#include "supervisor/follow.h"
#include "supervisor/hook_service.h"
#include "supervisor/supervisor_state.h"
#include "supervisor/takedown.h"
#include "supervisor/underlay.h"

/* Endpoints are moved by others, as often as they like. */
#define UPDATE_PAUSE_NS (200 * NS_PER_MS)

void supervisor_stop(struct supervisor *s, int error)
{
	s->stop = true;
	if (error && !s->error)
		s->error = error;
}

/* ---- signals */

static void wanted_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

static int block_signals(struct supervisor *s)
{
	sigset_t set;

	wanted_signals(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	s->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	s->engine.interrupt_fd = s->signals.fd;
	return s->signals.fd < 0 ? -errno : 0;
}

static bool take_signal(struct supervisor *s)
{
	struct signalfd_siginfo info;

	return read(s->signals.fd, &info, sizeof(info)) == (ssize_t)sizeof(info);
}

static void signal_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct supervisor *s = CONTAINER_OF(source, struct supervisor, signals);

	(void)events;
	(void)now_ns;
	if (take_signal(s))
		supervisor_stop(s, 0);
}

/* ---- devices */

static int compare_device(const void *name, const void *device)
{
	return strcmp(name, ((const struct configured *)device)->plan->way.name);
}

/* They are in the order of the plan's, by name. */
struct configured *supervisor_find_device(const struct supervisor *s, const char *name)
{
	if (s->coming && strcmp(s->coming->plan->way.name, name) == 0)
		return s->coming;
	if (s->device_count == 0)
		return NULL;
	return bsearch(name, s->devices, s->device_count, sizeof(*s->devices),
	               compare_device);
}

void supervisor_close_udp(struct configured *d)
{
	for (int f = 0; f < UDP_FAMILIES; f++) {
		if (d->udp_fds[f] >= 0)
			close(d->udp_fds[f]);
		d->udp_fds[f] = -1;
	}
}

void supervisor_close_device(struct configured *d)
{
	supervisor_close_udp(d);
	if (d->uapi_fd >= 0)
		close(d->uapi_fd);
	d->uapi_fd = -1;
}

/* ---- up */

/* Errors of all files, and those between files, in one run. The plan is only tried: what
 * is not known yet, addresses of names and path MTUs, is in its warnings. */
static int read_files(struct supervisor *s, const struct supervisor_options *o,
                      struct diag *diag)
{
	int err = conf_set_read(&s->files, o->paths, o->path_count, diag), plan_err;
	const struct plan_env env = { .tun = s->instance.tun };
	struct diag not_told = { 0 };

	if (err && err != -EINVAL)
		return err;
	plan_err = plan_make(&s->plan, &s->files, &env, err ? diag : &not_told);
	if (!err && plan_err)
		plan_err = plan_make(&s->plan, &s->files, &env, diag);
	diag_clear(&not_told);
	return err ? err : plan_err;
}

static int make_plan(struct supervisor *s, struct diag *diag)
{
	struct plan_env env = { .path_mtu = host_path_mtu,
		                .tun = s->instance.tun,
		                .context = s->host };

	plan_clear(&s->plan);
	return plan_make(&s->plan, &s->files, &env, diag);
}

int supervisor_open_udp(struct supervisor *s, struct configured *d, struct diag *diag)
{
	const struct conf *conf = d->plan->conf;
	int err;

	d->port = conf->listen_port;
	/* Of two FwMarks in two files one counts, see host_prepare. Hooks ask for it by
	 * `wg show %i fwmark`, as with wg-quick, which sets one for a default route. */
	d->fwmark = conf->fwmark || (conf->table == CONF_TABLE_AUTO &&
	                             configure_has_default_route(d->plan))
	                    ? host_mark(s->host)
	                    : 0;
	err = udp_open(d->udp_fds, &d->port, host_mark(s->host));
	if (err == -EADDRINUSE && conf->listen_port)
		diag_error(diag, conf->path, conf->listen_port_line,
		           "ListenPort %u is in use by another program",
		           (unsigned)conf->listen_port);
	else if (err)
		diag_error(diag, conf->path, conf->listen_port_line,
		           "can't open the UDP sockets: %s", strerror(-err));
	return err;
}

static int open_devices(struct supervisor *s, struct diag *diag)
{
	int first = 0;

	s->devices = calloc(s->plan.device_count + 1, sizeof(*s->devices));
	if (!s->devices) {
		diag_error(diag, NULL, 0, "out of memory");
		return -ENOMEM;
	}
	for (; s->device_count < s->plan.device_count; s->device_count++) {
		struct configured *d = &s->devices[s->device_count];

		*d = (struct configured){ .plan = &s->plan.devices[s->device_count],
			                  .udp_fds = { -1, -1 },
			                  .uapi_fd = -1 };
	}
	/* all of them, so that all errors are told in one run */
	for (size_t i = 0; i < s->device_count; i++) {
		struct configured *d = &s->devices[i];
		int err = supervisor_open_udp(s, d, diag);

		if (!err)
			err = instance_listen_uapi(&s->instance, d->plan->way.name,
			                           &d->uapi_fd, diag);
		if (!first)
			first = err;
	}
	return first;
}

static int check_interrupt(struct supervisor *s, struct diag *diag)
{
	if (!take_signal(s))
		return 0;
	diag_error(diag, NULL, 0, "interrupted");
	return -EINTR;
}

/* Nothing outside this process has been changed yet. */
static int prepare(struct supervisor *s, const struct supervisor_options *o,
                   struct diag *diag)
{
	struct host_options host = { .vnet_hdr = !o->no_offload, .log = &s->log };
	int err;

	s->engine.handle = talk_handle;
	s->engine.context = s;
	err = keeper_start(s);

	if (err) {
		diag_error(diag, NULL, 0, "can't start the engine process: %s",
		           strerror(-err));
		return err;
	}
	err = instance_init(&s->instance, o->run_dir, o->tun, diag);
	if (!err)
		err = follow_init(s, o);
	if (!err)
		err = read_files(s, o, diag);
	if (!err)
		err = instance_lock(&s->instance, diag);
	if (err)
		return err;
	host.tun = s->instance.tun;
	host.state_path = s->instance.state_path;
	host.no_guard = o->no_firewall;
	host.no_dns = o->no_dns;
	hook_service_init(s);
	host.events = &s->hooks_events;
	err = host_new(&s->host, &host, diag);
	return err;
}

/* Between the two steps of the devices PreUp hooks run, as with the newer wg-quick: what
 * they set stays. */
static int bring_up_devices(struct supervisor *s, struct diag *diag)
{
	int err = keeper_make_devices(s),
	    hooks = err ? 0 : host_pre_up(s->host, &s->plan, diag);

	if (!err && !hooks)
		err = keeper_complete_devices(s);
	if (err)
		supervisor_say_engine_error(s, err, diag);
	return err ? err : hooks;
}

static int bring_up(struct supervisor *s, struct diag *diag)
{
	int err = loop_new(&s->loop);

	if (!err)
		err = underlay_begin(s);
	if (err)
		diag_error(diag, NULL, 0, "can't ask for names: %s", strerror(-err));
	else
		err = make_plan(s, diag);
	if (!err)
		err = host_prepare(s->host, &s->plan, diag);
	if (!err)
		err = open_devices(s, diag);
	if (!err)
		err = check_interrupt(s, diag);
	if (!err)
		err = bring_up_devices(s, diag);
	if (!err)
		err = host_up(s->host, &s->plan, diag);
	s->host_is_up = err == 0;
	if (!err)
		underlay_up(s, diag);
	if (!err)
		err = check_interrupt(s, diag);
	return err;
}

static void want_status(void *context);
static void want_down(void *context);
static void want_reload(void *context);

static int begin_to_serve(struct supervisor *s, struct diag *diag)
{
	int err;

	s->clients.want_status = want_status;
	s->clients.want_down = want_down;
	s->clients.want_reload = want_reload;
	s->clients.context = s;
	s->signals.ready = signal_ready;
	err = instance_listen(&s->instance, diag);
	if (err)
		return err;
	err = loop_add(s->loop, &s->signals, EPOLLIN);
	if (!err)
		err = clients_start(&s->clients, s->loop, s->instance.listen_fd);
	if (!err)
		err = follow_start(s);
	if (err)
		diag_error(diag, NULL, 0, "can't begin to serve: %s", strerror(-err));
	return err;
}

int supervisor_up(struct supervisor **out, const struct supervisor_options *options,
                  struct diag *diag)
{
	struct supervisor *s = calloc(1, sizeof(*s));
	struct diag undo = { 0 };
	int err;

	*out = NULL;
	if (!s) {
		diag_error(diag, NULL, 0, "out of memory");
		return -ENOMEM;
	}
	s->log = *options->log;
	s->foreground = options->foreground;
	s->no_offload = options->no_offload;
	s->engine.entry = options->worker;
	s->signals.fd = s->instance.lock_fd = s->instance.listen_fd =
		s->underlay.monitor.fd = -1;
	s->engine.channel.fd = s->engine.interrupt_fd = -1;
	s->status_due_ns = NEVER_NS;
	process_raise_limits();
	err = prepare(s, options, diag);
	if (!err)
		err = block_signals(s);
	if (!err)
		err = bring_up(s, diag);
	if (!err)
		err = begin_to_serve(s, diag);
	if (err) {
		supervisor_down(s, &undo);
		diag_clear(&undo);
		return err;
	}
	s->up_since_ns = loop_now_ns();
	memory_give_back();
	*out = s;
	return 0;
}

/* ---- serve */

void supervisor_log_diag(const struct supervisor *s, const struct diag *diag)
{
	for (size_t i = 0; i < diag->count; i++) {
		const struct diag_entry *e = &diag->entries[i];
		enum log_level level =
			e->severity == DIAG_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN;

		if (e->file && e->line > 0)
			log_line(&s->log, level, NULL, "%s:%u: %s", e->file, e->line,
			         e->text);
		else if (e->file)
			log_line(&s->log, level, NULL, "%s: %s", e->file, e->text);
		else
			log_line(&s->log, level, NULL, "%s", e->text);
	}
}

static void want_status(void *context)
{
	talk_ask_status(context);
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

static void update_host(struct supervisor *s)
{
	struct diag diag = { 0 };

	s->endpoints_moved = false;
	s->next_update_ns = loop_now_ns() + UPDATE_PAUSE_NS;
	if (s->plan.device_count > 0)
		way_compute(&s->plan.table, &s->plan.devices[0].way);
	underlay_update_mtus(s);
	if (host_update(s->host, &s->plan, &diag) < 0)
		log_error(&s->log, NULL, "the host's routes don't follow an endpoint");
	if (supervisor_send_resolver(s) < 0)
		supervisor_stop(s, -ENOMEM);
	supervisor_log_diag(s, &diag);
	diag_clear(&diag);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t deadline_ns(const struct supervisor *s)
{
	uint64_t due_ns =
		earlier(underlay_deadline_ns(s, loop_now_ns()), follow_deadline_ns(s));

	/* asked for while hooks ran: nothing else may wake us */
	if (s->down_wanted || s->reload_asked)
		return 0;
	due_ns = earlier(due_ns, talk_status_deadline_ns(s));
	return s->endpoints_moved ? earlier(due_ns, s->next_update_ns) : due_ns;
}

int supervisor_serve(struct supervisor *s)
{
	while (!s->stop) {
		int err = keeper_watch(s);

		if (!err)
			err = loop_wait(s->loop, deadline_ns(s));
		if (err) {
			log_error(&s->log, NULL, "waiting failed: %s", strerror(-err));
			supervisor_stop(s, err);
		}
		talk_status_run(s);
		underlay_run(s, loop_now_ns());
		if (s->endpoints_moved && loop_now_ns() >= s->next_update_ns)
			update_host(s);
		if (s->down_wanted)
			takedown_consider(s);
		follow_round(s);
		if (s->engine.error) {
			log_error(&s->log, NULL, "the engine refuses %s %s: %s",
			          command_type_name(s->engine.error_request),
			          s->engine.error_name, strerror(-s->engine.error));
			s->engine.error = 0;
		}
	}
	return s->error;
}

/* ---- down */

static void close_devices(struct supervisor *s)
{
	for (size_t i = 0; i < s->device_count; i++)
		supervisor_close_device(&s->devices[i]);
	free(s->devices);
	s->devices = NULL;
	s->device_count = 0;
}

void supervisor_down(struct supervisor *s, struct diag *diag)
{
	char *text, last[32] = "ok";
	int hooks = 0;

	if (!s)
		return;
	diag_move(diag, &s->prepared);
	s->engine.interrupt_fd = -1;
	/* nobody can be refused any more */
	if (s->up_since_ns && !s->ready_for_down)
		(void)!takedown_prepare(s, diag);
	if (s->host && s->host_is_up)
		hooks = host_down(s->host, &s->plan, diag);
	supervisor_end_engine(s);
	close_devices(s);
	underlay_end(s);
	host_free(s->host);
	plan_clear(&s->plan);
	conf_set_clear(&s->files);
	follow_clear(s);
	instance_release(&s->instance);
	if (hooks != 0)
		snprintf(last, sizeof(last), "failed %d", takedown_status(hooks));
	text = clients_text(diag, last);
	clients_end(&s->clients, text ? text : "ok\n");
	free(text);
	loop_free(s->loop);
	if (s->signals.fd >= 0)
		close(s->signals.fd);
	instance_clear(&s->instance);
	outbuf_clear(&s->status_text);
	free(s);
}
