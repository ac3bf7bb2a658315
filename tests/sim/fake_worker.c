/* tests/sim/fake_worker.c */
#include "fake_worker.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "channel/command.h"
#include "rave.h"

#define ANSWER_MAX (60U * 1024)

static char ctl_path[100];

void fake_worker_set_path(const char *path)
{
	snprintf(ctl_path, sizeof(ctl_path), "%s", path);
}

/* ---- the worker */

struct served {
	struct fake_device device;
	int uapi_fd;
	int tun_fd; /* its own; -1: none */
	int udp_fds[FRAME_FDS_MAX];
	size_t udp_count;
	struct outbuf set; /* UAPI text whose end has not come */
};

struct fake_worker {
	struct channel channel;
	int ctl_fd, tun_fd;
	struct served *served[FAKE_WORKER_DEVICES];
	size_t count;
	char resolver[200];
	bool stopped, refused_any;
	unsigned swallow, die_in, exit_in;
	int refuse; /* enum command_type; 0: nothing */
	char fault[200];
};

static void fault(struct fake_worker *w, const char *what, const char *name)
{
	if (!w->fault[0])
		snprintf(w->fault, sizeof(w->fault), "%s %s", what, name);
}

static struct served *find(struct fake_worker *w, const char *name)
{
	for (size_t i = 0; i < w->count; i++)
		if (strcmp(w->served[i]->device.name, name) == 0)
			return w->served[i];
	return NULL;
}

static void close_udp(struct served *s)
{
	for (size_t i = 0; i < s->udp_count; i++)
		close(s->udp_fds[i]);
	s->udp_count = 0;
}

static void close_tun(struct served *s)
{
	if (s->tun_fd >= 0)
		close(s->tun_fd);
	s->tun_fd = -1;
}

static void served_free(struct served *s)
{
	close_udp(s);
	if (s->uapi_fd >= 0)
		close(s->uapi_fd);
	close_tun(s);
	outbuf_clear(&s->set);
	free(s);
}

static int take_fd(struct command *m, size_t i)
{
	int fd = m->fds[i];

	m->fds[i] = -1;
	return fd;
}

static int do_add(struct fake_worker *w, struct command *m)
{
	struct served *s;

	if (find(w, m->name)) {
		fault(w, "added twice:", m->name);
		return -EEXIST;
	}
	if (m->fd_count != 1 || w->count == FAKE_WORKER_DEVICES) {
		fault(w, "added without a socket:", m->name);
		return -EINVAL;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	snprintf(s->device.name, sizeof(s->device.name), "%s", m->name);
	s->uapi_fd = take_fd(m, 0);
	s->tun_fd = -1;
	w->served[w->count++] = s;
	return 0;
}

static int do_remove(struct fake_worker *w, struct served *s)
{
	for (size_t i = 0; i < w->count; i++) {
		if (w->served[i] != s)
			continue;
		w->served[i] = w->served[--w->count];
		served_free(s);
		return 0;
	}
	return -ENODEV;
}

static int do_settings(struct served *s, const struct command *m)
{
	struct fake_device *d = &s->device;

	d->mtu_bytes = m->settings.mtu_bytes;
	d->metric = m->settings.metric;
	d->has_metric = m->settings.has_metric;
	d->has_fwmark = m->settings.has_fwmark;
	d->table_off = m->settings.table_off;
	d->left_out = m->settings.left_out;
	d->own_tun = m->settings.own_tun;
	if (!d->own_tun)
		close_tun(s);
	d->source_fix_off = m->settings.source_fix_off;
	d->source_check_off = m->settings.source_check_off;
	d->gate = m->settings.gate;
	d->isolate_off = m->settings.isolate_off;
	fake_via(d->via, m->via, m->via_name);
	d->addresses[0] = d->servers[0] = '\0';
	for (size_t i = 0; i < m->address_count; i++)
		fake_add_address(d->addresses, sizeof(d->addresses), &m->addresses[i]);
	for (size_t i = 0; i < m->server_count; i++)
		fake_add_address(d->servers, sizeof(d->servers), &m->servers[i]);
	snprintf(d->domains, sizeof(d->domains), "%.*s", (int)m->text_bytes,
	         (const char *)m->text);
	for (char *c = d->domains; *c; c++)
		if (*c == '\n')
			*c = ' ';
	for (size_t i = 0; i < d->peer_count; i++)
		fake_via(d->peers[i].via, WAY_VIA_UNION, "");
	return 0;
}

static int do_sockets(struct served *s, struct command *m)
{
	if (m->fd_count > 0) {
		close_udp(s);
		for (size_t i = 0; i < m->fd_count; i++)
			s->udp_fds[s->udp_count++] = take_fd(m, i);
	}
	if (m->result == 0)
		s->device.port = m->port;
	return 0;
}

/* ---- UAPI */

static struct fake_peer *peer_of(struct fake_device *d, const uint8_t *key, bool create)
{
	for (size_t i = 0; i < d->peer_count; i++)
		if (memcmp(d->peers[i].key, key, KEY_BYTES) == 0)
			return &d->peers[i];
	if (!create || d->peer_count == FAKE_DEVICE_PEERS)
		return NULL;
	d->peers[d->peer_count] = (struct fake_peer){ 0 };
	memcpy(d->peers[d->peer_count].key, key, KEY_BYTES);
	fake_via(d->peers[d->peer_count].via, WAY_VIA_UNION, "");
	return &d->peers[d->peer_count++];
}

static void remove_allowed(struct fake_peer *p, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < p->allowed_count; i++)
		if (ip_prefix_equal(&p->allowed[i], prefix))
			p->allowed[i--] = p->allowed[--p->allowed_count];
}

