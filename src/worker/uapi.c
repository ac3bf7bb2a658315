/* src/worker/uapi.c - carries out requests line by line
 *
 * A line is collected in u->line, its key is looked up in the table of its section, and
 * it is carried out. A peer that doesn't exist is made by the first of its lines that
 * says something about it, so that "update_only" and "remove" don't make one. Its
 * keepalive is set after the peer's last line, because turning it on sends a packet.
 * Allowed IPs that are replaced are removed then, too: lines arrive in pieces, and between
 * two of them there are packets for those that the request names again. */
#include "worker/uapi.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "wg/device.h"

/* A line while it is carried out. */
struct uapi_line {
	struct uapi *uapi;
	const char *value;
	uint64_t now_ns;
};

struct uapi_key {
	const char *name;
	int (*apply)(const struct uapi_line *line);
};

/* ---- values */

static bool is_true(const char *value)
{
	return strcmp(value, "true") == 0;
}

/* Accepts only decimal digits. */
static bool number(const char *value, uint32_t max, uint32_t *out)
{
	uint64_t v = 0;

	if (!*value)
		return false;
	for (const char *c = value; *c; c++) {
		if (*c < '0' || *c > '9')
			return false;
		v = 10 * v + (uint64_t)(*c - '0');
		if (v > max)
			return false;
	}
	*out = (uint32_t)v;
	return true;
}

static bool key(const char *value, uint8_t out[static KEY_BYTES])
{
	return key_from_hex(out, value, strlen(value));
}

/* ---- the peer that the lines are about */

/* Returns NULL if somebody else has removed the peer meanwhile. */
static struct wg_peer *find_peer(const struct uapi *u)
{
	return wg_device_find_peer(device_wg(u->device), u->public_key);
}

/* Returns the peer, and makes it if necessary. If the result is 0 and *out is NULL, there
 * is no peer to change. */
static int want_peer(struct uapi *u, struct wg_peer **out)
{
	int err;

	*out = NULL;
	if (u->state == UAPI_NO_PEER)
		return 0;
	if (!u->create) {
		*out = find_peer(u);
		return 0;
	}
	err = wg_device_add_peer(device_wg(u->device), u->public_key, out);
	if (err && err != -EEXIST)
		return err;
	if (err == -EEXIST)
		*out = find_peer(u);
	u->create = false;
	u->changed = true;
	return 0;
}

static void touch(struct uapi *u)
{
	if (u->changed)
		engine_touch(u->device);
	u->changed = false;
}

/* Tells the engine of added prefixes if it is time to. */
static void touch_in_time(struct uapi *u)
{
	bool goes_on = u->state == UAPI_PEER || u->state == UAPI_DEVICE;

	if (u->untold > 0 && (!goes_on || u->untold >= u->told))
		u->changed = true;
	if (u->changed) {
		u->told += u->untold;
		u->untold = 0;
	}
	if (!goes_on)
		u->told = 0;
	touch(u);
}

/* All of its allowed_ip lines have come. */
static void finish_replacing(struct uapi *u)
{
	struct wg_peer *peer = u->replacing ? find_peer(u) : NULL;

	if (peer && wg_peer_remove_old_allowed_ips(peer))
		u->changed = true;
	u->replacing = false;
}

/* The lines of a peer, or the whole request, are complete. A peer about which only its
 * key was said is made here. */
static int finish_peer(struct uapi *u, uint64_t now_ns)
{
	struct wg_peer *peer;
	int err;

	if (u->state != UAPI_PEER)
		return 0;
	err = want_peer(u, &peer);
	finish_replacing(u);
	if (!err && peer && u->keepalive_given) {
		touch(u);
		wg_peer_set_keepalive(peer, u->keepalive_s, now_ns);
	}
	u->keepalive_given = false;
	u->create = false;
	return err;
}

/* ---- lines of the device */

static int apply_private_key(const struct uapi_line *l)
{
	struct wg_device *wg = device_wg(l->uapi->device);
	uint8_t new_key[KEY_BYTES], old_key[KEY_BYTES];
	bool valid = key(l->value, new_key);

	/* `wg syncconf` always sends the key. If it is the same key, the sessions must
	 * not end. */
	if (valid && !key_is_zero(new_key)) {
		new_key[0] &= 248;
		new_key[31] = (uint8_t)((new_key[31] & 127) | 64);
	}
	wg_device_private_key(wg, old_key);
	if (valid && sodium_memcmp(new_key, old_key, KEY_BYTES) != 0) {
		wg_device_set_private_key(wg, new_key);
		l->uapi->changed = true;
	}
	sodium_memzero(new_key, sizeof(new_key));
	sodium_memzero(old_key, sizeof(old_key));
	return valid ? 0 : -EINVAL;
}

