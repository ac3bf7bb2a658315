/* src/worker/worker.c
 *
 * Everything happens in callbacks of the loop. The supervisor's requests are carried out
 * and answered one by one. What a UAPI client wants of the host (new sockets, a mark) is
 * asked of the supervisor, and the client waits; one at a time per device. */
#include "worker/worker.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel/command.h"
#include "crypto/aead.h"
#include "engine/engine.h"
#include "io/buffers.h"
#include "io/loop.h"
#include "io/tun.h"
#include "io/udp.h"
#include "wg/device.h"
#include "worker/engine_status.h"
#include "worker/rights.h"
#include "worker/uapi_server.h"

/* Log lines are dropped while this much waits for a supervisor that does not read. */
#define LOG_PENDING_MAX (256U * 1024)

struct worker;

/* A device and what it is connected to. */
struct served {
	struct served *next;
	struct worker *process; /* borrowed */
	struct device *device;  /* owned by the engine */
	struct udp *udp;        /* owned; NULL: none yet */
	struct loop_source udp_sources[UDP_FAMILIES];
	uint32_t mark;
	struct uapi_server uapi_server;
	struct uapi uapi; /* the supervisor's own conversation */
};

struct worker {
	struct loop *loop;
	struct buffers *buffers;
	struct udp_scratch *scratch;
	struct engine *engine;
	struct tun *tun;
	struct loop_source tun_source;
	struct channel channel;
	struct loop_source channel_source;
	uint32_t channel_events; /* what it is waited for */
	struct log log;
	struct uapi_host uapi_host, uapi_host_supervisor;
	struct served *devices; /* owned list */
	uint64_t now_ns;        /* of the event being dispatched */
	bool stop;
	int status; /* to exit with */
};

static void stop(struct worker *p, int status)
{
	p->stop = true;
	if (status)
		p->status = status;
}

/* ---- to the supervisor */

static void send_message(struct worker *p, const struct command *m)
{
	if (p->channel.fd < 0 || command_send(&p->channel, m) < 0)
		stop(p, 1);
}

static void write_log(void *context, enum log_level level, const char *line)
{
	struct worker *p = context;
	struct command m = command_of(COMMAND_LOG, NULL);

	if (p->channel.waiting_bytes > LOG_PENDING_MAX)
		return;
	m.result = (int32_t)level;
	m.text = line;
	m.text_bytes = strlen(line);
	send_message(p, &m);
}

/* Writes what waits, and sees to it that the loop writes the rest. */
static void flush(struct worker *p)
{
	uint32_t events = EPOLLIN;

	if (channel_write(&p->channel) < 0) {
		stop(p, 1);
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

static void endpoint_changed(void *context, struct device *device, struct wg_peer *peer)
{
	struct command m = command_of(COMMAND_ENDPOINT, device_name(device));

	m.endpoint = *wg_peer_endpoint(peer);
	memcpy(m.key, wg_peer_public_key(peer), KEY_BYTES);
	send_message(context, &m);
}

static void unanswered(void *context, struct device *device, struct wg_peer *peer,
                       const struct endpoint *tried)
{
	struct command m = command_of(COMMAND_UNANSWERED, device_name(device));

	m.endpoint = *tried;
	memcpy(m.key, wg_peer_public_key(peer), KEY_BYTES);
	send_message(context, &m);
}

/* ---- packets */

static void tun_sink(void *context, struct packet **packets, size_t n)
{
	struct worker *p = context;

	engine_tun_input(p->engine, packets, n, p->now_ns);
}

static void tun_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct worker *p = CONTAINER_OF(source, struct worker, tun_source);
	struct command lost = command_of(COMMAND_TUN_LOST, NULL);

	(void)events;
	p->now_ns = now_ns;
	lost.result = tun_read(p->tun, tun_sink, p);
	if (lost.result == 0)
		return;
	send_message(p, &lost);
	loop_remove(p->loop, source); /* the supervisor ends it */
}

static void udp_sink(void *context, struct packet **packets, size_t n)
{
	struct served *s = context;

	engine_udp_input(s->device, packets, n, s->process->now_ns);
}

static void udp_ready(struct served *s, enum udp_family family, uint64_t now_ns)
{
	int err;

	s->process->now_ns = now_ns;
	err = udp_read(s->udp, family, udp_sink, s);
	if (err) {
		log_error(&s->process->log, device_name(s->device),
		          "its socket can't be read any more: %s", strerror(-err));
		loop_remove(s->process->loop, &s->udp_sources[family]);
	}
}

static void udp_ipv4_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	(void)events;
	udp_ready(CONTAINER_OF(source, struct served, udp_sources[UDP_IPV4]), UDP_IPV4,
	          now_ns);
}

