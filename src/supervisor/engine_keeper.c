/* src/supervisor/engine_keeper.c
 *
 * The sockets, the tun and what they are for stay with the supervisor when an engine
 * ends; sessions are made anew, and what UAPI clients had set is lost. */
#include "supervisor/engine_keeper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "supervisor/engine_talk.h"
#include "supervisor/follow.h"

#define RESTARTS_PERIOD_NS (60 * NS_PER_SEC)

/* ---- start */

/* In the engine's process, whose descriptors of ours are closed already: all that it has
 * inherited, keys above all. Nothing outside the process may be changed. */
static void forget(void *context)
{
	struct supervisor *s = context;

	underlay_end(s);
	clients_forget(&s->clients);
	loop_free(s->loop);
	plan_clear(&s->plan);
	conf_set_clear(&s->files);
	free(s->devices);
	host_forget(s->host);
	follow_clear(s);
	outbuf_clear(&s->status_text);
	instance_forget(&s->instance);
	free(s);
}

int keeper_start(struct supervisor *s)
{
	struct worker_options options = { s->log.level, s->no_offload };

	return worker_child_start(&s->engine, &options, s->foreground, forget, s);
}

static int start_devices(struct supervisor *s)
{
	int err = 0;

	for (size_t i = 0; i < s->device_count && !err; i++) {
		struct command m =
			command_of(COMMAND_DEVICE_START, s->devices[i].plan->way.name);

		err = worker_child_send(&s->engine, &m);
	}
	return err;
}

int keeper_make_devices(struct supervisor *s)
{
	struct command tun = command_of(COMMAND_TUN, NULL);
	int err;

	tun.fds[0] = host_tun_fd(s->host);
	tun.fd_count = 1;
	err = worker_child_send(&s->engine, &tun);
	if (!err)
		err = supervisor_send_resolver(s);
	for (size_t i = 0; i < s->device_count && !err; i++)
		err = configure_device(&s->engine, &s->devices[i]);
	return err ? err : worker_child_wait(&s->engine);
}

int keeper_complete_devices(struct supervisor *s)
{
	int err = 0;

	for (size_t i = 0; i < s->device_count && !err; i++)
		err = configure_addconf(&s->engine, &s->devices[i]);
	if (!err)
		err = worker_child_wait(&s->engine);
	if (!err)
		err = start_devices(s);
	return err ? err : worker_child_wait(&s->engine);
}

static int start_anew(struct supervisor *s)
{
	int err = keeper_start(s);

	if (!err)
		err = keeper_make_devices(s);
	return err ? err : keeper_complete_devices(s);
}

/* ---- again */

static void leave_channel(struct supervisor *s)
{
	if (s->channel_events)
		loop_remove(s->loop, &s->channel);
	s->channel_events = 0;
}

static bool may_restart(struct supervisor *s)
{
	uint64_t now_ns = loop_now_ns();
	uint64_t *oldest_ns = &s->restarts_ns[s->restart_count % RESTARTS_MAX];

	if (s->restart_count >= RESTARTS_MAX && now_ns - *oldest_ns < RESTARTS_PERIOD_NS)
		return false;
	*oldest_ns = now_ns;
	s->restart_count++;
	return true;
}

static void say_how_it_ended(const struct supervisor *s, int status, int err)
{
	if (WIFSIGNALED(status))
		log_error(&s->log, NULL, "the engine was killed by signal %d",
		          WTERMSIG(status));
	else if (WEXITSTATUS(status) || err == -ENOTCONN)
		log_error(&s->log, NULL, "the engine ended with status %d",
		          WEXITSTATUS(status));
	else
		log_error(&s->log, NULL, "the engine is of no use: %s", strerror(-err));
}

/* -EINTR: somebody wants all of it to end, and a new engine is of no use. */
static void restart(struct supervisor *s, int why)
{
	leave_channel(s);
	s->status_asked = false;
	while (why && why != -EINTR && !s->stop) {
		int status = worker_child_stop(&s->engine);

		say_how_it_ended(s, status, why);
		if (!may_restart(s)) {
			log_error(&s->log, NULL,
			          "it ended %d times within a minute: going down",
			          RESTARTS_MAX + 1);
			supervisor_stop(s, -ECHILD);
			return;
		}
		why = start_anew(s);
	}
	if (why == -EINTR)
		supervisor_stop(s, 0);
	log_warn(&s->log, NULL, "the engine was started again");
	if (clients_want_status(&s->clients))
		talk_ask_status(s);
}

bool keeper_make_answer(struct supervisor *s, struct diag *diag)
{
	int err = supervisor_send_resolver(s); /* which it has: any request would do */

	if (!err)
		err = worker_child_wait(&s->engine);
	if (err != -ETIMEDOUT)
		return true;
	diag_warning(diag, NULL, 0,
	             "the engine process (pid %d) does not answer: it is killed, and "
	             "what was set in it by wg is lost",
	             (int)s->engine.pid);
	leave_channel(s);
	s->status_asked = false;
	(void)worker_child_stop(&s->engine);
	err = start_anew(s);
	if (err)
		diag_warning(diag, NULL, 0, "another engine process can't be started: %s",
		             strerror(-err));
	return false;
}

/* ---- hearing it */

/* Others may have been told that something is not in force because it was late. */
static void note_that_it_answers(struct supervisor *s)
{
	log_warn(&s->log, NULL, "the engine process (pid %d) answers again",
	         (int)s->engine.pid);
	s->reload_asked = true;
}

static void channel_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct supervisor *s = CONTAINER_OF(source, struct supervisor, channel);
	bool late = s->engine.late;
	int err = worker_child_dispatch(&s->engine);

	(void)events;
	(void)now_ns;
	if (err && !s->stop)
		restart(s, err);
	else if (late && !s->engine.late)
		note_that_it_answers(s);
}

int keeper_watch(struct supervisor *s)
{
	uint32_t events = EPOLLIN;
	int err;

	s->channel.fd = s->engine.channel.fd;
	s->channel.ready = channel_ready;
	/* a broken one is found out by the loop: it hangs up */
	(void)!channel_write(&s->engine.channel);
	if (channel_pending(&s->engine.channel))
		events |= EPOLLOUT;
	if (events == s->channel_events)
		return 0;
	err = s->channel_events ? loop_modify(s->loop, &s->channel, events)
	                        : loop_add(s->loop, &s->channel, events);
	s->channel_events = events;
	return err;
}

void supervisor_end_engine(struct supervisor *s)
{
	if (s->loop)
		leave_channel(s);
	(void)worker_child_stop(&s->engine);
}
