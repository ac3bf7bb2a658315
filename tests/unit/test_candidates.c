#include "names/candidates.h"

#include <string.h>

#include "unit.h"

/* Ranks by the text of an address. */
struct rule {
	const char *address;
	enum candidate_rank rank;
};

static enum candidate_rank by_rules(void *context, const struct endpoint *e)
{
	const struct rule *rules = context;
	struct ip_addr a;

	for (; rules->address; rules++) {
		ck_assert(ip_addr_parse(&a, rules->address));
		if (ip_addr_equal(&a, &e->addr))
			return rules->rank;
	}
	return e->addr.family == IP_V6 ? CANDIDATE_IPV6 : CANDIDATE_IPV4;
}

static struct rule no_rules[] = { { NULL, 0 } };

static struct endpoint endpoint_of(const char *text)
{
	struct endpoint e = { .port = 51820 };

	ck_assert(ip_addr_parse(&e.addr, text));
	return e;
}

/* Blank-separated addresses. */
static bool set(struct candidates *c, const char *text, struct rule *rules)
{
	const struct candidate_judge judge = { by_rules, rules };
	struct endpoint list[2 * CANDIDATES_MAX];
	char copy[512], *rest = copy, *word;
	size_t n = 0;

	ck_assert_uint_lt(strlen(text), sizeof(copy));
	memcpy(copy, text, strlen(text) + 1);
	while ((word = strsep(&rest, " ")))
		if (*word)
			list[n++] = endpoint_of(word);
	return candidates_set(c, list, n, &judge);
}

static void is_at(const struct candidates *c, const char *address)
{
	const struct endpoint *e = candidates_present(c);
	char text[IP_ADDR_STRLEN];

	ck_assert_ptr_nonnull(e);
	ck_assert_str_eq(ip_addr_format(&e->addr, text), address);
	ck_assert_uint_eq(e->port, 51820);
}

START_TEST(each_is_tried_in_turn_ipv6_first)
{
	struct candidates c = { 0 };

	ck_assert_ptr_null(candidates_present(&c));
	ck_assert(!candidates_next(&c));
	ck_assert(set(&c, "10.0.0.1 2001:db8::1 10.0.0.2", no_rules));
	is_at(&c, "2001:db8::1");
	ck_assert(candidates_next(&c));
	is_at(&c, "10.0.0.1");
	ck_assert(candidates_next(&c));
	is_at(&c, "10.0.0.2");
	ck_assert(candidates_next(&c));
	is_at(&c, "2001:db8::1");
}
END_TEST

START_TEST(what_is_unreachable_counts_only_if_all_is)
{
	struct rule rules[] = { { "2001:db8::1", CANDIDATE_UNREACHABLE },
		                { "2001:db8::2", CANDIDATE_IPV6_POOR },
		                { NULL, 0 } };
	struct rule none[] = { { "10.0.0.1", CANDIDATE_UNREACHABLE },
		               { "10.0.0.2", CANDIDATE_UNREACHABLE },
		               { NULL, 0 } };
	struct candidates c = { 0 };

	ck_assert(set(&c, "2001:db8::1 2001:db8::2 10.0.0.1", rules));
	is_at(&c, "10.0.0.1");
	ck_assert(candidates_next(&c));
	is_at(&c, "2001:db8::2");
	ck_assert(candidates_next(&c));
	is_at(&c, "10.0.0.1");

	ck_assert(set(&c, "10.0.0.2 10.0.0.1", none) == false);
	is_at(&c, "10.0.0.1"); /* it was in use, and nothing is better */
	ck_assert(candidates_next(&c));
	is_at(&c, "10.0.0.2");
}
END_TEST

START_TEST(a_new_list_keeps_the_one_in_use)
{
	struct candidates c = { 0 };

	ck_assert(set(&c, "10.0.0.1 10.0.0.2", no_rules));
	ck_assert(candidates_next(&c));
	ck_assert(!set(&c, "10.0.0.3 10.0.0.2", no_rules));
	is_at(&c, "10.0.0.2");
	ck_assert(set(&c, "10.0.0.9", no_rules));
	is_at(&c, "10.0.0.9");
	ck_assert(!candidates_next(&c)); /* there is no other */
	is_at(&c, "10.0.0.9");
}
END_TEST

