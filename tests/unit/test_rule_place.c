#include "host/rule_place.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "host/host_items.h"
#include "unit.h"

#define SIZE      67U /* of a block of IPv4 */
#define RULES_MAX 16
#define T         51820U
#define DEFAULT   1000U /* tables from here on have a default route */

static bool has_default(void *context, uint32_t table)
{
	(void)context;
	return table >= DEFAULT;
}

/* Short for one rule. Ours have the mark and the table T. */
#define LOCAL(p)                                                                         \
	{                                                                                \
		.priority = (p), .table = RT_TABLE_LOCAL, .protocol = RTPROT_KERNEL      \
	}
#define MAIN(p)                                                                          \
	{                                                                                \
		.priority = (p), .table = RT_TABLE_MAIN, .protocol = RTPROT_KERNEL       \
	}
#define ALL(p, t)                                                                        \
	{                                                                                \
		.priority = (p), .table = (t), .protocol = RTPROT_BOOT                   \
	}
#define MARK(p, m, k, t)                                                                 \
	{                                                                                \
		.priority = (p), .table = (t), .has_mark = true, .mark = (m),            \
		.mask = (k), .protocol = RTPROT_BOOT                                     \
	}
#define NOT(p, m, t)                                                                     \
	{                                                                                \
		.priority = (p), .table = (t), .has_mark = true, .mark = (m),            \
		.mask = UINT32_MAX, .invert = true, .protocol = RTPROT_BOOT              \
	}
#define NARROW(p, t)                                                                     \
	{                                                                                \
		.priority = (p), .table = (t), .narrow = true, .protocol = RTPROT_BOOT   \
	}
#define SUPPRESS(p, len)                                                                 \
	{                                                                                \
		.priority = (p), .table = RT_TABLE_MAIN, .has_suppress = true,           \
		.suppress_len = (len), .protocol = RTPROT_KERNEL                         \
	}
#define ACTION(p, a)                                                                     \
	{                                                                                \
		.priority = (p), .action = (a), .protocol = RTPROT_BOOT                  \
	}
#define OURS(p) SUPPRESS(p, 0), OUR_TABLE(p)
#define OUR_TABLE(p)                                                                     \
	{                                                                                \
		.priority = (p) + ((p) != 32765 && (p) != 5209), .table = T,             \
		.has_mark = true, .mark = T, .mask = UINT32_MAX, .invert = true,         \
		.protocol = RTPROT_KERNEL                                                \
	}

static const struct {
	const char *what;
	struct netlink_rule rules[RULES_MAX];
	struct rule_place expected;
} choices[] = {
	{ "nobody else has rules",
	  { LOCAL(0), MAIN(32766), ALL(32767, 253) },
	  { 32699, false, 32766, 0 } },
	{ "Tailscale",
	  { LOCAL(0), MARK(5210, 0x80000, 0xff0000, 254),
	    MARK(5230, 0x80000, 0xff0000, 2000), ACTION(5240, FR_ACT_NOP), ALL(5270, 52),
	    MAIN(32766) },
	  { 32699, false, 32766, 0 } },
	{ "Tailscale with an exit node",
	  { LOCAL(0), MARK(5210, 0x80000, 0xff0000, 254),
	    MARK(5230, 0x80000, 0xff0000, 2000), ALL(5270, 1052), MAIN(32766) },
	  { 5269, true, 5270, 1052 } },
	{ "with room before it",
	  { LOCAL(0), MARK(5210, 0x80000, 0xff0000, 254), ALL(5370, 1052), MAIN(32766) },
	  { 5370 - SIZE, false, 5370, 1052 } },
	{ "wg-quick with a default route",
	  { LOCAL(0), SUPPRESS(32764, 0), NOT(32765, 7, 2000), MAIN(32766) },
	  { 32764 - SIZE, false, 32764, 0 } },
	{ "another instance without one",
	  { LOCAL(0), SUPPRESS(32732, 16), NOT(32733, 7, 99), MAIN(32766) },
	  { 32765, true, 32766, 0 } },
	{ "rules that were added without a priority",
	  { LOCAL(0), MARK(32764, 2, UINT32_MAX, 2002), MARK(32765, 1, UINT32_MAX, 2001),
	    MAIN(32766) },
	  { 32765, true, 32766, 0 } },
	{ "by source",
	  { LOCAL(0), NARROW(32765, 2001), MAIN(32766) },
	  { 32765, true, 32766, 0 } },
	{ "a VRF",
	  { ACTION(1000, FR_ACT_TO_TBL), LOCAL(32765), MAIN(32766) },
	  { 32765, true, 32766, 0 } },
	{ "a VRF, and a default route before the rule for local addresses",
	  { NOT(1000, 7, 2000), LOCAL(32765), MAIN(32766) },
	  { 32765, true, 32766, 0 } },
	{ "Cilium",
	  { MARK(9, 0x200, 0xf00, 2004), MARK(10, 0xa00, 0xf00, 2005), LOCAL(100),
	    MAIN(32766) },
	  { 32699, false, 32766, 0 } },
	{ "no packet passes",
	  { LOCAL(0), ACTION(300, FR_ACT_UNREACHABLE), MAIN(32766) },
	  { 300 - SIZE, false, 300, 0 } },
	{ "unmarked packets only",
	  { LOCAL(0), MARK(300, 0, 0xff, 2000), MAIN(32766) },
	  { 300 - SIZE, false, 300, 0 } },
	{ "Android",
	  { LOCAL(0), MARK(10500, 1, 1, 2000), ACTION(32000, FR_ACT_UNREACHABLE) },
	  { 10500 - SIZE, false, 10500, 0 } },
	{ "no room", { LOCAL(0), MAIN(1) }, { 0, false, 0, 0 } },
};

