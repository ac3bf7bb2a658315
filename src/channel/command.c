/* src/channel/command.c - turns a command into the body of a frame, and back
 *
 * The body contains the members that the command's type has, one after the other, in the
 * order of enum member. Text comes last, so its length need not be written. */
#include "channel/command.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ifname.h"
#include "base/reader.h"
#include "base/wire.h"
#include "channel/outbuf.h"

enum member {
	HAS_NAME = 1 << 0,
	HAS_KEY = 1 << 1,
	HAS_REQUEST = 1 << 2,
	HAS_RESULT = 1 << 3,
	HAS_PORT = 1 << 4,
	HAS_MARK = 1 << 5,
	HAS_ENDPOINT = 1 << 6,
	HAS_VIA = 1 << 7,
	HAS_SETTINGS = 1 << 8,
	HAS_ADDRESSES = 1 << 9,
	HAS_SERVERS = 1 << 10,
	HAS_TEXT = 1 << 11,
};

static const struct {
	const char *name;
	unsigned members;
	size_t fds_max;
} types[] = {
	[COMMAND_NONE] = { "none", 0, 0 },
	[COMMAND_TUN] = { "tun", HAS_NAME, 1 },
	[COMMAND_STAND_IN] = { "stand-in", HAS_TEXT, 1 },
	[COMMAND_RESOLVER] = { "resolver", HAS_PORT | HAS_ADDRESSES | HAS_TEXT, 0 },
	[COMMAND_OUTSIDE] = { "outside",
	                      HAS_RESULT | HAS_PORT | HAS_ENDPOINT | HAS_SERVERS, 2 },
	[COMMAND_HOST_NETWORKS] = { "host-networks", HAS_TEXT, 0 },
	[COMMAND_DEVICE_ADD] = { "device-add", HAS_NAME, 1 },
	[COMMAND_DEVICE_REMOVE] = { "device-remove", HAS_NAME, 0 },
	[COMMAND_DEVICE_SETTINGS] = { "device-settings",
	                              HAS_NAME | HAS_VIA | HAS_SETTINGS | HAS_ADDRESSES |
	                                      HAS_SERVERS | HAS_TEXT,
	                              0 },
	[COMMAND_DEVICE_SOCKETS] = { "device-sockets", HAS_NAME | HAS_PORT | HAS_MARK,
	                             2 },
	[COMMAND_SOCKETS_ANSWER] = { "sockets-answer",
	                             HAS_NAME | HAS_RESULT | HAS_PORT | HAS_MARK, 2 },
	[COMMAND_DEVICE_UAPI] = { "device-uapi", HAS_NAME | HAS_TEXT, 0 },
	[COMMAND_DEVICE_START] = { "device-start", HAS_NAME, 0 },
	[COMMAND_DEVICE_STOP] = { "device-stop", HAS_NAME, 0 },
	[COMMAND_PEER_VIA] = { "peer-via", HAS_NAME | HAS_KEY | HAS_VIA, 0 },
	[COMMAND_PEER_TRY] = { "peer-try", HAS_NAME | HAS_KEY, 0 },
	[COMMAND_NETWORK_CHANGED] = { "network-changed", 0, 0 },
	[COMMAND_STATUS] = { "status", 0, 0 },
	[COMMAND_REPLY] = { "reply", HAS_NAME | HAS_REQUEST | HAS_RESULT, 0 },
	[COMMAND_STATUS_TEXT] = { "status-text", HAS_TEXT, 0 },
	[COMMAND_ENDPOINT] = { "endpoint", HAS_NAME | HAS_KEY | HAS_ENDPOINT, 0 },
	[COMMAND_ENDPOINT_SET] = { "endpoint-set", HAS_NAME | HAS_KEY | HAS_ENDPOINT, 0 },
	[COMMAND_UNANSWERED] = { "unanswered", HAS_NAME | HAS_KEY | HAS_ENDPOINT, 0 },
	[COMMAND_PATH_NEWS] = { "path-news", 0, 0 },
	[COMMAND_PORT_WANTED] = { "port-wanted", HAS_NAME | HAS_PORT, 0 },
	[COMMAND_MARK_WANTED] = { "mark-wanted", HAS_NAME | HAS_MARK, 0 },
	[COMMAND_OUTSIDE_WANTED] = { "outside-wanted", HAS_PORT | HAS_SERVERS, 0 },
	[COMMAND_LOG] = { "log", HAS_RESULT | HAS_TEXT, 0 },
	[COMMAND_TUN_LOST] = { "tun-lost", HAS_NAME | HAS_RESULT, 0 },
};
_Static_assert(ARRAY_SIZE(types) == COMMAND_TYPE_COUNT, "members of each type");

