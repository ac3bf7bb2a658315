/* tests/fuzz/talk.c - what can a worker that was taken over do to the supervisor by what it says?
 *
 * The input is a script for both ends of the channel. The supervisor's end is the real code:
 * worker_child, permit, talk, status_request, tunnels and underlay, with a plan of two files; it
 * tells the worker something now and then. The worker says messages with members of the script's
 * choice, or bytes that are none. Then: what it says is taken or ends it, nothing else; all that
 * reaches a log or a client is printable; and no descriptor is left. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/printable.h"
#include "base/reader.h"
#include "conf/load.h"
#include "plan/plan_make.h"
#include "supervisor/configure.h"
#include "supervisor/talk.h"

#define FILES    2
#define BODY_MAX 300

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* ---- what the linker replaces: the host */

int __wrap_udp_open(int fds[static UDP_FAMILIES], struct endpoint *at, uint32_t mark);
int __wrap_udp_set_mark(const int fds[static UDP_FAMILIES], uint32_t mark);
uint32_t __wrap_host_mark(const struct host *host);
bool __wrap_host_may_ask_outside(const struct host *host);
int __wrap_hosts_tun_fd(const struct hosts *hosts, const char *name);
void __wrap_clients_answer_status(struct clients *c, const char *text);

int __wrap_udp_open(int fds[static UDP_FAMILIES], struct endpoint *at, uint32_t mark)
{
	if (at->port == 53 || mark == 53)
		return -EADDRINUSE;
	at->port = at->port ? at->port : 40000;
	for (int f = 0; f < UDP_FAMILIES; f++)
		fds[f] = open("/dev/null", O_RDWR | O_CLOEXEC);
	return 0;
}

int __wrap_udp_set_mark(const int fds[static UDP_FAMILIES], uint32_t mark)
{
	(void)fds;
	return mark == 53 ? -EPERM : 0;
}

int __wrap_hosts_tun_fd(const struct hosts *hosts, const char *name)
{
	(void)hosts;
	(void)name;
	return -1;
}

/* No sockets to the network: what is refused is answered all the same. */
bool __wrap_host_may_ask_outside(const struct host *host)
{
	(void)host;
	return false;
}

uint32_t __wrap_host_mark(const struct host *host)
{
	(void)host;
	return 51820;
}

/* JSON writes control characters as \u00XX, and who reads it makes them again. After
 * another backslash it is only a text that looks like this. */
static bool has_control(const char *json)
{
	const char *at = strchr(json, '\\');

	while (at && strncmp(at, "\\u00", 4) != 0)
		at = at[1] ? strchr(at + 2, '\\') : NULL;
	return at;
}

void __wrap_clients_answer_status(struct clients *c, const char *text)
{
	char *copy = strdup(text ? text : ""), *rest = copy, *line;

	(void)c;
	while ((line = strsep(&rest, "\n")))
		if (!printable_is(line) || has_control(line))
			abort();
	free(copy);
}

/* ---- the supervisor */

struct world {
	struct reader in; /* the rest of the script */
	struct talk talk;
	struct keeper keeper;
	struct hosts hosts; /* without any */
	struct tunnels tunnels;
	struct conf *confs[FILES];
	struct underlay underlay;
	struct status_request status;
	struct ending ending;
	struct log log;
	struct channel worker; /* its end */
};

static void check_line(void *context, enum log_level level, const char *line)
{
	(void)context;
	if (!printable_is(line) || level > LOG_LEVEL_DEBUG)
		abort();
}

static void describe(void *context, struct instance_status *out)
{
	(void)context;
	*out = (struct instance_status){ .tun = "tunion0" };
}

static struct conf *read_text(const char *path, const char *text)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	struct diag diag = { 0 };
	struct conf *conf;

	if (!in || conf_read_stream(&conf, in, path, &diag) < 0)
		abort();
	fclose(in);
	diag_clear(&diag);
	return conf;
}

static void make_tunnels(struct world *w)
{
	static const char *const texts[FILES] = {
		"[Interface]\nAddress = 10.1.0.2/32\n[Peer]\nPublicKey = "
		"BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nAllowedIPs = 10.1.0.0/24\n"
		"Endpoint = 192.0.2.1:51820\n",
		"[Interface]\nAddress = 10.2.0.2/32\n[Peer]\nPublicKey = "
		"CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nAllowedIPs = 0.0.0.0/0\n"
		"Endpoint = 198.51.100.1:51820\n",
	};
	struct diag diag = { 0 };

	w->confs[0] = read_text("a.conf", texts[0]);
	w->confs[1] = read_text("b.conf", texts[1]);
	w->tunnels.files = (struct conf_set){ .v = w->confs, .n = FILES };
	if (plan_make(&w->tunnels.plan, &w->tunnels.files, NULL, &diag) < 0 ||
	    tunnels_make(&w->tunnels) < 0)
		abort();
	diag_clear(&diag);
}