static struct rule_list list_of(const struct netlink_rule *rules,
                                const struct netlink_rule *ours, size_t our_count)
{
	struct rule_list list = { .v = rules,
		                  .ours = ours,
		                  .our_count = our_count,
		                  .has_default = has_default };

	while (list.n < RULES_MAX && rules[list.n].protocol != 0)
		list.n++;
	return list;
}

START_TEST(a_place_for_each_host)
{
	const struct rule_list list = list_of(choices[_i].rules, NULL, 0);
	struct rule_place got = rule_place_choose(&list, SIZE);

	ck_assert_msg(got.first == choices[_i].expected.first &&
	                      got.shared == choices[_i].expected.shared &&
	                      got.past == choices[_i].expected.past &&
	                      got.table == choices[_i].expected.table,
	              "%s: %u%s", choices[_i].what, got.first,
	              got.shared ? " shared" : "");
}
END_TEST

/* With ours in the list. */
static const struct {
	const char *what;
	struct netlink_rule rules[RULES_MAX];
	struct rule_place place;
	bool right;
} reviews[] = {
	{ "as we came",
	  { LOCAL(0), OURS(32764), MAIN(32766) },
	  { 32699, false, 32766, 0 },
	  true },
	{ "a mesh VPN comes",
	  { LOCAL(0), ALL(5270, 52), OURS(32764), MAIN(32766) },
	  { 32699, false, 32766, 0 },
	  true },
	{ "one that takes everything is left there",
	  { LOCAL(0), ALL(5270, 1052), OURS(32764), MAIN(32766) },
	  { 32699, false, 32766, 0 },
	  true },
	{ "a VRF moves the rule for local addresses",
	  { ALL(1000, 99), OURS(32764), LOCAL(32765), MAIN(32766) },
	  { 32699, false, 32766, 0 },
	  false },
	{ "and we follow",
	  { ALL(1000, 99), LOCAL(32765), OURS(32765), MAIN(32766) },
	  { 32765, true, 32766, 0 },
	  true },
	{ "somebody comes between",
	  { LOCAL(0), SUPPRESS(32764, 0), NARROW(32765, 2001), OUR_TABLE(32764),
	    MAIN(32766) },
	  { 32699, false, 32766, 0 },
	  false },
	{ "somebody comes behind",
	  { LOCAL(0), OURS(32764), NARROW(32765, 2001), MAIN(32766) },
	  { 32699, false, 32766, 0 },
	  false },
	{ "another instance comes behind",
	  { LOCAL(0), OURS(32764), SUPPRESS(32765, 16), MAIN(32766) },
	  { 32699, false, 32766, 0 },
	  true },
	{ "main comes before",
	  { LOCAL(0), MAIN(500), OURS(32764), MAIN(32766) },
	  { 32699, false, 32766, 0 },
	  false },
	{ "one of ours is gone",
	  { LOCAL(0), OUR_TABLE(32764), MAIN(32766) },
	  { 32699, false, 32766, 0 },
	  true },
	{ "one of ours is gone where order counts",
	  { LOCAL(0), NARROW(32765, 2001), OUR_TABLE(32765), MAIN(32766) },
	  { 32765, true, 32766, 0 },
	  false },
	{ "order is not kept",
	  { LOCAL(0), NARROW(32765, 2001), OUR_TABLE(32765), SUPPRESS(32765, 0),
	    MAIN(32766) },
	  { 32765, true, 32766, 0 },
	  false },
	{ "somebody comes behind at the same priority",
	  { LOCAL(0), OURS(32765), NARROW(32765, 2001), MAIN(32766) },
	  { 32765, true, 32766, 0 },
	  false },
	{ "one for everything does",
	  { LOCAL(0), OURS(32765), ALL(32765, 2001), MAIN(32766) },
	  { 32765, true, 32766, 0 },
	  true },
	{ "the rule behind ours is another one now",
	  { LOCAL(0), OURS(32764), MAIN(32767) },
	  { 32699, false, 32766, 0 },
	  false },
	{ "all of ours are gone",
	  { LOCAL(0), ALL(5270, 52), MAIN(32766) },
	  { 32699, false, 32766, 0 },
	  true },
};