struct wire_endpoint {
	uint8_t family;
	uint8_t addr[16];
	struct be16 port;
	struct be32 scope_id;
	struct be32 arrived_in;
};
_Static_assert(sizeof(struct wire_endpoint) == 27, "wire size");

struct wire_address {
	uint8_t family;
	uint8_t addr[16];
};
_Static_assert(sizeof(struct wire_address) == 17, "wire size");

struct wire_via {
	uint8_t kind;
	char name[IFNAME_MAX + 1]; /* filled with NUL */
};
_Static_assert(sizeof(struct wire_via) == 17, "wire size");

struct wire_settings {
	struct be32 mtu_bytes;
	struct be32 metric; /* two's complement */
	uint8_t has_metric, has_fwmark, table_off, left_out, own_tun, source_fix_off,
		gate, isolate_off;
	uint8_t source_check_off;
};
_Static_assert(sizeof(struct wire_settings) == 17, "wire size");

const char *command_type_name(enum command_type type)
{
	return type < COMMAND_TYPE_COUNT ? types[type].name : "?";
}

struct command command_of(enum command_type type, const char *name)
{
	struct command m = { .type = type };

	if (name)
		snprintf(m.name, sizeof(m.name), "%s", name);
	return m;
}

/* ---- writing */

static void put_u16(struct outbuf *o, uint16_t v)
{
	struct be16 wire = be16_put(v);

	outbuf_add(o, &wire, sizeof(wire));
}

static void put_u32(struct outbuf *o, uint32_t v)
{
	struct be32 wire = be32_put(v);

	outbuf_add(o, &wire, sizeof(wire));
}

/* Writes the name, filled with NUL. */
static void put_name(struct outbuf *o, const char *name)
{
	char wire[IFNAME_MAX + 1] = { 0 };

	memcpy(wire, name, strnlen(name, IFNAME_MAX));
	outbuf_add(o, wire, sizeof(wire));
}

static void put_endpoint(struct outbuf *o, const struct endpoint *e)
{
	struct wire_endpoint wire = { .family = e->addr.family,
		                      .port = be16_put(e->port),
		                      .scope_id = be32_put(e->scope_id),
		                      .arrived_in = be32_put(e->arrived_in) };

	memcpy(wire.addr, e->addr.b, sizeof(wire.addr));
	outbuf_add(o, &wire, sizeof(wire));
}

static void put_via(struct outbuf *o, const struct command *m)
{
	uint8_t kind = (uint8_t)m->via;

	outbuf_add(o, &kind, 1);
	put_name(o, m->via_name);
}

static void put_settings(struct outbuf *o, const struct command *m)
{
	struct wire_settings wire = { be32_put(m->settings.mtu_bytes),
		                      be32_put((uint32_t)m->settings.metric),
		                      m->settings.has_metric,
		                      m->settings.has_fwmark,
		                      m->settings.table_off,
		                      m->settings.left_out,
		                      m->settings.own_tun,
		                      m->settings.source_fix_off,
		                      m->settings.gate,
		                      m->settings.isolate_off,
		                      m->settings.source_check_off };

	outbuf_add(o, &wire, sizeof(wire));
}

/* Writes their number, and then each address. */
static void put_addresses(struct outbuf *o, const struct ip_addr *addresses, size_t n)
{
	put_u32(o, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		struct wire_address a = { .family = addresses[i].family };

		memcpy(a.addr, addresses[i].b, sizeof(a.addr));
		outbuf_add(o, &a, sizeof(a));
	}
}

