/* Each timer of the paper, by a clock that only these tests move. Device 0 is the
 * initiator, device 1 the responder. */
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

/* ---- retransmission */

START_TEST(an_initiation_is_sent_20_times_5_s_apart)
{
	struct lab_mail mail, last;
	uint64_t last_ns = 0, least = UINT64_MAX, most = 0;
	int n = 0;

	lab_send(lab, 0, 1, 64, 0);
	lab_send(lab, 0, 1, 64, 0);
	while (lab_next(lab, &mail, LAB_START_NS + 1000 * SEC)) {
		ck_assert_int_eq(lab_type(&mail), MESSAGE_INITIATION);
		if (n++ > 0) {
			uint64_t gap = mail.at_ns - last_ns;

			ck_assert_uint_ge(gap, 5 * SEC);
			ck_assert_uint_lt(gap, 5 * SEC + JITTER_NS);
			least = gap < least ? gap : least;
			most = gap > most ? gap : most;
			/* A new handshake, not the old one again. */
			ck_assert_mem_ne(mail.bytes + 4, last.bytes + 4, 36);
			ck_assert_uint_eq(lab_drops(lab, 0, DROP_HANDSHAKE_FAILED), 0);
		}
		last = mail;
		last_ns = mail.at_ns;
	}
	ck_assert_int_eq(n, 20);
	ck_assert_uint_gt(most - least, SEC / 20); /* it does jitter */
	/* Given up, and what waited is dropped. */
	ck_assert_uint_eq(lab_drops(lab, 0, DROP_HANDSHAKE_FAILED), 2);
	ck_assert_uint_eq(lab_peer_of(lab, 0, 1)->staged.count, 0);
}
END_TEST

START_TEST(giving_up_leaves_nothing_after_540_s)
{
	struct wg_peer *p = lab_peer_of(lab, 0, 1);
	struct lab_mail mail;
	uint64_t gave_up_ns = 0;

	lab_send(lab, 0, 1, 64, 0);
	while (lab_next(lab, &mail, lab->now_ns + 6 * SEC))
		gave_up_ns = mail.at_ns;
	ck_assert_int_eq(p->handshake.state, NOISE_CREATED_INITIATION);
	lab_expect_silence(lab, gave_up_ns + 5 * SEC + 539 * SEC);
	ck_assert_int_eq(p->handshake.state, NOISE_CREATED_INITIATION);
	lab_expect_silence(lab, gave_up_ns + 6 * SEC + 540 * SEC);
	ck_assert_int_eq(p->handshake.state, NOISE_ZEROED);
	ck_assert_int_eq(p->handshake_index.kind, INDEX_UNUSED);
	ck_assert_uint_eq(timerq_next_ns(&lab->timers), NEVER_NS);
}
END_TEST

START_TEST(a_new_packet_starts_again)
{
	struct wg_peer_stats stats;
	struct lab_mail mail;
	int n = 0;

	lab_send(lab, 0, 1, 64, 0);
	while (lab_next(lab, &mail, lab->now_ns + 6 * SEC))
		;
	wg_peer_stats(lab_peer_of(lab, 0, 1), &stats, lab->now_ns);
	ck_assert_uint_eq(stats.handshake_unanswered_ns, LAB_START_NS);
	ck_assert_uint_eq(stats.owed_since_ns, LAB_START_NS);
	ck_assert(!stats.session);
	lab_send(lab, 0, 1, 64, 0);
	while (lab_next(lab, &mail, lab->now_ns + 6 * SEC) && n < 15)
		n++;
	ck_assert_int_eq(n, 15);
	/* And one more in between makes the count begin anew. */
	lab_send(lab, 0, 1, 64, 0);
	for (n = 0; lab_next(lab, &mail, lab->now_ns + 6 * SEC); n++)
		;
	ck_assert_int_ge(n, 18);
	lab_run_delivering(lab, lab->now_ns + SEC);
	ck_assert(lab_ping(lab, 0, 1));
	wg_peer_stats(lab_peer_of(lab, 0, 1), &stats, lab->now_ns);
	ck_assert_uint_eq(stats.handshake_unanswered_ns, 0);
	ck_assert(stats.session);
}
END_TEST