static void udp_ipv6_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	(void)events;
	udp_ready(CONTAINER_OF(source, struct served, udp_sources[UDP_IPV6]), UDP_IPV6,
	          now_ns);
}

static void drop_udp(struct served *s)
{
	if (!s->udp)
		return;
	device_set_udp(s->device, NULL);
	for (int f = 0; f < UDP_FAMILIES; f++)
		if (s->udp_sources[f].fd >= 0)
			loop_remove(s->process->loop, &s->udp_sources[f]);
	udp_free(s->udp);
	s->udp = NULL;
}

/* Takes the fds. */
static int use_udp(struct served *s, const int fds[static UDP_FAMILIES])
{
	static void (*const ready[UDP_FAMILIES])(struct loop_source *, uint32_t,
	                                         uint64_t) = {
		[UDP_IPV4] = udp_ipv4_ready,
		[UDP_IPV6] = udp_ipv6_ready,
	};
	struct worker *p = s->process;
	int err;

	drop_udp(s);
	err = udp_new(&s->udp, fds, p->scratch);
	for (int f = 0; f < UDP_FAMILIES && !err; f++) {
		s->udp_sources[f] =
			(struct loop_source){ udp_fd(s->udp, (enum udp_family)f),
			                      ready[f] };
		if (s->udp_sources[f].fd >= 0)
			err = loop_add(p->loop, &s->udp_sources[f], EPOLLIN);
	}
	if (!err)
		device_set_udp(s->device, udp_as_link(s->udp));
	return err;
}

/* ---- devices */

static struct served *find_served(const struct worker *p, const struct device *device)
{
	struct served *s = p->devices;

	while (s && s->device != device)
		s = s->next;
	return s;
}

static struct served *find_named(const struct worker *p, const char *name)
{
	struct device *device = engine_find_device(p->engine, name);

	return device ? find_served(p, device) : NULL;
}

static void served_free(struct served *s)
{
	struct worker *p = s->process;
	struct served **at = &p->devices;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	uapi_server_stop(&s->uapi_server);
	uapi_clear(&s->uapi);
	drop_udp(s);
	engine_remove_device(p->engine, s->device);
	free(s);
}

static int do_device_add(struct worker *p, struct command *m)
{
	struct served *s;
	int err;

	if (m->fd_count != 1)
		return -EPROTO;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	err = engine_add_device(p->engine, m->name, &s->device);
	if (err) {
		free(s);
		return err;
	}
	s->process = p;
	s->next = p->devices;
	p->devices = s;
	uapi_init(&s->uapi, s->device, &p->uapi_host_supervisor);
	err = uapi_server_start(&s->uapi_server, p->loop, m->fds[0], s->device,
	                        &p->uapi_host);
	m->fds[0] = -1;
	if (err)
		served_free(s);
	return err;
}

static int do_device_remove(struct worker *p, struct command *m)
{
	struct served *s = find_named(p, m->name);

	if (!s)
		return -ENOENT;
	served_free(s);
	return 0;
}

