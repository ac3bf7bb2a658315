#include "base/ifname.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel/command.h"

static void pair(struct channel *a, struct channel *b)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	ck_assert_int_eq(channel_init(a, fds[0]), 0);
	ck_assert_int_eq(channel_init(b, fds[1]), 0);
}

/* Sends it and gives back what arrives. Both stay open as long as the message is used. */
static void round_trip(struct channel *a, struct channel *b, const struct command *m,
                       struct command *got)
{
	ck_assert_int_eq(command_send(a, m), 0);
	ck_assert_int_eq(channel_write(a), 0);
	ck_assert_int_eq(command_next(b, got), 1);
	ck_assert_int_eq(got->type, m->type);
}

START_TEST(settings_and_addresses)
{
	struct ip_addr addresses[2];
	struct command m = command_of(COMMAND_DEVICE_SETTINGS, "home"), got;
	struct channel a, b;

	ck_assert(ip_addr_parse(&addresses[0], "10.1.2.3"));
	ck_assert(ip_addr_parse(&addresses[1], "fd00::1"));
	m.settings.mtu_bytes = 1340;
	m.settings.metric = -5;
	m.settings.has_metric = m.settings.has_fwmark = true;
	m.settings.left_out = m.settings.own_tun = true;
	m.settings.table_off = m.settings.gate = m.settings.isolate_off = true;
	m.settings.source_check_off = true;
	m.via = WAY_VIA_DEVICE;
	snprintf(m.via_name, sizeof(m.via_name), "vpn");
	m.addresses = addresses;
	m.address_count = 2;
	m.servers = &addresses[1];
	m.server_count = 1;
	m.text = "lan\nexample.org\n";
	m.text_bytes = 16;
	pair(&a, &b);
	round_trip(&a, &b, &m, &got);
	ck_assert_str_eq(got.name, "home");
	ck_assert_uint_eq(got.settings.mtu_bytes, 1340);
	ck_assert_int_eq(got.settings.metric, -5);
	ck_assert(got.settings.left_out);
	ck_assert(got.settings.has_metric && got.settings.has_fwmark);
	ck_assert(got.settings.table_off && !got.settings.source_fix_off);
	ck_assert(got.settings.gate && got.settings.isolate_off && got.settings.own_tun);
	ck_assert(got.settings.source_check_off);
	ck_assert_int_eq(got.via, WAY_VIA_DEVICE);
	ck_assert_str_eq(got.via_name, "vpn");
	ck_assert_uint_eq(got.address_count, 2);
	ck_assert(ip_addr_equal(&got.addresses[0], &addresses[0]));
	ck_assert(ip_addr_equal(&got.addresses[1], &addresses[1]));
	ck_assert_uint_eq(got.server_count, 1);
	ck_assert(ip_addr_equal(&got.servers[0], &addresses[1]));
	ck_assert_uint_eq(got.text_bytes, 16);
	ck_assert_mem_eq(got.text, "lan\nexample.org\n", 16);
	command_clear(&got);
	channel_clear(&a);
	channel_clear(&b);
}
END_TEST

START_TEST(sockets_and_descriptors)
{
	struct command m = command_of(COMMAND_SOCKETS_ANSWER, "fifteen-letters"), got;
	struct channel a, b;

	m.result = -EADDRINUSE;
	m.port = 51820;
	m.mark = UINT32_MAX;
	m.fds[0] = 0;
	m.fds[1] = 1;
	m.fd_count = 2;
	pair(&a, &b);
	round_trip(&a, &b, &m, &got);
	ck_assert_str_eq(got.name, "fifteen-letters");
	ck_assert_int_eq(got.result, -EADDRINUSE);
	ck_assert_uint_eq(got.port, 51820);
	ck_assert_uint_eq(got.mark, UINT32_MAX);
	ck_assert_uint_eq(got.fd_count, 2);
	ck_assert_int_gt(got.fds[0], 2);
	command_clear(&got);
	channel_clear(&a);
	channel_clear(&b);
}
END_TEST

