/* tests/unit/test_gate_attack.c - what a hostile client of a gate can't do to the others,
 * and to those beyond the tunnels (design R15) */
#include "unit.h"

#include <string.h>

#include "base/iphdr.h"
#include "engine/core.h"
#include "gate_hosts.h"

#define VICTIM   0
#define ATTACKER 1

/* Both have a session, and the victim a flow to the server: from its port 4000. */
static uint16_t victim_port; /* as the server sees it */

static uint16_t port_at(size_t at)
{
	return (uint16_t)(seen.packet.data[at] << 8 | seen.packet.data[at + 1]);
}

static void begin_with_a_flow(void)
{
	struct craft c;

	begin();
	probe_from(ATTACKER, 0, phone4[ATTACKER], "172.16.0.9", 100);
	server[0]->on_tun = take_tun;
	craft_udp(&c, phone4[VICTIM], 4000, "172.16.0.9", 4001, "hello", 5);
	run(SECOND);
	node_inject(phone[VICTIM], &c);
	run(SECOND);
	victim_port = port_at(20);
	seen_count = 0;
}

/* ---- spoofed sources */

static const char *const spoofed[] = {
	"10.9.9.2",   /* of another client */
	"10.9.9.1",   /* of the gate */
	"10.0.0.2",   /* of a device */
	"172.16.0.9", /* of whom it writes to */
	"198.51.100.7" /* of the host */,
	"127.0.0.1",
	"224.0.0.1",
	"255.255.255.255",
	"0.0.0.0",
	"9.9.9.9",
};

START_TEST(a_source_that_is_not_its_own)
{
	struct craft c;

	craft_udp(&c, spoofed[_i], 4000, "172.16.0.9", 4001, "hello", 5);
	node_inject(phone[ATTACKER], &c);
	run(SECOND);
	ck_assert_uint_eq(seen_count, 0);
	ck_assert_uint_eq(drops_of(gate, DROP_WRONG_SOURCE), 1);
}
END_TEST

/* ---- errors about the packets of others */

static const struct {
	const char *to; /* to whom the quoted packet was sent */
	uint8_t type, quoted_bytes;
	bool by_victim, passes;
} errors[] = {
	{ "10.9.9.2", 3, 28, true, true }, /* about its own: this is how it should be */
	{ "10.9.9.2", 11, 28, true, true },
	{ "10.9.9.2", 3, 28, false,
	  false }, /* about the victim's, as the victim has it */
	{ "10.0.0.2", 3, 28, false, false }, /* as the server has it */
	{ "10.0.0.2", 11, 28, false, false },
	{ "10.0.0.2", 12, 28, false, false },
	{ "10.0.0.2", 4, 28, false, false }, /* source quench */
	{ "10.0.0.2", 5, 28, false, false }, /* redirect */
	{ "10.0.0.2", 3, 27, false, false }, /* cut off */
	{ "10.0.0.2", 3, 20, false, false },
	{ "10.0.0.2", 99, 28, false, false }, /* of an unknown type */
	{ "10.9.9.3", 3, 28, false, true },   /* the attacker's own */
};

START_TEST(an_icmp_error_about_the_packet_of_another)
{
	size_t from = errors[_i].by_victim ? VICTIM : ATTACKER;
	uint16_t port = errors[_i].to[3] == '0' ? victim_port : 4000;
	struct craft quoted, c;
	uint8_t icmp[8 + 28] = { errors[_i].type, errors[_i].type == 3 ? 3 : 0 };
	size_t n = 8U + errors[_i].quoted_bytes;
	uint16_t sum;

	craft_udp(&quoted, "172.16.0.9", 4001, errors[_i].to, port, "hello", 5);
	memcpy(icmp + 8, quoted.packet.data, errors[_i].quoted_bytes);
	sum = (uint16_t)~craft_sum(icmp, n);
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
	craft_ip(&c, phone4[from], "172.16.0.9", PROTO_ICMP, icmp, n);
	node_inject(phone[from], &c);
	run(SECOND);
	ck_assert_uint_eq(seen_count, errors[_i].passes);
	ck_assert_uint_eq(drops_of(gate, DROP_WRONG_SOURCE), !errors[_i].passes);
	if (errors[_i].by_victim) { /* it quotes what the server knows */
		ck_assert_int_eq(memcmp(seen.packet.data + 28 + 16, "\x0a\0\0\x02", 4),
		                 0);
		ck_assert_uint_eq(port_at(50), victim_port);
	}
}
END_TEST

/* The same in IPv6. */
START_TEST(an_icmpv6_error_about_the_packet_of_another)
{
	static const uint8_t types[] = { 1, 2, 3, 4, 100, 137 };
	struct craft quoted, c;
	uint8_t icmp[8 + 48] = { types[_i] };

	craft_udp(&quoted, "fd16::9", 4001, "fd10::2", 4000, "hello", 5);
	memcpy(icmp + 8, quoted.packet.data, 48);
	craft_ip(&c, phone6[ATTACKER], "fd16::9", PROTO_ICMPV6, icmp, sizeof(icmp));
	node_inject(phone[ATTACKER], &c);
	run(SECOND);
	ck_assert_uint_eq(seen_count, 0);
	ck_assert_uint_eq(drops_of(gate, DROP_WRONG_SOURCE), 1);
}
END_TEST

/* Nobody sees that it is one: of 16 bytes of options in front of it, only 8 are in the first
 * piece. */