/* The lines of a text, as strings that lie in *copy. Both to be freed. */
static int split_lines(const struct command *m, char **copy, const char ***lines,
                       size_t *n)
{
	char *line, *rest;

	*copy = m->text_bytes ? strndup(m->text, m->text_bytes) : strdup("");
	*lines = calloc(m->text_bytes + 1, sizeof(**lines));
	*n = 0;
	if (!*copy || !*lines)
		return -ENOMEM;
	for (rest = *copy; (line = strsep(&rest, "\n"));)
		if (*line)
			(*lines)[(*n)++] = line;
	return 0;
}

static int do_device_settings(struct worker *p, struct command *m)
{
	struct served *s = find_named(p, m->name);
	struct device_settings settings = { .addresses = m->addresses,
		                            .address_count = m->address_count,
		                            .mtu_bytes = m->mtu_bytes,
		                            .metric = m->metric,
		                            .table_off = m->table_off,
		                            .source_fix_off = m->source_fix_off,
		                            .via = m->via,
		                            .via_name = m->via_name,
		                            .dns_servers = m->servers,
		                            .dns_server_count = m->server_count };
	char *text;
	const char **domains;
	int err;

	if (!s)
		return -ENOENT;
	err = split_lines(m, &text, &domains, &settings.dns_domain_count);
	settings.dns_domains = domains;
	settings.port = device_port(s->device);
	if (!err)
		err = device_set(s->device, &settings);
	if (s->udp)
		udp_network_changed(s->udp); /* its MTU may fit the path now */
	free(domains);
	free(text);
	return err;
}

static int do_resolver(struct worker *p, struct command *m)
{
	struct ip_addr ipv4 = { 0 }, ipv6 = { 0 };

	for (size_t i = 0; i < m->address_count; i++)
		*(m->addresses[i].family == IP_V4 ? &ipv4 : &ipv6) = m->addresses[i];
	engine_set_resolver(p->engine, &ipv4, &ipv6);
	return 0;
}

static int do_peer_via(struct worker *p, struct command *m)
{
	struct served *s = find_named(p, m->name);

	return s ? device_set_peer_via(s->device, m->key, m->via, m->via_name) : -ENOENT;
}

/* -1: no UDP socket of ours. One family may be missing, so they have to be told apart. */
static int family_of(int fd)
{
	int domain;
	socklen_t len = sizeof(domain);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		return -1;
	return domain == AF_INET ? UDP_IPV4 : domain == AF_INET6 ? UDP_IPV6 : -1;
}

/* New sockets, or (without fds) only a mark that the old ones have now; or that it was
 * not possible. Also what a UAPI client may be waiting for. */
static int do_device_sockets(struct worker *p, struct command *m)
{
	struct served *s = find_named(p, m->name);
	int fds[UDP_FAMILIES] = { -1, -1 };
	int err = 0;

	if (!s)
		return -ENOENT;
	if (m->result == 0 && m->fd_count > 0) {
		for (size_t i = 0; i < m->fd_count; i++) {
			int family = family_of(m->fds[i]);

			if (family < 0 || fds[family] >= 0)
				return -EPROTO;
			fds[family] = m->fds[i];
		}
		m->fd_count = 0;
		err = use_udp(s, fds);
	}
	if (m->result == 0 && !err) {
		device_set_port(s->device, m->port);
		s->mark = m->mark;
	}
	uapi_server_resume(&s->uapi_server, m->result ? m->result : err, p->now_ns);
	return err;
}

static int do_device_start(struct worker *p, struct command *m)
{
	struct served *s = find_named(p, m->name);
	int err;

	if (!s)
		return -ENOENT;
	err = engine_settle(p->engine);
	if (!err)
		wg_device_start(device_wg(s->device), p->now_ns);
	return err;
}

/* A peer may have been removed by a UAPI client: there is nothing to try then. */
static int do_peer_try(struct worker *p, struct command *m)
{
	struct served *s = find_named(p, m->name);
	struct wg_peer *peer;
	int err;

	if (!s)
		return -ENOENT;
	peer = wg_device_find_peer(device_wg(s->device), m->key);
	err = engine_settle(p->engine);
	if (!err && peer)
		wg_peer_try_endpoint(peer, p->now_ns);
	return err;
}

