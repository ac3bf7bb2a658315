/* src/worker/worker_requests.c - one function for each type of request */
#include "worker/worker_requests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/engine.h"
#include "worker/engine_status.h"

/* Returns the only descriptor of a message; from then on it is the caller's. */
static int take_fd(struct command *m)
{
	int fd = m->fds[0];

	m->fds[0] = -1;
	return fd;
}

static int do_device_add(struct worker_requests *w, struct command *m)
{
	return m->fd_count == 1 ? worker_device_add(w->devices, m->name, take_fd(m))
	                        : -EPROTO;
}

static int do_device_remove(struct worker_requests *w, struct command *m)
{
	struct worker_device *d = worker_device_find(w->devices, m->name);

	if (!d)
		return -ENOENT;
	worker_device_remove(d);
	return 0;
}

/* Splits a text into lines, which are strings inside *copy. Both have to be freed. */
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

static int do_device_settings(struct worker_requests *w, struct command *m)
{
	struct worker_device *d = worker_device_find(w->devices, m->name);
	struct device_settings settings = { .addresses = m->addresses,
		                            .address_count = m->address_count,
		                            .mtu_bytes = m->settings.mtu_bytes,
		                            .metric = m->settings.metric,
		                            .has_metric = m->settings.has_metric,
		                            .has_fwmark = m->settings.has_fwmark,
		                            .table_off = m->settings.table_off,
		                            .left_out = m->settings.left_out,
		                            .own_tun = m->settings.own_tun,
		                            .source_fix_off = m->settings.source_fix_off,
		                            .source_check_off =
		                                    m->settings.source_check_off,
		                            .gate = m->settings.gate,
		                            .isolate_off = m->settings.isolate_off,
		                            .via = m->via,
		                            .via_name = m->via_name,
		                            .dns_servers = m->servers,
		                            .dns_server_count = m->server_count };
	char *text;
	const char **domains;
	int err;

	if (!d)
		return -ENOENT;
	err = split_lines(m, &text, &domains, &settings.dns_domain_count);
	settings.dns_domains = domains;
	settings.port = device_port(d->device);
	if (!err)
		err = device_set(d->device, &settings);
	if (!err && !m->settings.own_tun)
		worker_tun_clear(&d->tun);
	if (d->udp)
		udp_network_changed(d->udp); /* perhaps its MTU now fits the path */
	free(domains);
	free(text);
	return err;
}

static int do_resolver(struct worker_requests *w, struct command *m)
{
	struct ip_addr ipv4 = { 0 }, ipv6 = { 0 };

	for (size_t i = 0; i < m->address_count; i++)
		*(m->addresses[i].family == IP_V4 ? &ipv4 : &ipv6) = m->addresses[i];
	engine_set_resolver(w->devices->engine, &ipv4, &ipv6);
	engine_set_outside(w->devices->engine, m->port != 0);
	worker_stand_in_resolver(w->stand_in, m);
	return 0;
}

static int do_host_networks(struct worker_requests *w, struct command *m)
{
	struct ip_prefix *networks = NULL;
	const char **lines;
	char *text;
	size_t n;
	int err = split_lines(m, &text, &lines, &n);

	if (!err)
		networks = calloc(n + 1, sizeof(*networks));
	if (!err && !networks)
		err = -ENOMEM;
	for (size_t i = 0; i < n && !err; i++)
		err = ip_prefix_parse(&networks[i], lines[i]) ? 0 : -EPROTO;
	if (!err)
		err = engine_set_host_prefixes(w->devices->engine, networks, n);
	free(networks);
	free(lines);
	free(text);
	return err;
}

static int do_peer_via(struct worker_requests *w, struct command *m)
{
	struct worker_device *d = worker_device_find(w->devices, m->name);

	return d ? device_set_peer_via(d->device, m->key, m->via, m->via_name) : -ENOENT;
}

/* Returns -1 if it isn't one of our UDP sockets. The families have to be found out,
 * because one of them may be missing. */