static void put_members(struct outbuf *o, const struct command *m)
{
	unsigned members = types[m->type].members;

	if (members & HAS_NAME)
		put_name(o, m->name);
	if (members & HAS_KEY)
		outbuf_add(o, m->key, KEY_BYTES);
	if (members & HAS_REQUEST)
		put_u16(o, (uint16_t)m->request);
	if (members & HAS_RESULT)
		put_u32(o, (uint32_t)m->result);
	if (members & HAS_PORT)
		put_u16(o, m->port);
	if (members & HAS_MARK)
		put_u32(o, m->mark);
	if (members & HAS_ENDPOINT)
		put_endpoint(o, &m->endpoint);
	if (members & HAS_VIA)
		put_via(o, m);
	if (members & HAS_SETTINGS)
		put_settings(o, m);
	if (members & HAS_ADDRESSES)
		put_addresses(o, m->addresses, m->address_count);
	if (members & HAS_SERVERS)
		put_addresses(o, m->servers, m->server_count);
	if (members & HAS_TEXT)
		outbuf_add(o, m->text, m->text_bytes);
}

int command_send(struct channel *c, const struct command *m)
{
	struct outbuf body = { 0 };
	int err;

	put_members(&body, m);
	err = body.failed ? -ENOMEM
	                  : channel_send(c, (uint16_t)m->type, body.bytes + body.first,
	                                 outbuf_bytes(&body), m->fds, m->fd_count);
	outbuf_clear(&body);
	return err;
}

/* ---- reading */

static bool get_u16(struct reader *r, uint16_t *out)
{
	struct be16 wire;
	const void *at = reader_take(r, sizeof(wire));

	if (!at)
		return false;
	memcpy(&wire, at, sizeof(wire));
	*out = be16_get(wire);
	return true;
}

static bool get_u32(struct reader *r, uint32_t *out)
{
	struct be32 wire;
	const void *at = reader_take(r, sizeof(wire));

	if (!at)
		return false;
	memcpy(&wire, at, sizeof(wire));
	*out = be32_get(wire);
	return true;
}

/* Whoever gets a name may print it, because no other one comes through. */
static bool get_name(struct reader *r, char out[static IFNAME_MAX + 1])
{
	const char *at = reader_take(r, IFNAME_MAX + 1);

	if (!at || at[IFNAME_MAX])
		return false;
	memcpy(out, at, IFNAME_MAX + 1);
	return out[0] == '\0' || ifname_valid(out);
}

static bool get_addr(struct ip_addr *out, uint8_t family, const uint8_t bytes[static 16])
{
	if (family == IP_NONE)
		*out = (struct ip_addr){ 0 };
	else if (family == IP_V4 || family == IP_V6)
		*out = ip_addr_from_bytes(family == IP_V4 ? IP_V4 : IP_V6, bytes);
	else
		return false;
	return true;
}

static bool get_endpoint(struct reader *r, struct endpoint *out)
{
	struct wire_endpoint wire;
	const void *at = reader_take(r, sizeof(wire));

	if (!at)
		return false;
	memcpy(&wire, at, sizeof(wire));
	out->port = be16_get(wire.port);
	out->scope_id = be32_get(wire.scope_id);
	out->arrived_in = be32_get(wire.arrived_in);
	return get_addr(&out->addr, wire.family, wire.addr);
}

static bool get_via(struct reader *r, struct command *m)
{
	const uint8_t *kind = reader_take(r, 1);

	if (!kind || *kind > WAY_VIA_DEVICE)
		return false;
	m->via = (enum way_via) * kind;
	return get_name(r, m->via_name);
}

static bool get_addresses(struct reader *r, const struct ip_addr **out, size_t *count)
{
	struct ip_addr *addresses;
	uint32_t n;

	if (!get_u32(r, &n) || n > r->left_bytes / sizeof(struct wire_address))
		return false;
	addresses = calloc(n + 1U, sizeof(*addresses));
	if (!addresses)
		return false;
	*out = addresses;
	for (; *count < n; *count += 1) {
		struct wire_address wire;
		const void *at = reader_take(r, sizeof(wire));

		if (!at)
			return false;
		memcpy(&wire, at, sizeof(wire));
		if (!get_addr(&addresses[*count], wire.family, wire.addr))
			return false;
	}
	return true;
}