static int apply_listen_port(const struct uapi_line *l)
{
	const struct uapi_host *host = l->uapi->host;
	uint32_t port;

	if (!number(l->value, UINT16_MAX, &port))
		return -EINVAL;
	if (port && port == device_port(l->uapi->device))
		return 0;
	if (!host->set_port)
		return -EOPNOTSUPP;
	return host->set_port(host->context, l->uapi->device, (uint16_t)port);
}

static int apply_fwmark(const struct uapi_line *l)
{
	const struct uapi_host *host = l->uapi->host;
	uint32_t mark;

	if (!number(l->value, UINT32_MAX, &mark))
		return -EINVAL;
	if (!host->set_fwmark)
		return -EOPNOTSUPP;
	return host->set_fwmark(host->context, l->uapi->device, mark);
}

static int apply_replace_peers(const struct uapi_line *l)
{
	struct wg_device *wg = device_wg(l->uapi->device);

	if (!is_true(l->value))
		return -EINVAL;
	for (struct wg_peer *p; (p = wg_device_first_peer(wg)) != NULL;)
		wg_device_remove_peer(p);
	l->uapi->changed = true;
	return 0;
}

static int apply_public_key(const struct uapi_line *l)
{
	struct uapi *u = l->uapi;
	const uint8_t *own = wg_device_public_key(device_wg(u->device));
	int err = finish_peer(u, l->now_ns);

	u->state = UAPI_NO_PEER;
	if (err)
		return err;
	if (!key(l->value, u->public_key))
		return -EINVAL;
	if (wg_device_has_private_key(device_wg(u->device)) &&
	    memcmp(own, u->public_key, KEY_BYTES) == 0)
		return 0; /* the device itself: no peer and no error, as in the kernel */
	u->state = UAPI_PEER;
	u->create = !find_peer(u);
	return 0;
}

static const struct uapi_key device_keys[] = {
	{ "private_key", apply_private_key }, { "listen_port", apply_listen_port },
	{ "fwmark", apply_fwmark },           { "replace_peers", apply_replace_peers },
	{ "public_key", apply_public_key },
};

/* ---- lines of a peer */

static int apply_update_only(const struct uapi_line *l)
{
	if (!is_true(l->value))
		return -EINVAL;
	if (l->uapi->state == UAPI_PEER && l->uapi->create)
		l->uapi->state = UAPI_NO_PEER;
	return 0;
}

static int apply_remove(const struct uapi_line *l)
{
	struct uapi *u = l->uapi;
	struct wg_peer *peer;

	if (!is_true(l->value))
		return -EINVAL;
	peer = u->state == UAPI_PEER && !u->create ? find_peer(u) : NULL;
	if (peer) {
		wg_device_remove_peer(peer);
		u->changed = true;
	}
	u->state = UAPI_NO_PEER;
	u->keepalive_given = false;
	u->replacing = false;
	return 0;
}

static int apply_preshared_key(const struct uapi_line *l)
{
	uint8_t psk[KEY_BYTES];
	struct wg_peer *peer = NULL;
	int err = key(l->value, psk) ? 0 : -EINVAL;

	if (!err)
		err = want_peer(l->uapi, &peer);
	if (!err && peer)
		wg_peer_set_preshared_key(peer, psk);
	sodium_memzero(psk, sizeof(psk));
	return err;
}

static uint32_t interface_index(void *context, const char *name)
{
	const struct uapi *u = context;

	return u->host->interface ? u->host->interface(u->host->context, u->device, name)
	                          : 0;
}

static int apply_endpoint(const struct uapi_line *l)
{
	const struct zones zones = { interface_index, l->uapi };
	const struct uapi_host *host = l->uapi->host;
	struct endpoint e, before;
	struct wg_peer *peer;
	bool moved;
	int err;

	if (!endpoint_parse_in(&e, l->value, &zones))
		return -EINVAL;
	err = want_peer(l->uapi, &peer);
	if (err || !peer)
		return err;
	/* `wg syncconf` always sends it, too */
	before = *wg_peer_endpoint(peer);
	moved = wg_peer_by_arrival(peer) || !endpoint_equal(&before, &e);
	wg_peer_set_endpoint(peer, &e);
	l->uapi->changed = true;
	if (moved && host->endpoint_set)
		host->endpoint_set(host->context, l->uapi->device, peer, &before);
	return 0;
}

/* tunion's own: is the peer answered by the way that its messages come (design R8)? The
 * supervisor says so of a peer that has roamed and has no Endpoint, and says no of one
 * whose Endpoint is a name that isn't resolved yet. */
static int apply_by_arrival(const struct uapi_line *l)
{
	struct wg_peer *peer;
	int err;

	if (!is_true(l->value) && strcmp(l->value, "false") != 0)
		return -EINVAL;
	err = want_peer(l->uapi, &peer);
	if (err || !peer)
		return err;
	wg_peer_set_by_arrival(peer, is_true(l->value));
	l->uapi->changed = true;
	return 0;
}