START_TEST(initiations_are_5_s_apart_whatever_is_asked)
{
	for (int i = 0; i < 49; i++) {
		lab_send(lab, 0, 1, 64, 0);
		lab->now_ns += SEC / 10;
	}
	ck_assert_uint_eq(lab->mail_count, 1);
}
END_TEST

START_TEST(a_new_endpoint_is_tried_at_once)
{
	struct wg_peer *p = lab_peer_of(lab, 0, 1);
	struct endpoint away = lab_elsewhere(9, 51820), e = *wg_peer_endpoint(p);

	wg_peer_set_endpoint(p, &away);
	wg_peer_handshake_anew(p, lab->now_ns); /* nothing waits for it */
	ck_assert_uint_eq(lab->mail_count, 0);
	lab_send(lab, 0, 1, 64, 0);
	lab_expect_at(lab, MESSAGE_INITIATION, 0, LAB_START_NS, 0);
	lab->now_ns += SEC;
	wg_peer_set_endpoint(p, &e);
	wg_peer_handshake_anew(p, lab->now_ns);
	ck_assert_uint_eq(lab_deliver_all(lab), 1); /* the packet that waited */
	wg_peer_handshake_anew(p, lab->now_ns);
	ck_assert_uint_eq(lab->mail_count, 0);
}
END_TEST

/* A server takes only one initiation in 20 ms. If it gets two, it answers the first,
 * which is already forgotten here. */
START_TEST(another_endpoint_waits_until_the_first_has_had_its_time)
{
	struct wg_peer *p = lab_peer_of(lab, 0, 1);
	struct endpoint away = lab_elsewhere(9, 51820), e = *wg_peer_endpoint(p);

	wg_peer_try_endpoint(p, lab->now_ns); /* nothing waits for it */
	ck_assert_uint_eq(lab->mail_count, 0);
	wg_peer_set_endpoint(p, &away);
	lab_send(lab, 0, 1, 64, 0);
	lab_expect_at(lab, MESSAGE_INITIATION, 0, LAB_START_NS, 0);
	lab->now_ns += SEC / 1000;
	wg_peer_set_endpoint(p, &e);
	wg_peer_try_endpoint(p, lab->now_ns);
	ck_assert_uint_eq(lab->mail_count, 0);
	/* then at once */
	lab_expect_at(lab, MESSAGE_INITIATION, 0, LAB_START_NS + 5 * SEC, 0);
	wg_peer_try_endpoint(p, lab->now_ns);
	lab_expect_at(lab, MESSAGE_INITIATION, 0, LAB_START_NS + 10 * SEC, 0);
	/* it counts as a retransmission: there are twenty */
	for (int i = 3; i < 20; i++) {
		wg_peer_try_endpoint(p, lab->now_ns);
		lab_expect_at(lab, MESSAGE_INITIATION, 0, lab->now_ns + 5 * SEC,
		              JITTER_NS);
	}
	lab_expect_silence(lab, lab->now_ns + 60 * SEC);
	wg_peer_try_endpoint(p, lab->now_ns);
	ck_assert_uint_eq(lab->mail_count, 1);
}
END_TEST

START_TEST(a_retransmission_forgets_the_local_address)
{
	struct wg_peer *p = lab_peer_of(lab, 0, 1);
	struct endpoint e = *wg_peer_endpoint(p);

	e.local = e.addr;
	e.ifindex = 3;
	wg_peer_set_endpoint(p, &e);
	lab_send(lab, 0, 1, 64, 0);
	lab_expect_at(lab, MESSAGE_INITIATION, 0, LAB_START_NS, 0);
	ck_assert_uint_eq(wg_peer_endpoint(p)->ifindex, 3);
	lab_expect_at(lab, MESSAGE_INITIATION, 0, LAB_START_NS + 5 * SEC, JITTER_NS);
	ck_assert_uint_eq(wg_peer_endpoint(p)->ifindex, 0);
	ck_assert_int_eq(wg_peer_endpoint(p)->local.family, IP_NONE);
	ck_assert(endpoint_equal(wg_peer_endpoint(p), &e));
}
END_TEST