static int family_of(int fd)
{
	int domain;
	socklen_t len = sizeof(domain);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		return -1;
	return domain == AF_INET ? UDP_IPV4 : domain == AF_INET6 ? UDP_IPV6 : -1;
}

/* Forgets what was learned about the network under the device. */
static void forget_path(struct worker_device *d, uint64_t now_ns)
{
	struct wg_device *wg = device_wg(d->device);

	if (d->udp)
		udp_network_changed(d->udp);
	for (struct wg_peer *peer = wg_device_first_peer(wg); peer;
	     peer = wg_peer_next(peer)) {
		wg_peer_clear_local(peer);
		wg_peer_handshake_anew(peer, now_ns);
	}
}

/* The message contains new sockets; or, without fds, a new mark of the old ones. */
static int use_sockets(struct worker_device *d, struct command *m, uint64_t now_ns)
{
	int fds[UDP_FAMILIES] = { -1, -1 };
	bool first = !d->udp;
	int err = 0;

	if (m->fd_count > 0) {
		for (size_t i = 0; i < m->fd_count; i++) {
			int family = family_of(m->fds[i]);

			if (family < 0 || fds[family] >= 0)
				return -EPROTO;
			fds[family] = m->fds[i];
		}
		m->fd_count = 0;
		err = worker_device_use_udp(d, fds);
	}
	if (!err) {
		device_set_port(d->device, m->port);
		/* rules for marks may lead another way, and what was to be sent before there
		 * were sockets is waiting */
		if (d->mark != m->mark || (first && d->udp))
			forget_path(d, now_ns);
		d->mark = m->mark;
	}
	return err;
}

static int do_device_sockets(struct worker_requests *w, struct command *m)
{
	struct worker_device *d = worker_device_find(w->devices, m->name);

	return d ? use_sockets(d, m, w->devices->now_ns) : -ENOENT;
}

/* A UAPI client may be waiting for it, but the device may also have gone since it asked. If
 * another one has its name, the supervisor has given the sockets to that one. */
static int do_sockets_answer(struct worker_requests *w, struct command *m)
{
	struct worker_device *d = worker_device_find(w->devices, m->name);
	bool owed = worker_device_takes_owed(w->devices, m->name);
	int err = 0;

	if (!d)
		return 0;
	if (m->result == 0)
		err = use_sockets(d, m, w->devices->now_ns);
	if (!owed)
		worker_device_answered(d, m->result ? m->result : err);
	return err;
}

static int do_device_start(struct worker_requests *w, struct command *m)
{
	struct worker_device *d = worker_device_find(w->devices, m->name);
	int err;

	if (!d)
		return -ENOENT;
	err = engine_settle(w->devices->engine);
	if (!err)
		wg_device_start(device_wg(d->device), w->devices->now_ns);
	return err;
}

static int do_device_stop(struct worker_requests *w, struct command *m)
{
	struct worker_device *d = worker_device_find(w->devices, m->name);

	if (!d)
		return -ENOENT;
	wg_device_stop(device_wg(d->device));
	return 0;
}

/* If a UAPI client has removed the peer, there is nothing to try. */
static int do_peer_try(struct worker_requests *w, struct command *m)
{
	struct worker_device *d = worker_device_find(w->devices, m->name);
	struct wg_peer *peer;
	int err;

	if (!d)
		return -ENOENT;
	peer = wg_device_find_peer(device_wg(d->device), m->key);
	err = engine_settle(w->devices->engine);
	if (!err && peer)
		wg_peer_try_endpoint(peer, w->devices->now_ns);
	return err;
}

static int do_network_changed(struct worker_requests *w, struct command *m)
{
	(void)m;
	for (struct worker_device *d = w->devices->first; d; d = d->next)
		forget_path(d, w->devices->now_ns);
	worker_outside_network_changed(w->outside);
	return 0;
}

static int do_outside(struct worker_requests *w, struct command *m)
{
	worker_outside_answered(w->outside, m, w->devices->now_ns);
	return 0;
}