static bool get_settings(struct reader *r, struct command *m)
{
	struct wire_settings wire;
	const void *at = reader_take(r, sizeof(wire));

	if (!at)
		return false;
	memcpy(&wire, at, sizeof(wire));
	m->settings.mtu_bytes = be32_get(wire.mtu_bytes);
	m->settings.metric = (int32_t)be32_get(wire.metric);
	m->settings.has_metric = wire.has_metric != 0;
	m->settings.has_fwmark = wire.has_fwmark != 0;
	m->settings.table_off = wire.table_off != 0;
	m->settings.left_out = wire.left_out != 0;
	m->settings.own_tun = wire.own_tun != 0;
	m->settings.source_fix_off = wire.source_fix_off != 0;
	m->settings.gate = wire.gate != 0;
	m->settings.isolate_off = wire.isolate_off != 0;
	m->settings.source_check_off = wire.source_check_off != 0;
	return true;
}

static bool get_key(struct reader *r, uint8_t out[static KEY_BYTES])
{
	const void *at = reader_take(r, KEY_BYTES);

	if (at)
		memcpy(out, at, KEY_BYTES);
	return at != NULL;
}

static bool get_request(struct reader *r, enum command_type *out)
{
	uint16_t request;

	if (!get_u16(r, &request) || request >= COMMAND_TYPE_COUNT)
		return false;
	*out = (enum command_type)request;
	return true;
}

static bool get_result(struct reader *r, int32_t *out)
{
	uint32_t result;

	if (!get_u32(r, &result))
		return false;
	*out = (int32_t)result;
	return true;
}

static bool get_members(struct reader *r, struct command *m)
{
	unsigned members = types[m->type].members;

	if (((members & HAS_NAME) && !get_name(r, m->name)) ||
	    ((members & HAS_KEY) && !get_key(r, m->key)) ||
	    ((members & HAS_REQUEST) && !get_request(r, &m->request)) ||
	    ((members & HAS_RESULT) && !get_result(r, &m->result)) ||
	    ((members & HAS_PORT) && !get_u16(r, &m->port)) ||
	    ((members & HAS_MARK) && !get_u32(r, &m->mark)) ||
	    ((members & HAS_ENDPOINT) && !get_endpoint(r, &m->endpoint)) ||
	    ((members & HAS_VIA) && !get_via(r, m)) ||
	    ((members & HAS_SETTINGS) && !get_settings(r, m)) ||
	    ((members & HAS_ADDRESSES) &&
	     !get_addresses(r, &m->addresses, &m->address_count)) ||
	    ((members & HAS_SERVERS) && !get_addresses(r, &m->servers, &m->server_count)))
		return false;
	if (members & HAS_TEXT) {
		m->text_bytes = r->left_bytes;
		m->text = reader_take(r, r->left_bytes);
	}
	return r->left_bytes == 0;
}

bool command_parse(struct command *out, const struct frame *frame)
{
	struct reader r = reader_of(frame->body, frame->body_bytes);

	*out = (struct command){ 0 };
	if (frame->type == COMMAND_NONE || frame->type >= COMMAND_TYPE_COUNT ||
	    frame->fd_count > types[frame->type].fds_max)
		return false;
	out->type = (enum command_type)frame->type;
	if (!get_members(&r, out)) {
		command_clear(out);
		return false;
	}
	out->fd_count = frame->fd_count;
	memcpy(out->fds, frame->fds, sizeof(out->fds));
	return true;
}

int command_next(struct channel *c, struct command *out)
{
	struct frame frame;
	int got = channel_next(c, &frame);

	*out = (struct command){ 0 };
	if (got <= 0)
		return got;
	if (command_parse(out, &frame))
		return 1;
	frame_close_fds(&frame);
	return -EPROTO;
}

/* Frees addresses of a received message. The message owns them, although it points to
 * const. */
static void free_addresses(const struct ip_addr *addresses)
{
	free((void *)(uintptr_t)addresses);
}

void command_clear(struct command *m)
{
	for (size_t i = 0; i < m->fd_count; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	free_addresses(m->addresses);
	free_addresses(m->servers);
	*m = (struct command){ 0 };
}