START_TEST(giving_up_cancels_the_keepalive_owed)
{
	struct lab_mail mail;

	t0 = lab_begin_quiet_session(lab, 0, 1);
	lab_send(lab, 0, 1, 64, 0);
	lab_throw_away(lab);
	for (int i = 0; i < 20; i++)
		lab_expect_at(lab, MESSAGE_INITIATION, 0,
		              t0 + (uint64_t)(45 + 5 * i) * SEC,
		              (uint64_t)(i + 1) * JITTER_NS);
	/* The old session still brings something, in the last seconds. */
	lab_send(lab, 1, 0, 64, 0);
	ck_assert(lab_take(lab, &mail));
	ck_assert_uint_eq(lab_deliver(lab, &mail, 0, NULL, NULL), 1);
	while (lab_next(lab, &mail, lab->now_ns + 14 * SEC))
		ck_assert_int_ne(mail.from, 0);
}
END_TEST

START_TEST(who_answered_a_handshake_waits_5_s_for_his_own)
{
	struct lab_mail mail;

	lab_send(lab, 0, 1, 64, 0);
	ck_assert(lab_take(lab, &mail));
	lab_deliver(lab, &mail, 1, NULL, NULL);
	lab_expect_at(lab, MESSAGE_RESPONSE, 1, LAB_START_NS, 0);
	lab->now_ns += 5 * SEC - 1;
	lab_send(lab, 1, 0, 64, 0);
	ck_assert_uint_eq(lab->mail_count, 0);
	lab->now_ns += 1;
	lab_send(lab, 1, 0, 64, 0);
	lab_expect_at(lab, MESSAGE_INITIATION, 1, LAB_START_NS + 5 * SEC, 0);
}
END_TEST

/* ---- keepalive */

START_TEST(who_only_receives_sends_a_keepalive_after_10_s)
{
	struct lab_mail mail;

	t0 = lab_begin_quiet_session(lab, 0, 1);
	ck_assert(lab_ping(lab, 0, 1));
	ck_assert(lab_next(lab, &mail, t0 + 100 * SEC));
	ck_assert_int_eq(mail.from, 1);
	ck_assert_uint_eq(mail.at_ns, t0 + 40 * SEC);
	ck_assert_uint_eq(mail.len_bytes, 32);
	/* It is not answered, and it is the only one. */
	lab_deliver(lab, &mail, 0, NULL, NULL);
	lab_expect_silence(lab, t0 + 100 * SEC);
}
END_TEST

START_TEST(a_packet_of_any_kind_is_as_good_as_a_keepalive)
{
	t0 = lab_begin_quiet_session(lab, 0, 1);
	ck_assert(lab_ping(lab, 0, 1));
	lab_run_delivering(lab, t0 + 35 * SEC);
	ck_assert(lab_ping(lab, 1, 0));
	/* Now 0 owes one, but 1 does not. */
	lab_expect_at(lab, MESSAGE_DATA, 0, t0 + 45 * SEC, 0);
}
END_TEST

START_TEST(data_after_data_makes_a_second_keepalive)
{
	t0 = lab_begin_quiet_session(lab, 0, 1);
	ck_assert(lab_ping(lab, 0, 1));
	lab_run_delivering(lab, t0 + 35 * SEC);
	ck_assert(lab_ping(lab, 0, 1));
	lab_expect_at(lab, MESSAGE_DATA, 1, t0 + 40 * SEC, 0);
	/* That was taken out here and not delivered: 0 thinks that 1 is gone. */
	lab_expect_at(lab, MESSAGE_INITIATION, 0, t0 + 45 * SEC, JITTER_NS);
	lab_expect_at(lab, MESSAGE_DATA, 1, t0 + 50 * SEC, 0);
}
END_TEST

/* ---- a new handshake when nothing comes back */

START_TEST(silence_for_15_s_makes_a_new_handshake)
{
	t0 = lab_begin_quiet_session(lab, 0, 1);
	lab_send(lab, 0, 1, 64, 0);
	lab_throw_away(lab);
	lab_expect_at(lab, MESSAGE_INITIATION, 0, t0 + 45 * SEC, JITTER_NS);
}
END_TEST

