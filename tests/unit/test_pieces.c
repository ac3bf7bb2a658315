/* Later fragments follow their first one; what is held is bounded in every way. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "craft.h"
#include "engine/pieces.h"

#define DEVICE 7
#define SRC    "192.0.2.9"
#define OTHER  "192.0.2.10"
#define DST    "10.2.0.2"
#define BACK   "10.1.0.2" /* what DST becomes */

#define LARGE_BYTES 2300U
_Static_assert(LARGE_BYTES *PIECES_HELD > PIECES_HELD_BYTES, "the bytes run out first");

struct fixture {
	uint64_t seed, now_ns;
	struct rng rng;
	struct timerq timers;
	struct packet_pool *pool;
	struct pieces *pieces;
	size_t dropped;
};

static void fill(void *context, void *bytes, size_t n)
{
	uint8_t *at = bytes;

	while (n-- > 0)
		*at++ = (uint8_t)unit_random(context);
}

static void count(void *context, uint32_t device, size_t n)
{
	struct fixture *f = context;

	ck_assert(device == DEVICE || device == PIECES_HOST);
	f->dropped += n;
}

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	ck_assert(ip_addr_parse(&a, text));
	return a;
}

static void fixture_open_seed(struct fixture *f, uint64_t seed)
{
	struct pieces_env env = {
		.timers = &f->timers, .rng = &f->rng, .dropped = count, .context = f
	};

	*f = (struct fixture){ .seed = seed, .now_ns = NS_PER_SEC };
	f->rng = (struct rng){ fill, &f->seed };
	env.pool = f->pool = packet_pool_new(8U << 20);
	f->pieces = pieces_new(&env);
	ck_assert_ptr_nonnull(f->pieces);
}

static void fixture_open(struct fixture *f)
{
	fixture_open_seed(f, unit_seed());
}

/* Whatever there still is belongs to it, and nothing else has been forgotten. */
static void fixture_close(struct fixture *f)
{
	pieces_free(f->pieces);
	ck_assert_uint_eq(timerq_next_ns(&f->timers), NEVER_NS);
	packet_pool_free(f->pool);
}

struct piece {
	struct craft craft;
	struct ip_view view;
};

static const char *source = SRC; /* of what comes */

static void make(struct piece *p, uint16_t id, bool first, size_t n)
{
	static const uint8_t zeroes[LARGE_BYTES];

	craft_ip(&p->craft, source, DST, PROTO_UDP, zeroes, n);
	p->craft.packet.data[4] = (uint8_t)(id >> 8);
	p->craft.packet.data[5] = (uint8_t)id;
	craft_set_fragment(&p->craft, first ? 0x2000 : 0x0010);
	ck_assert(
		ip_view_parse(&p->view, p->craft.packet.data, p->craft.packet.len_bytes));
}

static void first_comes(struct fixture *f, uint32_t device, uint16_t id)
{
	const struct pieces_came came = { addr(source), addr(DST), id };
	struct piece p;

	make(&p, id, true, 16);
	p.view.dst = addr(BACK);
	p.view.fragment_id = (uint16_t)~id;
	pieces_first(f->pieces, device, &came, &p.view, f->now_ns);
}

static bool later_comes(struct fixture *f, uint32_t device, uint16_t id, size_t n)
{
	struct piece p;

	make(&p, id, false, n);
	return pieces_later(f->pieces, device, &p.craft.packet, &p.view, f->now_ns);
}

static size_t ready(struct fixture *f)
{
	struct packet *out[7];
	size_t n, sum = 0;

	while ((n = pieces_ready(f->pieces, out, ARRAY_SIZE(out))) > 0) {
		sum += n;
		while (n > 0) {
			struct ip_addr back = addr(BACK);

			ck_assert_mem_eq(out[--n]->data + 16, back.b, 4);
			ck_assert_uint_eq(craft_sum(out[n]->data, 20), 0xffff);
			packet_pool_put(f->pool, out[n]);
		}
	}
	return sum;
}

