/* tests/unit/test_plan_standby.c - who can't take over, though both files have a Metric? Whether
 * the engine does what is said here is seen in tests/sim/test_hours.c. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "plan/plan_standby.h"
#include "planned.h"

#define CONF(address, own, letter, allowed, endpoint)                                    \
	"[Interface]\nAddress = " address "\n" own                                       \
	"\n" PEER(letter) "AllowedIPs = " allowed "\nEndpoint = " endpoint "\n"
#define M(metric) "# tunion: Metric = " metric

/* The files are a, b and so on; `said` is the warning, NULL: they stand by. */
static const struct {
	const char *what, *a, *b, *c, *said;
} cases[] = {
	{ "the prefix that carries it is the one for which it stands by",
	  CONF("10.1.0.2", M("0"), "D", "0.0.0.0/0", "192.0.2.1:1"),
	  CONF("10.2.0.2", M("1"), "E", "0.0.0.0/0", "192.0.2.2:1"), NULL, NULL },
	{ "another one carries it",
	  CONF("10.1.0.2", M("0"), "D", "0.0.0.0/0, 10.9.0.0/16", "192.0.2.1:1"),
	  CONF("10.2.0.2", M("1"), "E", "10.9.0.0/16", "192.0.2.2:1"), NULL,
	  "b.conf:7: 10.9.0.0/16: a has it (lower Metric); b can't take over, because its own packets go inside a (b > a): write # tunion: Via = network into b" },
	{ "Via = network",
	  CONF("10.1.0.2", M("0"), "D", "0.0.0.0/0, 10.9.0.0/16", "192.0.2.1:1"),
	  CONF("10.2.0.2", M("1") "\n# tunion: Via = network", "E", "10.9.0.0/16",
	       "192.0.2.2:1"),
	  NULL, NULL },
	{ "its Endpoint is on the network anyhow",
	  CONF("10.1.0.2", M("0"), "D", "10.9.0.0/16", "192.0.2.1:1"),
	  CONF("10.2.0.2", M("1"), "E", "10.9.0.0/16", "192.0.2.2:1"), NULL, NULL },
	{ "its Endpoint is not known",
	  CONF("10.1.0.2", M("0"), "D", "0.0.0.0/0, 10.9.0.0/16", "192.0.2.1:1"),
	  CONF("10.2.0.2", M("1"), "E", "10.9.0.0/16", "b.example:1"), NULL, NULL },
	{ "a family that it doesn't have",
	  CONF("10.1.0.2, fd01::2", M("0"), "D", "0.0.0.0/0, ::/0", "192.0.2.1:1"),
	  CONF("10.2.0.2", M("1"), "E", "0.0.0.0/0", "[2001:db8::2]:1"), NULL,
	  "b.conf:7: 0.0.0.0/0: a has it (lower Metric); b can't take over, because its own packets go inside a (b > a): write # tunion: Via = network into b" },
	{ "a carrier that is carried by the first, without Via",
	  CONF("10.1.0.2", M("0"), "D", "198.51.100.0/24, 10.9.0.0/16", "192.0.2.1:1"),
	  CONF("10.2.0.2", M("1"), "E", "10.9.0.0/16", "203.0.113.2:1"),
	  CONF("10.3.0.2", "", "G", "203.0.113.0/24", "198.51.100.3:1"),
	  "b.conf:7: 10.9.0.0/16: a has it (lower Metric); b can't take over, because its own packets go inside a (b > c > a): write # tunion: Via = network into b" },
	{ "a carrier that Via names",
	  CONF("10.1.0.2", M("0"), "D", "198.51.100.0/24, 10.9.0.0/16", "192.0.2.1:1"),
	  CONF("10.2.0.2", M("1") "\n# tunion: Via = c", "E", "10.9.0.0/16",
	       "203.0.113.2:1"),
	  CONF("10.3.0.2", "", "G", "203.0.113.0/24", "198.51.100.3:1"),
	  "b.conf:8: 10.9.0.0/16: a has it (lower Metric); b can't take over, because its own packets go inside a (b > c > a): write # tunion: Via = network into c" },
	{ "the same, and it is no default route",
	  CONF("10.1.0.2", M("0"), "D", "198.51.100.0/24, 10.9.0.0/16", "192.0.2.1:1"),
	  CONF("10.2.0.2", M("1"), "E", "10.9.0.0/16, 198.51.100.0/24", "198.51.100.2:1"),
	  NULL, NULL },
	{ "the second one carries the third",
	  CONF("10.1.0.2", M("0"), "D", "10.9.0.0/16", "192.0.2.1:1"),
	  CONF("10.2.0.2", M("1"), "E", "10.9.0.0/16, 198.51.100.0/24", "192.0.2.2:1"),
	  CONF("10.3.0.2", M("2"), "G", "10.9.0.0/16", "198.51.100.3:1"),
	  "c.conf:7: 10.9.0.0/16: a has it (lower Metric); c can't take over, because its own packets go inside b (c > b): write # tunion: Via = network into c" },
	{ "two that can't",
	  CONF("10.1.0.2", M("0"), "D", "0.0.0.0/0, 10.8.0.0/16, 10.9.0.0/16",
	       "192.0.2.1:1"),
	  CONF("10.2.0.2", M("1"), "E", "10.8.0.0/16, 10.9.0.0/16", "192.0.2.2:1"),
	  CONF("10.3.0.2", M("2"), "G", "10.8.0.0/16, 10.9.0.0/16", "192.0.2.3:1"),
	  "b.conf:7: 10.8.0.0/16 (and 1 more): a has it (lower Metric); b, c can't take over, because their own packets go inside a (b > a): write # tunion: Via = network into them" },
	/* a > b > c; when c fails, b would stand in for it on the way of a, which carries b */
	{ "it would carry its own carrier",
	  CONF("10.1.0.2", "", "D", "198.51.100.0/24", "203.0.113.1:1"),
	  CONF("10.2.0.2", M("1"), "E", "203.0.113.0/24", "198.51.100.2:1"),
	  CONF("10.3.0.2", M("0"), "G", "203.0.113.0/24", "192.0.2.3:1"),
	  "b.conf:7: 203.0.113.0/24: c has it (lower Metric); b can't take over, because its own packets would go in a circle (b > a > b): write # tunion: Via = network into b" },
};

START_TEST(who_can_not_take_over)
{
	const char *texts[] = {
		"a",         cases[_i].a, "b", cases[_i].b, cases[_i].c ? "c" : NULL,
		cases[_i].c, NULL
	};
	const char *said = NULL;
	struct planned p;
	char line[512];

	planned_init(&p, texts);
	for (size_t i = 0; i < p.diag.count; i++) {
		const struct diag_entry *e = &p.diag.entries[i];

		if (!strstr(e->text, "take over"))
			continue;
		ck_assert_msg(!said, "%s: said twice", cases[_i].what);
		ck_assert_int_eq(e->severity, DIAG_WARNING);
		snprintf(line, sizeof(line), "%s:%u: %s", e->file, e->line, e->text);
		said = line;
	}
	ck_assert_msg(cases[_i].said ? said && strcmp(said, cases[_i].said) == 0 : !said,
	              "%s: %s", cases[_i].what, said ? said : "nothing");
	for (const struct way_device *d = &p.plan.devices->way; d; d = d->sibling) {
		for (const struct way_peer *peer = d->peers; peer; peer = peer->sibling)
			ck_assert(!peer->unusable);
	}
	planned_clear(&p);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("plan/plan_standby");

	tcase_add_loop_test(tc, who_can_not_take_over, 0, ARRAY_SIZE(cases));
	return tc;
}
