/* Devices that talk through arrays: how sessions begin, move and end. What becomes of
 * data is in test_data.c. */
#include "unit.h"

#include <string.h>

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
	mail = lab_expect(lab, MESSAGE_INITIATION, 0);
	ck_assert_uint_eq(mail.tos, HANDSHAKE_TOS);
	ck_assert_uint_eq(lab_hand_over(lab, &mail), 0);
	mail = lab_expect(lab, MESSAGE_RESPONSE, 1);
	ck_assert_uint_eq(mail.tos, HANDSHAKE_TOS);
	ck_assert_int_eq(lab->devices[1].handshakes, 0);
	ck_assert_uint_eq(lab_hand_over(lab, &mail), 0);
	ck_assert_int_eq(lab->devices[0].handshakes, 1);
	mail = lab_expect(lab, MESSAGE_DATA, 0);
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
	mail = lab_expect(lab, MESSAGE_INITIATION, 0);
	lab_hand_over(lab, &mail);
	mail = lab_expect(lab, MESSAGE_RESPONSE, 1);
	/* It has keys, but perhaps the initiator has none yet. So the packet is staged,
	 * and it sends no initiation of its own. */
	ck_assert_uint_eq(lab_send(lab, 1, 0, 64, 0), 0);
	ck_assert_uint_eq(lab->mail_count, 0);
	lab_hand_over(lab, &mail);
	mail = lab_expect(lab, MESSAGE_DATA, 0);
	ck_assert_uint_eq(lab_hand_over(lab, &mail), 1);
	mail = lab_expect(lab, MESSAGE_DATA, 1);
	ck_assert_uint_eq(lab_hand_over(lab, &mail), 1);
}
END_TEST

START_TEST(an_initiator_with_nothing_to_send_confirms_by_a_keepalive)
{
	struct lab_mail mail;

	wg_peer_set_keepalive(lab_peer_of(lab, 0, 1), 60, lab->now_ns);
	mail = lab_expect(lab, MESSAGE_INITIATION, 0);
	lab_hand_over(lab, &mail);
	mail = lab_expect(lab, MESSAGE_RESPONSE, 1);
	lab_hand_over(lab, &mail);
	mail = lab_expect(lab, MESSAGE_DATA, 0);
	ck_assert_uint_eq(mail.len_bytes, MESSAGE_DATA_MIN_BYTES);
	ck_assert_uint_eq(mail.tos, 0);
	ck_assert_uint_eq(lab_hand_over(lab, &mail), 0);
	ck_assert_int_eq(lab->devices[1].handshakes, 1);
	ck_assert_uint_eq(lab_all_drops(lab, 1), 0);
}
END_TEST

START_TEST(initiations_that_cross_end_in_one_session)
{
	struct lab_mail a, b;

	lab_send(lab, 0, 1, 64, 0);
	lab_send(lab, 1, 0, 64, 0);
	a = lab_expect(lab, MESSAGE_INITIATION, 0);
	b = lab_expect(lab, MESSAGE_INITIATION, 1);
	lab_hand_over(lab, &a);
	lab_hand_over(lab, &b);
	lab_deliver_all(lab);
	/* Each has answered the other, and so lost its own handshake. A retransmission
	 * helps. */
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
	mail = lab_expect(lab, MESSAGE_INITIATION, 0);
	lab_hand_over(lab, &mail);
	mail = lab_expect(lab, MESSAGE_RESPONSE, 1);
	lab_expect_drop(lab, &mail, DROP_BAD_HANDSHAKE);
	wg_peer_set_preshared_key(lab_peer_of(lab, 1, 0), psk);
	lab_run_delivering(lab, lab->now_ns + 6 * NS_PER_SEC);
	ck_assert(lab_ping(lab, 0, 1));
}
END_TEST

