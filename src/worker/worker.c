/* src/worker/worker.c - the loop of the worker
 *
 * Everything happens in callbacks of the loop: the tun (worker_tun.h), sockets and UAPI
 * clients of the devices (worker_device.h), and the supervisor's messages
 * (worker_requests.h). Messages to the supervisor (report.h) wait in the channel until
 * the loop writes them. */
#include "worker/worker.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "crypto/aead.h"
#include "engine/engine.h"
#include "io/buffers.h"
#include "io/loop.h"
#include "io/udp.h"
#include "sandbox/sandbox.h"
#include "sandbox/sandbox_log.h"
#include "worker/engine_status.h"
#include "worker/report.h"
#include "worker/worker_calls.h"
#include "worker/worker_device.h"
#include "worker/worker_outside.h"
#include "worker/worker_requests.h"
#include "worker/worker_stand_in.h"
#include "worker/worker_tun.h"

/* A device has up to three sockets, and each of its UAPI clients one. */
#define FILES_MAX 65536

struct worker {
	struct loop *loop;
	struct buffers *buffers;
	struct udp_scratch *scratch;
	struct engine *engine;
	struct channel channel;
	struct loop_source channel_source;
	uint32_t channel_events; /* the events waited for */
	struct report report;
	struct log log;
	struct worker_tun tun;
	struct worker_stand_in stand_in;
	struct worker_devices devices;
	struct worker_outside outside;
	struct worker_requests requests;
	struct sandbox sandbox;
	struct log_limit refused;
	bool stop;
	int status; /* the exit status */
};

static void stop(struct worker *p, int status)
{
	p->stop = true;
	if (status)
		p->status = status;
}

/* ---- the channel */

/* Has the supervisor closed the channel? Reading or writing may notice it first. If there
 * is something that it hasn't read, the error is a reset. */
static bool is_closed(int err)
{
	return err == -ENOTCONN || err == -EPIPE || err == -ECONNRESET;
}

/* Writes what waits, and makes the loop write the rest. */
static void flush(struct worker *p)
{
	uint32_t events = EPOLLIN;
	int err = p->report.failed ? -EIO : channel_write(&p->channel);

	if (err) {
		stop(p, is_closed(err) ? 0 : 1);
		return;
	}
	if (channel_pending(&p->channel))
		events |= EPOLLOUT;
	if (events == p->channel_events)
		return;
	p->channel_events = events;
	if (loop_modify(p->loop, &p->channel_source, events) < 0)
		stop(p, 1);
}

static void channel_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct worker *p = CONTAINER_OF(source, struct worker, channel_source);
	struct command m;
	int got = 0;

	(void)events;
	p->devices.now_ns = now_ns;
	while (!p->stop && (got = command_next(&p->channel, &m)) > 0) {
		if (!worker_requests_handle(&p->requests, &m)) {
			log_error(&p->log, NULL,
			          "the supervisor sent an unexpected message: %s",
			          command_type_name(m.type));
			stop(p, 1);
		}
		command_clear(&m);
	}
	if (got < 0)
		stop(p, is_closed(got) ? 0 : 1);
}

/* ---- callbacks of the engine */

static void fill_random(void *context, void *bytes, size_t n)
{
	(void)context;
	randombytes_buf(bytes, n);
}

static uint64_t wall_clock_ns(void *context)
{
	(void)context;
	return loop_wall_clock_ns();
}

static void endpoint_changed(void *context, struct device *device, struct wg_peer *peer)
{
	struct worker *p = context;

	report_peer(&p->report, COMMAND_ENDPOINT, device, peer, wg_peer_endpoint(peer));
}

static void unanswered(void *context, struct device *device, struct wg_peer *peer,
                       const struct endpoint *tried)
{
	struct worker *p = context;

	report_peer(&p->report, COMMAND_UNANSWERED, device, peer, tried);
}

static void ask_outside(void *context, const struct ip_addr *server, const void *query,
                        size_t n)
{
	struct worker *p = context;

	worker_outside_ask(&p->outside, server, query, n, loop_now_ns());
}

static void connect_outside(void *context, const struct ip_addr *server, uint16_t port)
{
	struct worker *p = context;

	worker_outside_connect(&p->outside, server, port);
}

/* ---- the process */

/* Connects the parts with each other. */
static void assemble(struct worker *p)
{
	p->tun = (struct worker_tun){ .loop = p->loop,
		                      .buffers = p->buffers,
		                      .engine = p->engine,
		                      .report = &p->report };
	p->devices = (struct worker_devices){ .loop = p->loop,
		                              .engine = p->engine,
		                              .buffers = p->buffers,
		                              .scratch = p->scratch,
		                              .log = &p->log,
		                              .report = &p->report,
		                              .since_ns = loop_now_ns() };
	worker_device_init(&p->devices);
	p->outside = (struct worker_outside){ .loop = p->loop,
		                              .engine = p->engine,
		                              .report = &p->report,
		                              .relays.loop = p->loop };
	p->requests = (struct worker_requests){ &p->devices, &p->tun,      &p->report,
		                                &p->sandbox, &p->stand_in, &p->outside };
}

