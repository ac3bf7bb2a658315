/* Devices that talk through arrays: what passes, what is dropped, and for which reason.
 */
#include "unit.h"

#include <string.h>

#include "base/checksum.h"
#include "base/iphdr.h"
#include "lab.h"
#include "wg/state.h"

static struct lab *lab;

static void set_up(void)
{
	lab = lab_new(unit_seed());
	lab_connect(lab, 0, 1);
}

static void tear_down(void)
{
	lab_free(lab);
}

/* Both can send; nothing is under way. */
static void begin_session(void)
{
	ck_assert(lab_ping(lab, 0, 1));
	ck_assert(lab_ping(lab, 1, 0));
}

/* The one message that must be there. */
static struct lab_mail take(enum message_type type, int from)
{
	struct lab_mail mail;

	ck_assert(lab_take(lab, &mail));
	ck_assert_int_eq(lab_type(&mail), type);
	ck_assert_int_eq(mail.from, from);
	return mail;
}

static size_t deliver(const struct lab_mail *mail)
{
	return lab_deliver(lab, mail, mail->to, NULL, NULL);
}

/* It is dropped by the device it is for, for this reason, and nothing is sent. */
static void expect_drop(const struct lab_mail *mail, enum drop reason)
{
	uint64_t before = lab_drops(lab, mail->to, reason),
		 all = lab_all_drops(lab, mail->to);

	ck_assert_uint_eq(deliver(mail), 0);
	ck_assert_uint_eq(lab_drops(lab, mail->to, reason), before + 1);
	ck_assert_uint_eq(lab_all_drops(lab, mail->to), all + 1);
}

/* A message with changed content gets a right mac1 again. */
static void sign(struct lab_mail *mail)
{
	struct cookie_maker maker;

	cookie_maker_init(&maker, wg_device_public_key(lab->devices[mail->to].wg));
	cookie_maker_sign(&maker, mail->bytes, mail->len_bytes, 0);
}

/* ---- handshake */

START_TEST(a_packet_makes_the_handshake_and_follows_it)
{
	struct lab_mail mail;
	uint8_t want[100], got[LAB_BYTES];
	size_t got_bytes;

	ck_assert_uint_eq(lab_send(lab, 0, 1, sizeof(want), 0), 0);
	mail = take(MESSAGE_INITIATION, 0);
	ck_assert_uint_eq(mail.tos, HANDSHAKE_TOS);
	ck_assert_uint_eq(deliver(&mail), 0);
	mail = take(MESSAGE_RESPONSE, 1);
	ck_assert_uint_eq(mail.tos, HANDSHAKE_TOS);
	ck_assert_int_eq(lab->devices[1].handshakes, 0);
	ck_assert_uint_eq(deliver(&mail), 0);
	ck_assert_int_eq(lab->devices[0].handshakes, 1);
	mail = take(MESSAGE_DATA, 0);
	ck_assert_uint_eq(mail.len_bytes, 16 + 112 + 16);
	ck_assert_uint_eq(lab_deliver(lab, &mail, 1, got, &got_bytes), 1);
	ck_assert_int_eq(lab->devices[1].handshakes, 1);
	lab_inner(want, sizeof(want), 0, 1, 0);
	ck_assert_uint_eq(got_bytes, sizeof(want));
	ck_assert_mem_eq(got, want, sizeof(want));
	ck_assert(lab_ping(lab, 1, 0));
	ck_assert(lab_ping(lab, 0, 1));
	ck_assert_uint_eq(lab_all_drops(lab, 0) + lab_all_drops(lab, 1), 0);
}
END_TEST

START_TEST(a_responder_waits_for_the_first_packet)
{
	struct lab_mail mail;

	lab_send(lab, 0, 1, 64, 0);
	mail = take(MESSAGE_INITIATION, 0);
	deliver(&mail);
	mail = take(MESSAGE_RESPONSE, 1);
	/* It has keys, but the initiator may not: staged, and no initiation of its own.
	 */
	ck_assert_uint_eq(lab_send(lab, 1, 0, 64, 0), 0);
	ck_assert_uint_eq(lab->mail_count, 0);
	deliver(&mail);
	mail = take(MESSAGE_DATA, 0);
	ck_assert_uint_eq(deliver(&mail), 1);
	mail = take(MESSAGE_DATA, 1);
	ck_assert_uint_eq(deliver(&mail), 1);
}
END_TEST

START_TEST(an_initiator_with_nothing_to_send_confirms_by_a_keepalive)
{
	struct lab_mail mail;

	wg_peer_set_keepalive(lab_peer_of(lab, 0, 1), 60, lab->now_ns);
	mail = take(MESSAGE_INITIATION, 0);
	deliver(&mail);
	mail = take(MESSAGE_RESPONSE, 1);
	deliver(&mail);
	mail = take(MESSAGE_DATA, 0);
	ck_assert_uint_eq(mail.len_bytes, MESSAGE_DATA_MIN_BYTES);
	ck_assert_uint_eq(mail.tos, 0);
	ck_assert_uint_eq(deliver(&mail), 0);
	ck_assert_int_eq(lab->devices[1].handshakes, 1);
	ck_assert_uint_eq(lab_all_drops(lab, 1), 0);
}
END_TEST

START_TEST(initiations_that_cross_end_in_one_session)
{
	struct lab_mail a, b;

	lab_send(lab, 0, 1, 64, 0);
	lab_send(lab, 1, 0, 64, 0);
	a = take(MESSAGE_INITIATION, 0);
	b = take(MESSAGE_INITIATION, 1);
	deliver(&a);
	deliver(&b);
	lab_deliver_all(lab);
	/* Each answered the other, and so lost its own handshake; a retransmission helps.
	 */
	lab_run_delivering(lab, lab->now_ns + 12 * NS_PER_SEC);
	ck_assert_int_ge(lab->devices[0].handshakes, 1);
	ck_assert_int_ge(lab->devices[1].handshakes, 1);
	ck_assert(lab_ping(lab, 0, 1));
	ck_assert(lab_ping(lab, 1, 0));
}
END_TEST

