/* tests/unit/test_trie.c - against a table that is searched from end to end */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/trie.h"

#define ENTRIES 768

/* Some entries are in the trie; used says which. */
static struct place {
	struct trie_entry entry;
	bool used;
} dumb[ENTRIES];
static struct trie *trie;

static void start(void)
{
	memset(dumb, 0, sizeof(dumb));
	trie = trie_new();
	ck_assert_ptr_nonnull(trie);
}

static void stop(void)
{
	trie_free(trie);
}

static struct ip_prefix prefix(const char *addr, uint8_t len)
{
	struct ip_prefix p = { .len = len };

	ck_assert(ip_addr_parse(&p.addr, addr));
	return p;
}

static struct trie_entry *lookup(const char *addr)
{
	struct ip_prefix p = prefix(addr, 0);

	return trie_lookup(trie, &p.addr);
}

START_TEST(longest_match)
{
	struct trie_entry all, ten, host, all6, six;

	ck_assert_int_eq(trie_insert(trie, prefix("0.0.0.0", 0), &all), 0);
	ck_assert_int_eq(trie_insert(trie, prefix("10.1.2.3", 8), &ten), 0);
	ck_assert_int_eq(trie_insert(trie, prefix("10.1.2.3", 32), &host), 0);
	ck_assert_int_eq(trie_insert(trie, prefix("2001:db8::", 32), &six), 0);
	ck_assert_ptr_eq(lookup("10.1.2.3"), &host);
	ck_assert_ptr_eq(lookup("10.1.2.2"), &ten);
	ck_assert_ptr_eq(lookup("11.0.0.0"), &all);
	ck_assert_ptr_eq(lookup("2001:db8:ffff::"), &six);
	ck_assert_ptr_null(lookup("2001:db9::"));
	ck_assert_int_eq(trie_insert(trie, prefix("::", 0), &all6), 0);
	ck_assert_ptr_eq(lookup("::"), &all6);
	ck_assert_ptr_eq(trie_shorter(trie, &host), &ten);
	ck_assert_ptr_eq(trie_shorter(trie, &ten), &all);
	ck_assert_ptr_null(trie_shorter(trie, &all));
	ck_assert_ptr_eq(trie_shorter(trie, &six), &all6);
	ck_assert_uint_eq(trie_count(trie), 5);
}
END_TEST

START_TEST(host_bits_are_masked_and_a_prefix_is_there_once)
{
	struct trie_entry first, second;
	struct ip_prefix p = prefix("10.1.2.3", 8);

	ck_assert_int_eq(trie_insert(trie, p, &first), 0);
	ck_assert_int_eq(trie_insert(trie, prefix("10.9.9.9", 8), &second), -EEXIST);
	ck_assert_ptr_eq(trie_find(trie, &p), &first);
	p = prefix("10.0.0.0", 8);
	ck_assert(ip_prefix_equal(&first.prefix, &p));
	p.len = 9;
	ck_assert_ptr_null(trie_find(trie, &p));
	ck_assert_uint_eq(trie_count(trie), 1);
}
END_TEST

/* An IPv4 address never finds an IPv6 entry with the same first bytes. */
START_TEST(families_are_apart)
{
	struct trie_entry six;

	ck_assert_int_eq(trie_insert(trie, prefix("0a00::", 8), &six), 0);
	ck_assert_ptr_null(lookup("10.0.0.0"));
	ck_assert_ptr_eq(lookup("0a01::"), &six);
}
END_TEST

START_TEST(no_address_matches_nothing)
{
	struct trie_entry all, all6;
	struct ip_addr none = { 0 };

	ck_assert_int_eq(trie_insert(trie, prefix("0.0.0.0", 0), &all), 0);
	ck_assert_int_eq(trie_insert(trie, prefix("::", 0), &all6), 0);
	ck_assert_ptr_null(trie_lookup(trie, &none));
}
END_TEST

/* ---- random */

/* How the random prefixes lie. */
static const struct {
	uint8_t base[4];  /* the first bytes */
	uint8_t from, to; /* the bits of an address that are random */
	uint8_t density;  /* one in so many of them is set */
	enum ip_family family;
} layouts[] = {
	{ { 0 }, 0, 32, 16, IP_V4 }, /* sparse: long shared prefixes, all lengths */
	{ { 0 }, 0, 128, 64, IP_V6 },
	{ { 10 }, 8, 20, 2, IP_V4 },        /* dense: jump tables */
	{ { 0 }, 0, 11, 2, IP_V4 },         /* at the root */
	{ { 192, 168 }, 16, 32, 2, IP_V4 }, /* down to the last bit */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 30, 48, 2, IP_V6 },
	{ { 0xfd }, 60, 72, 2, IP_V6 }, /* across the middle */
	{ { 0xfe, 0x80 }, 116, 128, 2, IP_V6 },
};

static struct ip_prefix random_prefix(uint64_t *seed, int layout)
{
	unsigned from = layouts[layout].from, to = layouts[layout].to, len;
	struct ip_prefix p = { .addr.family = (uint8_t)layouts[layout].family };

	memcpy(p.addr.b, layouts[layout].base, sizeof(layouts[layout].base));
	for (unsigned i = from; i < to; i++) {
		if (unit_random(seed) % layouts[layout].density == 0)
			p.addr.b[i / 8] ^= (uint8_t)(0x80U >> i % 8);
	}
	len = from + (unsigned)(unit_random(seed) % (to - from + 1));
	if (unit_random(seed) % 16 == 0) /* any */
		len = (unsigned)(unit_random(seed) % (ip_addr_bits(&p.addr) + 1U));
	p.len = (uint8_t)len;
	return p;
}