static bool parse_prefix(struct ip_prefix *out, const char *text)
{
	char copy[IP_PREFIX_STRLEN];
	char *slash;

	*out = (struct ip_prefix){ 0 };
	snprintf(copy, sizeof(copy), "%s", text);
	slash = strchr(copy, '/');
	if (!slash)
		return false;
	*slash = '\0';
	out->len = (uint8_t)strtoul(slash + 1, NULL, 10);
	return ip_addr_parse(&out->addr, copy);
}

/* As in wg: who names it last has it. */
static bool set_allowed(struct fake_device *d, struct fake_peer *p, const char *value)
{
	struct ip_prefix prefix;
	bool take_away = value[0] == '-';

	if (!parse_prefix(&prefix, value + take_away))
		return false;
	if (take_away) {
		remove_allowed(p, &prefix);
		return true;
	}
	for (size_t i = 0; i < d->peer_count; i++)
		remove_allowed(&d->peers[i], &prefix);
	if (p->allowed_count == FAKE_DEVICE_ALLOWED)
		return false;
	p->allowed[p->allowed_count++] = prefix;
	return true;
}

static void send_message(struct fake_worker *w, const struct command *m)
{
	if (command_send(&w->channel, m) < 0 || channel_write(&w->channel) < 0)
		_exit(0); /* the supervisor has closed it */
}

struct setting {
	struct fake_worker *worker;
	struct fake_device *device;
	uint8_t key[KEY_BYTES]; /* of the peer that the lines are about */
	bool update_only, removed;
};

/* Says so if another one was known, as the real one does (worker_device.c). */
static bool set_endpoint(struct setting *s, struct fake_peer *p, const char *value)
{
	struct command m = command_of(COMMAND_ENDPOINT_SET, s->device->name);
	struct endpoint before = p->endpoint;

	if (!endpoint_parse(&p->endpoint, value))
		return false;
	memcpy(m.key, p->key, KEY_BYTES);
	m.endpoint = p->endpoint;
	if (before.addr.family != IP_NONE && !endpoint_equal(&before, &p->endpoint))
		send_message(s->worker, &m);
	return true;
}

static bool set_peer_line(struct setting *s, const char *key, const char *value)
{
	struct fake_device *d = s->device;
	struct fake_peer *p = peer_of(d, s->key, !s->update_only && !s->removed);

	if (strcmp(key, "update_only") == 0)
		s->update_only = true;
	else if (strcmp(key, "remove") == 0 && p)
		*p = d->peers[--d->peer_count], s->removed = true;
	else if (!p)
		return true;
	else if (strcmp(key, "preshared_key") == 0)
		return key_from_hex(p->preshared, value, strlen(value));
	else if (strcmp(key, "endpoint") == 0)
		return set_endpoint(s, p, value);
	else if (strcmp(key, "tunion_by_arrival") == 0)
		return strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
	else if (strcmp(key, "persistent_keepalive_interval") == 0)
		p->keepalive_s = (unsigned)strtoul(value, NULL, 10);
	else if (strcmp(key, "allowed_ip") == 0)
		return set_allowed(d, p, value);
	else
		return false;
	return true;
}