static int apply_keepalive(const struct uapi_line *l)
{
	uint32_t seconds;

	if (!number(l->value, UINT16_MAX, &seconds))
		return -EINVAL;
	l->uapi->keepalive_given = true;
	l->uapi->keepalive_s = (uint16_t)seconds;
	return 0;
}

static int apply_replace_allowed_ips(const struct uapi_line *l)
{
	struct wg_peer *peer;
	int err;

	if (!is_true(l->value))
		return -EINVAL;
	err = want_peer(l->uapi, &peer);
	if (err || !peer)
		return err;
	wg_peer_age_allowed_ips(peer);
	l->uapi->replacing = true;
	return 0;
}

/* "-PREFIX" removes it, which newer versions of wg use. */
static int apply_allowed_ip(const struct uapi_line *l)
{
	bool removes = l->value[0] == '-';
	struct wg_peer *peer;
	struct ip_prefix p;
	int err;

	if (!ip_prefix_parse(&p, l->value + removes))
		return -EINVAL;
	err = want_peer(l->uapi, &peer);
	if (err || !peer)
		return err;
	if (!removes) {
		l->uapi->untold++;
		return wg_peer_add_allowed_ip(peer, p);
	}
	l->uapi->changed = true;
	wg_peer_remove_allowed_ip(peer, p);
	return 0;
}

static int apply_protocol_version(const struct uapi_line *l)
{
	return strcmp(l->value, "1") == 0 ? 0 : -EINVAL;
}

static const struct uapi_key peer_keys[] = {
	{ "allowed_ip", apply_allowed_ip },
	{ "public_key", apply_public_key },
	{ "update_only", apply_update_only },
	{ "remove", apply_remove },
	{ "preshared_key", apply_preshared_key },
	{ "endpoint", apply_endpoint },
	{ "tunion_by_arrival", apply_by_arrival },
	{ "persistent_keepalive_interval", apply_keepalive },
	{ "replace_allowed_ips", apply_replace_allowed_ips },
	{ "protocol_version", apply_protocol_version },
};

/* ---- get */

static bool print_allowed_ip(void *context, const struct ip_prefix *p)
{
	char text[IP_PREFIX_STRLEN];

	outbuf_print(context, "allowed_ip=%s\n", ip_prefix_format(p, text));
	return true;
}

/* Prints in the same order as wireguard-go. */
static void print_peer(struct outbuf *out, const struct wg_peer *p, uint64_t now_ns)
{
	const struct endpoint *e = wg_peer_endpoint(p);
	uint8_t psk[KEY_BYTES];
	char text[ENDPOINT_STRLEN];
	struct wg_peer_stats stats;

	wg_peer_stats(p, &stats, now_ns);
	wg_peer_preshared_key(p, psk);
	outbuf_print_key(out, "public_key", wg_peer_public_key(p));
	outbuf_print_key(out, "preshared_key", psk);
	sodium_memzero(psk, sizeof(psk));
	outbuf_print(out, "protocol_version=1\n");
	if (e->addr.family != IP_NONE)
		outbuf_print(out, "endpoint=%s\n", endpoint_format(e, text));
	outbuf_print(out,
	             "last_handshake_time_sec=%" PRIu64
	             "\nlast_handshake_time_nsec=%" PRIu64 "\ntx_bytes=%" PRIu64
	             "\nrx_bytes=%" PRIu64 "\npersistent_keepalive_interval=%u\n",
	             stats.last_handshake_ns / NS_PER_SEC,
	             stats.last_handshake_ns % NS_PER_SEC, stats.tx_bytes, stats.rx_bytes,
	             (unsigned)wg_peer_keepalive(p));
	wg_peer_walk_allowed_ips(p, print_allowed_ip, out);
}

void uapi_get(const struct device *device, const struct uapi_host *host,
              struct outbuf *out, uint64_t now_ns)
{
	const struct wg_device *wg = device_wg(device);
	uint32_t fwmark = host->fwmark ? host->fwmark(host->context, device) : 0;
	uint8_t private_key[KEY_BYTES];

	if (wg_device_has_private_key(wg)) {
		wg_device_private_key(wg, private_key);
		outbuf_print_key(out, "private_key", private_key);
		sodium_memzero(private_key, sizeof(private_key));
	}
	if (device_port(device))
		outbuf_print(out, "listen_port=%u\n", (unsigned)device_port(device));
	if (fwmark)
		outbuf_print(out, "fwmark=%" PRIu32 "\n", fwmark);
	for (const struct wg_peer *p = wg_device_first_peer(wg); p; p = wg_peer_next(p))
		print_peer(out, p, now_ns);
	outbuf_print(out, "errno=0\n\n");
}