START_TEST(a_peer_that_went_elsewhere_is_sought_from_the_first_on)
{
	struct endpoint elsewhere = endpoint_of("10.9.9.9");
	struct endpoint second = endpoint_of("10.0.0.2");
	struct candidates c = { 0 };

	ck_assert(set(&c, "10.0.0.1 10.0.0.2", no_rules));
	candidates_found(&c, &elsewhere);
	ck_assert_ptr_null(candidates_present(&c));
	ck_assert(candidates_next(&c));
	is_at(&c, "10.0.0.1");
	candidates_found(&c, &second);
	is_at(&c, "10.0.0.2");
}
END_TEST

START_TEST(only_what_was_tried_is_exchanged)
{
	const uint64_t second_ns = UINT64_C(1000000000);
	struct endpoint first = endpoint_of("10.0.0.1");
	struct endpoint second = endpoint_of("10.0.0.2");
	struct endpoint user = endpoint_of("192.0.2.1");
	struct candidates c = { 0 };

	ck_assert(!candidates_unanswered(&c, &first, 0));
	ck_assert(set(&c, "10.0.0.1 10.0.0.2", no_rules));
	ck_assert(candidates_unanswered(&c, &first, 5 * second_ns));
	is_at(&c, "10.0.0.2");
	/* what was on its way to the first one says nothing of the second */
	ck_assert(!candidates_unanswered(&c, &first, 5 * second_ns));
	is_at(&c, "10.0.0.2");
	ck_assert(candidates_unanswered(&c, &second, 10 * second_ns));
	is_at(&c, "10.0.0.1");
	/* nor of those of a new list */
	ck_assert(set(&c, "10.0.0.3 10.0.0.4", no_rules));
	ck_assert(!candidates_unanswered(&c, &first, second_ns));
	is_at(&c, "10.0.0.3");
	/* the user has given the peer another one, and that is dead, too */
	ck_assert(candidates_unanswered(&c, &user, 60 * second_ns));
	is_at(&c, "10.0.0.4");
	candidates_found(&c, &user);
	ck_assert(candidates_unanswered(&c, &user, 0));
	is_at(&c, "10.0.0.3");
}
END_TEST

START_TEST(the_network_changes_under_the_list)
{
	struct rule no_ipv6[] = { { "2001:db8::1", CANDIDATE_UNREACHABLE }, { NULL, 0 } };
	const struct candidate_judge with = { by_rules, no_rules },
				     without = { by_rules, no_ipv6 };
	struct candidates c = { 0 };

	ck_assert(set(&c, "10.0.0.1 2001:db8::1", no_rules));
	is_at(&c, "2001:db8::1");
	ck_assert(candidates_judge(&c, &without));
	is_at(&c, "10.0.0.1");
	ck_assert(!candidates_judge(&c, &with)); /* what works is left alone */
	is_at(&c, "10.0.0.1");
	ck_assert(candidates_next(&c));
	is_at(&c, "2001:db8::1");
}
END_TEST

START_TEST(a_long_list_is_cut)
{
	struct candidates c = { 0 };

	ck_assert(set(&c,
	              "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 10.0.0.7 "
	              "10.0.0.8 10.0.0.9 10.0.0.10 10.0.0.11 10.0.0.12 10.0.0.13 "
	              "10.0.0.14 10.0.0.15 10.0.0.16 10.0.0.17",
	              no_rules));
	ck_assert_uint_eq(c.n, CANDIDATES_MAX);
	for (size_t i = 1; i < CANDIDATES_MAX; i++)
		ck_assert(candidates_next(&c));
	is_at(&c, "10.0.0.16");
	ck_assert(candidates_next(&c));
	is_at(&c, "10.0.0.1");
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("names/candidates");

	tcase_add_test(tc, each_is_tried_in_turn_ipv6_first);
	tcase_add_test(tc, what_is_unreachable_counts_only_if_all_is);
	tcase_add_test(tc, a_new_list_keeps_the_one_in_use);
	tcase_add_test(tc, a_peer_that_went_elsewhere_is_sought_from_the_first_on);
	tcase_add_test(tc, only_what_was_tried_is_exchanged);
	tcase_add_test(tc, the_network_changes_under_the_list);
	tcase_add_test(tc, a_long_list_is_cut);
	return tc;
}
