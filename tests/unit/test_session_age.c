/* What the age of a session, and the number of its messages, does to its keys: by a clock
 * that only these tests move. Device 0 is the initiator, device 1 the responder. */
#include "unit.h"

#include <string.h>

#include "lab.h"
#include "wg/state.h"

#define SEC       NS_PER_SEC
#define JITTER_NS (SEC / 3)

static struct lab *lab;
static uint64_t t0; /* when the session began */

static void set_up(void)
{
	lab = lab_new(unit_seed());
	lab_connect(lab, 0, 1);
}

static void tear_down(void)
{
	lab_free(lab);
}

/* ---- rekeying */

START_TEST(the_initiator_rekeys_after_120_s_when_it_sends)
{
	t0 = lab_begin_quiet_session(lab, 0, 1);
	lab_expect_silence(lab, t0 + 120 * SEC - 1);
	lab_send(lab, 0, 1, 64, 0);
	ck_assert_uint_eq(lab->mail_count, 1);
	lab_deliver_all(lab);
	lab_expect_silence(lab, t0 + 120 * SEC);
	lab_send(lab, 0, 1, 64, 0);
	ck_assert_uint_eq(lab->mail_count, 2);
	lab_expect_at(lab, MESSAGE_INITIATION, 0, lab->now_ns, 0);
	lab_expect_at(lab, MESSAGE_DATA, 0, lab->now_ns, 0);
}
END_TEST

START_TEST(rekeying_gives_new_keys_and_loses_nothing)
{
	struct wg_peer *a = lab_peer_of(lab, 0, 1), *b = lab_peer_of(lab, 1, 0);
	uint32_t old;

	t0 = lab_begin_quiet_session(lab, 0, 1);
	old = index_of(&a->keypairs.current->index);
	lab_run_delivering(lab, t0 + 121 * SEC);
	ck_assert(lab_ping(lab, 0, 1));
	ck_assert_uint_ne(index_of(&a->keypairs.current->index), old);
	ck_assert_uint_eq(index_of(&a->keypairs.previous->index), old);
	ck_assert_uint_eq(a->keypairs.current->born_ns, t0 + 121 * SEC);
	ck_assert_uint_eq(b->keypairs.current->born_ns, t0 + 121 * SEC);
	ck_assert(lab_ping(lab, 1, 0));
	ck_assert_uint_eq(lab_all_drops(lab, 0) + lab_all_drops(lab, 1), 0);
}
END_TEST

START_TEST(the_responder_does_not_rekey_by_age)
{
	t0 = lab_begin_quiet_session(lab, 0, 1);
	lab_run_delivering(lab, t0 + 130 * SEC);
	lab_send(lab, 1, 0, 64, 0);
	ck_assert_uint_eq(lab->mail_count, 1);
	lab_expect_at(lab, MESSAGE_DATA, 1, lab->now_ns, 0);
}
END_TEST

START_TEST(the_initiator_rekeys_after_165_s_when_it_receives)
{
	struct lab_mail mail;

	t0 = lab_begin_quiet_session(lab, 0, 1);
	lab_run_delivering(lab, t0 + 165 * SEC - 1);
	lab_send(lab, 1, 0, 64, 0);
	ck_assert_uint_eq(lab_deliver_all(lab), 1);
	ck_assert_uint_eq(lab_peer_of(lab, 0, 1)->keypairs.current->born_ns, t0);
	lab_run_delivering(lab, t0 + 165 * SEC);
	lab_send(lab, 1, 0, 64, 0);
	lab_send(lab, 1, 0, 64, 0);
	ck_assert(lab_take(lab, &mail));
	lab_deliver(lab, &mail, 0, NULL, NULL);
	ck_assert(lab_take(lab, &mail));
	lab_deliver(lab, &mail, 0, NULL, NULL);
	/* One for both of them; the rest is retransmission. */
	ck_assert_uint_eq(lab->mail_count, 1);
	lab_expect_at(lab, MESSAGE_INITIATION, 0, lab->now_ns, 0);
	lab_expect_at(lab, MESSAGE_INITIATION, 0, lab->now_ns + 5 * SEC, JITTER_NS);
}
END_TEST

START_TEST(the_last_minute_comes_once_in_each_session)
{
	struct wg_peer *p = lab_peer_of(lab, 0, 1);

	t0 = lab_begin_quiet_session(lab, 0, 1);
	lab_run_delivering(lab, t0 + 165 * SEC);
	lab_send(lab, 1, 0, 64, 0);
	ck_assert_uint_eq(lab_deliver_all(lab), 1);
	ck_assert_uint_eq(p->keypairs.current->born_ns, t0 + 165 * SEC);
	lab_run_delivering(lab, t0 + 330 * SEC);
	ck_assert_uint_eq(lab_send(lab, 1, 0, 64, 0), 1);
	ck_assert_uint_eq(lab_deliver_all(lab), 1);
	ck_assert_uint_eq(p->keypairs.current->born_ns, t0 + 330 * SEC);
}
END_TEST

START_TEST(more_packets_in_the_last_minute_do_not_start_it_again)
{
	struct wg_peer *p = lab_peer_of(lab, 0, 1);
	struct lab_mail mail;

	t0 = lab_begin_quiet_session(lab, 0, 1);
	lab_run_delivering(lab, t0 + 165 * SEC);
	for (int i = 0; i < 12; i++) {
		lab_send(lab, 1, 0, 64, 0);
		while (lab_take(lab, &mail))
			if (mail.from == 1)
				lab_deliver(lab, &mail, 0, NULL, NULL);
		lab_run_until(lab, t0 + (uint64_t)(166 + i) * SEC);
	}
	ck_assert_uint_eq(p->timers.handshake_attempts, 2);
}
END_TEST