START_TEST(preshared_keys_must_be_the_same)
{
	uint8_t psk[KEY_BYTES] = { 1 };
	struct lab_mail mail;

	wg_peer_set_preshared_key(lab_peer_of(lab, 0, 1), psk);
	lab_send(lab, 0, 1, 64, 0);
	mail = take(MESSAGE_INITIATION, 0);
	deliver(&mail);
	mail = take(MESSAGE_RESPONSE, 1);
	expect_drop(&mail, DROP_BAD_HANDSHAKE);
	wg_peer_set_preshared_key(lab_peer_of(lab, 1, 0), psk);
	lab_run_delivering(lab, lab->now_ns + 6 * NS_PER_SEC);
	ck_assert(lab_ping(lab, 0, 1));
}
END_TEST

START_TEST(a_wrong_mac1_is_dropped_first)
{
	struct lab_mail mail, broken;

	lab_send(lab, 0, 1, 64, 0);
	mail = broken = take(MESSAGE_INITIATION, 0);
	broken.bytes[20] ^= 1;
	expect_drop(&broken, DROP_BAD_MAC1);
	deliver(&mail);
	mail = broken = take(MESSAGE_RESPONSE, 1);
	broken.bytes[sizeof(struct message_response) - 17] ^= 1;
	expect_drop(&broken, DROP_BAD_MAC1);
	deliver(&mail);
	ck_assert_int_eq(lab->devices[0].handshakes, 1);
}
END_TEST

START_TEST(an_initiation_counts_once_and_not_too_often)
{
	struct lab_mail first, second;

	lab_send(lab, 0, 1, 64, 0);
	first = take(MESSAGE_INITIATION, 0);
	deliver(&first);
	take(MESSAGE_RESPONSE, 1);
	expect_drop(&first, DROP_REPLAYED_HANDSHAKE);
	lab->now_ns += 5 * NS_PER_SEC;
	lab_send(lab, 0, 1, 64, 0);
	second = take(MESSAGE_INITIATION, 0);
	lab->now_ns += NS_PER_SEC;
	deliver(&second);
	take(MESSAGE_RESPONSE, 1);
	lab->now_ns += 4 * NS_PER_SEC;
	lab_send(lab, 0, 1, 64, 0);
	first = take(MESSAGE_INITIATION, 0);
	lab->now_ns -= 4 * NS_PER_SEC - NS_PER_SEC / 50 + 1;
	expect_drop(&first, DROP_HANDSHAKE_FLOOD);
	lab->now_ns += 1;
	deliver(&first);
	take(MESSAGE_RESPONSE, 1);
}
END_TEST

START_TEST(strangers_are_not_answered)
{
	struct lab_mail mail;

	/* 2 knows 1, but 1 does not know 2. */
	lab_peer(lab, 2, 1);
	wg_device_start(lab->devices[2].wg, lab->now_ns);
	lab_send(lab, 2, 1, 64, 0);
	mail = take(MESSAGE_INITIATION, 2);
	expect_drop(&mail, DROP_BAD_HANDSHAKE);
	/* And to another device that message is nothing at all. */
	mail.to = 0;
	expect_drop(&mail, DROP_BAD_MAC1);
}
END_TEST

START_TEST(a_response_needs_an_initiation)
{
	struct lab_mail response, mail;

	lab_send(lab, 0, 1, 64, 0);
	mail = take(MESSAGE_INITIATION, 0);
	deliver(&mail);
	response = take(MESSAGE_RESPONSE, 1);
	mail = response;
	mail.bytes[8] ^= 1;
	sign(&mail);
	expect_drop(&mail, DROP_UNKNOWN_INDEX);
	mail = response;
	mail.bytes[50] ^= 1;
	sign(&mail);
	expect_drop(&mail, DROP_BAD_HANDSHAKE);
	deliver(&response);
	expect_drop(&response, DROP_UNKNOWN_INDEX); /* a keypair has the index now */
}
END_TEST

START_TEST(an_index_is_good_for_its_own_kind_only)
{
	struct lab_mail mail, data;

	/* 0 has a handshake under way; data that names it... */
	lab_send(lab, 0, 1, 64, 0);
	mail = take(MESSAGE_INITIATION, 0);
	data = (struct lab_mail){
		.from = 1, .to = 0, .bytes = { MESSAGE_DATA }, .len_bytes = 64
	};
	memcpy(data.bytes + 4, mail.bytes + 4, 4);
	expect_drop(&data, DROP_UNKNOWN_INDEX);
	/* ...and a response that names a keypair. */
	deliver(&mail);
	mail = take(MESSAGE_RESPONSE, 1);
	deliver(&mail);
	expect_drop(&mail, DROP_UNKNOWN_INDEX);
}
END_TEST

/* ---- cookies */

static struct lab_mail reply_to(const struct lab_mail *mail, const uint8_t *cookie)
{
	struct message_cookie_reply reply = { .type = le32_put(MESSAGE_COOKIE_REPLY) };
	const struct cookie_maker *maker = &mail->peer->cookie;
	struct lab_mail out = { .from = mail->to,
		                .to = mail->from,
		                .sent_from = lab->devices[mail->to].address,
		                .len_bytes = sizeof(reply) };

