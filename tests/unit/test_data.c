/* Devices that talk through arrays: which data passes, as what, and why the
 * rest is dropped. */
#include "unit.h"

#include <string.h>

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

	lab_begin_session(lab, 0, 1);
	for (uint32_t type = 0; type < 7; type++)
		for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
			uint64_t bad = lab_drops(lab, 1, DROP_BAD_MESSAGE);

			rng_fill(&lab->rng, mail.bytes, sizeof(mail.bytes));
			memcpy(mail.bytes, (uint8_t[4]){ (uint8_t)type }, 4);
			mail.len_bytes = lengths[i];
			ck_assert_uint_eq(lab_hand_over(lab, &mail), 0);
			bad = lab_drops(lab, 1, DROP_BAD_MESSAGE) - bad;
			ck_assert_uint_eq(bad, !right_length(type, lengths[i]));
		}
	ck_assert_uint_eq(lab_all_drops(lab, 1), 7 * ARRAY_SIZE(lengths));
	/* The three bytes behind the type are zero. */
	lab_send(lab, 0, 1, 64, 0);
	mail = lab_expect(lab, MESSAGE_DATA, 0);
	mail.bytes[2] = 1;
	lab_expect_drop(lab, &mail, DROP_BAD_MESSAGE);
	mail.bytes[2] = 0;
	ck_assert_uint_eq(lab_hand_over(lab, &mail), 1);
}
END_TEST

START_TEST(a_changed_byte_of_data_is_dropped)
{
	struct lab_mail mail, changed;

	lab_begin_session(lab, 0, 1);
	lab_send(lab, 0, 1, 64, 0);
	mail = lab_expect(lab, MESSAGE_DATA, 0);
	for (size_t i = 4; i < mail.len_bytes; i++) {
		changed = mail;
		changed.bytes[i] ^= 4;
		lab_expect_drop(lab, &changed,
		                i < 8 ? DROP_UNKNOWN_INDEX : DROP_BAD_AUTH);
	}
	memset(changed.bytes + 8, 0xff, 8);
	lab_expect_drop(lab, &changed,
	                DROP_EXPIRED_KEY); /* a counter that no key ever has */
	ck_assert_uint_eq(lab_hand_over(lab, &mail), 1);
}
END_TEST

START_TEST(each_message_is_opened_once_in_any_order)
{
	struct lab_mail mail[5];
	static const int order[] = { 3, 0, 4, 1, 2 };

	lab_begin_session(lab, 0, 1);
	for (int i = 0; i < 5; i++) {
		lab_send(lab, 0, 1, 64, 0);
		mail[i] = lab_expect(lab, MESSAGE_DATA, 0);
	}
	for (int i = 0; i < 5; i++)
		ck_assert_uint_eq(lab_hand_over(lab, &mail[order[i]]), 1);
	for (int i = 0; i < 5; i++)
		lab_expect_drop(lab, &mail[i], DROP_REPLAY);
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

	lab_begin_session(lab, 0, 1);
	wg_peer_stats(lab_peer_of(lab, 1, 0), &before, lab->now_ns);
	lab_inner(inner, sizeof(inner), 2, 1, 0); /* somebody else's source */
	mail = seal(inner, sizeof(inner));
	lab_expect_drop(lab, &mail, DROP_WRONG_SOURCE);
	lab_inner(inner, sizeof(inner), 1, 1, 0); /* our own */
	mail = seal(inner, sizeof(inner));
	lab_expect_drop(lab, &mail, DROP_WRONG_SOURCE);
	lab_inner(inner, sizeof(inner), 0, 1, 0);
	inner[0] = 0x55;
	mail = seal(inner, sizeof(inner));
	lab_expect_drop(lab, &mail, DROP_MALFORMED);
	lab_inner(inner, sizeof(inner), 0, 1, 0);
	inner[3] = 65; /* longer than what is there */
	mail = seal(inner, sizeof(inner));
	lab_expect_drop(lab, &mail, DROP_MALFORMED);
	inner[3] = 19;
	mail = seal(inner, sizeof(inner));
	lab_expect_drop(lab, &mail, DROP_MALFORMED);
	mail = seal(inner, 1);
	lab_expect_drop(lab, &mail, DROP_MALFORMED);
	wg_peer_stats(lab_peer_of(lab, 1, 0), &after, lab->now_ns);
	ck_assert_uint_eq(after.rx_bytes, before.rx_bytes);
}
END_TEST