static bool set_line(struct setting *s, char *line)
{
	char *value = strchr(line, '=');

	if (!value)
		return false;
	*value++ = '\0';
	if (strcmp(line, "set") == 0)
		return true;
	if (strcmp(line, "private_key") == 0)
		return key_from_hex(s->device->private_key, value, strlen(value));
	if (strcmp(line, "public_key") != 0)
		return set_peer_line(s, line, value);
	s->update_only = s->removed = false;
	return key_from_hex(s->key, value, strlen(value));
}

/* 1: the end of the set has not come. */
static int do_uapi(struct fake_worker *w, struct served *served, const struct command *m)
{
	struct setting s = { .worker = w, .device = &served->device };
	char *text, *line, *rest;
	int err = 0;

	outbuf_add(&served->set, m->text, m->text_bytes);
	outbuf_add(&served->set, "", 1);
	text = (char *)served->set.bytes + served->set.first;
	if (!strstr(text, "\n\n")) {
		served->set.end--;
		return 1;
	}
	for (rest = text; (line = strsep(&rest, "\n")) && line[0] && !err;)
		err = set_line(&s, line) ? 0 : -EINVAL;
	if (err)
		fault(w, "a line of UAPI:", line ? line : "");
	outbuf_clear(&served->set);
	return err;
}

/* ---- commands */

static void send_status(struct fake_worker *w)
{
	struct command m = command_of(COMMAND_STATUS_TEXT, NULL);

	m.text = "{ \"devices\": [] }";
	m.text_bytes = strlen(m.text);
	send_message(w, &m);
	m.text_bytes = 0;
	send_message(w, &m);
}

static int do_resolver(struct fake_worker *w, const struct command *m)
{
	w->resolver[0] = '\0';
	for (size_t i = 0; i < m->address_count; i++)
		fake_add_address(w->resolver, sizeof(w->resolver), &m->addresses[i]);
	return 0;
}

static int do_tun(struct fake_worker *w, struct served *s, struct command *m)
{
	if (s && m->fd_count == 1 && s->device.own_tun) {
		close_tun(s);
		s->tun_fd = take_fd(m, 0);
		return 0;
	}
	if (m->fd_count != 1 || w->tun_fd >= 0 || m->name[0])
		fault(w, "the tun comes twice, or without a descriptor", "");
	w->tun_fd = take_fd(m, 0);
	return 0;
}

static int do_via(struct served *s, const struct command *m)
{
	struct fake_peer *p = peer_of(&s->device, m->key, true);

	if (p)
		fake_via(p->via, m->via, m->via_name);
	return p ? 0 : -ENOSPC;
}

static int do_start(struct fake_worker *w, struct served *s)
{
	if (s->udp_count == 0)
		fault(w, "started without sockets:", s->device.name);
	s->device.started = true;
	return 0;
}

/* 1: no reply. */
static int carry_out(struct fake_worker *w, struct command *m)
{
	struct served *s = find(w, m->name);

	if (m->type == COMMAND_TUN)
		return do_tun(w, s, m);
	if (m->type == COMMAND_RESOLVER)
		return do_resolver(w, m);
	if (m->type == COMMAND_NETWORK_CHANGED || m->type == COMMAND_HOST_NETWORKS)
		return 0;
	if (m->type == COMMAND_DEVICE_ADD)
		return do_add(w, m);
	if (!s && m->type == COMMAND_DEVICE_UAPI && m->text_bytes == COMMAND_TEXT_MAX)
		return 1;
	if (!s && m->type == COMMAND_SOCKETS_ANSWER)
		return 0;
	if (!s) {
		if (!w->refused_any)
			fault(w, "it has no device", m->name);
		return -ENODEV;
	}
	if (m->type == COMMAND_DEVICE_REMOVE)
		return do_remove(w, s);
	if (m->type == COMMAND_DEVICE_SETTINGS)
		return do_settings(s, m);
	if (m->type == COMMAND_DEVICE_SOCKETS || m->type == COMMAND_SOCKETS_ANSWER)
		return do_sockets(s, m);
	if (m->type == COMMAND_DEVICE_UAPI)
		return do_uapi(w, s, m);
	if (m->type == COMMAND_DEVICE_START)
		return do_start(w, s);
	if (m->type == COMMAND_PEER_VIA)
		return do_via(s, m);
	if (m->type == COMMAND_PEER_TRY)
		return 0;
	fault(w, "a message of type", command_type_name(m->type));
	return -EPROTO;
}