/* What has been learned of the network below counts no more. */
static int do_network_changed(struct worker *p, struct command *m)
{
	(void)m;
	for (struct served *s = p->devices; s; s = s->next) {
		struct wg_device *wg = device_wg(s->device);

		if (s->udp)
			udp_network_changed(s->udp);
		for (struct wg_peer *peer = wg_device_first_peer(wg); peer;
		     peer = wg_peer_next(peer)) {
			wg_peer_clear_local(peer);
			wg_peer_handshake_anew(peer, p->now_ns);
		}
	}
	return 0;
}

static int do_tun(struct worker *p, struct command *m)
{
	int err;

	if (m->fd_count != 1 || p->tun)
		return -EPROTO;
	err = tun_new(&p->tun, m->fds[0], p->buffers);
	m->fds[0] = -1;
	if (err)
		return err;
	p->tun_source = (struct loop_source){ tun_fd(p->tun), tun_ready };
	engine_set_tun(p->engine, tun_as_link(p->tun));
	return loop_add(p->loop, &p->tun_source, EPOLLIN);
}

/* ---- UAPI: what clients want of the host */

static int set_port(void *context, struct device *device, uint16_t port)
{
	struct worker *p = context;
	struct served *s = find_served(p, device);
	struct command m = command_of(COMMAND_PORT_WANTED, device_name(device));

	if (uapi_server_waits(&s->uapi_server))
		return -EBUSY;
	m.port = port;
	send_message(p, &m);
	return -EINPROGRESS;
}

static int set_fwmark(void *context, struct device *device, uint32_t mark)
{
	struct worker *p = context;
	struct served *s = find_served(p, device);
	struct command m = command_of(COMMAND_MARK_WANTED, device_name(device));

	if (uapi_server_waits(&s->uapi_server))
		return -EBUSY;
	m.mark = mark;
	send_message(p, &m);
	return -EINPROGRESS;
}

static uint32_t get_fwmark(void *context, const struct device *device)
{
	return find_served(context, device)->mark;
}

/* ---- requests of the supervisor */

static void reply(struct worker *p, const struct command *request, int result)
{
	struct command m = command_of(COMMAND_REPLY, request->name);

	m.request = request->type;
	m.result = result;
	send_message(p, &m);
}

/* One reply for each set that the piece of text completes (or ends in an error). */
static void do_device_uapi(struct worker *p, const struct command *m)
{
	struct served *s = find_named(p, m->name);
	struct outbuf answers = { 0 };
	size_t taken;
	char *at;
	int result;

	if (!s) {
		reply(p, m, -ENOENT);
		return;
	}
	taken = uapi_feed(&s->uapi, m->text, m->text_bytes, &answers, p->now_ns);
	outbuf_add(&answers, "", 1);
	if (answers.failed || taken != m->text_bytes) {
		reply(p, m, -EPROTO);
	} else {
		at = (char *)answers.bytes + answers.first;
		while ((at = strstr(at, "errno=")) &&
		       sscanf(at, "errno=%d", &result) == 1) {
			reply(p, m, result);
			at++;
		}
	}
	outbuf_clear(&answers);
}

static void do_status(struct worker *p)
{
	struct command m = command_of(COMMAND_STATUS_TEXT, NULL);
	char *text = NULL;
	size_t left;

	if (engine_settle(p->engine) == 0)
		text = engine_status_text(p->engine, &p->uapi_host, p->now_ns);
	left = text ? strlen(text) : 0;
	for (m.text = text; left > 0; left -= m.text_bytes) {
		m.text_bytes = left < COMMAND_TEXT_MAX ? left : COMMAND_TEXT_MAX;
		send_message(p, &m);
		m.text = (const char *)m.text + m.text_bytes;
	}
	m.text_bytes = 0;
	send_message(p, &m);
	free(text);
}