START_TEST(later_ones_become_what_the_first_became)
{
	struct fixture f;
	struct piece p;
	struct ip_addr back = addr(BACK);

	fixture_open(&f);
	first_comes(&f, DEVICE, 1);
	make(&p, 1, false, 64);
	ck_assert(pieces_later(f.pieces, DEVICE, &p.craft.packet, &p.view, f.now_ns));
	ck_assert(ip_addr_equal(&p.view.dst, &back));
	ck_assert_mem_eq(p.craft.packet.data + 16, back.b, 4);
	ck_assert_uint_eq(craft_sum(p.craft.packet.data, 20), 0xffff);
	ck_assert(!later_comes(&f, DEVICE, 2, 64));      /* another packet */
	ck_assert(!later_comes(&f, PIECES_HOST, 1, 64)); /* another side */
	f.now_ns += PIECES_NS;
	ck_assert(!later_comes(&f, DEVICE, 1, 64)); /* forgotten by now */
	fixture_close(&f);
}
END_TEST

START_TEST(those_that_overtook_it_are_ready_when_it_comes)
{
	struct fixture f;

	fixture_open(&f);
	for (int i = 0; i < 9; i++)
		ck_assert(!later_comes(&f, DEVICE, 1, 64));
	first_comes(&f, DEVICE, 2);
	first_comes(&f, PIECES_HOST, 1);
	ck_assert_uint_eq(ready(&f), 0);
	first_comes(&f, DEVICE, 1);
	ck_assert_uint_eq(ready(&f), 9);
	ck_assert(later_comes(&f, DEVICE, 1, 64));
	ck_assert_uint_eq(f.dropped, 0);
	fixture_close(&f);
}
END_TEST

START_TEST(those_without_a_first_go_when_their_time_is_over)
{
	struct fixture f;

	fixture_open(&f);
	ck_assert_uint_eq(timerq_next_ns(&f.timers), NEVER_NS);
	first_comes(&f, DEVICE, 9); /* holds nothing: no reason to wake up */
	ck_assert_uint_eq(timerq_next_ns(&f.timers), NEVER_NS);
	ck_assert(!later_comes(&f, DEVICE, 1, 64));
	ck_assert_uint_eq(timerq_next_ns(&f.timers), f.now_ns + PIECES_NS);
	f.now_ns += PIECES_NS / 2;
	ck_assert(!later_comes(&f, DEVICE, 2, 64));
	f.now_ns += PIECES_NS / 2;
	timerq_run(&f.timers, f.now_ns);
	ck_assert_uint_eq(f.dropped, 1);
	ck_assert_uint_eq(timerq_next_ns(&f.timers), f.now_ns + PIECES_NS / 2);
	f.now_ns += PIECES_NS / 2;
	timerq_run(&f.timers, f.now_ns);
	ck_assert_uint_eq(f.dropped, 2);
	ck_assert_uint_eq(timerq_next_ns(&f.timers), NEVER_NS);
	first_comes(&f, DEVICE, 1);
	ck_assert_uint_eq(ready(&f), 0);
	fixture_close(&f);
}
END_TEST

#define FLOOD_IDS 8U /* so few that hardly ever more than four of them are in one set */

/* A stranger sends later fragments only. */
static void flood(struct fixture *f, size_t n, size_t fragments, size_t most)
{
	size_t held = fragments;

	for (size_t i = 0; i < fragments; i++)
		ck_assert(!later_comes(f, DEVICE, (uint16_t)(i % FLOOD_IDS), n));
	held -= f->dropped;
	ck_assert_uint_le(held, most);
	ck_assert_uint_ge(held, most / 2);
	for (uint16_t id = 0; id < FLOOD_IDS; id++)
		first_comes(f, DEVICE, id);
	ck_assert_uint_eq(ready(f), held); /* neither lost nor doubled */
	f->dropped = 0;
}

START_TEST(what_is_held_is_bounded)
{
	struct fixture f;

	fixture_open(&f);
	flood(&f, 8, 3 * PIECES_HELD, PIECES_HELD);
	f.now_ns += PIECES_NS;
	flood(&f, LARGE_BYTES - 20, PIECES_HELD, PIECES_HELD_BYTES / LARGE_BYTES);
	fixture_close(&f);
}
END_TEST

/* A source that sends later fragments only, with all ids there are, has no influence on
 * another one's: those that it has sent before wait on, and there is room for more. */
