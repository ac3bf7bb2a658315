/* Fragments: what is cut here is put together there, in whatever order it comes. */
#include "unit.h"

#include <string.h>

#include "base/checksum.h"
#include "base/iphdr.h"
#include "craft.h"
#include "engine/fragment.h"
#include "engine/reassembly.h"

#define CARRIER 5
#define OTHER   6 /* another carrier */
#define PORT    51820

struct fixture {
	uint64_t seed, now_ns;
	struct timerq timers;
	struct packet_pool *pool;
	struct reassembly *r;
	size_t released, dropped, dropped_of_other;
};

static bool wanted(void *context, uint32_t carrier, uint16_t port)
{
	(void)context;
	return (carrier == CARRIER || carrier == OTHER) && port == PORT;
}

static void release(void *context, uint32_t carrier, struct packet *fragment,
                    uint64_t now_ns)
{
	struct fixture *f = context;

	(void)now_ns;
	ck_assert_uint_eq(carrier, CARRIER);
	ck_assert_ptr_nonnull(fragment);
	f->released++;
}

static void dropped(void *context, uint32_t carrier, size_t n)
{
	struct fixture *f = context;

	ck_assert(carrier == CARRIER || carrier == OTHER);
	*(carrier == CARRIER ? &f->dropped : &f->dropped_of_other) += n;
}

static void fixture_open(struct fixture *f)
{
	struct reassembly_env env = { .wanted = wanted,
		                      .release = release,
		                      .dropped = dropped };

	*f = (struct fixture){ .seed = unit_seed(), .now_ns = NS_PER_SEC };
	f->pool = packet_pool_new(8 << 20);
	env.timers = &f->timers;
	env.pool = f->pool;
	env.context = f;
	f->r = reassembly_new(&env);
	ck_assert_ptr_nonnull(f->r);
}

static void fixture_close(struct fixture *f)
{
	reassembly_free(f->r);
	ck_assert_ptr_null(f->timers.root);
	packet_pool_free(f->pool);
}

static void make(struct craft *c, bool v4, uint16_t port, size_t n)
{
	static uint8_t payload[CRAFT_MAX_BYTES];

	for (size_t i = 0; i < n; i++)
		payload[i] = (uint8_t)(i * 31 + i / 256);
	craft_udp(c, v4 ? "10.1.0.9" : "fd00::9", 4000, v4 ? "10.1.0.2" : "fd00::2", port,
	          payload, n);
}

struct pieces {
	struct packet *v[BATCH_MAX];
	size_t n;
};

static void cut(struct fixture *f, struct craft *c, uint32_t mtu, uint32_t id,
                struct pieces *out)
{
	out->n = fragment(&c->packet, mtu, id, f->pool, out->v);
	for (size_t i = 0; i < out->n; i++) {
		struct ip_view v;

		ck_assert_uint_le(out->v[i]->len_bytes, mtu);
		ck_assert(ip_view_parse(&v, out->v[i]->data, out->v[i]->len_bytes));
		ck_assert_uint_eq(v.total_bytes, out->v[i]->len_bytes);
		ck_assert(v.fragment);
		ck_assert_int_eq(v.first, i == 0);
		if (v.family == IP_V4)
			ck_assert_uint_eq(
				checksum_finish(checksum_add(0, out->v[i]->data, 20)), 0);
	}
}

static void shuffle(struct fixture *f, struct pieces *p, struct packet **out)
{
	memcpy(out, p->v, p->n * sizeof(*out));
	for (size_t i = p->n; i > 1; i--) {
		size_t j = unit_below(&f->seed, i);
		struct packet *swap = out[i - 1];

		out[i - 1] = out[j];
		out[j] = swap;
	}
}

START_TEST(pieces_in_any_order_become_the_packet_again)
{
	struct fixture f;
	struct craft c, original;
	struct pieces pieces;
	struct packet *order[BATCH_MAX], *whole;

	fixture_open(&f);
	for (uint32_t round = 0; round < 500; round++) {
		bool v4 = round & 1;
		uint32_t mtu = (uint32_t)(80 + unit_random(&f.seed) % 1300);
		size_t n = 200 + unit_below(&f.seed, 1700);
		enum reassembly_result got;

		make(&c, v4, PORT, n);
		if (c.packet.len_bytes <= mtu)
			continue;
		c.packet.data[v4 ? 4 : 1] = 0;
		original = c;
		original.packet.data = original.buffer + (c.packet.data - c.buffer);
		if (v4) { /* id by round, so that each datagram is one of its own */
			struct be16 id = be16_put((uint16_t)round), sum = be16_put(0);

			memcpy(c.packet.data + 4, &id, 2);
			memcpy(c.packet.data + 10, &sum, 2);
			sum = be16_put(
				checksum_finish(checksum_add(0, c.packet.data, 20)));
			memcpy(c.packet.data + 10, &sum, 2);
			memcpy(original.packet.data, c.packet.data, 20);
		}
		cut(&f, &c, mtu, round, &pieces);
		ck_assert_uint_gt(pieces.n, 1);
		shuffle(&f, &pieces, order);
		for (size_t i = 0; i < pieces.n; i++) {
			got = reassembly_add(f.r, CARRIER, order[i], f.now_ns, &whole);
			ck_assert_int_eq(got, i + 1 == pieces.n ? REASSEMBLY_WHOLE
			                                        : REASSEMBLY_TAKEN);
		}
		ck_assert_uint_eq(whole->len_bytes, original.packet.len_bytes);
		ck_assert_mem_eq(whole->data, original.packet.data, whole->len_bytes);
		packet_pool_put(f.pool, whole);
		fragments_put(f.pool, pieces.v, pieces.n);
	}
	ck_assert_uint_eq(f.dropped + f.released, 0);
	fixture_close(&f);
}
END_TEST