START_TEST(a_peer_may_not_send_as_another)
{
	uint8_t inner[64];
	struct lab_mail mail;

	lab_begin_session(lab, 0, 1);
	lab_peer(lab, 1, 2);
	lab_inner(inner, sizeof(inner), 2, 1, 0);
	mail = seal(inner, sizeof(inner));
	lab_expect_drop(lab, &mail, DROP_WRONG_SOURCE);
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

	lab_begin_session(lab, 0, 1);
	memcpy(inner, &h, sizeof(h));
	mail = seal(inner, sizeof(inner));
	ck_assert_uint_eq(mail.len_bytes, 16 + 64 + 16);
	ck_assert_uint_eq(lab_deliver(lab, &mail, 1, got, &n), 1);
	ck_assert_uint_eq(n, sizeof(inner));
	ck_assert_mem_eq(got, inner, sizeof(inner));
	h.src[3] = 7;
	memcpy(inner, &h, sizeof(h));
	mail = seal(inner, sizeof(inner));
	lab_expect_drop(lab, &mail, DROP_WRONG_SOURCE);
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
	mail = lab_expect(lab, MESSAGE_INITIATION, 0);
	lab_hand_over(lab, &mail);
	mail = lab_expect(lab, MESSAGE_RESPONSE, 1);
	lab_hand_over(lab, &mail);
	for (size_t i = 12; i < 140; i++) {
		mail = lab_expect(lab, MESSAGE_DATA, 0);
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

	lab_begin_session(lab, 0, 1);
	for (size_t i = 0; i < ARRAY_SIZE(paddings); i++) {
		wg_device_set_mtu(lab->devices[0].wg, paddings[i].mtu_bytes);
		lab_send(lab, 0, 1, paddings[i].inner_bytes, 0);
		mail = lab_expect(lab, MESSAGE_DATA, 0);
		ck_assert_msg(mail.len_bytes == 32 + paddings[i].text_bytes, "row %zu",
		              i);
		ck_assert_uint_eq(lab_hand_over(lab, &mail), 1);
	}
}
END_TEST

/* TOS bytes: `inner` is that of the packet before, `sent` the one that the datagram
 * gets on its way out, `received` the one that it has when it comes in, and `last` that of
 * the inner packet after that. As in RFC 6040 figure 4, except for "drop". */
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

	lab_begin_session(lab, 0, 1);
	for (size_t i = 0; i < ARRAY_SIZE(ecn); i++) {
		lab_send(lab, 0, 1, 64, ecn[i].inner);
		mail = lab_expect(lab, MESSAGE_DATA, 0);
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

	lab_begin_session(lab, 0, 1);
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

	lab_begin_session(lab, 0, 1);
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
	n = wg_device_open(lab->devices[to].wg, batch, n, lab->now_ns);
	wg_answer_handshakes(lab->intake, lab->now_ns);
	return n;
}

START_TEST(a_handshake_between_data_of_one_batch)
{
	struct lab_mail first, initiation, second, response, confirm;

	lab_begin_session(lab, 0, 1);
	lab_run_delivering(lab, lab->now_ns + 121 * NS_PER_SEC);
	lab_send(lab, 0, 1, 64, 0);
	initiation = lab_expect(lab, MESSAGE_INITIATION, 0);
	first = lab_expect(lab, MESSAGE_DATA, 0);
	lab_send(lab, 0, 1, 64, 0);
	second = lab_expect(lab, MESSAGE_DATA, 0);
	ck_assert_uint_eq(
		open_together(1, (struct lab_mail *[]){ &first, &initiation, &second },
	                      3),
		2);
	response = lab_expect(lab, MESSAGE_RESPONSE, 1);
	/* The new key is confirmed by the packet in the middle; the old one
	 * opens the last. */
	lab_send(lab, 0, 1, 64, 0);
	first = lab_expect(lab, MESSAGE_DATA, 0);
	lab_send(lab, 0, 1, 64, 0);
	second = lab_expect(lab, MESSAGE_DATA, 0);
	lab_hand_over(lab, &response);
	confirm = lab_expect(lab, MESSAGE_DATA, 0);
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

	lab_begin_session(lab, 0, 1);
	lab_run_delivering(lab, lab->now_ns + 121 * NS_PER_SEC);
	lab_send(lab, 0, 1, 64, 0);
	initiation = lab_expect(lab, MESSAGE_INITIATION, 0);
	data = lab_expect(lab, MESSAGE_DATA, 0);
	data.sent_from = lab_elsewhere(1, 1);
	initiation.sent_from = lab_elsewhere(2, 2);
	ck_assert_uint_eq(
		open_together(1, (struct lab_mail *[]){ &data, &initiation }, 2), 1);
	ck_assert_uint_eq(wg_peer_endpoint(p)->port, 2);
}
END_TEST

START_TEST(answering_a_handshake_ends_the_previous_key)
{
	struct lab_mail old, mail, confirm, copy;

	lab_begin_session(lab, 0, 1);
	lab_send(lab, 0, 1, 64, 0);
	old = lab_expect(lab, MESSAGE_DATA, 0);
	lab_run_delivering(lab, lab->now_ns + 121 * NS_PER_SEC);
	ck_assert(lab_ping(lab, 0, 1));
	lab_run_delivering(lab, lab->now_ns + 6 * NS_PER_SEC);
	ck_assert_ptr_nonnull(lab_peer_of(lab, 1, 0)->keypairs.previous);
	wg_device_stop(lab->devices[0].wg);
	wg_device_start(lab->devices[0].wg, lab->now_ns);
	lab_send(lab, 0, 1, 64, 0);
	mail = lab_expect(lab, MESSAGE_INITIATION, 0);
	lab_hand_over(lab, &mail);
	lab_expect_drop(lab, &old, DROP_UNKNOWN_INDEX);
	mail = lab_expect(lab, MESSAGE_RESPONSE, 1);
	lab_hand_over(lab, &mail);
	confirm = copy = lab_expect(lab, MESSAGE_DATA, 0);
	ck_assert_uint_eq(open_together(1, (struct lab_mail *[]){ &confirm, &copy }, 2),
	                  1);
	ck_assert_uint_eq(lab_drops(lab, 1, DROP_REPLAY), 1);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("wg/data");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, no_length_and_no_type_does_harm);
	tcase_add_test(tc, a_changed_byte_of_data_is_dropped);
	tcase_add_test(tc, each_message_is_opened_once_in_any_order);
	tcase_add_test(tc, an_inner_packet_must_be_whole_and_the_peers);
	tcase_add_test(tc, a_peer_may_not_send_as_another);
	tcase_add_test(tc, ipv6_passes_too);
	tcase_add_test(tc, bytes_are_counted_as_the_kernel_does);
	tcase_add_test(tc, the_last_128_packets_wait_in_order);
	tcase_add_test(tc, padding_stays_within_the_mtu);
	tcase_add_test(tc, ecn_goes_out_and_comes_in);
	tcase_add_test(tc, ecn_of_ipv6);
	tcase_add_test(tc, a_batch_is_sealed_and_opened_in_order);
	tcase_add_test(tc, a_handshake_between_data_of_one_batch);
	tcase_add_test(tc, a_batch_is_dealt_with_in_order);
	tcase_add_test(tc, answering_a_handshake_ends_the_previous_key);
	return tc;
}