static void handle(struct worker *p, struct command *m)
{
	static int (*const requests[COMMAND_TYPE_COUNT])(struct worker *,
	                                                 struct command *) = {
		[COMMAND_TUN] = do_tun,
		[COMMAND_RESOLVER] = do_resolver,
		[COMMAND_DEVICE_ADD] = do_device_add,
		[COMMAND_DEVICE_REMOVE] = do_device_remove,
		[COMMAND_DEVICE_SETTINGS] = do_device_settings,
		[COMMAND_DEVICE_SOCKETS] = do_device_sockets,
		[COMMAND_DEVICE_START] = do_device_start,
		[COMMAND_PEER_VIA] = do_peer_via,
		[COMMAND_PEER_TRY] = do_peer_try,
		[COMMAND_NETWORK_CHANGED] = do_network_changed,
	};

	if (m->type == COMMAND_STATUS) {
		do_status(p);
	} else if (m->type == COMMAND_DEVICE_UAPI) {
		do_device_uapi(p, m);
	} else if (requests[m->type]) {
		reply(p, m, requests[m->type](p, m));
	} else {
		log_error(&p->log, NULL, "the supervisor sent a message of type %s",
		          command_type_name(m->type));
		stop(p, 1);
	}
}

static void channel_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct worker *p = CONTAINER_OF(source, struct worker, channel_source);
	struct command m;
	int got = 0;

	(void)events;
	p->now_ns = now_ns;
	while (!p->stop && (got = command_next(&p->channel, &m)) > 0) {
		handle(p, &m);
		command_clear(&m);
	}
	if (got == -ENOTCONN)
		stop(p, 0);
	else if (got < 0)
		stop(p, 1);
}

/* ---- the process */

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

static int begin(struct worker *p, int channel_fd, const struct worker_options *options)
{
	struct engine_env env = { .rng = { fill_random, NULL },
		                  .log = &p->log,
		                  .wall_clock_ns = wall_clock_ns,
		                  .endpoint_changed = endpoint_changed,
		                  .unanswered = unanswered,
		                  .context = p };
	int err;

	p->log = (struct log){ options->log_level, write_log, p };
	p->uapi_host = (struct uapi_host){ set_port, set_fwmark, get_fwmark, p };
	p->uapi_host_supervisor = (struct uapi_host){ NULL, NULL, get_fwmark, p };
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
	p->channel_source = (struct loop_source){ channel_fd, channel_ready };
	p->channel_events = EPOLLIN;
	return loop_add(p->loop, &p->channel_source, EPOLLIN);
}

static void end(struct worker *p)
{
	while (p->devices)
		served_free(p->devices);
	engine_free(p->engine);
	tun_free(p->tun);
	udp_scratch_free(p->scratch);
	buffers_free(p->buffers);
	loop_free(p->loop);
	channel_clear(&p->channel);
}

static void tell_path_news(struct worker *p)
{
	struct command news = command_of(COMMAND_PATH_NEWS, NULL);

	if (udp_path_news(p->scratch))
		send_message(p, &news);
}

static void serve(struct worker *p)
{
	while (!p->stop) {
		int err;

		tell_path_news(p);
		flush(p);
		if (p->stop)
			break;
		err = loop_wait(p->loop, engine_next_deadline_ns(p->engine));
		if (err) {
			log_error(&p->log, NULL, "waiting failed: %s", strerror(-err));
			stop(p, 1);
		}
		p->now_ns = loop_now_ns();
		engine_run_timers(p->engine, p->now_ns);
	}
}

int worker_run(int channel_fd, pid_t supervisor, const struct worker_options *options)
{
	struct worker p = { .channel.fd = -1 };
	int err;

	prctl(PR_SET_NAME, "tunion-engine");
	err = begin(&p, channel_fd, options);
	if (!err)
		err = rights_drop(supervisor);
	if (err) {
		if (p.channel.fd >= 0)
			log_error(&p.log, NULL, "the engine can't start: %s",
			          strerror(-err));
		p.status = 1;
	} else {
		serve(&p);
	}
	if (p.channel.fd >= 0 && channel_write(&p.channel) < 0)
		p.status = 1;
	end(&p);
	return p.status;
}