START_TEST(a_wrong_mac1_is_dropped_first)
{
	struct lab_mail mail, broken;

	lab_send(lab, 0, 1, 64, 0);
	mail = broken = lab_expect(lab, MESSAGE_INITIATION, 0);
	broken.bytes[20] ^= 1;
	lab_expect_drop(lab, &broken, DROP_BAD_MAC1);
	lab_hand_over(lab, &mail);
	mail = broken = lab_expect(lab, MESSAGE_RESPONSE, 1);
	broken.bytes[sizeof(struct message_response) - 17] ^= 1;
	lab_expect_drop(lab, &broken, DROP_BAD_MAC1);
	lab_hand_over(lab, &mail);
	ck_assert_int_eq(lab->devices[0].handshakes, 1);
}
END_TEST

START_TEST(an_initiation_counts_once_and_not_too_often)
{
	struct lab_mail first, second;

	lab_send(lab, 0, 1, 64, 0);
	first = lab_expect(lab, MESSAGE_INITIATION, 0);
	lab_hand_over(lab, &first);
	lab_expect(lab, MESSAGE_RESPONSE, 1);
	lab_expect_drop(lab, &first, DROP_REPLAYED_HANDSHAKE);
	lab->now_ns += 5 * NS_PER_SEC;
	lab_send(lab, 0, 1, 64, 0);
	second = lab_expect(lab, MESSAGE_INITIATION, 0);
	lab->now_ns += NS_PER_SEC;
	lab_hand_over(lab, &second);
	lab_expect(lab, MESSAGE_RESPONSE, 1);
	lab->now_ns += 4 * NS_PER_SEC;
	lab_send(lab, 0, 1, 64, 0);
	first = lab_expect(lab, MESSAGE_INITIATION, 0);
	lab->now_ns -= 4 * NS_PER_SEC - NS_PER_SEC / 50 + 1;
	lab_expect_drop(lab, &first, DROP_HANDSHAKE_FLOOD);
	lab->now_ns += 1;
	lab_hand_over(lab, &first);
	lab_expect(lab, MESSAGE_RESPONSE, 1);
}
END_TEST

START_TEST(strangers_are_not_answered)
{
	struct lab_mail mail;

	/* 2 knows 1, but 1 does not know 2. */
	lab_peer(lab, 2, 1);
	wg_device_start(lab->devices[2].wg, lab->now_ns);
	lab_send(lab, 2, 1, 64, 0);
	mail = lab_expect(lab, MESSAGE_INITIATION, 2);
	lab_expect_drop(lab, &mail, DROP_BAD_HANDSHAKE);
	/* And to another device that message is nothing at all. */
	mail.to = 0;
	lab_expect_drop(lab, &mail, DROP_BAD_MAC1);
}
END_TEST

START_TEST(a_response_needs_an_initiation)
{
	struct lab_mail response, mail;

	lab_send(lab, 0, 1, 64, 0);
	mail = lab_expect(lab, MESSAGE_INITIATION, 0);
	lab_hand_over(lab, &mail);
	response = lab_expect(lab, MESSAGE_RESPONSE, 1);
	mail = response;
	mail.bytes[8] ^= 1;
	sign(&mail);
	lab_expect_drop(lab, &mail, DROP_UNKNOWN_INDEX);
	mail = response;
	mail.bytes[50] ^= 1;
	sign(&mail);
	lab_expect_drop(lab, &mail, DROP_BAD_HANDSHAKE);
	lab_hand_over(lab, &response);
	lab_expect_drop(lab, &response,
	                DROP_UNKNOWN_INDEX); /* a keypair has the index now */
}
END_TEST