	memcpy(reply.receiver.b, mail->bytes + 4, 4);
	rng_fill(&lab->rng, reply.nonce, sizeof(reply.nonce));
	xaead_seal(reply.sealed_cookie, cookie, COOKIE_BYTES,
	           mail->bytes + mail->len_bytes - sizeof(struct message_macs), MAC_BYTES,
	           reply.nonce, maker->cookie_key);
	memcpy(out.bytes, &reply, sizeof(reply));
	return out;
}

START_TEST(after_a_cookie_reply_messages_bear_mac2)
{
	static const uint8_t cookie[COOKIE_BYTES] = "0123456789abcde", none[MAC_BYTES];
	struct lab_mail mail, reply, forged;

	lab_send(lab, 0, 1, 64, 0);
	mail = take(MESSAGE_INITIATION, 0);
	ck_assert_mem_eq(mail.bytes + 132, none, MAC_BYTES);
	reply = forged = reply_to(&mail, cookie);
	forged.bytes[40] ^= 1;
	expect_drop(&forged, DROP_BAD_COOKIE);
	forged = reply;
	forged.bytes[4] ^= 1;
	expect_drop(&forged, DROP_UNKNOWN_INDEX);
	deliver(&reply);
	ck_assert_uint_eq(lab->mail_count, 0); /* no answer now; the next try has it */
	lab_run_until(lab, lab->now_ns + 6 * NS_PER_SEC);
	mail = take(MESSAGE_INITIATION, 0);
	ck_assert_mem_ne(mail.bytes + 132, none, MAC_BYTES);
	deliver(&mail);
	mail = take(MESSAGE_RESPONSE, 1);
	deliver(&mail);
	ck_assert_int_eq(lab->devices[0].handshakes, 1);
}
END_TEST

/* ---- hostile messages */

static const size_t lengths[] = { 0,  1,  3,  4,  5,  15, 16,  31,  32,  33,
	                          63, 64, 65, 91, 92, 93, 147, 148, 149, 1500 };

static bool right_length(uint32_t type, size_t n)
{
	return (type == 1 && n == 148) || (type == 2 && n == 92) ||
	       (type == 3 && n == 64) || (type == 4 && n >= 32);
}

START_TEST(no_length_and_no_type_does_harm)
{
	struct lab_mail mail = { .to = 1, .sent_from = lab->devices[0].address };

	begin_session();
	for (uint32_t type = 0; type < 7; type++)
		for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
			uint64_t bad = lab_drops(lab, 1, DROP_BAD_MESSAGE);

			rng_fill(&lab->rng, mail.bytes, sizeof(mail.bytes));
			memcpy(mail.bytes, (uint8_t[4]){ (uint8_t)type }, 4);
			mail.len_bytes = lengths[i];
			ck_assert_uint_eq(deliver(&mail), 0);
			bad = lab_drops(lab, 1, DROP_BAD_MESSAGE) - bad;
			ck_assert_uint_eq(bad, !right_length(type, lengths[i]));
		}
	ck_assert_uint_eq(lab_all_drops(lab, 1), 7 * ARRAY_SIZE(lengths));
	/* The three bytes behind the type are zero. */
	lab_send(lab, 0, 1, 64, 0);
	mail = take(MESSAGE_DATA, 0);
	mail.bytes[2] = 1;
	expect_drop(&mail, DROP_BAD_MESSAGE);
	mail.bytes[2] = 0;
	ck_assert_uint_eq(deliver(&mail), 1);
}
END_TEST

START_TEST(a_changed_byte_of_data_is_dropped)
{
	struct lab_mail mail, changed;

	begin_session();
	lab_send(lab, 0, 1, 64, 0);
	mail = take(MESSAGE_DATA, 0);
	for (size_t i = 4; i < mail.len_bytes; i++) {
		changed = mail;
		changed.bytes[i] ^= 4;
		expect_drop(&changed, i < 8 ? DROP_UNKNOWN_INDEX : DROP_BAD_AUTH);
	}
	memset(changed.bytes + 8, 0xff, 8);
	expect_drop(&changed, DROP_EXPIRED_KEY); /* a counter that no key ever has */
	ck_assert_uint_eq(deliver(&mail), 1);
}
END_TEST

START_TEST(each_message_is_opened_once_in_any_order)
{
	struct lab_mail mail[5];
	static const int order[] = { 3, 0, 4, 1, 2 };

	begin_session();
	for (int i = 0; i < 5; i++) {
		lab_send(lab, 0, 1, 64, 0);
		mail[i] = take(MESSAGE_DATA, 0);
	}
	for (int i = 0; i < 5; i++)
		ck_assert_uint_eq(deliver(&mail[order[i]]), 1);
	for (int i = 0; i < 5; i++)
		expect_drop(&mail[i], DROP_REPLAY);
}
END_TEST

/* A sealed packet of 0 for 1 with this content. */
static struct lab_mail seal(const uint8_t *inner, size_t n)
{
	static uint8_t buffer[PACKET_HEADROOM_BYTES + LAB_BYTES];
	struct packet p = { .data = buffer + PACKET_HEADROOM_BYTES,
		            .len_bytes = (uint32_t)n,
		            .headroom_bytes = PACKET_HEADROOM_BYTES,
		            .tailroom_bytes = (uint32_t)(LAB_BYTES - n) };
	struct packet *packets[1] = { &p };
	struct lab_mail mail = { .from = 0,
		                 .to = 1,
		                 .sent_from = lab->devices[0].address };

	memcpy(p.data, inner, n);
	ck_assert_uint_eq(wg_peer_seal(lab_peer_of(lab, 0, 1), packets, 1, lab->now_ns),
	                  1);
	mail.len_bytes = p.len_bytes;
	mail.tos = p.tos;
	memcpy(mail.bytes, p.data, p.len_bytes);
	return mail;
}