/* ---- lines */

static void answer(struct outbuf *out, int result)
{
	outbuf_print(out, "errno=%d\n\n", result);
}

/* A line was wrong: answers now, and ignores the rest of the request. */
static void fail(struct uapi *u, int err, struct outbuf *out, uint64_t now_ns)
{
	(void)!finish_peer(u, now_ns); /* the first error counts */
	u->state = UAPI_SKIP;
	answer(out, err);
}

static void set_line(struct uapi *u, struct outbuf *out, uint64_t now_ns)
{
	bool device = u->state == UAPI_DEVICE;
	const struct uapi_key *keys = device ? device_keys : peer_keys;
	size_t n = device ? ARRAY_SIZE(device_keys) : ARRAY_SIZE(peer_keys);
	char *equals = strchr(u->line, '=');
	int err = equals ? -EINVAL : -EPROTO;

	if (equals)
		*equals = '\0';
	for (size_t i = 0; equals && i < n; i++) {
		struct uapi_line line = { u, equals + 1, now_ns };

		if (strcmp(u->line, keys[i].name) == 0) {
			err = keys[i].apply(&line);
			break;
		}
	}
	if (err == -EINPROGRESS)
		u->state = UAPI_WAITING; /* after listen_port or fwmark of the device */
	else if (err)
		fail(u, err, out, now_ns);
}

static void end_of_set(struct uapi *u, struct outbuf *out, uint64_t now_ns)
{
	int err = finish_peer(u, now_ns);

	u->state = UAPI_OPERATION;
	answer(out, err);
}

static void operation(struct uapi *u)
{
	if (strcmp(u->line, "get=1") == 0)
		u->state = UAPI_GET;
	else if (strcmp(u->line, "set=1") == 0)
		u->state = UAPI_DEVICE;
	else
		u->state = UAPI_CLOSED;
}

/* u->line is complete; it doesn't contain the newline. */
static void take_line(struct uapi *u, struct outbuf *out, uint64_t now_ns)
{
	bool empty = u->line[0] == '\0';

	switch (u->state) {
	case UAPI_OPERATION:
		operation(u);
		break;
	case UAPI_GET:
		if (empty) {
			u->state = UAPI_OPERATION;
			uapi_get(u->device, u->host, out, now_ns);
		} else {
			fail(u, -EINVAL, out, now_ns);
		}
		break;
	case UAPI_DEVICE:
	case UAPI_PEER:
	case UAPI_NO_PEER:
		if (empty)
			end_of_set(u, out, now_ns);
		else
			set_line(u, out, now_ns);
		break;
	case UAPI_SKIP:
		if (empty)
			u->state = UAPI_OPERATION;
		break;
	case UAPI_WAITING:
	case UAPI_CLOSED:
	case UAPI_STATE_COUNT:
		break;
	}
}

/* The line is too long or contains a NUL, so it can't be part of a request. */
static void bad_line(struct uapi *u, struct outbuf *out, uint64_t now_ns)
{
	if (u->state == UAPI_OPERATION)
		u->state = UAPI_CLOSED;
	else if (u->state != UAPI_SKIP)
		fail(u, -EPROTO, out, now_ns);
}

static void take_byte(struct uapi *u, char byte, struct outbuf *out, uint64_t now_ns)
{
	if (byte == '\n') {
		u->line[u->line_bytes] = '\0';
		take_line(u, out, now_ns);
		sodium_memzero(u->line, u->line_bytes);
		u->line_bytes = 0;
	} else if (byte == '\0' || u->line_bytes == UAPI_LINE_MAX) {
		bad_line(u, out, now_ns);
		u->line_bytes = 1; /* in UAPI_SKIP, this is a line that isn't empty */
		u->line[0] = '?';
	} else {
		u->line[u->line_bytes++] = byte;
	}
}

size_t uapi_feed(struct uapi *u, const void *bytes, size_t n, struct outbuf *out,
                 uint64_t now_ns)
{
	const char *at = bytes;
	size_t taken = 0;

	while (taken < n && u->state != UAPI_WAITING && u->state != UAPI_CLOSED)
		take_byte(u, at[taken++], out, now_ns);
	touch_in_time(u);
	return taken;
}

void uapi_resume(struct uapi *u, int result, struct outbuf *out, uint64_t now_ns)
{
	u->state = UAPI_DEVICE;
	if (result)
		fail(u, result, out, now_ns);
}

void uapi_init(struct uapi *u, struct device *device, const struct uapi_host *host)
{
	*u = (struct uapi){ .device = device, .host = host };
}

void uapi_clear(struct uapi *u)
{
	finish_replacing(u);
	if (u->untold > 0 || u->changed) /* it has hung up within a set */
		engine_touch(u->device);
	sodium_memzero(u, sizeof(*u));
}