START_TEST(nothing_is_sealed_or_opened_after_180_s)
{
	struct lab_mail early;

	t0 = lab_begin_quiet_session(lab, 0, 1);
	lab_expect_silence(lab, t0 + 180 * SEC - 1);
	ck_assert_uint_eq(lab_send(lab, 1, 0, 64, 0), 1);
	ck_assert(lab_take(lab, &early));
	lab_expect_silence(lab, t0 + 180 * SEC);
	ck_assert_uint_eq(lab_deliver(lab, &early, 0, NULL, NULL), 0);
	ck_assert_uint_eq(lab_drops(lab, 0, DROP_EXPIRED_KEY), 1);
	ck_assert_uint_eq(lab_send(lab, 1, 0, 64, 0), 0);
	lab_expect_at(lab, MESSAGE_INITIATION, 1, lab->now_ns,
	              0); /* now the responder may, too */
	lab_run_delivering(lab, t0 + 186 * SEC);
	ck_assert_uint_eq(lab_drops(lab, 1, DROP_HANDSHAKE_FAILED), 0);
	ck_assert(lab_ping(lab, 0, 1));
}
END_TEST

START_TEST(the_counter_limits_a_key)
{
	struct keypair *k;

	t0 = lab_begin_quiet_session(lab, 0, 1);
	k = lab_peer_of(lab, 0, 1)->keypairs.current;
	k->send_counter = REKEY_AFTER_MESSAGES - 1;
	ck_assert_uint_eq(lab_send(lab, 0, 1, 64, 0), 1);
	ck_assert_uint_eq(lab->mail_count, 1);
	ck_assert_uint_eq(lab_send(lab, 0, 1, 64, 0), 1);
	ck_assert_uint_eq(lab->mail_count, 3); /* an initiation with it */
	lab_throw_away(lab);
	k->send_counter = REJECT_AFTER_MESSAGES - 1;
	ck_assert_uint_eq(lab_send(lab, 0, 1, 64, 0), 1);
	ck_assert_uint_eq(lab_send(lab, 0, 1, 64, 0), 0);
	ck_assert_uint_eq(lab_peer_of(lab, 0, 1)->staged.count, 1);
}
END_TEST

/* ---- wiping */

START_TEST(keys_are_wiped_540_s_after_the_session_began)
{
	static const uint8_t zero[2 * AEAD_KEY_BYTES];
	struct wg_peer *p = lab_peer_of(lab, 0, 1);
	struct lab_mail old;

	t0 = lab_begin_quiet_session(lab, 0, 1);
	lab_send(lab, 1, 0, 64, 0);
	ck_assert(lab_take(lab, &old));
	lab_deliver(lab, &old, 0, NULL, NULL);
	lab_run_delivering(lab, t0 + 540 * SEC - 1);
	ck_assert_ptr_nonnull(p->keypairs.current);
	lab_run_delivering(lab, t0 + 540 * SEC);
	ck_assert_ptr_null(p->keypairs.current);
	for (size_t i = 0; i < ARRAY_SIZE(p->keypairs.slots); i++) {
		const struct keypair *k = p->keypairs.slots[i];

		if (!k)
			continue;
		ck_assert_mem_eq(k->send_key, zero, AEAD_KEY_BYTES);
		ck_assert_mem_eq(k->receive_key, zero, AEAD_KEY_BYTES);
	}
	lab_deliver(lab, &old, 0, NULL, NULL);
	ck_assert_uint_eq(lab_drops(lab, 0, DROP_UNKNOWN_INDEX), 1);
	/* And then there is nothing left to wake up for. */
	lab_run_delivering(lab, t0 + 541 * SEC);
	ck_assert_uint_eq(timerq_next_ns(&lab->timers), NEVER_NS);
}
END_TEST

START_TEST(a_responder_wipes_them_too)
{
	struct lab_mail mail;

	lab_send(lab, 0, 1, 64, 0);
	ck_assert(lab_take(lab, &mail));
	lab_deliver(lab, &mail, 1, NULL, NULL);
	lab_throw_away(lab);
	wg_device_stop(lab->devices[0].wg);
	ck_assert_ptr_nonnull(lab_peer_of(lab, 1, 0)->keypairs.next);
	lab_expect_silence(lab, LAB_START_NS + 540 * SEC);
	ck_assert_ptr_null(lab_peer_of(lab, 1, 0)->keypairs.next);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("wg/timers, ages of a session");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, the_initiator_rekeys_after_120_s_when_it_sends);
	tcase_add_test(tc, rekeying_gives_new_keys_and_loses_nothing);
	tcase_add_test(tc, the_responder_does_not_rekey_by_age);
	tcase_add_test(tc, the_initiator_rekeys_after_165_s_when_it_receives);
	tcase_add_test(tc, nothing_is_sealed_or_opened_after_180_s);
	tcase_add_test(tc, the_counter_limits_a_key);
	tcase_add_test(tc, keys_are_wiped_540_s_after_the_session_began);
	tcase_add_test(tc, the_last_minute_comes_once_in_each_session);
	tcase_add_test(tc, more_packets_in_the_last_minute_do_not_start_it_again);
	tcase_add_test(tc, a_responder_wipes_them_too);
	return tc;
}