static void flood_of_another(uint64_t seed)
{
	struct fixture f;

	fixture_open_seed(&f, seed);
	ck_assert(!later_comes(&f, DEVICE, 1, 64));
	source = OTHER;
	for (uint32_t id = 0; id <= UINT16_MAX; id++)
		ck_assert(!later_comes(&f, DEVICE, (uint16_t)id, id % 2 ? 8 : 2000));
	source = SRC;
	ck_assert(!later_comes(&f, DEVICE, 2, 1400));
	first_comes(&f, DEVICE, 1);
	first_comes(&f, DEVICE, 2);
	ck_assert_uint_eq(ready(&f), 2);
	fixture_close(&f);
}

START_TEST(one_source_does_not_push_out_another)
{
	flood_of_another(unit_seed());
}
END_TEST

/* With this seed both packets are in one set of the table. */
START_TEST(one_source_does_not_push_out_another_in_its_set)
{
	flood_of_another(267284779516937);
}
END_TEST

/* The peer of another tunnel may have any source. */
START_TEST(one_device_does_not_push_out_another)
{
	char text[IP_ADDR_STRLEN];
	struct fixture f;

	fixture_open(&f);
	first_comes(&f, DEVICE, 1);
	for (unsigned i = 0; i < 8 * PIECES_PACKETS; i++) {
		f.now_ns++;
		snprintf(text, sizeof(text), "198.51.%u.%u", i / 256, i % 256);
		source = text;
		first_comes(&f, DEVICE + 1, (uint16_t)i);
	}
	source = SRC;
	ck_assert(later_comes(&f, DEVICE, 1, 64));
	fixture_close(&f);
}
END_TEST

/* Many packets at once: the table forgets, it does not grow. */
START_TEST(what_is_remembered_is_bounded)
{
	struct fixture f;
	size_t known = 0;

	fixture_open(&f);
	for (uint32_t id = 0; id < 8 * PIECES_PACKETS; id++) {
		f.now_ns++;
		first_comes(&f, DEVICE, (uint16_t)id);
		ck_assert(later_comes(&f, DEVICE, (uint16_t)id, 64));
	}
	for (uint32_t id = 0; id < 8 * PIECES_PACKETS; id++)
		known += later_comes(&f, DEVICE, (uint16_t)id, 64);
	ck_assert_uint_le(known, PIECES_PACKETS);
	fixture_close(&f);
}
END_TEST

START_TEST(at_random_nothing_is_lost_or_doubled)
{
	struct fixture f;
	size_t sent = 0, came = 0;

	fixture_open(&f);
	for (int i = 0; i < 20000; i++) {
		uint64_t r = unit_random(&f.seed);
		uint16_t id = (uint16_t)(r % 300);
		uint32_t device = r & 0x1000 ? DEVICE : PIECES_HOST;

		f.now_ns += (r >> 20) % (PIECES_NS / 100);
		timerq_run(&f.timers, f.now_ns);
		if (r & 0x2000) {
			first_comes(&f, device, id);
			came += ready(&f);
		} else {
			sent++;
			came += later_comes(&f, device, id, 8 + (size_t)(r >> 40) % 1000);
		}
	}
	f.now_ns += PIECES_NS;
	timerq_run(&f.timers, f.now_ns);
	ck_assert_uint_eq(came + f.dropped, sent);
	ck_assert_uint_gt(came, sent / 10);
	fixture_close(&f);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine/pieces");

	tcase_add_test(tc, later_ones_become_what_the_first_became);
	tcase_add_test(tc, those_that_overtook_it_are_ready_when_it_comes);
	tcase_add_test(tc, those_without_a_first_go_when_their_time_is_over);
	tcase_add_test(tc, what_is_held_is_bounded);
	tcase_add_test(tc, one_source_does_not_push_out_another);
	tcase_add_test(tc, one_source_does_not_push_out_another_in_its_set);
	tcase_add_test(tc, one_device_does_not_push_out_another);
	tcase_add_test(tc, what_is_remembered_is_bounded);
	tcase_add_test(tc, at_random_nothing_is_lost_or_doubled);
	return tc;
}