START_TEST(an_inner_packet_must_be_whole_and_the_peers)
{
	uint8_t inner[64];
	struct lab_mail mail;
	struct wg_peer_stats before, after;

	begin_session();
	wg_peer_stats(lab_peer_of(lab, 1, 0), &before, lab->now_ns);
	lab_inner(inner, sizeof(inner), 2, 1, 0); /* somebody else's source */
	mail = seal(inner, sizeof(inner));
	expect_drop(&mail, DROP_WRONG_SOURCE);
	lab_inner(inner, sizeof(inner), 1, 1, 0); /* our own */
	mail = seal(inner, sizeof(inner));
	expect_drop(&mail, DROP_WRONG_SOURCE);
	lab_inner(inner, sizeof(inner), 0, 1, 0);
	inner[0] = 0x55;
	mail = seal(inner, sizeof(inner));
	expect_drop(&mail, DROP_MALFORMED);
	lab_inner(inner, sizeof(inner), 0, 1, 0);
	inner[3] = 65; /* longer than what is there */
	mail = seal(inner, sizeof(inner));
	expect_drop(&mail, DROP_MALFORMED);
	inner[3] = 19;
	mail = seal(inner, sizeof(inner));
	expect_drop(&mail, DROP_MALFORMED);
	mail = seal(inner, 1);
	expect_drop(&mail, DROP_MALFORMED);
	wg_peer_stats(lab_peer_of(lab, 1, 0), &after, lab->now_ns);
	ck_assert_uint_eq(after.rx_bytes, before.rx_bytes);
}
END_TEST

START_TEST(a_peer_may_not_send_as_another)
{
	uint8_t inner[64];
	struct lab_mail mail;

	begin_session();
	lab_peer(lab, 1, 2);
	lab_inner(inner, sizeof(inner), 2, 1, 0);
	mail = seal(inner, sizeof(inner));
	expect_drop(&mail, DROP_WRONG_SOURCE);
}
END_TEST

START_TEST(ipv6_passes_too)
{
	struct ipv6_header h = { .version_class_flow = be32_put(6U << 28),
		                 .payload_len = be16_put(13),
		                 .next_header = PROTO_UDP,
		                 .src = { 0xfd, 0, 0, 1, [15] = 9 },
		                 .dst = { 0xfd, 0, 0, 2, [15] = 9 } };
	uint8_t inner[sizeof(h) + 13] = { 0 }, got[LAB_BYTES];
	struct lab_mail mail;
	size_t n;

	begin_session();
	memcpy(inner, &h, sizeof(h));
	mail = seal(inner, sizeof(inner));
	ck_assert_uint_eq(mail.len_bytes, 16 + 64 + 16);
	ck_assert_uint_eq(lab_deliver(lab, &mail, 1, got, &n), 1);
	ck_assert_uint_eq(n, sizeof(inner));
	ck_assert_mem_eq(got, inner, sizeof(inner));
	h.src[3] = 7;
	memcpy(inner, &h, sizeof(h));
	mail = seal(inner, sizeof(inner));
	expect_drop(&mail, DROP_WRONG_SOURCE);
}
END_TEST

/* ---- roaming */

static struct endpoint elsewhere(uint8_t last, uint16_t port)
{
	struct endpoint e = { .addr = { IP_V4, { 10, 0, 7, last } }, .port = port };

	return e;
}

START_TEST(the_endpoint_follows_authentic_messages_only)
{
	struct wg_peer *p = lab_peer_of(lab, 1, 0);
	struct endpoint there = elsewhere(1, 999);
	struct lab_mail mail, forged;

	begin_session();
	ck_assert_int_eq(lab->devices[1].endpoint_changes, 0);
	lab_send(lab, 0, 1, 64, 0);
	mail = take(MESSAGE_DATA, 0);
	mail.sent_from = there;
	forged = mail;
	forged.bytes[30] ^= 1;
	expect_drop(&forged, DROP_BAD_AUTH);
	ck_assert_int_eq(lab->devices[1].endpoint_changes, 0);
	ck_assert_uint_eq(deliver(&mail), 1);
	ck_assert_int_eq(lab->devices[1].endpoint_changes, 1);
	ck_assert(endpoint_equal(wg_peer_endpoint(p), &there));
	/* A replay from elsewhere does not move it. */
	mail.sent_from = elsewhere(2, 999);
	expect_drop(&mail, DROP_REPLAY);
	ck_assert(endpoint_equal(wg_peer_endpoint(p), &there));
	/* The other way in: no news, but the answer has to leave from there. */
	lab_send(lab, 0, 1, 64, 0);
	mail = take(MESSAGE_DATA, 0);
	mail.sent_from = there;
	mail.sent_from.ifindex = 4;
	ck_assert_uint_eq(deliver(&mail), 1);
	ck_assert_int_eq(lab->devices[1].endpoint_changes, 1);
	ck_assert_uint_eq(wg_peer_endpoint(p)->ifindex, 4);
	/* The port alone counts. */
	lab_send(lab, 0, 1, 64, 0);
	mail = take(MESSAGE_DATA, 0);
	mail.sent_from = elsewhere(1, 1000);
	ck_assert_uint_eq(deliver(&mail), 1);
	ck_assert_int_eq(lab->devices[1].endpoint_changes, 2);
	lab_send(lab, 1, 0, 64, 0);
	mail = take(MESSAGE_DATA, 1);
	ck_assert_uint_eq(mail.sent_to.port, 1000);
}
END_TEST