START_TEST(what_may_not_be_cut_stays_whole)
{
	struct fixture f;
	struct craft c, before;
	struct pieces pieces;

	fixture_open(&f);
	make(&c, true, PORT, 1000);
	craft_set_df(&c);
	before = c;
	cut(&f, &c, 500, 1, &pieces);
	ck_assert_uint_eq(pieces.n, 0);
	ck_assert_mem_eq(c.buffer, before.buffer, sizeof(c.buffer));
	make(&c, true, PORT, 8 * BATCH_MAX - sizeof(struct udp_header));
	cut(&f, &c, 27, 1, &pieces); /* not even eight bytes fit */
	ck_assert_uint_eq(pieces.n, 0);
	cut(&f, &c, 28, 1, &pieces); /* as many as a batch takes */
	ck_assert_uint_eq(pieces.n, BATCH_MAX);
	fragments_put(f.pool, pieces.v, pieces.n);
	make(&c, true, PORT, 8 * BATCH_MAX - sizeof(struct udp_header) + 1);
	cut(&f, &c, 28, 1, &pieces);
	ck_assert_uint_eq(pieces.n, 0);
	fixture_close(&f);
}
END_TEST

START_TEST(the_hosts_fragments_go_to_the_host)
{
	struct fixture f;
	struct craft c;
	struct pieces pieces;
	struct packet *whole;

	fixture_open(&f);
	make(&c, true, PORT + 1, 1000);
	cut(&f, &c, 500, 1, &pieces);
	ck_assert_uint_eq(pieces.n, 3);
	/* held until the first one says whose they are */
	ck_assert_int_eq(reassembly_add(f.r, CARRIER, pieces.v[1], 1, &whole),
	                 REASSEMBLY_TAKEN);
	ck_assert_int_eq(reassembly_add(f.r, CARRIER, pieces.v[0], 1, &whole),
	                 REASSEMBLY_PASS);
	ck_assert_uint_eq(f.released, 1);
	ck_assert_int_eq(reassembly_add(f.r, CARRIER, pieces.v[2], 1, &whole),
	                 REASSEMBLY_PASS);
	fragments_put(f.pool, pieces.v, pieces.n);
	fixture_close(&f);
}
END_TEST

START_TEST(an_overlap_drops_the_datagram)
{
	struct fixture f;
	struct craft c;
	struct pieces pieces;
	struct packet *whole;

	fixture_open(&f);
	make(&c, _i, PORT, 1000);
	cut(&f, &c, 500, 1, &pieces);
	for (size_t i = 0; i < 2; i++)
		ck_assert_int_eq(reassembly_add(f.r, CARRIER, pieces.v[i], 1, &whole),
		                 REASSEMBLY_TAKEN);
	ck_assert_int_eq(reassembly_add(f.r, CARRIER, pieces.v[1], 1, &whole),
	                 REASSEMBLY_TAKEN);
	ck_assert_uint_eq(f.dropped, 3);
	ck_assert_int_eq(reassembly_add(f.r, CARRIER, pieces.v[2], 1, &whole),
	                 REASSEMBLY_TAKEN);
	ck_assert_uint_eq(f.dropped, 4);
	fragments_put(f.pool, pieces.v, pieces.n);
	fixture_close(&f);
}
END_TEST