static void begin(struct world *w, const uint8_t *bytes, size_t n)
{
	int pair[2];

	*w = (struct world){ .in = reader_of(bytes, n) };
	make_tunnels(w);
	w->log = (struct log){ LOG_LEVEL_DEBUG, check_line, NULL };
	w->keeper.hosts = &w->hosts;
	w->keeper.tunnels = &w->tunnels;
	w->keeper.log = &w->log;
	w->keeper.worker = (struct worker_child){ .pid = INT32_MAX, /* never used */
		                                  .interrupt_fd = -1,
		                                  .handle = talk_handle,
		                                  .context = &w->talk };
	w->underlay.env.log = &w->log;
	w->underlay.env.tunnels = &w->tunnels;
	w->status = (struct status_request){ .worker = &w->keeper.worker,
		                             .describe = describe,
		                             .due_ns = NEVER_NS };
	w->talk = (struct talk){ .log = &w->log,
		                 .tun = "tunion0",
		                 .ending = &w->ending,
		                 .keeper = &w->keeper,
		                 .tunnels = &w->tunnels,
		                 .underlay = &w->underlay,
		                 .status = &w->status };
	if (channel_pair(pair) < 0 ||
	    channel_init(&w->keeper.worker.channel, pair[0]) < 0 ||
	    channel_init(&w->worker, pair[1]) < 0)
		abort();
}

static void end(struct world *w)
{
	status_request_clear(&w->status);
	permit_clear(&w->keeper.worker.permit);
	channel_clear(&w->keeper.worker.channel);
	channel_clear(&w->worker);
	for (size_t i = 0; i < w->tunnels.count; i++)
		tunnel_close_udp(&w->tunnels.v[i]);
	free(w->tunnels.v);
	plan_clear(&w->tunnels.plan);
	for (int i = 0; i < FILES; i++)
		conf_free(w->confs[i]);
}

/* ---- the script */

static uint8_t byte(struct world *w)
{
	const uint8_t *b = reader_take(&w->in, 1);

	return b ? *b : 0;
}

static void any_bytes(struct world *w, void *out, size_t n)
{
	for (uint8_t *at = out; n > 0; n--)
		*at++ = byte(w);
}

static void any_name(struct world *w, char out[static IFNAME_MAX + 1])
{
	static const char *const names[] = { "a", "b", "", "../../x", "\033[2J\n<0>" };
	uint8_t which = byte(w);

	if (which < ARRAY_SIZE(names))
		snprintf(out, IFNAME_MAX + 1, "%s", names[which]);
	else
		any_bytes(w, out, IFNAME_MAX);
}

static void tell_worker(struct world *w)
{
	static const enum command_type types[] = {
		COMMAND_TUN,           COMMAND_DEVICE_ADD,
		COMMAND_DEVICE_REMOVE, COMMAND_DEVICE_SOCKETS,
		COMMAND_DEVICE_START,  COMMAND_NETWORK_CHANGED,
	};
	struct command m =
		command_of(types[byte(w) % ARRAY_SIZE(types)], byte(w) % 2 ? "a" : "b");

	if (byte(w) % 4 == 0)
		status_request_ask(&w->status);
	else if (worker_child_send(&w->keeper.worker, &m) < 0)
		abort();
}

/* A message whose members are the script's. A reply is often the one that is due. */
static void say_message(struct world *w)
{
	struct command m = { .type = (enum command_type)(
				     COMMAND_REPLY +
				     byte(w) % (COMMAND_TYPE_COUNT - COMMAND_REPLY)) };
	const struct permit *permit = &w->keeper.worker.permit;
	uint8_t text[BODY_MAX];

	any_name(w, m.name);
	m.request = (enum command_type)(byte(w) % COMMAND_TYPE_COUNT);
	if (permit->due_count > 0 && byte(w) % 4) {
		m.request = permit->due[permit->first].request;
		memcpy(m.name, permit->due[permit->first].name, sizeof(m.name));
	}
	m.result = (int8_t)byte(w) * (byte(w) % 2 ? 1 : 0x1000000);
	m.key[0] = byte(w) % 16;
	m.port = byte(w);
	m.mark = byte(w);
	m.endpoint.addr.family = byte(w) % 3 == 0 ? IP_NONE : byte(w) % 2 ? IP_V4 : IP_V6;
	any_bytes(w, m.endpoint.addr.b, m.endpoint.addr.family == IP_V4 ? 4 : 16);
	m.endpoint.port = byte(w);
	m.text_bytes = byte(w);
	any_bytes(w, text, m.text_bytes);
	m.text = text;
	if (byte(w) == 1)
		m.fd_count = 1; /* its standard input */
	if (command_send(&w->worker, &m) < 0)
		abort();
}

static void say_bytes(struct world *w)
{
	uint8_t body[BODY_MAX] = { 0 };
	size_t n = byte(w);

	any_bytes(w, body, n);
	(void)!send(w->worker.fd, body, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* What it is told doesn't interest it; but it takes the descriptors. */
static void hear(struct world *w)
{
	struct command m;

	while (command_next(&w->worker, &m) > 0)
		command_clear(&m);
}

static bool run_step(struct world *w)
{
	uint8_t what = byte(w) % 8;
	int err;

	if (what < 3)
		tell_worker(w);
	else if (what < 7)
		say_message(w);
	else
		say_bytes(w);
	if (channel_write(&w->worker) < 0)
		return false;
	err = worker_child_dispatch(&w->keeper.worker);
	if (err && err != -EPROTO && err != -ENOTCONN)
		abort();
	if (!printable_is(w->keeper.worker.error_name))
		abort();
	hear(w);
	return !err && !w->ending.wanted;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC), after;
	struct world *w = malloc(sizeof(*w));

	if (!w || sodium_init() < 0)
		abort();
	close(before);
	begin(w, bytes, n);
	while (w->in.left_bytes > 0 && run_step(w))
		;
	end(w);
	free(w);
	after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(after);
	if (after != before)
		abort();
	return 0;
}