static int do_tun(struct worker_requests *w, struct command *m)
{
	struct worker_device *d;

	if (m->fd_count != 1)
		return -EPROTO;
	if (m->name[0] == '\0')
		return worker_tun_start(w->tun, take_fd(m));
	d = worker_device_find(w->devices, m->name);
	if (!d)
		return -ENOENT;
	return worker_tun_start(&d->tun, take_fd(m));
}

static int do_stand_in(struct worker_requests *w, struct command *m)
{
	return worker_stand_in_give(w->stand_in, m);
}

/* ---- requests with other answers */

static bool ends_set(const struct command *m)
{
	return m->text_bytes >= 2 &&
	       memcmp((const char *)m->text + m->text_bytes - 2, "\n\n", 2) == 0;
}

/* Sends one reply for each set that this piece of text completes, or that fails in it. */
static void do_device_uapi(struct worker_requests *w, const struct command *m)
{
	struct worker_device *d = worker_device_find(w->devices, m->name);
	struct outbuf answers = { 0 };
	size_t taken;
	char *at;
	int result;

	if (!d) {
		if (ends_set(m))
			report_reply(w->report, m, -ENOENT);
		return;
	}
	taken = uapi_feed(&d->uapi, m->text, m->text_bytes, &answers, w->devices->now_ns);
	outbuf_add(&answers, "", 1);
	if (answers.failed || taken != m->text_bytes) {
		report_reply(w->report, m, -EPROTO);
	} else {
		at = (char *)answers.bytes + answers.first;
		while ((at = strstr(at, "errno=")) &&
		       sscanf(at, "errno=%d", &result) == 1) {
			report_reply(w->report, m, result);
			at++;
		}
	}
	outbuf_clear(&answers);
}

static void do_status(struct worker_requests *w)
{
	struct command m = command_of(COMMAND_STATUS_TEXT, NULL);
	char *text = NULL;
	size_t left;

	if (engine_settle(w->devices->engine) == 0)
		text = engine_status_text(w->devices->engine, &w->devices->uapi_host,
		                          w->sandbox, w->devices->since_ns,
		                          w->devices->now_ns);
	left = text ? strlen(text) : 0;
	for (m.text = text; left > 0; left -= m.text_bytes) {
		m.text_bytes = left < COMMAND_TEXT_MAX ? left : COMMAND_TEXT_MAX;
		report_send(w->report, &m);
		m.text = (const char *)m.text + m.text_bytes;
	}
	m.text_bytes = 0;
	report_send(w->report, &m);
	free(text);
}

bool worker_requests_handle(struct worker_requests *w, struct command *m)
{
	static int (*const requests[COMMAND_TYPE_COUNT])(struct worker_requests *,
	                                                 struct command *) = {
		[COMMAND_TUN] = do_tun,
		[COMMAND_STAND_IN] = do_stand_in,
		[COMMAND_RESOLVER] = do_resolver,
		[COMMAND_OUTSIDE] = do_outside,
		[COMMAND_HOST_NETWORKS] = do_host_networks,
		[COMMAND_DEVICE_ADD] = do_device_add,
		[COMMAND_DEVICE_REMOVE] = do_device_remove,
		[COMMAND_DEVICE_SETTINGS] = do_device_settings,
		[COMMAND_DEVICE_SOCKETS] = do_device_sockets,
		[COMMAND_SOCKETS_ANSWER] = do_sockets_answer,
		[COMMAND_DEVICE_START] = do_device_start,
		[COMMAND_DEVICE_STOP] = do_device_stop,
		[COMMAND_PEER_VIA] = do_peer_via,
		[COMMAND_PEER_TRY] = do_peer_try,
		[COMMAND_NETWORK_CHANGED] = do_network_changed,
	};

	if (m->type == COMMAND_STATUS)
		do_status(w);
	else if (m->type == COMMAND_DEVICE_UAPI)
		do_device_uapi(w, m);
	else if (requests[m->type])
		report_reply(w->report, m, requests[m->type](w, m));
	else
		return false;
	return true;
}