START_TEST(a_silent_peer_has_owed_an_answer_since_the_first_packet)
{
	struct wg_peer_stats stats;
	uint64_t sent_ns;

	lab_begin_quiet_session(lab, 0, 1);
	sent_ns = lab->now_ns;
	lab_send(lab, 0, 1, 64, 0);
	lab_throw_away(lab);
	wg_peer_stats(lab_peer_of(lab, 0, 1), &stats, sent_ns);
	ck_assert_uint_eq(stats.owed_since_ns, 0);
	lab_expect_at(lab, MESSAGE_INITIATION, 0, sent_ns + 15 * SEC, JITTER_NS);
	wg_peer_stats(lab_peer_of(lab, 0, 1), &stats, lab->now_ns);
	ck_assert(stats.silent);
	ck_assert_uint_ge(stats.owed_since_ns, sent_ns);
	ck_assert_uint_le(stats.owed_since_ns, sent_ns + JITTER_NS);
}
END_TEST

START_TEST(a_new_handshake_forgets_the_local_address)
{
	struct wg_peer *p = lab_peer_of(lab, 0, 1);
	struct endpoint e;

	t0 = lab_begin_quiet_session(lab, 0, 1);
	e = *wg_peer_endpoint(p);
	e.ifindex = 3;
	wg_peer_set_endpoint(p, &e);
	lab_send(lab, 0, 1, 64, 0);
	lab_throw_away(lab);
	ck_assert_uint_eq(wg_peer_endpoint(p)->ifindex, 3);
	lab_expect_at(lab, MESSAGE_INITIATION, 0, t0 + 45 * SEC, JITTER_NS);
	ck_assert_uint_eq(wg_peer_endpoint(p)->ifindex, 0);
}
END_TEST

START_TEST(a_handshake_message_is_an_answer_too)
{
	struct lab_mail mail;

	t0 = lab_begin_quiet_session(lab, 0, 1);
	lab_send(lab, 0, 1, 64, 0);
	lab_throw_away(lab);
	lab_expect_silence(lab, t0 + 40 * SEC);
	wg_device_stop(lab->devices[1].wg);
	wg_device_start(lab->devices[1].wg, lab->now_ns);
	lab_send(lab, 1, 0, 64, 0);
	ck_assert(lab_take(lab, &mail));
	ck_assert_int_eq(lab_type(&mail), MESSAGE_INITIATION);
	lab_deliver(lab, &mail, 0, NULL, NULL);
	wg_device_stop(lab->devices[1].wg);
	lab_expect_at(lab, MESSAGE_RESPONSE, 0, t0 + 40 * SEC, 0);
	lab_expect_silence(lab, t0 + 100 * SEC);
}
END_TEST

START_TEST(the_first_of_several_packets_counts)
{
	t0 = lab_begin_quiet_session(lab, 0, 1);
	for (int i = 0; i < 14; i++) {
		lab_send(lab, 0, 1, 64, 0);
		lab_throw_away(lab);
		lab_expect_silence(lab, t0 + 31 * SEC + (uint64_t)i * SEC);
	}
	lab_expect_at(lab, MESSAGE_INITIATION, 0, t0 + 45 * SEC, JITTER_NS);
}
END_TEST

START_TEST(a_keepalive_sent_expects_nothing)
{
	t0 = lab_begin_quiet_session(lab, 0, 1);
	wg_peer_set_keepalive(lab_peer_of(lab, 0, 1), 65535, lab->now_ns);
	lab_expect_at(lab, MESSAGE_DATA, 0, t0 + 30 * SEC, 0);
	lab_expect_silence(lab, t0 + 100 * SEC);
}
END_TEST

/* ---- persistent keepalive */