START_TEST(endpoints_keys_and_text)
{
	struct command m = command_of(COMMAND_ENDPOINT, "home"), got;
	struct channel a, b;

	ck_assert(endpoint_parse(&m.endpoint, "[fe80::1%3]:51820"));
	memset(m.key, 0xa5, sizeof(m.key));
	pair(&a, &b);
	round_trip(&a, &b, &m, &got);
	ck_assert(endpoint_equal(&got.endpoint, &m.endpoint));
	ck_assert_mem_eq(got.key, m.key, KEY_BYTES);
	command_clear(&got);

	m = command_of(COMMAND_DEVICE_UAPI, "vpn");
	m.text = "set=1\n\n";
	m.text_bytes = 7;
	round_trip(&a, &b, &m, &got);
	ck_assert_str_eq(got.name, "vpn");
	ck_assert_uint_eq(got.text_bytes, 7);
	ck_assert_mem_eq(got.text, "set=1\n\n", 7);
	command_clear(&got);
	channel_clear(&a);
	channel_clear(&b);
}
END_TEST

/* A frame of every type and every length below 100, filled with each of these bytes:
 * parsed or refused, nothing read past its end (ASan watches). */
START_TEST(hostile_bodies)
{
	static const uint8_t fill[] = { 0, 1, 2, 4, 6, 0x7f, 0xff };

	for (unsigned type = 0; type <= COMMAND_TYPE_COUNT + 1U; type++) {
		for (size_t n = 0; n < 100; n++) {
			for (size_t i = 0; i < ARRAY_SIZE(fill); i++) {
				uint8_t body[100];
				struct frame f = { .type = (uint16_t)type,
					           .body = body + sizeof(body) - n,
					           .body_bytes = n };
				struct command m;

				memset(body, fill[i], sizeof(body));
				if (command_parse(&m, &f)) {
					ck_assert_uint_eq(m.type, type);
					ck_assert_uint_lt(strlen(m.name), sizeof(m.name));
					ck_assert_uint_le(m.address_count, n);
				}
				command_clear(&m);
			}
		}
	}
}
END_TEST

static const struct {
	enum command_type type;
	size_t fd_count;
	bool good;
} fd_counts[] = {
	{ COMMAND_TUN, 0, true },     { COMMAND_TUN, 1, true },
	{ COMMAND_TUN, 2, false },    { COMMAND_STATUS, 0, true },
	{ COMMAND_STATUS, 1, false },
};

START_TEST(descriptors_that_do_not_belong)
{
	uint8_t name[IFNAME_MAX + 1] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(fd_counts); i++) {
		bool tun = fd_counts[i].type == COMMAND_TUN;
		struct frame f = { .type = (uint16_t)fd_counts[i].type,
			           .body = name,
			           .body_bytes = tun ? sizeof(name) : 0,
			           .fd_count = fd_counts[i].fd_count,
			           .fds = { -1, -1, -1, -1 } };
		struct command m;

		ck_assert_msg(command_parse(&m, &f) == fd_counts[i].good, "row %zu", i);
		command_clear(&m);
	}
}
END_TEST

START_TEST(bytes_too_many_or_too_few)
{
	uint8_t body[IFNAME_MAX + 2] = "home";
	struct frame f = { .type = COMMAND_DEVICE_START, .body = body };
	struct command m;

	for (f.body_bytes = 0; f.body_bytes <= sizeof(body); f.body_bytes++) {
		ck_assert(command_parse(&m, &f) == (f.body_bytes == IFNAME_MAX + 1));
		command_clear(&m);
	}
}
END_TEST

/* The supervisor prints a device's name when its worker refuses something about it. */
START_TEST(what_is_no_name_is_refused)
{
	static const char *const names[] = { "home", "", "\033[2J", "a b", "..", "\xb0" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		uint8_t body[IFNAME_MAX + 1] = { 0 };
		struct frame f = { .type = COMMAND_DEVICE_START,
			           .body = body,
			           .body_bytes = sizeof(body) };
		struct command m;

		memcpy(body, names[i], strlen(names[i]));
		ck_assert_msg(command_parse(&m, &f) == (i < 2), "name %zu", i);
		command_clear(&m);
	}
}
END_TEST

START_TEST(every_type_has_a_name)
{
	for (unsigned i = 0; i < COMMAND_TYPE_COUNT; i++)
		ck_assert_ptr_nonnull(command_type_name((enum command_type)i));
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("channel/command");

	tcase_add_test(tc, settings_and_addresses);
	tcase_add_test(tc, sockets_and_descriptors);
	tcase_add_test(tc, endpoints_keys_and_text);
	tcase_add_test(tc, hostile_bodies);
	tcase_add_test(tc, descriptors_that_do_not_belong);
	tcase_add_test(tc, bytes_too_many_or_too_few);
	tcase_add_test(tc, what_is_no_name_is_refused);
	tcase_add_test(tc, every_type_has_a_name);
	return tc;
}