static size_t dumb_find(const struct ip_prefix *p)
{
	struct ip_prefix masked = ip_prefix_mask(*p);
	size_t i = 0;

	while (i < ENTRIES &&
	       !(dumb[i].used && ip_prefix_equal(&dumb[i].entry.prefix, &masked)))
		i++;
	return i;
}

/* The longest below `len` bits. */
static struct trie_entry *dumb_lookup(const struct ip_addr *addr, unsigned len)
{
	struct trie_entry *best = NULL;

	for (size_t i = 0; i < ENTRIES; i++) {
		struct trie_entry *e = &dumb[i].entry;

		if (dumb[i].used && ip_prefix_contains(&e->prefix, addr) &&
		    e->prefix.len < len && (!best || e->prefix.len > best->prefix.len))
			best = e;
	}
	return best;
}

static size_t dumb_count(void)
{
	size_t n = 0;

	for (size_t i = 0; i < ENTRIES; i++)
		n += dumb[i].used;
	return n;
}

struct walked {
	const struct trie_entry *last;
	size_t n;
};

static bool in_order(void *context, struct trie_entry *entry)
{
	struct walked *w = context;

	if (w->last) {
		const struct ip_prefix *a = &w->last->prefix, *b = &entry->prefix;
		int c = ip_addr_compare(&a->addr, &b->addr);

		ck_assert(c < 0 || (c == 0 && a->len < b->len));
	}
	ck_assert(CONTAINER_OF(entry, struct place, entry)->used);
	w->last = entry;
	w->n++;
	return true;
}

static void check_walk(void)
{
	struct walked w = { 0 };

	trie_walk(trie, in_order, &w);
	ck_assert_uint_eq(w.n, dumb_count());
	ck_assert_uint_eq(w.n, trie_count(trie));
}

/* A random place of the dumb table is filled or emptied, in the trie as well. */
static void change(uint64_t *seed, int layout)
{
	size_t i = unit_below(seed, ENTRIES), there;
	struct ip_prefix p = random_prefix(seed, layout);

	if (dumb[i].used) {
		trie_remove(trie, &dumb[i].entry);
		dumb[i].used = false;
		return;
	}
	there = dumb_find(&p);
	if (there < ENTRIES) {
		ck_assert_int_eq(trie_insert(trie, p, &dumb[i].entry), -EEXIST);
		ck_assert_ptr_eq(trie_find(trie, &p), &dumb[there].entry);
		return;
	}
	ck_assert_ptr_null(trie_find(trie, &p));
	ck_assert_int_eq(trie_insert(trie, p, &dumb[i].entry), 0);
	dumb[i].used = true;
}

static void check_lookup(uint64_t *seed, int layout)
{
	struct ip_addr addr = random_prefix(seed, layout).addr;
	struct trie_entry *got, *want = dumb_lookup(&addr, UINT8_MAX);

	if (addr.family == IP_V4)
		addr.b[7] = 0xff; /* is no part of the address */
	got = trie_lookup(trie, &addr);
	ck_assert_ptr_eq(got, want);
	while (got) {
		want = dumb_lookup(&got->prefix.addr, got->prefix.len);
		got = trie_shorter(trie, got);
		ck_assert_ptr_eq(got, want);
	}
}

START_TEST(random_changes_agree_with_the_dumb_table)
{
	uint64_t seed = unit_seed() + (uint64_t)_i;

	for (unsigned round = 0; round < 2000; round++) {
		change(&seed, _i);
		check_lookup(&seed, _i);
		if (round % 256 == 0)
			check_walk();
	}
	for (size_t i = 0; i < ENTRIES; i++) { /* tables shrink and go */
		if (dumb[i].used)
			trie_remove(trie, &dumb[i].entry);
		dumb[i].used = false;
		check_lookup(&seed, _i);
	}
	check_walk();
}
END_TEST

/* A trie that was filled in order, then emptied in order, as a reload does. */
START_TEST(filled_and_emptied_in_order)
{
	uint64_t seed = unit_seed();

	for (size_t i = 0; i < ENTRIES; i++) {
		struct ip_prefix p = prefix("10.0.0.0", 24);

		p.addr.b[1] = (uint8_t)(i >> 8);
		p.addr.b[2] = (uint8_t)i;
		ck_assert_int_eq(trie_insert(trie, p, &dumb[i].entry), 0);
		dumb[i].used = true;
		check_lookup(&seed, 2);
	}
	for (size_t i = 0; i < ENTRIES; i++) {
		trie_remove(trie, &dumb[i].entry);
		dumb[i].used = false;
		check_lookup(&seed, 2);
	}
	ck_assert_uint_eq(trie_count(trie), 0);
}
END_TEST

static bool stop_at_third(void *context, struct trie_entry *entry)
{
	(void)entry;
	return ++*(int *)context < 3;
}

START_TEST(walk_stops_when_told)
{
	uint64_t seed = 1;
	int visited = 0;

	for (unsigned round = 0; round < 50; round++)
		change(&seed, 0);
	trie_walk(trie, stop_at_third, &visited);
	ck_assert_int_eq(visited, 3);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("base/trie");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, longest_match);
	tcase_add_test(tc, host_bits_are_masked_and_a_prefix_is_there_once);
	tcase_add_test(tc, families_are_apart);
	tcase_add_test(tc, no_address_matches_nothing);
	tcase_add_test(tc, walk_stops_when_told);
	tcase_add_test(tc, filled_and_emptied_in_order);
	tcase_add_loop_test(tc, random_changes_agree_with_the_dumb_table, 0,
	                    ARRAY_SIZE(layouts));
	return tc;
}