START_TEST(a_datagram_that_stays_incomplete_is_dropped_in_time)
{
	struct fixture f;
	struct craft c;
	struct pieces pieces;
	struct packet *whole;
	uint64_t due_ns;

	fixture_open(&f);
	make(&c, false, PORT, 1000);
	cut(&f, &c, 500, 1, &pieces);
	ck_assert_int_eq(reassembly_add(f.r, CARRIER, pieces.v[0], f.now_ns, &whole),
	                 REASSEMBLY_TAKEN);
	due_ns = timerq_next_ns(&f.timers);
	ck_assert_uint_eq(due_ns, f.now_ns + REASSEMBLY_NS);
	timerq_run(&f.timers, due_ns);
	ck_assert_uint_eq(f.dropped, 1);
	ck_assert_uint_eq(timerq_next_ns(&f.timers),
	                  NEVER_NS); /* nothing wakes us any more */
	fragments_put(f.pool, pieces.v, pieces.n);
	fixture_close(&f);
}
END_TEST

START_TEST(many_datagrams_are_bounded)
{
	struct fixture f;
	struct craft c;
	struct pieces pieces;
	struct packet *whole;

	fixture_open(&f);
	for (uint32_t id = 0; id < 5 * REASSEMBLY_DATAGRAMS; id++) {
		make(&c, false, PORT, 1000);
		cut(&f, &c, 500, id, &pieces);
		ck_assert_int_eq(
			reassembly_add(f.r, CARRIER, pieces.v[id % 2], id, &whole),
			REASSEMBLY_TAKEN);
		fragments_put(f.pool, pieces.v, pieces.n);
	}
	ck_assert_uint_eq(f.dropped, 4 * REASSEMBLY_DATAGRAMS);
	fixture_close(&f);
}
END_TEST

/* Somebody behind the other carrier begins more datagrams than there is room for. */
static void fill_by_other(struct fixture *f)
{
	struct pieces pieces;
	struct packet *whole;
	struct craft c;

	for (uint32_t id = 1; id <= 4 * REASSEMBLY_DATAGRAMS; id++) {
		make(&c, false, PORT, 1000);
		cut(f, &c, 500, id, &pieces);
		ck_assert_int_eq(reassembly_add(f->r, OTHER, pieces.v[0], 2, &whole),
		                 REASSEMBLY_TAKEN);
		fragments_put(f->pool, pieces.v, pieces.n);
	}
	ck_assert_uint_gt(f->dropped_of_other, 0);
}

START_TEST(a_carrier_does_not_take_the_room_of_another)
{
	struct fixture f;
	struct craft c;
	struct pieces pieces;
	struct packet *whole;

	fixture_open(&f);
	make(&c, true, PORT, 1000);
	cut(&f, &c, 500, 1, &pieces);
	for (size_t i = 0; i < 2; i++)
		ck_assert_int_eq(reassembly_add(f.r, CARRIER, pieces.v[i], 1, &whole),
		                 REASSEMBLY_TAKEN);
	fill_by_other(&f);
	ck_assert_int_eq(reassembly_add(f.r, CARRIER, pieces.v[2], 2, &whole),
	                 REASSEMBLY_WHOLE);
	packet_pool_put(f.pool, whole);
	ck_assert_uint_eq(f.dropped, 0);
	fragments_put(f.pool, pieces.v, pieces.n);
	fixture_close(&f);
}
END_TEST

START_TEST(random_fragments_do_no_harm)
{
	struct fixture f;
	struct craft c;
	struct packet *whole;

	fixture_open(&f);
	for (int i = 0; i < 5000; i++) {
		uint64_t r = unit_random(&f.seed);

		make(&c, r & 1, PORT, r % 64 + 1);
		if (r & 1) {
			craft_set_fragment(&c, (uint16_t)(r >> 8 & 0x200f));
		} else {
			c.packet.data[6] = PROTO_IPV6_FRAGMENT;
			c.packet.data[40] = PROTO_UDP;
			c.packet.data[42] = 0;
			c.packet.data[43] = (uint8_t)(r >> 8);
			memset(c.packet.data + 44, 0, 4);
		}
		if (reassembly_add(f.r, CARRIER, &c.packet, f.now_ns, &whole) ==
		    REASSEMBLY_WHOLE)
			packet_pool_put(f.pool, whole);
		if (r % 1000 == 0)
			f.now_ns += NS_PER_SEC;
		timerq_run(&f.timers, f.now_ns);
	}
	fixture_close(&f);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine/fragment, engine/reassembly");

	tcase_add_test(tc, pieces_in_any_order_become_the_packet_again);
	tcase_add_test(tc, what_may_not_be_cut_stays_whole);
	tcase_add_test(tc, the_hosts_fragments_go_to_the_host);
	tcase_add_loop_test(tc, an_overlap_drops_the_datagram, 0, 2);
	tcase_add_test(tc, a_datagram_that_stays_incomplete_is_dropped_in_time);
	tcase_add_test(tc, many_datagrams_are_bounded);
	tcase_add_test(tc, a_carrier_does_not_take_the_room_of_another);
	tcase_add_test(tc, random_fragments_do_no_harm);
	return tc;
}