START_TEST(an_error_behind_headers_that_are_cut_off)
{
	static const uint8_t b[16] = { 60, 0, 0, 1, 0, 0, 0, 7, PROTO_ICMPV6, 1 };
	struct craft c;

	craft_ip(&c, phone6[ATTACKER], "fd16::9", PROTO_IPV6_FRAGMENT, b, sizeof(b));
	node_inject(phone[ATTACKER], &c);
	run(SECOND);
	ck_assert_uint_eq(seen_count, 0);
	ck_assert_uint_eq(drops_of(gate, DROP_WRONG_SOURCE), 1);
}
END_TEST

/* ---- fragments */

static uint16_t ids[8];

static bool see_id(struct node *node, const uint8_t *ip, size_t n)
{
	(void)node;
	ck_assert_uint_lt(seen_count, ARRAY_SIZE(ids));
	ck_assert_uint_eq(craft_sum(ip, 20), 0xffff);
	ck_assert_uint_gt(n, 20);
	ids[seen_count++] = (uint16_t)(ip[4] << 8 | ip[5]);
	return true;
}

/* Two pieces of a datagram. */
static void send_pieces(size_t i, uint16_t id, bool last_first)
{
	const uint16_t offsets[] = { last_first ? 10 : IPV4_MF,
		                     last_first ? IPV4_MF : 10 };
	struct craft c;

	for (size_t k = 0; k < ARRAY_SIZE(offsets); k++) {
		craft_udp(&c, phone4[i], 4000, "172.16.0.9", 4001, "0123456789abcdef",
		          16);
		c.packet.data[4] = (uint8_t)(id >> 8);
		c.packet.data[5] = (uint8_t)id;
		craft_set_fragment(&c, offsets[k]);
		node_inject(phone[i], &c);
	}
	run(SECOND);
}

/* The server sees one source. If the ids were the same, too, it would put pieces of the
 * attacker's into the packet of the victim. */
START_TEST(fragments_with_the_same_id)
{
	server[0]->on_tun = see_id;
	send_pieces(VICTIM, 77, true);
	send_pieces(ATTACKER, 77, true);
	send_pieces(VICTIM, 77, false); /* it uses the id again */
	ck_assert_uint_eq(seen_count, 6);
	ck_assert_uint_eq(ids[0], ids[1]);
	ck_assert_uint_eq(ids[2], ids[3]);
	ck_assert_uint_eq(ids[4], ids[5]);
	ck_assert(ids[0] != ids[2] && ids[2] != ids[4] && ids[0] != ids[4]);
}
END_TEST

/* ---- what all share */

/* It sends what is unreachable, as fast as it can. The victim still gets its errors. */
START_TEST(the_errors_of_others_are_not_used_up)
{
	struct craft c;

	engine_set_tun(client->engine, NULL);
	for (int i = 0; i < 2 * ICMP_BURST; i++) {
		craft_udp(&c, phone4[ATTACKER], 4000, "9.9.9.9", 4001, "hello", 5);
		node_inject(phone[ATTACKER], &c);
	}
	craft_udp(&c, phone4[VICTIM], 4000, "9.9.9.9", 4001, "hello", 5);
	node_inject(phone[VICTIM], &c);
	run(SECOND);
	ck_assert_uint_ge(phone[ATTACKER]->icmp_errors, ICMP_BURST);
	ck_assert_uint_lt(phone[ATTACKER]->icmp_errors, 2 * ICMP_BURST);
	ck_assert_uint_eq(phone[VICTIM]->icmp_errors, 1);
}
END_TEST

/* ---- the peer of a tunnel, and not a client */

static const struct {
	const char *src;
	bool passes;
} through_vpn[] = {
	{ "172.16.0.9", true },  { "10.9.9.3", false }, /* another client */
	{ "10.9.9.2", false },                          /* the client itself */
	{ "172.16.1.9", false },                        /* of home's network */
	{ "10.1.0.2", false },                          /* home's address */
};

/* A provider can't write to a client in another's name (design R12). */
START_TEST(a_provider_in_the_name_of_another)
{
	struct ip_addr victim = sim_addr(phone4[VICTIM]);
	struct wg_peer *back =
		wg_device_first_peer(device_wg(engine_first_device(server[0]->engine)));
	struct craft c;

	peer_allow(peer[0], "0.0.0.0/0");
	engine_touch(vpn);
	peer_allow(back, "10.9.9.0/24");
	engine_touch(engine_first_device(server[0]->engine));
	node_behind_tun(server[0], &victim);
	phone[VICTIM]->on_tun = take_tun;
	craft_udp(&c, through_vpn[_i].src, 4001, phone4[VICTIM], 4000, "hello", 5);
	node_inject(server[0], &c);
	run(SECOND);
	ck_assert_uint_eq(seen_count, through_vpn[_i].passes);
	ck_assert_uint_eq(drops_of(vpn, DROP_FORGED_SOURCE), !through_vpn[_i].passes);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine/gate, attack");

	tcase_add_checked_fixture(tc, begin_with_a_flow, stop);
	tcase_add_loop_test(tc, a_source_that_is_not_its_own, 0, ARRAY_SIZE(spoofed));
	tcase_add_loop_test(tc, an_icmp_error_about_the_packet_of_another, 0,
	                    ARRAY_SIZE(errors));
	tcase_add_loop_test(tc, an_icmpv6_error_about_the_packet_of_another, 0, 6);
	tcase_add_test(tc, an_error_behind_headers_that_are_cut_off);
	tcase_add_loop_test(tc, a_provider_in_the_name_of_another, 0,
	                    ARRAY_SIZE(through_vpn));
	tcase_add_test(tc, fragments_with_the_same_id);
	tcase_add_test(tc, the_errors_of_others_are_not_used_up);
	return tc;
}