START_TEST(persistent_keepalives_begin_at_once_and_go_on)
{
	t0 = lab_begin_quiet_session(lab, 0, 1);
	wg_peer_set_keepalive(lab_peer_of(lab, 0, 1), 25, lab->now_ns);
	lab_expect_at(lab, MESSAGE_DATA, 0, t0 + 30 * SEC, 0);
	lab_expect_at(lab, MESSAGE_DATA, 0, t0 + 55 * SEC, 0);
	lab_expect_at(lab, MESSAGE_DATA, 0, t0 + 80 * SEC, 0);
	/* Another endpoint is no reason for one; any packet puts it off. */
	wg_peer_set_endpoint(lab_peer_of(lab, 0, 1),
	                     wg_peer_endpoint(lab_peer_of(lab, 0, 1)));
	lab_expect_silence(lab, t0 + 100 * SEC);
	lab_send(lab, 0, 1, 64, 0);
	lab_expect_at(lab, MESSAGE_DATA, 0, t0 + 100 * SEC, 0);
	lab_expect_silence(lab, t0 + 110 * SEC);
	wg_peer_set_keepalive(lab_peer_of(lab, 0, 1), 0, lab->now_ns);
	/* None at 125; but the packet of 100 has not been answered. */
	lab_expect_at(lab, MESSAGE_INITIATION, 0, t0 + 115 * SEC, JITTER_NS);
	lab_expect_at(lab, MESSAGE_INITIATION, 0, t0 + 120 * SEC, 2 * JITTER_NS);
	lab_expect_at(lab, MESSAGE_INITIATION, 0, t0 + 125 * SEC, 3 * JITTER_NS);
}
END_TEST

START_TEST(persistent_keepalives_need_a_session)
{
	struct lab_mail mail;

	wg_device_stop(lab->devices[0].wg);
	wg_peer_set_keepalive(lab_peer_of(lab, 0, 1), 25, lab->now_ns);
	ck_assert_uint_eq(lab->mail_count, 0);
	wg_device_start(lab->devices[0].wg, lab->now_ns);
	ck_assert(lab_take(lab, &mail));
	ck_assert_int_eq(lab_type(&mail), MESSAGE_INITIATION);
	lab_deliver(lab, &mail, 1, NULL, NULL);
	lab_deliver_all(lab); /* response, and the keepalive that confirms it */
	ck_assert_int_eq(lab->devices[1].handshakes, 1);
	/* For an hour, through rekeying, the session is kept alive. */
	lab_run_delivering(lab, lab->now_ns + 3600 * SEC);
	ck_assert_int_ge(lab->devices[0].handshakes, 3600 / 150);
	ck_assert_int_le(lab->devices[0].handshakes, 3600 / 120);
	ck_assert_uint_eq(lab_all_drops(lab, 0) + lab_all_drops(lab, 1), 0);
}
END_TEST

START_TEST(a_keepalive_waits_for_the_session_unless_data_does)
{
	struct lab_mail mail;
	size_t data = 0;

	wg_peer_set_keepalive(lab_peer_of(lab, 1, 0), 25, lab->now_ns);
	lab_expect_at(lab, MESSAGE_INITIATION, 1, LAB_START_NS, 0); /* lost */
	ck_assert_uint_eq(lab_send(lab, 0, 1, 64, 0), 0);
	ck_assert_uint_eq(lab_deliver_all(lab), 1);
	/* The responder's keepalive was the last, and so the initiator's rx. */
	ck_assert_uint_eq(lab_peer_of(lab, 0, 1)->transfer.rx_bytes,
	                  sizeof(struct message_response) + MESSAGE_DATA_MIN_BYTES);
	/* Again, with data behind the keepalive: just the data. */
	wg_device_stop(lab->devices[0].wg);
	wg_device_stop(lab->devices[1].wg);
	wg_device_start(lab->devices[0].wg, lab->now_ns);
	wg_device_start(lab->devices[1].wg, lab->now_ns);
	ck_assert_uint_eq(lab_send(lab, 1, 0, 64, 0), 0);
	lab_expect_at(lab, MESSAGE_INITIATION, 1, LAB_START_NS, 0);
	lab->now_ns += SEC;
	ck_assert_uint_eq(lab_send(lab, 0, 1, 64, 0), 0);
	while (lab_take(lab, &mail)) {
		data += mail.from == 1 && lab_type(&mail) == MESSAGE_DATA;
		lab_deliver(lab, &mail, mail.to, NULL, NULL);
	}
	ck_assert_uint_eq(data, 1);
	ck_assert(!lab_peer_of(lab, 1, 0)->keepalive_staged);
}
END_TEST