static int begin(struct worker *p, int channel_fd, const struct worker_options *options)
{
	struct engine_env env = { .rng = { fill_random, NULL },
		                  .log = &p->log,
		                  .wall_clock_ns = wall_clock_ns,
		                  .endpoint_changed = endpoint_changed,
		                  .unanswered = unanswered,
		                  .ask_outside = ask_outside,
		                  .connect_outside = connect_outside,
		                  .context = p };
	int err;

	p->report.channel = &p->channel;
	p->log = (struct log){ options->log_level, report_log, &p->report };
	if (sodium_init() < 0) {
		close(channel_fd);
		return -ENOSYS;
	}
	err = channel_init(&p->channel, channel_fd);
	if (!err)
		env.aead = aead_choose(&p->log);
	if (!err)
		err = loop_new(&p->loop);
	if (!err)
		err = buffers_new(&p->buffers);
	if (!err)
		err = udp_scratch_new(&p->scratch, p->buffers, !options->no_offload);
	if (!err)
		err = engine_new(&p->engine, &env);
	if (err)
		return err;
	assemble(p);
	p->tun.join = !options->no_offload;
	err = worker_stand_in_begin(&p->stand_in, options->stand_in, p->engine, p->loop,
	                            &p->log);
	if (err)
		return err;
	p->channel_source = (struct loop_source){ channel_fd, channel_ready };
	p->channel_events = EPOLLIN;
	return loop_add(p->loop, &p->channel_source, EPOLLIN);
}

static void end(struct worker *p)
{
	worker_stand_in_end(&p->stand_in);
	worker_outside_clear(&p->outside);
	worker_device_clear(&p->devices);
	engine_free(p->engine);
	worker_tun_clear(&p->tun);
	udp_scratch_free(p->scratch);
	buffers_free(p->buffers);
	loop_free(p->loop);
	channel_clear(&p->channel);
}

static void tell_path_news(struct worker *p)
{
	struct command news = command_of(COMMAND_PATH_NEWS, NULL);

	if (udp_path_news(p->scratch))
		report_send(&p->report, &news);
}

static uint64_t next_deadline_ns(const struct worker *p)
{
	uint64_t engine_ns = engine_next_deadline_ns(p->engine);
	uint64_t devices_ns = worker_device_next_deadline_ns(&p->devices);
	uint64_t stand_in_ns = worker_stand_in_deadline_ns(&p->stand_in, loop_now_ns());

	engine_ns = engine_ns < devices_ns ? engine_ns : devices_ns;
	return engine_ns < stand_in_ns ? engine_ns : stand_in_ns;
}

static void serve(struct worker *p)
{
	while (!p->stop) {
		int err;

		tell_path_news(p);
		flush(p);
		if (p->stop)
			break;
		err = loop_wait(p->loop, next_deadline_ns(p));
		if (err) {
			log_error(&p->log, NULL, "waiting failed: %s", strerror(-err));
			stop(p, 1);
		}
		p->devices.now_ns = loop_now_ns();
		worker_device_run_timers(&p->devices);
		engine_run_timers(p->engine, p->devices.now_ns);
		worker_stand_in_run(&p->stand_in, p->devices.now_ns);
		worker_tun_check(&p->tun);
		sandbox_log_refused(&p->log, &p->refused, p->devices.now_ns, "worker");
	}
}

int worker_run(int channel_fd, pid_t supervisor, const struct worker_options *options)
{
	struct sandbox_inmate inmate = { .parent = supervisor,
		                         .user = RIGHTS_WORKER,
		                         .files_max = FILES_MAX };
	const struct stand_in_entry *in = options->stand_in;
	struct worker p = { .channel.fd = -1 };
	struct call_rule calls[CALL_RULES_MAX];
	int err;

	prctl(PR_SET_NAME, "tunion-worker");
	(void)setsid(); /* the terminal isn't its any more */
	err = begin(&p, channel_fd, options);
	engine_status_prepare();
	inmate.calls = calls;
	inmate.call_count =
		worker_calls_with(calls, in ? in->calls : NULL, in ? in->call_count : 0);
	if (!err)
		err = sandbox_enter(&p.sandbox, &inmate);
	if (err) {
		if (p.channel.fd >= 0)
			log_error(&p.log, NULL, "the worker process can't start: %s",
			          strerror(-err));
		p.status = 1;
	} else {
		sandbox_log_stages(&p.log, &p.sandbox, "worker");
		serve(&p);
	}
	err = p.channel.fd >= 0 ? channel_write(&p.channel) : 0;
	if (err && !is_closed(err))
		p.status = 1;
	end(&p);
	return p.status;
}
