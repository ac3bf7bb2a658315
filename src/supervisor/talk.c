/* src/supervisor/talk.c - one function for each message that is not a reply */
#include "supervisor/talk.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "io/loop.h"
#include "io/tun.h"
#include "supervisor/configure.h"

static uint32_t effective_mark(const struct talk *t, uint32_t fwmark)
{
	return fwmark ? fwmark : host_mark(t->keeper->hosts->shared);
}

/* Whoever has a port that was drawn is not given another one if he wants any port: with every
 * `wg syncconf` of a file without ListenPort, packets for the old one would be lost. */
static int set_port(struct talk *t, struct tunnel *d, uint16_t port)
{
	struct endpoint at = { .addr = d->plan->conf->listen, .port = port };
	int fds[UDP_FAMILIES], err;

	if (port == 0 && d->drawn)
		return 0;
	err = udp_open(fds, &at, effective_mark(t, d->fwmark));
	if (err)
		return err;
	tunnel_close_udp(d);
	memcpy(d->udp_fds, fds, sizeof(d->udp_fds));
	d->port = at.port;
	d->drawn = port == 0;
	return 0;
}

static int set_mark(struct talk *t, struct tunnel *d, uint32_t mark)
{
	int err;

	if (t->keeper->worker.only_protected) /* see host_place.h, no_marks */
		return mark ? -EOPNOTSUPP : 0;
	err = udp_set_mark(d->udp_fds, effective_mark(t, mark));
	if (!err)
		d->fwmark = mark;
	return err;
}

/* A device has at most one question without an answer, and there are few DNS servers outside and
 * connections to them. So the worker isn't honest if more answers than that wait for it; they
 * hold descriptors. */
static bool asks_too_much(const struct talk *t, size_t *answers, size_t most)
{
	if (!channel_pending(&t->keeper->worker.channel))
		*answers = 0;
	return (*answers)++ > most;
}

/* A file that is being added has a device before it has its place in the plan. */
static int handle_wanted(struct talk *t, const struct command *m)
{
	struct worker_child *worker = &t->keeper->worker;
	struct tunnel *d = tunnels_find(t->tunnels, m->name);
	bool port = m->type == COMMAND_PORT_WANTED;
	int err = -ENODEV;

	if (asks_too_much(t, &t->answers, t->tunnels->count))
		return -EPROTO;
	if (d)
		err = port ? set_port(t, d, m->port) : set_mark(t, d, m->mark);
	err = err ? configure_refuse(worker, m->name, err)
	          : configure_answer(worker, d, port);
	if (err < 0)
		ending_want(t->ending, -ENOMEM);
	return 0;
}

static int handle_outside(struct talk *t, const struct command *m)
{
	struct command answer;

	if (asks_too_much(t, &t->outside_answers, OUTSIDE_PER_SECOND) ||
	    outside_make(&t->outside, t->keeper->hosts->shared, &t->tunnels->plan, m,
	                 &answer) != 0)
		return -EPROTO;
	if (worker_child_send(&t->keeper->worker, &answer) < 0)
		ending_want(t->ending, -ENOMEM);
	while (answer.fd_count > 0)
		close(answer.fds[--answer.fd_count]);
	return 0;
}

/* The plan doesn't know a peer that a UAPI client has added. */
static void handle_endpoint(struct talk *t, const struct command *m)
{
	struct plan_peer *p = tunnels_find_peer(t->tunnels, m->name, m->key);

	if (p)
		tunnels_peer_moved(t->tunnels, p, &m->endpoint);
	underlay_found(t->underlay, m);
}

/* The same as an Endpoint in the file: the prefixes decide which way leads there (design R8).
 * Nothing has come from it yet, so it says nothing about the name in the file. While a set of ours
 * has no reply, it may be what that has set, and then the file has changed since. */
static void handle_endpoint_set(struct talk *t, const struct command *m)
{
	struct plan_peer *p = tunnels_find_peer(t->tunnels, m->name, m->key);

	if (!p)
		return;
	if (!permit_awaits(&t->keeper->worker.permit, COMMAND_DEVICE_UAPI))
		p->way.by_arrival = false;
	tunnels_peer_moved(t->tunnels, p, &m->endpoint);
}

static void handle_log(struct talk *t, const struct command *m)
{
	struct worker_child *worker = &t->keeper->worker;
	enum log_level level = LOG_LEVEL_DEBUG;

	if (m->result >= 0 && m->result < (int32_t)LOG_LEVEL_DEBUG)
		level = (enum log_level)m->result;
	if (worker_child_may_log(worker, t->log, level))
		log_line(t->log, level, NULL, "%.*s", (int)m->text_bytes,
		         (const char *)m->text);
}

/* Who has taken the worker over could open the host by this. What is said of a tun before the
 * one that is being given is only late. */
static int handle_tun_lost(struct talk *t, const struct command *m)
{
	int err = m->result < 0 && m->result > INT32_MIN ? m->result : -ENODEV;
	const char *name = m->name[0] != '\0' ? m->name : NULL;

	if (!tun_is_gone(hosts_tun_fd(t->keeper->hosts, name)))
		return permit_awaits(&t->keeper->worker.permit, COMMAND_TUN) ? 0
		                                                             : -EPROTO;
	if (name) {
		if (hosts_tun_lost(t->keeper->hosts, m->name))
			log_error(
				t->log, m->name,
				"its tun is gone: %s; tunion reload makes it anew, unless the file changes before",
				strerror(-err));
		return 0;
	}
	if (t->app_tun && given_tun_lost(t->app_tun, err))
		return 0;
	log_error(t->log, NULL, "the tun device %s is gone: %s", t->tun, strerror(-err));
	ending_want(t->ending, err);
	return 0;
}

int talk_handle(void *talk, struct command *m)
{
	struct talk *t = talk;
	int err = 0;

	if (!permit_now(&t->keeper->worker.permit, m->type))
		err = -EPROTO;
	else if (m->type == COMMAND_LOG)
		handle_log(t, m);
	else if (m->type == COMMAND_ENDPOINT)
		handle_endpoint(t, m);
	else if (m->type == COMMAND_ENDPOINT_SET)
		handle_endpoint_set(t, m);
	else if (m->type == COMMAND_UNANSWERED)
		underlay_unanswered(t->underlay, m);
	else if (m->type == COMMAND_PATH_NEWS)
		underlay_path_news(t->underlay);
	else if (m->type == COMMAND_PORT_WANTED || m->type == COMMAND_MARK_WANTED)
		err = handle_wanted(t, m);
	else if (m->type == COMMAND_OUTSIDE_WANTED)
		err = handle_outside(t, m);
	else if (m->type == COMMAND_STATUS_TEXT)
		err = status_request_piece(t->status, m->text, m->text_bytes);
	else if (m->type == COMMAND_TUN_LOST)
		err = handle_tun_lost(t, m);
	else
		err = -EPROTO;
	if (err == -EPROTO)
		log_error(t->log, NULL,
		          "the worker process sent an unexpected message: %s",
		          command_type_name(m->type));
	return err;
}