START_TEST(persistent_keepalives_go_on_for_a_peer_that_is_away)
{
	struct lab_mail mail;
	uint64_t last_ns = 0;

	wg_peer_set_keepalive(lab_peer_of(lab, 0, 1), 25, lab->now_ns);
	while (lab->now_ns < LAB_START_NS + 3600 * SEC)
		if (lab_next(lab, &mail, LAB_START_NS + 3600 * SEC)) {
			ck_assert_int_eq(lab_type(&mail), MESSAGE_INITIATION);
			last_ns = mail.at_ns;
		}
	ck_assert_uint_ge(last_ns, LAB_START_NS + 3590 * SEC);
	/* It comes back. */
	ck_assert(lab_next(lab, &mail, lab->now_ns + 30 * SEC));
	lab_deliver(lab, &mail, 1, NULL, NULL);
	lab_deliver_all(lab);
	ck_assert_int_eq(lab->devices[1].handshakes, 1);
}
END_TEST

START_TEST(an_endpoint_or_a_key_that_comes_late_is_used_at_once)
{
	struct wg_peer *p = lab_peer_of(lab, 0, 1);
	struct endpoint e = *wg_peer_endpoint(p), none = { 0 };

	wg_peer_set_endpoint(p, &none);
	wg_peer_set_keepalive(p, 25, lab->now_ns);
	lab_expect_silence(lab, lab->now_ns + 100 * SEC);
	wg_peer_set_endpoint(p, &e);
	lab_expect_at(lab, MESSAGE_INITIATION, 0, lab->now_ns, 1);
	wg_device_set_private_key(lab->devices[0].wg, NULL);
	lab_expect_silence(lab, lab->now_ns + 100 * SEC);
	wg_device_set_private_key(lab->devices[0].wg, lab->devices[0].private_key);
	lab_expect_at(lab, MESSAGE_INITIATION, 0, lab->now_ns, 1);
}
END_TEST

/* Without a keepalive, too. */
START_TEST(packets_that_wait_for_an_endpoint_or_a_key_wake_the_peer)
{
	struct wg_peer *p = lab_peer_of(lab, 0, 1);
	struct endpoint e = *wg_peer_endpoint(p), none = { 0 };

	lab_send(lab, 0, 1, 64, 0);
	lab_expect(lab, MESSAGE_INITIATION, 0);
	wg_peer_set_endpoint(p, &none);
	lab_expect_silence(lab, lab->now_ns + 100 * SEC);
	wg_peer_set_endpoint(p, &e);
	lab_expect_at(lab, MESSAGE_INITIATION, 0, lab->now_ns, 1);
	wg_device_set_private_key(lab->devices[0].wg, NULL);
	lab_expect_silence(lab, lab->now_ns + 100 * SEC);
	wg_device_set_private_key(lab->devices[0].wg, lab->devices[0].private_key);
	lab_expect_at(lab, MESSAGE_INITIATION, 0, lab->now_ns, 1);
	/* another address, while the handshake is under way, is not asked at once */
	wg_peer_set_endpoint(p, &e);
	lab_expect_at(lab, MESSAGE_INITIATION, 0, lab->now_ns + 5 * SEC, SEC / 3);
	lab_deliver_all(lab);
	/* nothing waits */
	lab_run_delivering(lab, lab->now_ns + 700 * SEC);
	wg_peer_set_endpoint(p, &none);
	wg_peer_set_endpoint(p, &e);
	lab_expect_silence(lab, lab->now_ns + 100 * SEC);
}
END_TEST

START_TEST(keepalives_of_two_devices_go_out_together)
{
	struct lab_mail a, b;

	lab_peer(lab, 2, 3);
	lab_peer(lab, 3, 2);
	wg_device_start(lab->devices[2].wg, lab->now_ns);
	wg_device_start(lab->devices[3].wg, lab->now_ns);
	lab->now_ns += SEC / 10;
	wg_peer_set_keepalive(lab_peer_of(lab, 0, 1), 25, lab->now_ns);
	lab_deliver_all(lab);
	lab->now_ns += SEC / 2;
	wg_peer_set_keepalive(lab_peer_of(lab, 2, 3), 25, lab->now_ns);
	lab_deliver_all(lab);
	for (int i = 0; i < 4; i++) {
		ck_assert(lab_next(lab, &a, lab->now_ns + 30 * SEC));
		ck_assert(lab_take(lab, &b) || lab_next(lab, &b, lab->now_ns));
		ck_assert_int_ne(a.from, b.from);
		ck_assert_uint_eq(a.at_ns, b.at_ns);
		ck_assert_uint_eq(a.at_ns % SEC, 0);
		lab_deliver(lab, &a, a.to, NULL, NULL);
		lab_deliver(lab, &b, b.to, NULL, NULL);
	}
	ck_assert_uint_eq(lab->now_ns, LAB_START_NS + 100 * SEC);
}
END_TEST

