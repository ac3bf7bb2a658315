/* src/supervisor/talk.c - one function for each message that is not a reply */
#include "supervisor/talk.h"

#include <errno.h>
#include <string.h>

#include "supervisor/configure.h"

static uint32_t effective_mark(const struct talk *t, uint32_t fwmark)
{
	return fwmark ? fwmark : host_mark(t->keeper->host);
}

static void handle_port_wanted(struct talk *t, const struct command *m)
{
	struct tunnel *d = tunnels_find(t->tunnels, m->name);
	uint16_t port = m->port;
	int fds[UDP_FAMILIES], err;

	if (!d)
		return;
	err = udp_open(fds, &port, effective_mark(t, d->fwmark));
	if (!err) {
		tunnel_close_udp(d);
		memcpy(d->udp_fds, fds, sizeof(d->udp_fds));
		d->port = port;
	}
	if (configure_sockets(&t->keeper->worker, d, !err, err) < 0)
		ending_want(t->ending, -ENOMEM);
}

static void handle_mark_wanted(struct talk *t, const struct command *m)
{
	struct tunnel *d = tunnels_find(t->tunnels, m->name);
	int err;

	if (!d)
		return;
	err = udp_set_mark(d->udp_fds, effective_mark(t, m->mark));
	if (!err)
		d->fwmark = m->mark;
	if (configure_sockets(&t->keeper->worker, d, false, err) < 0)
		ending_want(t->ending, -ENOMEM);
}

/* The plan doesn't know a peer that a UAPI client has added. */
static void handle_endpoint(struct talk *t, const struct command *m)
{
	struct plan_peer *p = tunnels_find_peer(t->tunnels, m->name, m->key);

	if (p)
		tunnels_peer_moved(t->tunnels, p, &m->endpoint);
	underlay_found(t->underlay, m);
}

static void handle_log(struct talk *t, const struct command *m)
{
	enum log_level level = LOG_LEVEL_DEBUG;

	if (m->result >= 0 && m->result < (int32_t)LOG_LEVEL_DEBUG)
		level = (enum log_level)m->result;
	log_line(t->log, level, NULL, "%.*s", (int)m->text_bytes, (const char *)m->text);
}

static void handle_tun_lost(struct talk *t, const struct command *m)
{
	int err = m->result < 0 && m->result > INT32_MIN ? m->result : -ENODEV;

	log_error(t->log, NULL, "the tun device %s is gone: %s", t->tun, strerror(-err));
	ending_want(t->ending, err);
}

int talk_handle(void *talk, struct command *m)
{
	struct talk *t = talk;
	int err = 0;

	if (m->type == COMMAND_LOG)
		handle_log(t, m);
	else if (m->type == COMMAND_ENDPOINT)
		handle_endpoint(t, m);
	else if (m->type == COMMAND_UNANSWERED)
		underlay_unanswered(t->underlay, m);
	else if (m->type == COMMAND_PATH_NEWS)
		underlay_path_news(t->underlay);
	else if (m->type == COMMAND_PORT_WANTED)
		handle_port_wanted(t, m);
	else if (m->type == COMMAND_MARK_WANTED)
		handle_mark_wanted(t, m);
	else if (m->type == COMMAND_STATUS_TEXT)
		err = status_request_piece(t->status, m->text, m->text_bytes);
	else if (m->type == COMMAND_TUN_LOST)
		handle_tun_lost(t, m);
	else
		err = -EPROTO;
	if (err == -EPROTO)
		log_error(t->log, NULL,
		          "the worker process sent an unexpected message: %s",
		          command_type_name(m->type));
	return err;
}
