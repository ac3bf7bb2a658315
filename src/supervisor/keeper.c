/* src/supervisor/keeper.c - starts a worker, and another one when it has ended
 *
 * When a worker ends, the supervisor still has the sockets, the tun and the
 * configuration, and the keys that hooks have set. But sessions have to be made again, and what
 * other UAPI clients have set is lost. */
#include "supervisor/keeper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "supervisor/configure.h"

/* ---- start */

int keeper_start(struct keeper *k)
{
	return worker_child_start(&k->worker, &k->options, k->keep_stderr,
	                          k->events->forget, k->events->context);
}

/* Without a gate, nobody asks for them. */
static int send_networks(struct keeper *k)
{
	struct own_networks own;
	int err;

	if (!plan_has_gate(&k->tunnels->plan))
		return 0;
	err = host_own_networks(k->hosts->shared, &k->tunnels->plan, &own);
	if (err)
		log_warn(
			k->log, NULL,
			"the host's routes can't be read, so clients of a gate reach its networks only if no file has them: %s",
			strerror(-err));
	if (own.more && !k->told_of_networks)
		log_warn(
			k->log, NULL,
			"the host has more than %u routes inside prefixes of tunnel files: clients of a gate reach the others through the tunnels",
			OWN_NETWORKS_MAX);
	k->told_of_networks = own.more;
	return configure_host_networks(&k->worker, own.v, own.n);
}

int keeper_send_host(struct keeper *k)
{
	struct ip_addr ipv4, ipv6;
	int err;

	host_resolver(k->hosts->shared, &ipv4, &ipv6);
	err = configure_resolver(&k->worker, &ipv4, &ipv6, &k->tunnels->plan,
	                         host_may_ask_outside(k->hosts->shared));
	return err ? err : send_networks(k);
}

/* Who is told of these may use the devices from now on. */
static int give_gifts(struct keeper *k)
{
	const struct worker_entry *entry = &k->worker.entry;
	int err = 0;

	for (size_t i = 0; i < entry->gift_count && !err; i++) {
		struct command m = command_of(COMMAND_STAND_IN, NULL);

		m.text = entry->gifts[i].what;
		m.text_bytes = strlen(entry->gifts[i].what);
		m.fds[0] = entry->gifts[i].fd;
		m.fd_count = m.fds[0] >= 0;
		err = worker_child_send(&k->worker, &m);
	}
	return err;
}

int keeper_send_own_tuns(struct keeper *k)
{
	int err = 0;

	for (size_t i = 0; i < k->tunnels->count && !err; i++) {
		const struct plan_device *d = k->tunnels->v[i].plan;

		if (d->own_tun)
			err = configure_tun(&k->worker, d->way.name,
			                    hosts_tun_fd(k->hosts, d->way.name));
	}
	return err;
}

int keeper_make_devices(struct keeper *k)
{
	const struct plan *plan = &k->tunnels->plan;
	const struct plan_device *d;
	struct plan_walk walk = { 0 };
	int err = configure_tun(&k->worker, NULL, hosts_tun_fd(k->hosts, NULL));

	if (!err)
		err = keeper_send_host(k);
	while (!err && (d = plan_next(plan, &walk))) /* the status has this order */
		err = configure_device(&k->worker, &k->tunnels->v[d - plan->devices]);
	if (!err)
		err = keeper_send_own_tuns(k);
	return err ? err : worker_child_wait(&k->worker);
}

int keeper_complete_devices(struct keeper *k)
{
	int err = 0;

	k->completed = true;
	for (size_t i = 0; i < k->tunnels->count && !err; i++)
		err = configure_addconf(&k->worker, &k->tunnels->v[i]);
	if (!err)
		err = worker_child_wait(&k->worker);
	if (!err && !k->stopped)
		err = configure_start(&k->worker, &k->tunnels->plan, NULL);
	if (!err)
		err = give_gifts(k);
	return err ? err : worker_child_wait(&k->worker);
}

static int send_beside(struct keeper *k, const struct tunnel *t)
{
	const char *name = t->plan->way.name;
	struct command start = command_of(COMMAND_DEVICE_START, name);
	int err = configure_device(&k->worker, t);

	if (!err)
		err = configure_tun(&k->worker, name, hosts_tun_fd(k->hosts, name));
	if (!err && t->complete)
		err = configure_addconf(&k->worker, t);
	if (!err && t->complete)
		err = worker_child_send(&k->worker, &start);
	return err;
}

static int start_anew(struct keeper *k)
{
	int err = keeper_start(k);

	if (!err)
		err = keeper_make_devices(k);
	if (!err && k->completed)
		err = keeper_complete_devices(k);
	for (struct tunnel *t = k->tunnels->beside; t && !err; t = t->next_beside)
		err = send_beside(k, t);
	return err ? err : worker_child_wait(&k->worker);
}

/* ---- starting again */

static void leave_channel(struct keeper *k)
{
	if (k->channel_events)
		loop_remove(k->loop, &k->channel);
	k->channel_events = 0;
}

static void say_how_it_ended(const struct keeper *k, int status, int err)
{
	if (WIFSIGNALED(status))
		log_error(k->log, NULL, "the worker process was killed by signal %d",
		          WTERMSIG(status));
	else if (WEXITSTATUS(status) || err == -ENOTCONN)
		log_error(k->log, NULL, "the worker process ended with status %d",
		          WEXITSTATUS(status));
	else
		log_error(k->log, NULL, "the worker process can't be used: %s",
		          strerror(-err));
}