START_TEST(handshakes_move_the_endpoint_too)
{
	struct lab_mail mail;

	lab_send(lab, 0, 1, 64, 0);
	mail = take(MESSAGE_INITIATION, 0);
	mail.sent_from = elsewhere(1, 1);
	deliver(&mail);
	ck_assert_int_eq(lab->devices[1].endpoint_changes, 1);
	mail = take(MESSAGE_RESPONSE, 1);
	ck_assert_uint_eq(mail.sent_to.port, 1);
	mail.to = 0;
	mail.sent_from = elsewhere(2, 2);
	deliver(&mail);
	ck_assert_int_eq(lab->devices[0].endpoint_changes, 1);
	mail = take(MESSAGE_DATA, 0);
	ck_assert_uint_eq(mail.sent_to.port, 2);
}
END_TEST

START_TEST(without_an_endpoint_nothing_is_sent_until_the_peer_comes)
{
	struct endpoint none = { 0 };

	wg_peer_set_endpoint(lab_peer_of(lab, 1, 0), &none);
	ck_assert_uint_eq(lab_send(lab, 1, 0, 64, 0), 0);
	ck_assert_uint_eq(lab_drops(lab, 1, DROP_NO_ENDPOINT), 1);
	ck_assert_uint_eq(lab->mail_count, 0);
	ck_assert(lab_ping(lab, 0, 1));
	ck_assert(lab_ping(lab, 1, 0));
}
END_TEST

/* ---- counters, queue, padding, ECN */

START_TEST(bytes_are_counted_as_the_kernel_does)
{
	struct wg_peer_stats a, b;

	lab_send(lab, 0, 1, 100, 0);
	lab_deliver_all(lab);
	wg_peer_set_keepalive(lab_peer_of(lab, 0, 1), 60, lab->now_ns);
	lab_deliver_all(lab);
	wg_peer_stats(lab_peer_of(lab, 0, 1), &a, lab->now_ns);
	wg_peer_stats(lab_peer_of(lab, 1, 0), &b, lab->now_ns);
	ck_assert_uint_eq(a.tx_bytes, 148 + 16 + 112 + 16 + 32);
	ck_assert_uint_eq(a.rx_bytes, 92);
	ck_assert_uint_eq(b.rx_bytes, a.tx_bytes);
	ck_assert_uint_eq(b.tx_bytes, a.rx_bytes);
	ck_assert_uint_eq(a.last_handshake_ns, lab->now_ns + (uint64_t)lab->wall_skew_ns);
	ck_assert(a.session && b.session);
	wg_peer_stats(lab_peer_of(lab, 0, 1), &a, lab->now_ns + 180 * NS_PER_SEC);
	ck_assert(!a.session);
}
END_TEST

START_TEST(the_last_128_packets_wait_in_order)
{
	uint8_t inner[LAB_BYTES], want[LAB_BYTES];
	struct lab_mail mail;
	size_t n;

	for (size_t i = 0; i < 140; i++)
		ck_assert_uint_eq(lab_send(lab, 0, 1, 100 + i, 0), 0);
	ck_assert_uint_eq(lab_drops(lab, 0, DROP_STAGED_FULL), 12);
	mail = take(MESSAGE_INITIATION, 0);
	deliver(&mail);
	mail = take(MESSAGE_RESPONSE, 1);
	deliver(&mail);
	for (size_t i = 12; i < 140; i++) {
		mail = take(MESSAGE_DATA, 0);
		ck_assert_uint_eq(lab_deliver(lab, &mail, 1, inner, &n), 1);
		ck_assert_uint_eq(n, 100 + i);
		lab_inner(want, n, 0, 1, 0);
		ck_assert_mem_eq(inner, want, n);
	}
	ck_assert_uint_eq(lab->mail_count, 0);
}
END_TEST

static const struct {
	uint32_t mtu_bytes, inner_bytes, text_bytes;
} paddings[] = {
	{ 0, 64, 64 },        { 0, 65, 80 },        { 0, 1420, 1424 },
	{ 1420, 1419, 1420 }, { 1420, 1420, 1420 }, { 1420, 1400, 1408 },
	{ 1420, 1409, 1420 }, { 1000, 1001, 1016 }, { 1000, 2000, 2000 },
	{ 1420, 30, 32 },
};

START_TEST(padding_stays_within_the_mtu)
{
	struct lab_mail mail;

	begin_session();
	for (size_t i = 0; i < ARRAY_SIZE(paddings); i++) {
		wg_device_set_mtu(lab->devices[0].wg, paddings[i].mtu_bytes);
		lab_send(lab, 0, 1, paddings[i].inner_bytes, 0);
		mail = take(MESSAGE_DATA, 0);
		ck_assert_msg(mail.len_bytes == 32 + paddings[i].text_bytes, "row %zu",
		              i);
		ck_assert_uint_eq(deliver(&mail), 1);
	}
}
END_TEST

/* inner: of the packet, before; outer: what the datagram gets on its way out, or has when
 * it comes in; last: of the inner packet after that. RFC 6040 figure 4, but for "drop".
 */
static const struct {
	uint8_t inner, sent, received, last;
} ecn[] = {
	{ 0, 0, 0, 0 },          { 0, 0, 3, 0 },       { 0, 0, 1, 0 },
	{ 1, 1, 1, 1 },          { 1, 1, 3, 3 },       { 1, 1, 2, 1 },
	{ 2, 2, 2, 2 },          { 2, 2, 1, 1 },       { 2, 2, 3, 3 },
	{ 2, 2, 0, 2 },          { 3, 2, 2, 3 },       { 3, 2, 0, 3 },
	{ 0xb8, 0, 3, 0xb8 },    { 0xba, 2, 3, 0xbb }, { 0xfe, 2, 1, 0xfd },
	{ 0xb9, 1, 0xff, 0xbb },
};