START_TEST(an_index_is_good_for_its_own_kind_only)
{
	struct lab_mail mail, data;

	/* 0 has a handshake under way; data that names it... */
	lab_send(lab, 0, 1, 64, 0);
	mail = lab_expect(lab, MESSAGE_INITIATION, 0);
	data = (struct lab_mail){
		.from = 1, .to = 0, .bytes = { MESSAGE_DATA }, .len_bytes = 64
	};
	memcpy(data.bytes + 4, mail.bytes + 4, 4);
	lab_expect_drop(lab, &data, DROP_UNKNOWN_INDEX);
	/* ...and a response that names a keypair. */
	lab_hand_over(lab, &mail);
	mail = lab_expect(lab, MESSAGE_RESPONSE, 1);
	lab_hand_over(lab, &mail);
	lab_expect_drop(lab, &mail, DROP_UNKNOWN_INDEX);
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
	mail = lab_expect(lab, MESSAGE_INITIATION, 0);
	ck_assert_mem_eq(mail.bytes + 132, none, MAC_BYTES);
	reply = forged = reply_to(&mail, cookie);
	forged.bytes[40] ^= 1;
	lab_expect_drop(lab, &forged, DROP_BAD_COOKIE);
	forged = reply;
	forged.bytes[4] ^= 1;
	lab_expect_drop(lab, &forged, DROP_UNKNOWN_INDEX);
	lab_hand_over(lab, &reply);
	ck_assert_uint_eq(lab->mail_count, 0); /* no answer now; the next try has it */
	lab_run_until(lab, lab->now_ns + 6 * NS_PER_SEC);
	mail = lab_expect(lab, MESSAGE_INITIATION, 0);
	ck_assert_mem_ne(mail.bytes + 132, none, MAC_BYTES);
	lab_hand_over(lab, &mail);
	mail = lab_expect(lab, MESSAGE_RESPONSE, 1);
	lab_hand_over(lab, &mail);
	ck_assert_int_eq(lab->devices[0].handshakes, 1);
}
END_TEST

/* ---- roaming */

START_TEST(the_endpoint_follows_authentic_messages_only)
{
	struct wg_peer *p = lab_peer_of(lab, 1, 0);
	struct endpoint there = lab_elsewhere(1, 999);
	struct lab_mail mail, forged;

	lab_begin_session(lab, 0, 1);
	ck_assert_int_eq(lab->devices[1].endpoint_changes, 0);
	lab_send(lab, 0, 1, 64, 0);
	mail = lab_expect(lab, MESSAGE_DATA, 0);
	mail.sent_from = there;
	forged = mail;
	forged.bytes[30] ^= 1;
	lab_expect_drop(lab, &forged, DROP_BAD_AUTH);
	ck_assert_int_eq(lab->devices[1].endpoint_changes, 0);
	ck_assert_uint_eq(lab_hand_over(lab, &mail), 1);
	ck_assert_int_eq(lab->devices[1].endpoint_changes, 1);
	ck_assert(endpoint_equal(wg_peer_endpoint(p), &there));
	/* A replay from elsewhere does not move it. */
	mail.sent_from = lab_elsewhere(2, 999);
	lab_expect_drop(lab, &mail, DROP_REPLAY);
	ck_assert(endpoint_equal(wg_peer_endpoint(p), &there));
	/* The other way in: no news, but the answer has to leave from there. */
	lab_send(lab, 0, 1, 64, 0);
	mail = lab_expect(lab, MESSAGE_DATA, 0);
	mail.sent_from = there;
	mail.sent_from.ifindex = 4;
	ck_assert_uint_eq(lab_hand_over(lab, &mail), 1);
	ck_assert_int_eq(lab->devices[1].endpoint_changes, 1);
	ck_assert_uint_eq(wg_peer_endpoint(p)->ifindex, 4);
	/* The port alone counts. */
	lab_send(lab, 0, 1, 64, 0);
	mail = lab_expect(lab, MESSAGE_DATA, 0);
	mail.sent_from = lab_elsewhere(1, 1000);
	ck_assert_uint_eq(lab_hand_over(lab, &mail), 1);
	ck_assert_int_eq(lab->devices[1].endpoint_changes, 2);
	lab_send(lab, 1, 0, 64, 0);
	mail = lab_expect(lab, MESSAGE_DATA, 1);
	ck_assert_uint_eq(mail.sent_to.port, 1000);
}
END_TEST

