/* Device 1 of the lab is flooded with initiations whose mac1 is right and whose rest is
 * random; device 0 is an honest peer. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "lab.h"
#include "wg/cookie.h"
#include "wg/intake.h"

#define MANY 64

static struct lab *lab;
static struct cookie_maker forger;
static size_t allocations, replies;
static bool watching; /* allocations are counted: those of the device, not of check */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t n);

void *__wrap_malloc(size_t n)
{
	allocations += watching;
	return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	allocations += watching;
	return __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t n)
{
	allocations += watching;
	return __real_realloc(old, n);
}

static void set_up(void)
{
	lab = lab_new(unit_seed());
	lab_connect(lab, 0, 1);
	cookie_maker_init(&forger, wg_device_public_key(lab->devices[1].wg));
}

static void tear_down(void)
{
	lab_free(lab);
}

/* Opens n random initiations for device 1, each from an address of its own. Answers
 * nothing. */
static void flood(size_t n)
{
	static uint32_t sources;
	struct message_initiation m;
	struct endpoint from = { .addr = { IP_V4, { 10, 1 } }, .port = 7 };
	struct packet packet = { .len_bytes = sizeof(m), .from = &from };
	struct packet *batch[1] = { &packet };
	size_t opened;

	packet.data = (uint8_t *)&m;
	while (n-- > 0) {
		sources++;
		from.addr.b[2] = (uint8_t)(sources >> 8);
		from.addr.b[3] = (uint8_t)sources;
		rng_fill(&lab->rng, &m, sizeof(m));
		m.type = le32_put(MESSAGE_INITIATION);
		cookie_maker_sign(&forger, &m, sizeof(m), lab->now_ns);
		watching = true;
		opened = wg_device_open(lab->devices[1].wg, batch, 1, lab->now_ns);
		watching = false;
		ck_assert_uint_eq(opened, 0);
	}
}

/* Opens a message and answers nothing. */
static void open_only(const struct lab_mail *mail)
{
	struct lab_mail copy = *mail;
	struct packet packet = { .data = copy.bytes,
		                 .len_bytes = (uint32_t)copy.len_bytes,
		                 .from = &mail->sent_from };
	struct packet *batch[1] = { &packet };

	ck_assert_uint_eq(
		wg_device_open(lab->devices[mail->to].wg, batch, 1, lab->now_ns), 0);
}

static void run_slices(size_t n)
{
	while (n-- > 0 && intake_left_over(lab->intake))
		timerq_run(&lab->timers, ++lab->now_ns);
}

static void run_all_slices(void)
{
	wg_answer_handshakes(lab->intake, lab->now_ns);
	run_slices(SIZE_MAX);
}

/* Brings device 1 under load, so that nothing waits any more. */
static void put_under_load(void)
{
	flood(INTAKE_LOAD);
	run_all_slices();
	ck_assert(intake_under_load(lab->intake, lab->now_ns));
	lab_throw_away(lab);
}

static struct lab_mail initiation(void)
{
	lab_send(lab, 0, 1, 64, 0);
	return lab_expect(lab, MESSAGE_INITIATION, 0);
}

START_TEST(a_slice_is_two_answers)
{
	flood(INTAKE_LOAD - 1);
	ck_assert_uint_eq(lab_all_drops(lab, 1), 0);
	for (size_t done = 2; done < INTAKE_LOAD - 1; done += 2) {
		wg_answer_handshakes(lab->intake, lab->now_ns);
		wg_answer_handshakes(lab->intake, lab->now_ns); /* does nothing */
		run_slices(done > 2);
		ck_assert_uint_eq(lab_drops(lab, 1, DROP_BAD_HANDSHAKE), done);
	}
	run_all_slices();
	ck_assert_uint_eq(lab_drops(lab, 1, DROP_BAD_HANDSHAKE), INTAKE_LOAD - 1);
	ck_assert_uint_eq(lab_all_drops(lab, 1), INTAKE_LOAD - 1);
	ck_assert_uint_eq(lab->mail_count, 0);
}
END_TEST

START_TEST(under_load_each_sender_gets_its_cookie)
{
	struct lab_mail mail;

	flood(INTAKE_LOAD + MANY);
	run_all_slices();
	ck_assert_uint_eq(lab_drops(lab, 1, DROP_UNDER_LOAD), INTAKE_LOAD + MANY);
	ck_assert_uint_eq(lab_all_drops(lab, 1), INTAKE_LOAD + MANY);
	for (size_t i = 0; i < INTAKE_LOAD + MANY; i++) {
		mail = lab_expect(lab, MESSAGE_COOKIE_REPLY, 1);
		ck_assert_ptr_null(mail.peer);
		ck_assert_uint_eq(mail.tos, 0);
		ck_assert_uint_eq(mail.sent_to.addr.b[1], 1);
		ck_assert_uint_eq(mail.sent_to.port, 7);
	}
	ck_assert_uint_eq(lab->mail_count, 0);
}
END_TEST

