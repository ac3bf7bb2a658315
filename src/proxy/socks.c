/* src/proxy/socks.c - the bytes of each part are collected until the part is complete;
 * then a function looks at it and says which part is next */
#include "proxy/socks.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#define METHOD_NONE        0x00
#define METHOD_PASSWORD    0x02
#define METHOD_NO_ONE      0xff
#define AUTH_VERSION       1 /* RFC 1929 2 */
#define COMMAND_CONNECT    1
#define COMMAND_UDP        3
#define TYPE_IPV4          1
#define TYPE_NAME          3
#define TYPE_IPV6          4
#define SOCKS4_GRANTED     90
#define SOCKS4_REJECTED    91
#define SOCKS4_REPLY_BYTES 8
#define UDP_HEADER_FIXED   4

void socks_init(struct socks *s, const struct users *users)
{
	memset(s, 0, sizeof(*s));
	s->users = users;
	s->need = 1;
}

void socks_clear(struct socks *s)
{
	sodium_memzero(s, sizeof(*s));
}

/* The only function that changes the state. */
static enum socks_step next(struct socks *s, enum socks_state state, size_t need)
{
	s->state = state;
	s->need = need;
	s->have = 0;
	return SOCKS_MORE;
}

static enum socks_step end(struct socks *s)
{
	(void)next(s, SOCKS_IS_DONE, 0);
	return SOCKS_END;
}

static void reply2(struct socks *s, uint8_t version, uint8_t code)
{
	s->reply[0] = version;
	s->reply[1] = code;
	s->reply_n = 2;
}