/* ---- the heap */

START_TEST(the_data_path_leaves_the_timer_where_it_is)
{
	struct wg_peer *p = lab_peer_of(lab, 0, 1);
	uint64_t moved = 0, deadline_ns;

	wg_peer_set_keepalive(p, 25, lab->now_ns);
	lab_deliver_all(lab);
	ck_assert(lab_ping(lab, 0, 1));
	ck_assert(lab_ping(lab, 1, 0));
	deadline_ns = p->timers.timer.deadline_ns;
	for (int i = 0; i < 8000; i++) {
		lab_run_until(lab, lab->now_ns + SEC / 100);
		lab_send(lab, i % 2, 1 - i % 2, 64, 0);
		lab_deliver_all(lab);
		moved += p->timers.timer.deadline_ns != deadline_ns;
		deadline_ns = p->timers.timer.deadline_ns;
	}
	ck_assert_uint_le(moved, 80 / 10 + 1);
}
END_TEST

START_TEST(a_stopped_device_has_no_timer)
{
	wg_peer_set_keepalive(lab_peer_of(lab, 0, 1), 25, lab->now_ns);
	wg_device_stop(lab->devices[0].wg);
	wg_device_stop(lab->devices[1].wg);
	ck_assert_uint_eq(timerq_next_ns(&lab->timers), NEVER_NS);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("wg/timers");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, an_initiation_is_sent_20_times_5_s_apart);
	tcase_add_test(tc, giving_up_leaves_nothing_after_540_s);
	tcase_add_test(tc, a_new_packet_starts_again);
	tcase_add_test(tc, initiations_are_5_s_apart_whatever_is_asked);
	tcase_add_test(tc, a_new_endpoint_is_tried_at_once);
	tcase_add_test(tc, another_endpoint_waits_until_the_first_has_had_its_time);
	tcase_add_test(tc, a_retransmission_forgets_the_local_address);
	tcase_add_test(tc, who_only_receives_sends_a_keepalive_after_10_s);
	tcase_add_test(tc, a_packet_of_any_kind_is_as_good_as_a_keepalive);
	tcase_add_test(tc, data_after_data_makes_a_second_keepalive);
	tcase_add_test(tc, silence_for_15_s_makes_a_new_handshake);
	tcase_add_test(tc, a_silent_peer_has_owed_an_answer_since_the_first_packet);
	tcase_add_test(tc, the_first_of_several_packets_counts);
	tcase_add_test(tc, a_keepalive_sent_expects_nothing);
	tcase_add_test(tc, persistent_keepalives_begin_at_once_and_go_on);
	tcase_add_test(tc, persistent_keepalives_need_a_session);
	tcase_add_test(tc, persistent_keepalives_go_on_for_a_peer_that_is_away);
	tcase_add_test(tc, an_endpoint_or_a_key_that_comes_late_is_used_at_once);
	tcase_add_test(tc, packets_that_wait_for_an_endpoint_or_a_key_wake_the_peer);
	tcase_add_test(tc, keepalives_of_two_devices_go_out_together);
	tcase_add_test(tc, the_data_path_leaves_the_timer_where_it_is);
	tcase_add_test(tc, a_stopped_device_has_no_timer);
	tcase_add_test(tc, giving_up_cancels_the_keepalive_owed);
	tcase_add_test(tc, who_answered_a_handshake_waits_5_s_for_his_own);
	tcase_add_test(tc, a_new_handshake_forgets_the_local_address);
	tcase_add_test(tc, a_handshake_message_is_an_answer_too);
	tcase_add_test(tc, a_keepalive_waits_for_the_session_unless_data_does);
	return tc;
}