START_TEST(with_a_cookie_the_handshake_succeeds)
{
	struct lab_mail mail, cookie;

	put_under_load();
	mail = initiation();
	lab_hand_over(lab, &mail);
	cookie = lab_expect(lab, MESSAGE_COOKIE_REPLY, 1);
	lab_hand_over(lab, &cookie);
	ck_assert_int_eq(lab->devices[1].handshakes, 0);
	lab_run_until(lab, lab->now_ns + 6 * NS_PER_SEC);
	mail = lab_expect(lab, MESSAGE_INITIATION, 0);
	put_under_load();
	lab_hand_over(lab, &mail);
	mail = lab_expect(lab, MESSAGE_RESPONSE, 1);
	lab->now_ns +=
		2 * INTAKE_LOAD_MEMORY; /* the devices of the lab share the intake */
	lab_hand_over(lab, &mail);
	lab_deliver_all(lab);
	ck_assert_int_eq(lab->devices[0].handshakes, 1);
	ck_assert_int_eq(lab->devices[1].handshakes, 1);
}
END_TEST

START_TEST(a_cookie_is_no_good_elsewhere)
{
	struct lab_mail mail, cookie;

	put_under_load();
	mail = initiation();
	lab_hand_over(lab, &mail);
	cookie = lab_expect(lab, MESSAGE_COOKIE_REPLY, 1);
	lab_hand_over(lab, &cookie);
	lab_run_until(lab, lab->now_ns + 6 * NS_PER_SEC);
	mail = lab_expect(lab, MESSAGE_INITIATION, 0);
	put_under_load();
	mail.sent_from.port ^= 1;
	lab_expect_drop(lab, &mail, DROP_UNDER_LOAD);
	cookie = lab_expect(lab, MESSAGE_COOKIE_REPLY, 1);
	ck_assert(endpoint_equal(&cookie.sent_to, &mail.sent_from));
}
END_TEST

START_TEST(a_response_needs_mac2_too)
{
	struct lab_mail mail = initiation(), response;

	lab_hand_over(lab, &mail);
	response = lab_expect(lab, MESSAGE_RESPONSE, 1);
	put_under_load(); /* the devices of the lab share the intake */
	lab_expect_drop(lab, &response, DROP_UNDER_LOAD);
	mail = lab_expect(lab, MESSAGE_COOKIE_REPLY, 0);
	lab_hand_over(lab, &mail); /* the next response will have it */
	ck_assert_uint_eq(lab_all_drops(lab, 1), INTAKE_LOAD);
	lab_run_until(lab, lab->now_ns + 6 * NS_PER_SEC);
	mail = lab_expect(lab, MESSAGE_INITIATION, 0);
	lab_hand_over(lab, &mail);
	response = lab_expect(lab, MESSAGE_RESPONSE, 1);
	put_under_load();
	lab_hand_over(lab, &response);
	ck_assert_int_eq(lab->devices[0].handshakes, 1);
}
END_TEST

/* An initiation of device 0 that has a right mac2. */
static struct lab_mail proven_initiation(void)
{
	struct lab_mail mail, cookie;

	put_under_load();
	mail = initiation();
	lab_hand_over(lab, &mail);
	cookie = lab_expect(lab, MESSAGE_COOKIE_REPLY, 1);
	lab_hand_over(lab, &cookie);
	lab_run_until(lab, lab->now_ns + 6 * NS_PER_SEC);
	return lab_expect(lab, MESSAGE_INITIATION, 0);
}

START_TEST(a_real_source_is_limited)
{
	struct lab_mail mail = proven_initiation();

	put_under_load();
	for (int i = 0; i < 5; i++) {
		lab_hand_over(lab,
		              &mail); /* the first succeeds, the others are repeats */
		ck_assert_uint_eq(lab_drops(lab, 1, DROP_REPLAYED_HANDSHAKE),
		                  (uint64_t)i);
	}
	lab_throw_away(lab);
	lab_expect_drop(lab, &mail, DROP_UNDER_LOAD);
	ck_assert_uint_eq(lab->mail_count, 0); /* no cookie: it has one */
	lab->now_ns += NS_PER_SEC / 20;
	lab_expect_drop(lab, &mail, DROP_REPLAYED_HANDSHAKE);
	lab_expect_drop(lab, &mail, DROP_UNDER_LOAD);
	/* without load nothing is limited */
	lab->now_ns += 2 * INTAKE_LOAD_MEMORY;
	for (int i = 0; i < 10; i++)
		lab_expect_drop(lab, &mail, DROP_REPLAYED_HANDSHAKE);
}
END_TEST

START_TEST(a_flood_takes_no_room_from_real_sources)
{
	struct lab_mail mail = proven_initiation();
	uint64_t before;

	put_under_load();
	lab->now_ns += INTAKE_LOAD_MEMORY / 2;
	before = lab_drops(lab, 1, DROP_UNDER_LOAD);
	flood(INTAKE_UNPROVEN_MAX + MANY);
	ck_assert_uint_eq(lab_drops(lab, 1, DROP_UNDER_LOAD), before + MANY);
	open_only(&mail);
	wg_answer_handshakes(lab->intake, lab->now_ns);
	run_slices(1);
	while (lab->mail_count > 0 && lab_type(&lab->mail[0]) == MESSAGE_COOKIE_REPLY)
		lab_expect(lab, MESSAGE_COOKIE_REPLY, 1);
	lab_expect(lab, MESSAGE_RESPONSE, 1);
}
END_TEST