/* It isn't that of a hook (hook_keys.h), or that hook was still running. */
static void warn_of_lost_keys(const struct keeper *k)
{
	for (size_t i = 0; i < k->tunnels->count; i++) {
		const struct plan_device *d = k->tunnels->v[i].plan;

		if (d->conf->path && !sealed_is_set(&d->conf->identity.private_key) &&
		    !hook_keys_has_private(k->tunnels->v[i].hook_keys))
			log_warn(
				k->log, d->way.name,
				"its file has no PrivateKey, and one that wg has set is lost with the old worker process: set it again with wg, or use tunion down and tunion up");
	}
}

/* Nothing gets past the tunnels meanwhile: the host's tun and routes stay. */
static void bury(struct keeper *k)
{
	int why = k->worker.broken;
	uint64_t now_ns = loop_now_ns(), start_ns;

	leave_channel(k);
	say_how_it_ended(k, worker_child_leave(&k->worker), why);
	start_ns = backoff_ended(&k->backoff, now_ns);
	if (start_ns > now_ns)
		log_error(
			k->log, NULL,
			"the worker process has ended %u times in a row: another one is started in %u s, and until then nothing gets through the tunnels; tunion down opens the host",
			k->backoff.in_a_row,
			(unsigned)((start_ns - now_ns) / NS_PER_SEC));
	k->restarts++;
}

/* Starts a worker if there is none and it is time for it. */
static void start_when_due(struct keeper *k)
{
	while (k->worker.broken) {
		int err;

		if (!worker_child_absent(&k->worker))
			bury(k);
		if (loop_now_ns() < k->backoff.start_ns)
			return;
		err = start_anew(k);
		if (err == -EINTR) { /* meanwhile somebody wants everything to end */
			ending_want(k->ending, 0);
			return;
		}
		if (err) {
			k->worker.broken = err;
			bury(k);
			continue;
		}
		log_warn(k->log, NULL, "the worker process was started again");
		warn_of_lost_keys(k);
		k->events->restarted(k->events->context);
	}
}

void keeper_serve_hook(struct keeper *k)
{
	if (k->worker.channel.fd >= 0)
		(void)!worker_child_dispatch(&k->worker); /* it is `broken` then */
	start_when_due(k);
}

void keeper_hurry(struct keeper *k)
{
	if (!worker_child_absent(&k->worker) || k->ending->wanted)
		return;
	k->backoff.start_ns = loop_now_ns();
	start_when_due(k);
}

uint64_t keeper_deadline_ns(const struct keeper *k)
{
	return worker_child_absent(&k->worker) ? k->backoff.start_ns : NEVER_NS;
}

static bool is_silent(struct keeper *k)
{
	/* the worker already knows this, but any request would do */
	int err = keeper_send_host(k);

	if (!err)
		err = worker_child_wait(&k->worker);
	return err == -ETIMEDOUT;
}

bool keeper_make_answer(struct keeper *k, struct diag *diag)
{
	bool absent = worker_child_absent(&k->worker);
	int err;

	if (!absent && !is_silent(k))
		return true;
	if (!absent)
		diag_warning(
			diag, NULL, 0,
			"the worker process (pid %d) does not answer: it is killed, and what wg has set in it is lost",
			(int)k->worker.pid);
	leave_channel(k);
	(void)worker_child_leave(&k->worker);
	err = start_anew(k);
	if (err)
		diag_warning(diag, NULL, 0, "another worker process can't be started: %s",
		             strerror(-err));
	return false;
}

/* ---- hearing the worker */

/* While it was late, others may have been told that something is not in force. */
static void note_that_it_answers(struct keeper *k)
{
	log_warn(k->log, NULL, "the worker process (pid %d) answers again",
	         (int)k->worker.pid);
	k->events->answers_again(k->events->context);
}

static void channel_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct keeper *k = CONTAINER_OF(source, struct keeper, channel);
	bool late = k->worker.late;
	int err = worker_child_dispatch(&k->worker); /* keeper_round looks at the error */

	(void)events;
	(void)now_ns;
	if (!err && late && !k->worker.late)
		note_that_it_answers(k);
}

int keeper_watch(struct keeper *k)
{
	uint32_t events = EPOLLIN;
	int err;

	if (worker_child_absent(&k->worker))
		return 0;
	k->channel.fd = k->worker.channel.fd;
	k->channel.ready = channel_ready;
	/* if the channel is broken, the loop will notice that it hangs up */
	(void)!channel_write(&k->worker.channel);
	if (channel_pending(&k->worker.channel))
		events |= EPOLLOUT;
	if (events == k->channel_events)
		return 0;
	err = k->channel_events ? loop_modify(k->loop, &k->channel, events)
	                        : loop_add(k->loop, &k->channel, events);
	k->channel_events = events;
	return err;
}

void keeper_round(struct keeper *k)
{
	if (!k->ending->wanted)
		start_when_due(k);
	if (!k->worker.error)
		return;
	if (worker_child_may_log(&k->worker, k->log, LOG_LEVEL_ERROR))
		log_error(k->log, NULL, "the worker process refuses %s %s: %s",
		          command_type_name(k->worker.error_request),
		          k->worker.error_name, strerror(-k->worker.error));
	k->worker.error = 0;
}

void keeper_end(struct keeper *k)
{
	if (k->loop)
		leave_channel(k);
	(void)worker_child_stop(&k->worker);
}