START_TEST(ecn_goes_out_and_comes_in)
{
	uint8_t inner[LAB_BYTES], want[64];
	struct lab_mail mail;
	size_t n;

	begin_session();
	for (size_t i = 0; i < ARRAY_SIZE(ecn); i++) {
		lab_send(lab, 0, 1, 64, ecn[i].inner);
		mail = take(MESSAGE_DATA, 0);
		ck_assert_msg(mail.tos == ecn[i].sent, "row %zu", i);
		mail.tos = ecn[i].received;
		ck_assert_uint_eq(lab_deliver(lab, &mail, 1, inner, &n), 1);
		lab_inner(want, 64, 0, 1, ecn[i].last); /* checksum and all */
		ck_assert_msg(memcmp(inner, want, 64) == 0, "row %zu", i);
	}
}
END_TEST

START_TEST(ecn_of_ipv6)
{
	struct ipv6_header h = { .src = { 0xfd, 0, 0, 1 }, .dst = { 0xfd, 0, 0, 2 } };
	uint8_t got[LAB_BYTES];
	struct lab_mail mail;
	size_t n;

	begin_session();
	for (size_t i = 0; i < ARRAY_SIZE(ecn); i++) {
		h.version_class_flow =
			be32_put(6U << 28 | (uint32_t)ecn[i].inner << 20 | 0xabcde);
		mail = seal((const uint8_t *)&h, sizeof(h));
		ck_assert_msg(mail.tos == ecn[i].sent, "row %zu", i);
		mail.tos = ecn[i].received;
		ck_assert_uint_eq(lab_deliver(lab, &mail, 1, got, &n), 1);
		h.version_class_flow =
			be32_put(6U << 28 | (uint32_t)ecn[i].last << 20 | 0xabcde);
		ck_assert_msg(memcmp(got, &h, sizeof(h)) == 0, "row %zu", i);
	}
}
END_TEST

/* ---- batches */

#define BATCH 40

START_TEST(a_batch_is_sealed_and_opened_in_order)
{
	static uint8_t buffers[BATCH]
			      [PACKET_HEADROOM_BYTES + 400 + PACKET_TAILROOM_BYTES];
	struct packet packets[BATCH], *batch[BATCH];
	uint64_t state = unit_seed();
	uint8_t want[400];
	size_t n, good[BATCH], good_count = 0;
	bool there[BATCH] = { false };

	begin_session();
	for (size_t i = 0; i < BATCH; i++) {
		packets[i] = (struct packet){ .data = buffers[i] + PACKET_HEADROOM_BYTES,
			                      .len_bytes = (uint32_t)(100 + i),
			                      .headroom_bytes = PACKET_HEADROOM_BYTES,
			                      .tailroom_bytes = (uint32_t)(300 - i) +
			                                        PACKET_TAILROOM_BYTES,
			                      .from = &lab->devices[0].address };
		lab_inner(packets[i].data, 100 + i, 0, 1, 0);
		batch[i] = &packets[i];
	}
	n = wg_peer_seal(lab_peer_of(lab, 0, 1), batch, BATCH, lab->now_ns);
	ck_assert_uint_eq(n, BATCH);
	for (size_t i = 0; i < BATCH; i++) {
		ck_assert_ptr_eq(batch[i], &packets[i]);
		if (unit_random(&state) % 3 == 0)
			packets[i].data[unit_random(&state) % packets[i].len_bytes] ^= 1;
		else
			good[good_count++] = i;
	}
	n = wg_device_open(lab->devices[1].wg, batch, BATCH, lab->now_ns);
	ck_assert_uint_eq(n, good_count);
	for (size_t i = 0; i < n; i++) {
		ck_assert_ptr_eq(batch[i], &packets[good[i]]);
		ck_assert_ptr_eq(batch[i]->peer, lab_peer_of(lab, 1, 0));
		ck_assert_uint_eq(batch[i]->len_bytes, 100 + good[i]);
		lab_inner(want, 100 + good[i], 0, 1, 0);
		ck_assert_mem_eq(batch[i]->data, want, 100 + good[i]);
	}
	for (size_t i = 0; i < BATCH; i++) { /* none is lost from the array */
		ck_assert(!there[batch[i] - packets]);
		there[batch[i] - packets] = true;
	}
	ck_assert_uint_eq(lab_all_drops(lab, 1), BATCH - good_count);
}
END_TEST

/* Opens these in one batch; returns how many go on. */
static size_t open_together(int to, struct lab_mail *const *mail, size_t n)
{
	struct packet packets[4], *batch[4];

	ck_assert_uint_le(n, ARRAY_SIZE(batch));
	for (size_t i = 0; i < n; i++) {
		packets[i] = (struct packet){ .data = mail[i]->bytes,
			                      .len_bytes = (uint32_t)mail[i]->len_bytes,
			                      .from = &mail[i]->sent_from };
		batch[i] = &packets[i];
	}
	return wg_device_open(lab->devices[to].wg, batch, n, lab->now_ns);
}

START_TEST(a_handshake_between_data_of_one_batch)
{
	struct lab_mail first, initiation, second, response, confirm;

	begin_session();
	lab_run_delivering(lab, lab->now_ns + 121 * NS_PER_SEC);
	lab_send(lab, 0, 1, 64, 0);
	initiation = take(MESSAGE_INITIATION, 0);
	first = take(MESSAGE_DATA, 0);
	lab_send(lab, 0, 1, 64, 0);
	second = take(MESSAGE_DATA, 0);
	ck_assert_uint_eq(
		open_together(1, (struct lab_mail *[]){ &first, &initiation, &second },
	                      3),
		2);
	response = take(MESSAGE_RESPONSE, 1);
	/* The new key is confirmed by the packet in the middle; the old one opens the
	 * last. */
	lab_send(lab, 0, 1, 64, 0);
	first = take(MESSAGE_DATA, 0);
	lab_send(lab, 0, 1, 64, 0);
	second = take(MESSAGE_DATA, 0);
	deliver(&response);
	confirm = take(MESSAGE_DATA, 0);
	ck_assert_uint_eq(
		open_together(1, (struct lab_mail *[]){ &first, &confirm, &second }, 3),
		2);
	ck_assert_int_eq(lab->devices[1].handshakes, 2);
	ck_assert_uint_eq(lab_all_drops(lab, 0) + lab_all_drops(lab, 1), 0);
}
END_TEST

