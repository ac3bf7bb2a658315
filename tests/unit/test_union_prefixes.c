#include "plan/union_prefixes.h"

#include <stdio.h>
#include <string.h>

#include "planned.h"
#include "unit.h"

#define FILE_WITH(letter, allowed)                                                       \
	"[Interface]\n" PEER(letter) "AllowedIPs = " allowed "\n"

/* Returns the prefixes with blanks between them. */
static const char *format(const struct union_prefixes *p, char *out, size_t size)
{
	char text[IP_PREFIX_STRLEN];
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < p->n && at < size; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%s", i > 0 ? " " : "",
		                       ip_prefix_format(&p->v[i], text));
	return out;
}

static const struct {
	const char *a, *b, *expected;
} cases[] = {
	{ "[Interface]\n", "[Interface]\n", "192.0.0.53/32" },
	{ FILE_WITH("B", "0.0.0.0/0, ::/0"), FILE_WITH("C", "192.168.7.0/24, fd00::/64"),
	  "0.0.0.0/0 ::/0" },
	{ FILE_WITH("B", "0.0.0.0/1"), FILE_WITH("C", "128.0.0.0/1"), "0.0.0.0/0" },
	{ FILE_WITH("B", "10.0.0.0/24, 10.0.2.0/24"), FILE_WITH("C", "10.0.1.0/24"),
	  "10.0.0.0/23 10.0.2.0/24 192.0.0.53/32" },
	{ FILE_WITH("B", "10.0.0.0/24, 10.0.2.0/24, 10.0.3.0/24"),
	  FILE_WITH("C", "10.0.1.0/24, 10.0.1.7/32"), "10.0.0.0/22 192.0.0.53/32" },
	{ FILE_WITH("B", "10.0.1.0/24, 10.0.2.0/24"), FILE_WITH("C", "192.0.0.52/32"),
	  "10.0.1.0/24 10.0.2.0/24 192.0.0.52/31" },
	{ FILE_WITH("B", "::/1, 0.0.0.0/1"), FILE_WITH("C", "8000::/1"),
	  "0.0.0.0/1 192.0.0.53/32 ::/0" },
	/* a gate's own clients are in nobody's union */
	{ "[Interface]\n# tunion: Gate = on\n" PEER("B") "AllowedIPs = 10.9.9.2/32\n",
	  "[Interface]\n", "192.0.0.53/32" },
};

START_TEST(the_union_in_few_prefixes)
{
	const char *const texts[] = { "a", cases[_i].a, "b", cases[_i].b, NULL };
	const struct ip_prefix others[] = { { { .family = IP_V4, .b = { 192, 0, 0, 53 } },
		                              32 },
		                            { { .family = IP_NONE }, 0 } };
	char text[512];
	struct union_prefixes found;
	struct planned p;

	planned_init(&p, texts);
	ck_assert_int_eq(union_prefixes_make(&found, &p.plan.table, NULL, others, 2), 0);
	ck_assert_str_eq(format(&found, text, sizeof(text)), cases[_i].expected);
	union_prefixes_clear(&found);
	planned_clear(&p);
}
END_TEST

static bool is_not_of_10(const struct ip_prefix *prefix)
{
	return prefix->addr.b[0] != 10;
}

/* It can't be told from the smaller number of prefixes afterwards, so it comes before. */
START_TEST(what_is_not_wanted_joins_nothing)
{
	static const char *const texts[] = {
		"a", FILE_WITH("B", "10.0.0.0/8, 11.0.0.0/8, 12.0.0.0/8, 8.0.0.0/7"), NULL
	};
	char text[512];
	struct union_prefixes found;
	struct planned p;

	planned_init(&p, texts);
	ck_assert_int_eq(
		union_prefixes_make(&found, &p.plan.table, is_not_of_10, NULL, 0), 0);
	ck_assert_str_eq(format(&found, text, sizeof(text)),
	                 "8.0.0.0/7 11.0.0.0/8 12.0.0.0/8");
	union_prefixes_clear(&found);
	planned_clear(&p);
}
END_TEST

/* ---- random prefixes of eight bits */

#define ADDRESSES 256

static void add_random(char *text, size_t size, uint64_t *seed, bool *there)
{
	size_t n = unit_random(seed) % 20;

	for (size_t i = 0; i < n; i++) {
		unsigned bits = (unsigned)(unit_random(seed) % 8) + 1;
		unsigned block = ADDRESSES >> bits;
		unsigned at = (unsigned)(unit_random(seed) % ADDRESSES) / block * block;

		for (unsigned a = at; a < at + block; a++)
			there[a] = true;
		snprintf(text + strlen(text), size - strlen(text),
		         "AllowedIPs = 10.0.0.%u/%u\n", at, 24 + bits);
	}
}

/* The least number of prefixes that contain these addresses and no other. */
static size_t least(const bool *there, unsigned n)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++)
		count += there[i];
	if (count == 0 || count == n)
		return count > 0;
	return least(there, n / 2) + least(there + n / 2, n / 2);
}

START_TEST(random_ones_are_the_same_addresses_and_not_one_too_many)
{
	uint64_t seed = unit_seed() + (uint64_t)_i;
	bool there[ADDRESSES] = { false };
	char text[2048] = "[Interface]\n" PEER("B");
	const char *const texts[] = { "a", text, NULL };
	struct union_prefixes found;
	struct planned p;

	add_random(text, sizeof(text), &seed, there);
	planned_init(&p, texts);
	ck_assert_int_eq(union_prefixes_make(&found, &p.plan.table, NULL, NULL, 0), 0);
	for (unsigned i = 0; i < ADDRESSES; i++) {
		const struct ip_addr a = { .family = IP_V4,
			                   .b = { 10, 0, 0, (uint8_t)i } };
		unsigned in = 0;

		for (size_t j = 0; j < found.n; j++)
			in += ip_prefix_contains(&found.v[j], &a);
		ck_assert_uint_eq(in, there[i]);
	}
	ck_assert_uint_eq(found.n, least(there, ADDRESSES));
	union_prefixes_clear(&found);
	planned_clear(&p);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("plan/union_prefixes");

	tcase_add_loop_test(tc, the_union_in_few_prefixes, 0, ARRAY_SIZE(cases));
	tcase_add_test(tc, what_is_not_wanted_joins_nothing);
	tcase_add_loop_test(tc, random_ones_are_the_same_addresses_and_not_one_too_many,
	                    0, 200);
	return tc;
}