START_TEST(handshakes_move_the_endpoint_too)
{
	struct lab_mail mail;

	lab_send(lab, 0, 1, 64, 0);
	mail = lab_expect(lab, MESSAGE_INITIATION, 0);
	mail.sent_from = lab_elsewhere(1, 1);
	lab_hand_over(lab, &mail);
	ck_assert_int_eq(lab->devices[1].endpoint_changes, 1);
	mail = lab_expect(lab, MESSAGE_RESPONSE, 1);
	ck_assert_uint_eq(mail.sent_to.port, 1);
	mail.to = 0;
	mail.sent_from = lab_elsewhere(2, 2);
	lab_hand_over(lab, &mail);
	ck_assert_int_eq(lab->devices[0].endpoint_changes, 1);
	mail = lab_expect(lab, MESSAGE_DATA, 0);
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

/* ---- claims */

START_TEST(a_device_claims_its_own)
{
	struct lab_mail mail[4];
	static const uint8_t cookie[COOKIE_BYTES];
	struct packet p = { 0 };

	lab_send(lab, 0, 1, 64, 0);
	mail[0] = lab_expect(lab, MESSAGE_INITIATION, 0);
	lab_hand_over(lab, &mail[0]);
	mail[1] = lab_expect(lab, MESSAGE_RESPONSE, 1);
	mail[2] = reply_to(&mail[0], cookie);
	for (int i = 0; i < 3; i++)
		for (int d = 0; d < 3; d++) {
			p.data = mail[i].bytes;
			p.len_bytes = (uint32_t)mail[i].len_bytes;
			ck_assert(wg_device_claims(lab->devices[d].wg, &p) ==
			          (d == mail[i].to));
		}
	lab_hand_over(lab, &mail[1]);
	mail[3] = lab_expect(lab, MESSAGE_DATA, 0);
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

	lab_begin_session(lab, 0, 1);
	lab_send(lab, 0, 1, 64, 0);
	mail = lab_expect(lab, MESSAGE_DATA, 0);
	wg_device_stop(lab->devices[1].wg);
	lab_expect_drop(lab, &mail, DROP_DOWN);
	lab_send(lab, 1, 0, 64, 0);
	ck_assert_uint_eq(lab_drops(lab, 1, DROP_DOWN), 2);
	wg_device_start(lab->devices[1].wg, lab->now_ns);
	lab_expect_drop(lab, &mail, DROP_UNKNOWN_INDEX);
	ck_assert(lab_ping(lab, 1, 0));
	ck_assert(lab_ping(lab, 0, 1));
}
END_TEST

START_TEST(a_new_private_key_ends_the_sessions)
{
	uint8_t other[KEY_BYTES];
	struct lab_mail mail;

	lab_begin_session(lab, 0, 1);
	/* The same key again: nothing happens. */
	wg_device_set_private_key(lab->devices[0].wg, lab->devices[0].private_key);
	ck_assert_uint_eq(lab_send(lab, 0, 1, 64, 0), 1);
	lab_throw_away(lab);
	rng_fill(&lab->rng, other, sizeof(other));
	wg_device_set_private_key(lab->devices[0].wg, other);
	ck_assert_uint_eq(lab_send(lab, 0, 1, 64, 0), 0);
	mail = lab_expect(lab, MESSAGE_INITIATION, 0);
	lab_expect_drop(lab, &mail, DROP_BAD_HANDSHAKE);
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

	lab_begin_session(lab, 0, 1);
	lab_send(lab, 0, 1, 64, 0);
	mail = lab_expect(lab, MESSAGE_DATA, 0);
	wg_device_remove_peer(lab_peer_of(lab, 1, 0));
	lab_expect_drop(lab, &mail, DROP_UNKNOWN_INDEX);
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
	tcase_add_test(tc, an_index_is_good_for_its_own_kind_only);
	tcase_add_test(tc, after_a_cookie_reply_messages_bear_mac2);
	tcase_add_test(tc, the_endpoint_follows_authentic_messages_only);
	tcase_add_test(tc, handshakes_move_the_endpoint_too);
	tcase_add_test(tc, without_an_endpoint_nothing_is_sent_until_the_peer_comes);
	tcase_add_test(tc, a_device_claims_its_own);
	tcase_add_test(tc, a_stopped_device_does_nothing);
	tcase_add_test(tc, a_new_private_key_ends_the_sessions);
	tcase_add_test(tc, a_removed_peer_is_gone);
	tcase_add_test(tc, loss_reorder_and_duplicates_for_half_an_hour);
	return tc;
}