static uint16_t port_at(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

static size_t put_endpoint(uint8_t *out, const struct endpoint *e)
{
	size_t n = ip_addr_bytes(&e->addr);

	out[0] = e->addr.family == IP_V6 ? TYPE_IPV6 : TYPE_IPV4;
	memcpy(out + 1, e->addr.b, n);
	out[1 + n] = (uint8_t)(e->port >> 8);
	out[2 + n] = (uint8_t)e->port;
	return n + 3;
}

void socks_answer(struct socks *s, enum socks_code code, const struct endpoint *bound)
{
	const struct endpoint none = { .addr = { .family = IP_V4 } };

	if (!bound || bound->addr.family == IP_NONE)
		bound = &none;
	memset(s->reply, 0, sizeof(s->reply));
	if (s->version == SOCKS4_VERSION) {
		s->reply[1] = code == SOCKS_SUCCEEDED ? SOCKS4_GRANTED : SOCKS4_REJECTED;
		s->reply_n = SOCKS4_REPLY_BYTES;
		return;
	}
	s->reply[0] = SOCKS5_VERSION;
	s->reply[1] = (uint8_t)code;
	s->reply_n = 3 + put_endpoint(s->reply + 3, bound);
}

enum socks_code socks_code_of(int err)
{
	switch (-err) {
	case 0:
		return SOCKS_SUCCEEDED;
	case ENETUNREACH:
	case EAFNOSUPPORT:
	case EADDRNOTAVAIL:
		return SOCKS_NETWORK_UNREACHABLE;
	case EHOSTUNREACH:
	case ETIMEDOUT:
	case ENOENT: /* there is no such name */
		return SOCKS_HOST_UNREACHABLE;
	case ECONNREFUSED:
		return SOCKS_REFUSED;
	case EACCES:
		return SOCKS_NOT_ALLOWED;
	default: /* these are the system's numbers, not ours */
		return SOCKS_FAILURE;
	}
}

static enum socks_step refuse(struct socks *s, enum socks_code code)
{
	socks_answer(s, code, NULL);
	return end(s);
}

static enum socks_step done(struct socks *s)
{
	(void)next(s, SOCKS_IS_DONE, 0);
	return SOCKS_REQUEST;
}

/* ---- SOCKS5 */

static enum socks_step at_version(struct socks *s)
{
	s->version = s->in[0];
	if (s->version == SOCKS5_VERSION)
		return next(s, SOCKS_AT_METHOD_COUNT, 1);
	if (s->version == SOCKS4_VERSION)
		return next(s, SOCKS_AT_REQUEST4, 7);
	return end(s);
}

static enum socks_step at_methods(struct socks *s)
{
	uint8_t wanted = s->users ? METHOD_PASSWORD : METHOD_NONE;

	if (!memchr(s->in, wanted, s->have)) {
		reply2(s, SOCKS5_VERSION, METHOD_NO_ONE);
		return end(s);
	}
	reply2(s, SOCKS5_VERSION, wanted);
	if (s->users)
		(void)next(s, SOCKS_AT_USER_LENGTH, 2);
	else
		(void)next(s, SOCKS_AT_REQUEST, 4);
	return SOCKS_ANSWER;
}

static enum socks_step at_password(struct socks *s)
{
	bool ok = users_check(s->users, s->user, s->user_n, s->in, s->have);

	sodium_memzero(s->in, sizeof(s->in));
	reply2(s, AUTH_VERSION, ok ? 0 : 1);
	if (!ok)
		return end(s);
	(void)next(s, SOCKS_AT_REQUEST, 4);
	return SOCKS_ANSWER;
}

/* The last byte is the length of the password. */
static enum socks_step at_user(struct socks *s)
{
	uint8_t password_n = s->in[s->have - 1];

	s->user_n = s->have - 1;
	memcpy(s->user, s->in, s->user_n);
	(void)next(s, SOCKS_AT_PASSWORD, password_n);
	return password_n == 0 ? at_password(s) : SOCKS_MORE;
}

static enum socks_step at_request(struct socks *s)
{
	uint8_t command = s->in[1];

	if (s->in[0] != SOCKS5_VERSION)
		return end(s);
	if (command != COMMAND_CONNECT && command != COMMAND_UDP)
		return refuse(s, SOCKS_NO_SUCH_COMMAND);
	s->command = command == COMMAND_UDP ? SOCKS_UDP_ASSOCIATE : SOCKS_CONNECT;
	s->address_type = s->in[3];
	switch (s->address_type) {
	case TYPE_IPV4:
		return next(s, SOCKS_AT_ADDRESS, 4 + 2);
	case TYPE_IPV6:
		return next(s, SOCKS_AT_ADDRESS, 16 + 2);
	case TYPE_NAME:
		return next(s, SOCKS_AT_NAME_LENGTH, 1);
	default:
		return refuse(s, SOCKS_NO_SUCH_ADDRESS_TYPE);
	}
}

/* Reads an address of this type that has n bytes. */
static bool take_address(struct destination *d, uint8_t type, const uint8_t *bytes,
                         size_t n)
{
	*d = (struct destination){ 0 };
	if (type == TYPE_NAME)
		return destination_set_host(d, (const char *)bytes, n);
	d->addr = ip_addr_from_bytes(type == TYPE_IPV6 ? IP_V6 : IP_V4, bytes);
	return true;
}

/* A client that associates may say 0.0.0.0:0: it doesn't know its address yet. */
static enum socks_step at_address(struct socks *s)
{
	size_t n = s->have - 2;

	if (!take_address(&s->destination, s->address_type, s->in, n))
		return refuse(s, SOCKS_HOST_UNREACHABLE);
	s->destination.port = port_at(s->in + n);
	if (s->destination.port == 0 && s->command == SOCKS_CONNECT)
		return refuse(s, SOCKS_REFUSED);
	return done(s);
}

/* ---- SOCKS4 and 4a */

static enum socks_step at_request4(struct socks *s)
{
	const uint8_t *addr = s->in + 3;

	s->destination = (struct destination){ .port = port_at(s->in + 1) };
	/* its user is only a name, without any proof */
	if (s->users || s->in[0] != COMMAND_CONNECT || s->destination.port == 0)
		return refuse(s, SOCKS_NOT_ALLOWED);
	s->command = SOCKS_CONNECT;
	/* 0.0.0.x: a name follows */
	s->address_type = TYPE_IPV4;
	if (addr[0] == 0 && addr[1] == 0 && addr[2] == 0 && addr[3] != 0)
		s->address_type = TYPE_NAME;
	else
		s->destination.addr = ip_addr_from_bytes(IP_V4, addr);
	return next(s, SOCKS_AT_USER4, SOCKS_INPUT_MAX);
}

static enum socks_step at_name4(struct socks *s)
{
	uint16_t port = s->destination.port;

	if (!take_address(&s->destination, TYPE_NAME, s->in, s->have - 1))
		return refuse(s, SOCKS_HOST_UNREACHABLE);
	s->destination.port = port;
	return done(s);
}

/* ---- all */

static enum socks_step part_complete(struct socks *s)
{
	bool zero = s->in[s->have - 1] == 0; /* the last byte */

	switch (s->state) {
	case SOCKS_AT_VERSION:
		return at_version(s);
	case SOCKS_AT_METHOD_COUNT:
		return zero ? end(s) : next(s, SOCKS_AT_METHODS, s->in[0]);
	case SOCKS_AT_METHODS:
		return at_methods(s);
	case SOCKS_AT_USER_LENGTH:
		if (s->in[0] != AUTH_VERSION)
			return end(s);
		return next(s, SOCKS_AT_USER, (size_t)s->in[1] + 1);
	case SOCKS_AT_USER:
		return at_user(s);
	case SOCKS_AT_PASSWORD:
		return at_password(s);
	case SOCKS_AT_REQUEST:
		return at_request(s);
	case SOCKS_AT_NAME_LENGTH:
		return next(s, SOCKS_AT_ADDRESS, (size_t)s->in[0] + 2);
	case SOCKS_AT_ADDRESS:
		return at_address(s);
	case SOCKS_AT_REQUEST4:
		return at_request4(s);
	case SOCKS_AT_USER4:
		if (!zero) /* too long */
			return refuse(s, SOCKS_NOT_ALLOWED);
		return s->address_type == TYPE_NAME
		               ? next(s, SOCKS_AT_NAME4, SOCKS_INPUT_MAX)
		               : done(s);
	case SOCKS_AT_NAME4:
		return zero ? at_name4(s) : refuse(s, SOCKS_NOT_ALLOWED);
	case SOCKS_IS_DONE:
		break;
	}
	return SOCKS_END;
}

enum socks_step socks_feed(struct socks *s, const uint8_t *bytes, size_t n, size_t *taken)
{
	*taken = 0;
	s->reply_n = 0;
	while (*taken < n && s->state != SOCKS_IS_DONE) {
		uint8_t byte = bytes[(*taken)++];
		bool text = s->state == SOCKS_AT_USER4 || s->state == SOCKS_AT_NAME4;
		enum socks_step step = SOCKS_MORE;

		s->in[s->have++] = byte;
		if (s->have == s->need || (text && byte == 0))
			step = part_complete(s);
		if (step != SOCKS_MORE)
			return step;
	}
	return s->state == SOCKS_IS_DONE ? SOCKS_END : SOCKS_MORE;
}

/* ---- datagrams */

size_t socks_udp_read(struct destination *out, const uint8_t *bytes, size_t n)
{
	size_t at = UDP_HEADER_FIXED, length;

	if (n < UDP_HEADER_FIXED + 1 || bytes[2] != 0)
		return 0;
	switch (bytes[3]) {
	case TYPE_IPV4:
		length = 4;
		break;
	case TYPE_IPV6:
		length = 16;
		break;
	case TYPE_NAME:
		length = bytes[at++];
		break;
	default:
		return 0;
	}
	if (n - at < length + 2 || !take_address(out, bytes[3], bytes + at, length))
		return 0;
	out->port = port_at(bytes + at + length);
	return out->port ? at + length + 2 : 0;
}

size_t socks_udp_write(uint8_t out[static SOCKS_UDP_HEADER_MAX],
                       const struct endpoint *from)
{
	memset(out, 0, UDP_HEADER_FIXED);
	return 3 + put_endpoint(out + 3, from);
}
