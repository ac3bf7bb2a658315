#include "unit.h"

#include <string.h>

#include "host/programs.h"
#include "planned.h"

static bool has_nothing(const char *name)
{
	(void)name;
	return false;
}

static bool has_resolvconf(const char *name)
{
	return strcmp(name, "resolvconf") == 0;
}

static bool has_iptables(const char *name)
{
	return strcmp(name, "iptables-restore") == 0;
}

static const struct {
	const char *texts[5];
	bool (*has)(const char *name);
	const char *dns, *guard; /* the file that needs it; NULL: nothing is missing */
	unsigned dns_line, guard_line;
} cases[] = {
	{ { "a", PEER("B") "AllowedIPs = 10.0.0.0/8\n", NULL },
	  has_nothing,
	  NULL,
	  NULL,
	  0,
	  0 },
	{ { "a", "[Interface]\nDNS = lan\n", NULL }, has_nothing, NULL, NULL, 0, 0 },
	{ { "a", PEER("B") "AllowedIPs = 10.0.0.0/8\n", "b",
	    "[Interface]\nDNS = 10.0.0.1\n" },
	  has_nothing,
	  "b",
	  NULL,
	  2,
	  0 },
	{ { "a", "[Interface]\nDNS = 10.0.0.1\n" PEER("B") "AllowedIPs = 0.0.0.0/0\n",
	    NULL },
	  has_nothing,
	  "a",
	  "a",
	  2,
	  5 },
	{ { "a", "[Interface]\nDNS = 10.0.0.1\n" PEER("B") "AllowedIPs = 0.0.0.0/0\n",
	    NULL },
	  has_resolvconf,
	  NULL,
	  "a",
	  0,
	  5 },
	{ { "a", "[Interface]\nDNS = 10.0.0.1\n" PEER("B") "AllowedIPs = 0.0.0.0/0\n",
	    NULL },
	  has_iptables,
	  "a",
	  NULL,
	  2,
	  0 },
	/* the host decides what goes into it */
	{ { "a", "[Interface]\nTable = off\n" PEER("B") "AllowedIPs = ::/0\n", NULL },
	  has_nothing,
	  NULL,
	  NULL,
	  0,
	  0 },
	/* not a default route, but the file's own server is in it */
	{ { "a", PEER("B") "AllowedIPs = 192.0.2.0/24\nEndpoint = 192.0.2.1:1\n", NULL },
	  has_nothing,
	  NULL,
	  "a",
	  0,
	  3 },
	/* inside a carrier it needs no rule */
	{ { "a", PEER("B") "AllowedIPs = 10.0.0.0/8\nEndpoint = 198.51.100.1:1\n", "b",
	    PEER("C") "AllowedIPs = 192.0.2.0/24\nEndpoint = 10.0.0.1:1\n" },
	  has_nothing,
	  NULL,
	  NULL,
	  0,
	  0 },
};

static void is_told(const struct program_missing *m, const char *name, unsigned line)
{
	ck_assert_str_eq(m->conf->name, name);
	ck_assert_uint_eq(m->line, line);
}

START_TEST(what_is_needed_and_not_there)
{
	struct program_missing out[PROGRAMS_MAX];
	struct planned p;
	size_t n = 0, told;

	planned_init(&p, cases[_i].texts);
	told = programs_missing(&p.plan, cases[_i].has, out);
	if (cases[_i].dns)
		is_told(&out[n++], cases[_i].dns, cases[_i].dns_line);
	if (cases[_i].guard)
		is_told(&out[n++], cases[_i].guard, cases[_i].guard_line);
	ck_assert_uint_eq(told, n);
	planned_clear(&p);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("host/programs");

	tcase_add_loop_test(tc, what_is_needed_and_not_there, 0, ARRAY_SIZE(cases));
	return tc;
}