START_TEST(is_the_place_still_right)
{
	const bool shared = reviews[_i].place.shared;
	const struct netlink_rule apart[] = { OURS(32764) }, together[] = { OURS(32765) };
	const struct rule_list list =
		list_of(reviews[_i].rules, shared ? together : apart, 2);

	ck_assert_msg(rule_place_is_right(&list, &reviews[_i].place, SIZE) ==
	                      reviews[_i].right,
	              "%s", reviews[_i].what);
}
END_TEST

/* Whoever comes and goes, after a few reviews nobody moves any more. Two instances, each
 * with its own view of who is "ours", and rules of others at random. */
struct instance {
	struct netlink_rule ours[2];
	struct rule_place place;
};

/* Like the kernel: behind those of equal priority. */
static void insert(struct netlink_rule *v, size_t *n, const struct netlink_rule *r)
{
	size_t i = *n;

	while (i > 0 && v[i - 1].priority > r->priority) {
		v[i] = v[i - 1];
		i--;
	}
	v[i] = *r;
	++*n;
}

static void take_out(struct netlink_rule *v, size_t *n, const struct netlink_rule *r)
{
	for (size_t i = 0; i < *n; i++) {
		if (v[i].priority != r->priority || v[i].table != r->table ||
		    v[i].mark != r->mark || v[i].suppress_len != r->suppress_len)
			continue;
		memmove(&v[i], &v[i + 1], (--*n - i) * sizeof(*v));
		return;
	}
}

/* Returns whether it has moved. */
static bool settle(struct instance *me, struct netlink_rule *v, size_t *n)
{
	struct rule_list list = { .v = v,
		                  .n = *n,
		                  .ours = me->ours,
		                  .our_count = 2,
		                  .has_default = has_default };
	struct netlink_rule old[2];
	bool there = me->place.first != 0;

	if (there && rule_place_is_right(&list, &me->place, SIZE))
		return false;
	memcpy(old, me->ours, sizeof(old));
	list.our_count = there ? 2 : 0;
	me->place = rule_place_choose(&list, SIZE);
	if (me->place.first == 0)
		return false;
	for (size_t i = 0; i < 2; i++) {
		me->ours[i].priority =
			me->place.first + (me->place.shared ? 0 : SIZE - 2 + (uint32_t)i);
		insert(v, n, &me->ours[i]);
	}
	for (size_t i = 0; i < 2 && there; i++)
		take_out(v, n, &old[i]);
	return true;
}

static struct instance instance_of(uint32_t table)
{
	return (struct instance){
		.ours = { SUPPRESS(0, 0),
		          { .table = table,
		            .has_mark = true,
		            .mark = table,
		            .mask = UINT32_MAX,
		            .invert = true,
		            .protocol = RTPROT_KERNEL } },
	};
}

START_TEST(everybody_comes_to_rest)
{
	static const uint32_t priorities[] = { 100, 5270, 32732, 32760, 32764, 32765 };
	uint64_t seed = unit_seed() + (uint64_t)_i;
	struct netlink_rule v[64] = { LOCAL(0), MAIN(32766) };
	struct instance all[] = { instance_of(unit_random(&seed) % 2 ? 900 : 51820),
		                  instance_of(unit_random(&seed) % 2 ? 901 : 51821) };
	size_t n = 2;

	for (int step = 0; step < 6; step++) {
		uint32_t p = priorities[unit_random(&seed) % ARRAY_SIZE(priorities)];
		struct netlink_rule r = { .priority = p,
			                  .table = unit_random(&seed) % 2 ? 2000 : 50,
			                  .narrow = unit_random(&seed) % 2,
			                  .protocol = RTPROT_BOOT };
		bool moved = true;

		insert(v, &n, &r);
		for (int round = 0; round < 8 && moved; round++) {
			moved = settle(&all[0], v, &n);
			moved |= settle(&all[1], v, &n);
		}
		ck_assert_msg(!moved, "seed %d: somebody still moves", _i);
		ck_assert_uint_eq(n, 2 + 4 + (size_t)step + 1);
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("host/rule_place");

	tcase_add_loop_test(tc, a_place_for_each_host, 0, ARRAY_SIZE(choices));
	tcase_add_loop_test(tc, is_the_place_still_right, 0, ARRAY_SIZE(reviews));
	tcase_add_loop_test(tc, everybody_comes_to_rest, 0, 200);
	return tc;
}