static void obey(struct fake_worker *w, struct command *m)
{
	struct command reply = command_of(COMMAND_REPLY, m->name);

	if (w->die_in && --w->die_in == 0)
		raise(SIGKILL);
	if (w->exit_in && --w->exit_in == 0)
		_exit(3);
	if (m->type == COMMAND_STATUS) {
		send_status(w);
		return;
	}
	reply.request = m->type;
	if (w->refuse == (int)m->type) {
		reply.result = -EBUSY;
		w->refuse = 0;
		w->refused_any = true;
	} else {
		reply.result = carry_out(w, m);
	}
	if (reply.result > 0)
		return;
	if (w->swallow) {
		w->swallow--;
		return;
	}
	send_message(w, &reply);
}

/* False: the supervisor has closed. */
static bool drain(struct fake_worker *w)
{
	struct command m;
	int got = 0;

	while (!w->stopped && (got = command_next(&w->channel, &m)) > 0) {
		obey(w, &m);
		command_clear(&m);
	}
	return got == 0 && channel_write(&w->channel) == 0;
}

/* ---- the test's requests */

static unsigned count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static int compare_served(const void *a, const void *b)
{
	const struct served *const *x = a, *const *y = b;

	return strcmp((*x)->device.name, (*y)->device.name);
}

static void dump(struct fake_worker *w, struct outbuf *o)
{
	qsort(w->served, w->count, sizeof(struct served *), compare_served);
	if (w->fault[0])
		outbuf_print(o, "fault: %s\n", w->fault);
	outbuf_print(o, "descriptors %u\nresolver %s\n", count_fds(), w->resolver);
	for (size_t i = 0; i < w->count; i++)
		fake_device_print(o, &w->served[i]->device);
}

/* Its own idea of a peer's endpoint moves with it. */
static void say(struct fake_worker *w, const char *arguments)
{
	char name[IFNAME_MAX + 1] = "", key[KEY_HEX_CHARS + 1] = "", at[60] = "";
	unsigned type = 0, port = 0;
	bool endpoint;
	struct command m;
	struct served *s;
	struct fake_peer *p;

	if (sscanf(arguments, "%u %15s %64s %59s %u", &type, name, key, at, &port) != 5)
		return;
	m = command_of((enum command_type)type, strcmp(name, "-") ? name : NULL);
	m.port = (uint16_t)port;
	m.result = m.type == COMMAND_LOG ? 3 : -ENODEV;
	m.text = "said by script";
	m.text_bytes = strlen(m.text);
	if (!key_from_hex(m.key, key, strlen(key)) || !endpoint_parse(&m.endpoint, at))
		m.endpoint.addr.family = IP_NONE;
	s = find(w, m.name);
	p = s ? peer_of(&s->device, m.key, false) : NULL;
	endpoint = m.type == COMMAND_ENDPOINT || m.type == COMMAND_ENDPOINT_SET;
	if (p && s->device.started && endpoint)
		p->endpoint = m.endpoint;
	else if (endpoint) /* one that nobody knows */
		memset(m.key, 1, KEY_BYTES);
	send_message(w, &m);
}

static void rave_as(struct fake_worker *w, const char *request)
{
	unsigned seed = 0, n = 0;

	(void)!sscanf(request, "rave %u %u", &seed, &n);
	rave(w->channel.fd, seed, n,
	     w->count ? &w->served[seed % w->count]->device : NULL);
}