START_TEST(a_batch_is_dealt_with_in_order)
{
	struct wg_peer *p = lab_peer_of(lab, 1, 0);
	struct lab_mail data, initiation;

	begin_session();
	lab_run_delivering(lab, lab->now_ns + 121 * NS_PER_SEC);
	lab_send(lab, 0, 1, 64, 0);
	initiation = take(MESSAGE_INITIATION, 0);
	data = take(MESSAGE_DATA, 0);
	data.sent_from = elsewhere(1, 1);
	initiation.sent_from = elsewhere(2, 2);
	ck_assert_uint_eq(
		open_together(1, (struct lab_mail *[]){ &data, &initiation }, 2), 1);
	ck_assert_uint_eq(wg_peer_endpoint(p)->port, 2);
}
END_TEST

START_TEST(answering_a_handshake_ends_the_previous_key)
{
	struct lab_mail old, mail, confirm, copy;

	begin_session();
	lab_send(lab, 0, 1, 64, 0);
	old = take(MESSAGE_DATA, 0);
	lab_run_delivering(lab, lab->now_ns + 121 * NS_PER_SEC);
	ck_assert(lab_ping(lab, 0, 1));
	lab_run_delivering(lab, lab->now_ns + 6 * NS_PER_SEC);
	ck_assert_ptr_nonnull(lab_peer_of(lab, 1, 0)->keypairs.previous);
	wg_device_stop(lab->devices[0].wg);
	wg_device_start(lab->devices[0].wg, lab->now_ns);
	lab_send(lab, 0, 1, 64, 0);
	mail = take(MESSAGE_INITIATION, 0);
	deliver(&mail);
	expect_drop(&old, DROP_UNKNOWN_INDEX);
	mail = take(MESSAGE_RESPONSE, 1);
	deliver(&mail);
	confirm = copy = take(MESSAGE_DATA, 0);
	ck_assert_uint_eq(open_together(1, (struct lab_mail *[]){ &confirm, &copy }, 2),
	                  1);
	ck_assert_uint_eq(lab_drops(lab, 1, DROP_REPLAY), 1);
}
END_TEST

/* ---- claims */

START_TEST(a_device_claims_its_own)
{
	struct lab_mail mail[4];
	static const uint8_t cookie[COOKIE_BYTES];
	struct packet p = { 0 };

	lab_send(lab, 0, 1, 64, 0);
	mail[0] = take(MESSAGE_INITIATION, 0);
	deliver(&mail[0]);
	mail[1] = take(MESSAGE_RESPONSE, 1);
	mail[2] = reply_to(&mail[0], cookie);
	for (int i = 0; i < 3; i++)
		for (int d = 0; d < 3; d++) {
			p.data = mail[i].bytes;
			p.len_bytes = (uint32_t)mail[i].len_bytes;
			ck_assert(wg_device_claims(lab->devices[d].wg, &p) ==
			          (d == mail[i].to));
		}
	deliver(&mail[1]);
	mail[3] = take(MESSAGE_DATA, 0);
	p.data = mail[3].bytes;
	p.len_bytes = (uint32_t)mail[3].len_bytes;
	ck_assert(wg_device_claims(lab->devices[1].wg, &p));
	ck_assert(!wg_device_claims(lab->devices[0].wg, &p));
	p.len_bytes = 31;
	ck_assert(!wg_device_claims(lab->devices[1].wg, &p));
	p.len_bytes = 0;
	ck_assert(!wg_device_claims(lab->devices[1].wg, &p));
	ck_assert_uint_eq(lab_all_drops(lab, 0) + lab_all_drops(lab, 1), 0);
}
END_TEST

/* ---- up, down, and other keys */

START_TEST(a_stopped_device_does_nothing)
{
	struct lab_mail mail;

	begin_session();
	lab_send(lab, 0, 1, 64, 0);
	mail = take(MESSAGE_DATA, 0);
	wg_device_stop(lab->devices[1].wg);
	expect_drop(&mail, DROP_DOWN);
	lab_send(lab, 1, 0, 64, 0);
	ck_assert_uint_eq(lab_drops(lab, 1, DROP_DOWN), 2);
	wg_device_start(lab->devices[1].wg, lab->now_ns);
	expect_drop(&mail, DROP_UNKNOWN_INDEX);
	ck_assert(lab_ping(lab, 1, 0));
	ck_assert(lab_ping(lab, 0, 1));
}
END_TEST

