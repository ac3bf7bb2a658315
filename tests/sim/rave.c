/* tests/sim/rave.c - valid messages are made by a channel of their own, whose frames are sent
 * at once; it only borrows the descriptor */
#include "rave.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cmsg.h"
#include "channel/command.h"
#include "unit.h"

struct raver {
	int fd;
	uint64_t random;
	const struct fake_device *device; /* borrowed; NULL: none */
	uint8_t text[COMMAND_TEXT_MAX];
};

static unsigned below(struct raver *r, unsigned n)
{
	return (unsigned)(unit_random(&r->random) % n);
}

static void fill(struct raver *r, void *out, size_t n)
{
	uint8_t *at = out;

	for (size_t i = 0; i < n; i++)
		at[i] = (uint8_t)unit_random(&r->random);
}

static int32_t any_result(struct raver *r)
{
	static const int32_t results[] = { 0,     0,         0,        0,    -1,
		                           -4,    -12,       -71,      -107, -110,
		                           -4095, INT32_MIN, INT32_MAX };

	return results[below(r, ARRAY_SIZE(results))];
}

static void any_name(struct raver *r, char out[static IFNAME_MAX + 1])
{
	static const char *const names[] = { "", "a", "../../x", "\033[2J\n<0>",
		                             "nobody" };

	snprintf(out, IFNAME_MAX + 1, "%s", names[below(r, ARRAY_SIZE(names))]);
	if (r->device && below(r, 3))
		snprintf(out, IFNAME_MAX + 1, "%s", r->device->name);
}

static void any_endpoint(struct raver *r, struct endpoint *out)
{
	static const char *const endpoints[] = {
		"0.0.0.0:0",   "127.0.0.1:53", "224.0.0.1:1", "255.255.255.255:1",
		"[::]:0",      "[::1]:1",      "[ff02::1]:1", "[fe80::1%4294967295]:1",
		"192.0.2.1:1", "172.16.1.1:2", "10.0.0.1:1",  "[2001:db8::1]:1"
	};

	if (below(r, 8) == 0 ||
	    !endpoint_parse(out, endpoints[below(r, ARRAY_SIZE(endpoints))]))
		*out = (struct endpoint){ .addr.family = IP_NONE };
}

static void any_text(struct raver *r, struct command *m)
{
	static const char *const texts[] = {
		"",
		"{",
		"{}",
		"{ \"devices\": [] }",
		"{ \"pid\": 1, \"tun\": \"\\u001b[2J\" }",
		"\n<0>another line\033[2J",
		"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
	};
	const char *text = texts[below(r, ARRAY_SIZE(texts))];

	m->text = text;
	m->text_bytes = strlen(text);
	if (below(r, 6))
		return;
	m->text = r->text;
	m->text_bytes = below(r, COMMAND_TEXT_MAX);
	fill(r, r->text, m->text_bytes);
}

static void any_key(struct raver *r, uint8_t out[static KEY_BYTES])
{
	if (r->device && r->device->peer_count > 0 && below(r, 4))
		memcpy(out,
		       r->device->peers[below(r, (unsigned)r->device->peer_count)].key,
		       KEY_BYTES);
	else
		fill(r, out, KEY_BYTES);
}

/* TUN_LOST isn't said: it ends the instance. */
static enum command_type any_type(struct raver *r)
{
	static const enum command_type types[] = {
		COMMAND_ENDPOINT,    COMMAND_ENDPOINT,    COMMAND_ENDPOINT,
		COMMAND_ENDPOINT,    COMMAND_UNANSWERED,  COMMAND_UNANSWERED,
		COMMAND_PATH_NEWS,   COMMAND_LOG,         COMMAND_LOG,
		COMMAND_PORT_WANTED, COMMAND_MARK_WANTED, COMMAND_ENDPOINT_SET,
	};

	if (below(r, 60) > 0)
		return types[below(r, ARRAY_SIZE(types))];
	return (enum command_type)(1 + below(r, COMMAND_TUN_LOST - 1));
}

static void say_something(struct raver *r)
{
	struct command m = { .type = any_type(r) };
	struct channel c = { .fd = r->fd };

	any_name(r, m.name);
	any_key(r, m.key);
	any_endpoint(r, &m.endpoint);
	any_text(r, &m);
	m.request = (enum command_type)below(r, COMMAND_TYPE_COUNT);
	m.result = any_result(r);
	m.port = below(r, 2) ? 0 : (uint16_t)(40000 + below(r, 5));
	m.mark = below(r, 3) ? 0 : UINT32_MAX;
	if (below(r, 60) == 0)
		m.fd_count = 1 + below(r, 2);
	if (command_send(&c, &m) < 0)
		return;
	(void)!channel_write(&c);
	c.fd = -1; /* borrowed */
	channel_clear(&c);
}

/* A frame of any type and length, with or without the descriptors that its header promises. */
static void say_nonsense(struct raver *r)
{
	struct frame_header h = { be16_put((uint16_t)below(r, COMMAND_TYPE_COUNT + 2)),
		                  be16_put((uint16_t)below(r, 3)) };
	struct iovec iov[] = { { &h, below(r, sizeof(h) + 1) }, { r->text, 0 } };
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(int) * 8)];
	} control = { 0 };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	size_t fds = below(r, 9);

	iov[1].iov_len = below(r, 2) ? below(r, 60) : below(r, sizeof(r->text));
	fill(r, r->text, iov[1].iov_len);
	if (fds > 0) {
		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE_BYTES(sizeof(int) * fds);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_BYTES(sizeof(int) * fds);
	}
	(void)!sendmsg(r->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void rave(int channel_fd, uint64_t seed, unsigned n, const struct fake_device *device)
{
	struct raver r = { .fd = channel_fd, .random = seed, .device = device };

	for (unsigned i = 0; i < n; i++) {
		if (below(&r, 60) == 0)
			say_nonsense(&r);
		else
			say_something(&r);
	}
}
