/* src/supervisor/engine_talk.c
 *
 * Messages arrive whenever the channel is read: in the loop, while replies are waited
 * for, and while hooks run. So they only note what is to be done, or send something. */
#include "supervisor/engine_talk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/key.h"
#include "supervisor/instance_status.h"
#include "supervisor/silence.h"

static const char who[] = "the engine process";
static const char after_kill[] = "has another one started";

/* ---- what it says */

static uint32_t effective_mark(const struct supervisor *s, uint32_t fwmark)
{
	return fwmark ? fwmark : host_mark(s->host);
}

static void handle_port_wanted(struct supervisor *s, const struct command *m)
{
	struct configured *d = supervisor_find_device(s, m->name);
	uint16_t port = m->port;
	int fds[UDP_FAMILIES], err;

	if (!d)
		return;
	err = udp_open(fds, &port, effective_mark(s, d->fwmark));
	if (!err) {
		supervisor_close_udp(d);
		memcpy(d->udp_fds, fds, sizeof(d->udp_fds));
		d->port = port;
	}
	if (configure_sockets(&s->engine, d, !err, err) < 0)
		supervisor_stop(s, -ENOMEM);
}

static void handle_mark_wanted(struct supervisor *s, const struct command *m)
{
	struct configured *d = supervisor_find_device(s, m->name);
	int err;

	if (!d)
		return;
	err = udp_set_mark(d->udp_fds, effective_mark(s, m->mark));
	if (!err)
		d->fwmark = m->mark;
	if (configure_sockets(&s->engine, d, false, err) < 0)
		supervisor_stop(s, -ENOMEM);
}

/* Of a peer that a UAPI client has added the plan knows nothing. */
static void handle_endpoint(struct supervisor *s, const struct command *m)
{
	const struct plan_device *d = plan_find(&s->plan, m->name);

	for (size_t i = 0; d && i < d->peer_count; i++) {
		struct plan_peer *p = &d->peers[i];

		if (memcmp(p->conf->public_key, m->key, KEY_BYTES) != 0)
			continue;
		p->way.endpoint = m->endpoint;
		s->endpoints_moved = true;
	}
}

static void complete_status(struct supervisor *s)
{
	struct instance_status i = {
		.tun = s->instance.tun,
		.tun_mtu_bytes = s->plan.tun_mtu_bytes,
		.mark = host_mark(s->host),
		.pid = (int)getpid(),
		.engine_pid = (int)s->engine.pid,
		.engine_restarts = s->restart_count,
		.errors = &s->file_errors,
		.up_s = (loop_now_ns() - s->up_since_ns) / NS_PER_SEC,
	};
	char *text = instance_status_text((const char *)s->status_text.bytes +
	                                          s->status_text.first,
	                                  outbuf_bytes(&s->status_text), &i);

	clients_answer_status(&s->clients, text);
	free(text);
	outbuf_clear(&s->status_text);
	s->status_asked = false;
	s->status_due_ns = NEVER_NS;
}

static void handle_log(struct supervisor *s, const struct command *m)
{
	enum log_level level = LOG_LEVEL_DEBUG;

	if (m->result >= 0 && m->result < (int32_t)LOG_LEVEL_DEBUG)
		level = (enum log_level)m->result;
	log_line(&s->log, level, NULL, "%.*s", (int)m->text_bytes, (const char *)m->text);
}

void talk_handle(void *supervisor, struct command *m)
{
	struct supervisor *s = supervisor;

	if (m->type == COMMAND_LOG) {
		handle_log(s, m);
	} else if (m->type == COMMAND_ENDPOINT) {
		handle_endpoint(s, m);
		underlay_found(s, m);
	} else if (m->type == COMMAND_UNANSWERED) {
		underlay_unanswered(s, m);
	} else if (m->type == COMMAND_PATH_NEWS) {
		underlay_path_news(s);
	} else if (m->type == COMMAND_PORT_WANTED) {
		handle_port_wanted(s, m);
	} else if (m->type == COMMAND_MARK_WANTED) {
		handle_mark_wanted(s, m);
	} else if (m->type == COMMAND_STATUS_TEXT) {
		outbuf_add(&s->status_text, m->text, m->text_bytes);
		if (m->text_bytes == 0)
			complete_status(s);
	} else if (m->type == COMMAND_TUN_LOST) {
		log_error(&s->log, NULL, "the tun device %s is gone: %s", s->instance.tun,
		          strerror(-m->result));
		supervisor_stop(s, m->result ? m->result : -ENODEV);
	} else {
		log_error(&s->log, NULL, "the engine sent a message of type %s",
		          command_type_name(m->type));
		supervisor_stop(s, -EPROTO);
	}
}

/* ---- status */

void talk_ask_status(struct supervisor *s)
{
	struct command m = command_of(COMMAND_STATUS, NULL);

	if (s->engine.pid == 0) { /* while PostDown hooks run */
		clients_answer_status(&s->clients, "error: the instance is going down\n");
		return;
	}
	if (s->status_due_ns == NEVER_NS)
		s->status_due_ns = loop_now_ns() + ENGINE_SILENCE_MS * NS_PER_MS;
	/* its answer is no reply: not counted by worker_child_send */
	if (s->status_asked)
		return;
	outbuf_clear(&s->status_text);
	s->status_asked = command_send(&s->engine.channel, &m) == 0;
}

uint64_t talk_status_deadline_ns(const struct supervisor *s)
{
	return s->status_due_ns;
}

int talk_status_wait_ms(const struct supervisor *s)
{
	uint64_t now_ns = loop_now_ns();

	if (s->status_due_ns == NEVER_NS)
		return -1;
	return s->status_due_ns <= now_ns
	               ? 0
	               : (int)((s->status_due_ns - now_ns) / NS_PER_MS) + 1;
}

/* The answer may still come: until then it isn't asked again. */
void talk_status_run(struct supervisor *s)
{
	char text[SILENCE_TEXT_MAX], answer[SILENCE_TEXT_MAX + 10];

	if (loop_now_ns() < s->status_due_ns)
		return;
	s->status_due_ns = NEVER_NS;
	snprintf(answer, sizeof(answer), "error: %s\n",
	         silence_text(text, who, s->engine.pid, after_kill));
	clients_answer_status(&s->clients, answer);
}

/* ---- what it is told, and what comes of it */

int supervisor_send_resolver(struct supervisor *s)
{
	struct ip_addr ipv4, ipv6;

	host_resolver(s->host, &ipv4, &ipv6);
	return configure_resolver(&s->engine, &ipv4, &ipv6);
}

void supervisor_say_engine_error(const struct supervisor *s, int err, struct diag *diag)
{
	char text[SILENCE_TEXT_MAX];

	if (err == -ETIMEDOUT)
		diag_error(diag, NULL, 0, "%s",
		           silence_text(text, who, s->engine.pid, after_kill));
	else if (err == -EINTR)
		diag_error(diag, NULL, 0, "interrupted");
	else if (err == -ENOTCONN || s->engine.error_request == COMMAND_NONE)
		diag_error(diag, NULL, 0, "the engine does not answer: %s",
		           strerror(-err));
	else
		diag_error(diag, NULL, 0, "the engine refuses %s %s: %s",
		           command_type_name(s->engine.error_request),
		           s->engine.error_name, strerror(-err));
}