START_TEST(a_new_private_key_ends_the_sessions)
{
	uint8_t other[KEY_BYTES];
	struct lab_mail mail;

	begin_session();
	/* The same key again: nothing happens. */
	wg_device_set_private_key(lab->devices[0].wg, lab->devices[0].private_key);
	ck_assert_uint_eq(lab_send(lab, 0, 1, 64, 0), 1);
	lab_throw_away(lab);
	rng_fill(&lab->rng, other, sizeof(other));
	wg_device_set_private_key(lab->devices[0].wg, other);
	ck_assert_uint_eq(lab_send(lab, 0, 1, 64, 0), 0);
	mail = take(MESSAGE_INITIATION, 0);
	expect_drop(&mail, DROP_BAD_HANDSHAKE);
	wg_device_set_private_key(lab->devices[0].wg, NULL);
	ck_assert_uint_eq(lab_send(lab, 0, 1, 64, 0), 0);
	ck_assert_uint_eq(lab_drops(lab, 0, DROP_NO_KEY), 1);
	wg_device_set_private_key(lab->devices[0].wg, lab->devices[0].private_key);
	lab_run_delivering(lab, lab->now_ns + 6 * NS_PER_SEC);
	ck_assert(lab_ping(lab, 0, 1));
}
END_TEST

START_TEST(a_removed_peer_is_gone)
{
	struct lab_mail mail;

	begin_session();
	lab_send(lab, 0, 1, 64, 0);
	mail = take(MESSAGE_DATA, 0);
	wg_device_remove_peer(lab_peer_of(lab, 1, 0));
	expect_drop(&mail, DROP_UNKNOWN_INDEX);
	lab_run_delivering(lab, lab->now_ns + 15 * NS_PER_SEC + NS_PER_SEC);
	ck_assert_uint_ge(lab_drops(lab, 1, DROP_BAD_HANDSHAKE), 1);
	lab_peer(lab, 1, 0);
	lab_run_delivering(lab, lab->now_ns + 6 * NS_PER_SEC);
	ck_assert(lab_ping(lab, 0, 1));
}
END_TEST

/* ---- a bad network */

START_TEST(loss_reorder_and_duplicates_for_half_an_hour)
{
	uint64_t state = unit_seed();
	uint8_t inner[LAB_BYTES], want[LAB_BYTES];
	static bool seen[2][LAB_BYTES];
	struct lab_mail mail, late = { .to = -1 };
	int got = 0;
	size_t n;

	memset(seen, 0, sizeof(seen));
	for (size_t i = 100; i < 1900; i++) { /* the length is the packet's number */
		int from = (int)(unit_random(&state) % 2);

		lab_run_until(lab, lab->now_ns + NS_PER_SEC);
		lab_send(lab, from, 1 - from, i, 0);
		while (lab_take(lab, &mail)) {
			uint64_t fate = unit_random(&state) % 8;

			if (fate == 0)
				continue; /* lost */
			if (fate == 1) {  /* overtaken */
				struct lab_mail swap = late;

				late = mail;
				mail = swap;
			}
			for (uint64_t copy = 0; mail.to >= 0 && copy <= (fate == 2);
			     copy++) {
				if (lab_deliver(lab, &mail, mail.to, inner, &n) == 0)
					continue;
				ck_assert(!seen[mail.to][n]);
				seen[mail.to][n] = true;
				lab_inner(want, n, mail.from, mail.to, 0);
				ck_assert_mem_eq(inner, want, n);
				got++;
			}
		}
	}
	/* An eighth is lost, and a little more while handshakes are. */
	ck_assert_int_gt(got, 1300);
	ck_assert_uint_eq(lab_drops(lab, 0, DROP_HANDSHAKE_FAILED), 0);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("wg/device");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_packet_makes_the_handshake_and_follows_it);
	tcase_add_test(tc, a_responder_waits_for_the_first_packet);
	tcase_add_test(tc, an_initiator_with_nothing_to_send_confirms_by_a_keepalive);
	tcase_add_test(tc, initiations_that_cross_end_in_one_session);
	tcase_add_test(tc, preshared_keys_must_be_the_same);
	tcase_add_test(tc, a_wrong_mac1_is_dropped_first);
	tcase_add_test(tc, an_initiation_counts_once_and_not_too_often);
	tcase_add_test(tc, strangers_are_not_answered);
	tcase_add_test(tc, a_response_needs_an_initiation);
	tcase_add_test(tc, after_a_cookie_reply_messages_bear_mac2);
	tcase_add_test(tc, no_length_and_no_type_does_harm);
	tcase_add_test(tc, a_changed_byte_of_data_is_dropped);
	tcase_add_test(tc, each_message_is_opened_once_in_any_order);
	tcase_add_test(tc, an_inner_packet_must_be_whole_and_the_peers);
	tcase_add_test(tc, ipv6_passes_too);
	tcase_add_test(tc, the_endpoint_follows_authentic_messages_only);
	tcase_add_test(tc, handshakes_move_the_endpoint_too);
	tcase_add_test(tc, without_an_endpoint_nothing_is_sent_until_the_peer_comes);
	tcase_add_test(tc, bytes_are_counted_as_the_kernel_does);
	tcase_add_test(tc, the_last_128_packets_wait_in_order);
	tcase_add_test(tc, padding_stays_within_the_mtu);
	tcase_add_test(tc, ecn_goes_out_and_comes_in);
	tcase_add_test(tc, ecn_of_ipv6);
	tcase_add_test(tc, a_batch_is_sealed_and_opened_in_order);
	tcase_add_test(tc, a_handshake_between_data_of_one_batch);
	tcase_add_test(tc, answering_a_handshake_ends_the_previous_key);
	tcase_add_test(tc, a_device_claims_its_own);
	tcase_add_test(tc, a_stopped_device_does_nothing);
	tcase_add_test(tc, a_new_private_key_ends_the_sessions);
	tcase_add_test(tc, a_removed_peer_is_gone);
	tcase_add_test(tc, loss_reorder_and_duplicates_for_half_an_hour);
	tcase_add_test(tc, a_peer_may_not_send_as_another);
	tcase_add_test(tc, an_index_is_good_for_its_own_kind_only);
	tcase_add_test(tc, a_batch_is_dealt_with_in_order);
	return tc;
}