static void count_reply(void *context, const struct endpoint *to, struct packet *packet,
                        uint64_t now_ns)
{
	(void)context;
	(void)to;
	(void)packet;
	(void)now_ns;
	replies++;
}

/* One that has a cookie is answered all the same. */
START_TEST(too_many_are_dropped_before_their_mac1)
{
	struct lab_mail mail = proven_initiation();
	uint64_t before, taken = replies;

	lab->callbacks.emit_to = count_reply;
	put_under_load();
	for (int i = 0; i < 2; i++) {
		flood(INTAKE_UNPROVEN_BURST);
		run_all_slices();
	}
	ck_assert_uint_le(replies - taken, INTAKE_LOAD + INTAKE_UNPROVEN_BURST + 1);
	before = lab_drops(lab, 1, DROP_UNDER_LOAD);
	forger.mac1_key[0] ^= 1;
	flood(MANY);
	ck_assert_uint_eq(lab_drops(lab, 1, DROP_UNDER_LOAD), before + MANY);
	ck_assert_uint_eq(lab_drops(lab, 1, DROP_BAD_MAC1), 0);
	lab_hand_over(lab, &mail);
	lab_expect(lab, MESSAGE_RESPONSE, 1);
}
END_TEST

START_TEST(data_does_not_wait)
{
	struct lab_mail data;
	size_t n;

	lab_begin_session(lab, 0, 1);
	flood(INTAKE_UNPROVEN_MAX);
	lab_send(lab, 0, 1, 64, 0);
	data = lab_expect(lab, MESSAGE_DATA, 0);
	n = lab_deliver(lab, &data, 1, NULL, NULL);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_le(lab_all_drops(lab, 1), 16); /* one slice */
}
END_TEST

static uint64_t answered_by_one_slice(void)
{
	uint64_t before = lab_all_drops(lab, 1);

	run_slices(1);
	return lab_all_drops(lab, 1) - before;
}

START_TEST(slices_are_short_while_there_is_much_data)
{
	lab_begin_session(lab, 0, 1);
	flood(MANY);
	wg_answer_handshakes(lab->intake, lab->now_ns);
	ck_assert_uint_eq(answered_by_one_slice(), 2);
	for (int i = 0; i < INTAKE_BUSY; i++)
		ck_assert_uint_eq(lab_send(lab, i % 2, 1 - i % 2, 64, 0), 1);
	ck_assert_uint_eq(answered_by_one_slice(), 1);
	ck_assert_uint_eq(answered_by_one_slice(), 2);
	lab_throw_away(lab);
}
END_TEST

/* Also if the flood has displaced all data. */
START_TEST(slices_are_short_under_load)
{
	put_under_load();
	flood(MANY);
	wg_answer_handshakes(lab->intake, lab->now_ns);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(answered_by_one_slice(), 2);
	run_all_slices();
}
END_TEST

START_TEST(a_flood_allocates_nothing)
{
	lab->callbacks.emit_to = count_reply;
	for (int i = 0; i < 40; i++) {
		flood(INTAKE_UNPROVEN_MAX + MANY);
		lab->now_ns += INTAKE_LOAD_MEMORY / 2;
		watching = true;
		run_all_slices();
		watching = false;
	}
	ck_assert_uint_eq(replies, 40 * INTAKE_UNPROVEN_MAX);
	ck_assert_uint_eq(allocations, 0);
}
END_TEST

START_TEST(a_device_stops_or_goes_meanwhile)
{
	flood(MANY);
	wg_device_stop(lab->devices[1].wg);
	run_all_slices();
	ck_assert_uint_eq(lab_drops(lab, 1, DROP_DOWN), MANY);
	wg_device_start(lab->devices[1].wg, lab->now_ns);
	flood(MANY);
	wg_device_free(lab->devices[1].wg);
	lab->devices[1].wg = NULL;
	run_all_slices();
	ck_assert_uint_eq(lab->mail_count, 0);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("wg under load");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_slice_is_two_answers);
	tcase_add_test(tc, under_load_each_sender_gets_its_cookie);
	tcase_add_test(tc, with_a_cookie_the_handshake_succeeds);
	tcase_add_test(tc, a_cookie_is_no_good_elsewhere);
	tcase_add_test(tc, a_response_needs_mac2_too);
	tcase_add_test(tc, a_real_source_is_limited);
	tcase_add_test(tc, a_flood_takes_no_room_from_real_sources);
	tcase_add_test(tc, too_many_are_dropped_before_their_mac1);
	tcase_add_test(tc, data_does_not_wait);
	tcase_add_test(tc, slices_are_short_while_there_is_much_data);
	tcase_add_test(tc, slices_are_short_under_load);
	tcase_add_test(tc, a_flood_allocates_nothing);
	tcase_add_test(tc, a_device_stops_or_goes_meanwhile);
	return tc;
}