static void do_request(struct fake_worker *w, const char *request, struct outbuf *answer)
{
	unsigned n = 0;
	char word[16] = "";

	(void)!sscanf(request, "%15s %u", word, &n);
	if (strcmp(word, "dump") == 0)
		dump(w, answer);
	else if (strcmp(word, "stop") == 0)
		w->stopped = true;
	else if (strcmp(word, "go") == 0)
		w->stopped = false;
	else if (strcmp(word, "calm") == 0)
		w->stopped = false, w->refuse = 0,
		w->swallow = w->die_in = w->exit_in = 0;
	else if (strcmp(word, "swallow") == 0)
		w->swallow = 1;
	else if (strcmp(word, "refuse") == 0)
		w->refuse = (int)n;
	else if (strcmp(word, "die") == 0)
		w->die_in = n;
	else if (strcmp(word, "exit") == 0)
		w->exit_in = n;
	else if (strcmp(word, "say") == 0)
		say(w, request + 4);
	else if (strcmp(word, "garbage") == 0)
		(void)!send(w->channel.fd, "?", 1, MSG_NOSIGNAL);
	else if (strcmp(word, "rave") == 0)
		rave_as(w, request);
	if (n == 0 && (strcmp(word, "die") == 0 || strcmp(word, "exit") == 0))
		word[0] == 'd' ? raise(SIGKILL) : (_exit(3), 0);
	if (outbuf_bytes(answer) == 0)
		outbuf_add(answer, "ok", 2);
}

static void serve_test(struct fake_worker *w)
{
	char request[300];
	struct outbuf answer = { 0 };
	int fd = accept4(w->ctl_fd, NULL, NULL, SOCK_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : recv(fd, request, sizeof(request) - 1, 0);

	if (n >= 0) {
		request[n] = '\0';
		if (!drain(w))
			_exit(0);
		do_request(w, request, &answer);
		if (!drain(w)) /* after "go" */
			_exit(0);
		(void)!send(fd, answer.bytes + answer.first, outbuf_bytes(&answer),
		            MSG_NOSIGNAL);
	}
	if (fd >= 0)
		close(fd);
	outbuf_clear(&answer);
}

/* get=1 only, which SaveConfig asks for. */
static void serve_uapi(const struct served *s)
{
	struct outbuf answer = { 0 };
	char request[64];
	int fd = accept4(s->uapi_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (recv(fd, request, sizeof(request), 0) > 0) {
		fake_device_print_uapi(&answer, &s->device);
		outbuf_print(&answer, "errno=0\n\n");
		(void)!outbuf_write(&answer, fd);
	}
	close(fd);
	outbuf_clear(&answer);
}

static int listen_for_test(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", ctl_path);
	unlink(ctl_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(fd, 8) < 0)
		return -1;
	return fd;
}

static bool run_round(struct fake_worker *w)
{
	struct pollfd p[FAKE_WORKER_DEVICES + 2] = { { w->channel.fd, POLLIN, 0 },
		                                     { w->ctl_fd, POLLIN, 0 } };
	size_t n = w->count;

	if (w->stopped)
		p[0].events = 0;
	if (channel_pending(&w->channel))
		p[0].events |= POLLOUT;
	for (size_t i = 0; i < n; i++)
		p[2 + i] = (struct pollfd){ w->served[i]->uapi_fd, POLLIN, 0 };
	(void)poll(p, 2 + n, -1);
	if (p[0].revents & (POLLHUP | POLLERR) && w->stopped)
		return false;
	for (size_t i = 0; i < n; i++)
		if (p[2 + i].revents && !w->stopped)
			serve_uapi(w->served[i]);
	if (p[0].revents && !drain(w))
		return false;
	if (p[1].revents)
		serve_test(w);
	return true;
}

static int fake_worker_run(int channel_fd, pid_t supervisor,
                           const struct worker_options *options)
{
	struct fake_worker *w = calloc(1, sizeof(*w));

	(void)supervisor;
	(void)options;
	if (!w || channel_init(&w->channel, channel_fd) < 0)
		return 9;
	w->tun_fd = -1;
	w->ctl_fd = listen_for_test();
	while (w->ctl_fd >= 0 && run_round(w))
		;
	while (w->count > 0)
		served_free(w->served[--w->count]);
	channel_clear(&w->channel);
	free(w);
	return 0;
}

const struct worker_entry fake_worker_entry = { .run = fake_worker_run };

/* ---- the test's side */

bool fake_worker_ask(const char *request, char *answer, size_t size)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	bool there;
	ssize_t n = 0;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", ctl_path);
	there = connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
	        send(fd, request, strlen(request), MSG_NOSIGNAL) > 0;
	if (there)
		n = recv(fd, answer, size - 1, 0);
	answer[n > 0 ? n : 0] = '\0';
	close(fd);
	return there;
}
