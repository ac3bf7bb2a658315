/* tests/unit/test_plan_app.c - what VpnService.Builder takes, and what has to be left out */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_app.h"
#include "plan/plan_make.h"
#include "planned.h"

/* Everything on one line. The servers are those of the files, and 192.0.0.53 is the virtual
 * resolver's address. */
static char *format(const struct plan *plan, const struct plan_app *app)
{
	char prefix[IP_PREFIX_STRLEN], *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	ck_assert_ptr_nonnull(out);
	fprintf(out, "%u", plan->tun_mtu_bytes);
	for (size_t i = 0; i < app->address_count; i++)
		fprintf(out, " %s", ip_prefix_format(&app->addresses[i], prefix));
	for (size_t i = 0; i < app->routes.n; i++)
		fprintf(out, " >%s", ip_prefix_format(&app->routes.v[i], prefix));
	for (size_t i = 0; i < app->server_count; i++)
		fprintf(out, " ?%s", ip_addr_format(&app->servers[i], prefix));
	for (size_t i = 0; i < app->included.n; i++)
		fprintf(out, " +%s", app->included.v[i]);
	for (size_t i = 0; i < app->excluded.n; i++)
		fprintf(out, " -%s", app->excluded.v[i]);
	if (app->allow_families)
		fputs(" families", out);
	fclose(out);
	return text;
}

static char *said(const struct diag *diag)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	ck_assert_ptr_nonnull(out);
	diag_print(diag, out);
	fclose(out);
	return text;
}

#define PEERS(letter, allowed) PEER(letter) "AllowedIPs = " allowed "\n"
#define ADDRESS                "[Interface]\nAddress = 10.8.0.2\n"

static const struct {
	const char *texts[2 * PLANNED_FILES + 1];
	const char *expected; /* NULL: an error */
	const char *said;
} cases[] = {
	{ { "a", ADDRESS PEERS("B", "10.8.0.7/24, fd00::/64") },
	  "1420 10.8.0.2/32 >10.8.0.0/24 >192.0.0.53/32 >fd00::/64 families",
	  "" },
	/* host bits stay in addresses, not in routes; the same address counts once */
	{ { "a",
	    "[Interface]\nAddress = 10.8.0.2/24, fd08::2/64\n" PEERS("B", "0.0.0.0/0"),
	    "b", "[Interface]\nAddress = 10.8.0.2/32\n" PEERS("C", "10.9.0.1/16") },
	  "1420 10.8.0.2/24 fd08::2/64 >0.0.0.0/0",
	  "" },
	/* a default route in two parts is one, and blocks the other family, too */
	{ { "a", ADDRESS PEERS("B", "::/1"), "b",
	    "[Interface]\n" PEERS("C", "8000::/1") },
	  "1420 10.8.0.2/32 >192.0.0.53/32 >::/0",
	  "" },
	/* loopback and what Java takes for IPv4, but nothing that only contains it */
	{ { "a",
	    ADDRESS PEERS("B", "127.0.0.0/8, 127.8.0.0/16, ::1/128, ::/127, 126.0.0.0/8,"
	                       "::ffff:0:0/96, ::ffff:10.0.0.0/104, 126.0.0.0/7") },
	  "1420 10.8.0.2/32 >126.0.0.0/7 >192.0.0.53/32 >::/127 families",
	  "" },
	{ { "a", "[Interface]\nAddress = ::ffff:10.8.0.1\nAddress = 10.8.0.2\n"
	         "DNS = 127.0.0.53, 10.8.0.1\n" PEERS("B", "10.8.0.0/24") },
	  "1420 10.8.0.2/32 >10.8.0.0/24 >192.0.0.53/32 ?10.8.0.1 families",
	  "a.conf:2: warning: Address ::ffff:10.8.0.1 is left out: a VpnService doesn't take it\n"
	  "a.conf:4: warning: DNS 127.0.0.53 is left out: a VpnService doesn't take it\n" },
	{ { "a", "[Interface]\n" PEERS("B", "10.8.0.0/24") },
	  NULL,
	  "tunion: no file has an Address that a VpnService takes, and it needs one: add the Address that the server expects\n" },
	/* files that are not in the tun: a gate, and one that needs a tun of its own */
	{ { "a",
	    "[Interface]\nAddress = 10.1.0.1\n# tunion: Gate = on\nListenPort = 1\n"
	    "ExcludedApplications = org.a\n" PEERS("B", "10.1.0.2/32"),
	    "b",
	    ADDRESS "Table = off\nDNS = 127.0.0.1\nExcludedApplications = org.b\n" PEERS(
		    "C", "10.2.0.0/16"),
	    "c",
	    "[Interface]\nAddress = 10.3.0.1\nPostUp = c d\n" PEERS("D", "10.3.0.0/16") },
	  "1420 10.3.0.1/32 >10.3.0.0/16 >192.0.0.53/32 families",
	  "b.conf:3: warning: Table: the file would need a tun of its own, but the app has only one: it is left out, and only carries files that name it in Via; take this line out to use it\n"
	  "c.conf:3: warning: hooks are not run, in no file: they are meant for a host that tunion configures, and the tun is an app's\n" },
	/* applications: what one file excludes is excluded for all */
	{ { "a",
	    ADDRESS "ExcludedApplications = org.a, org.b\n" PEERS("B", "10.8.0.0/24"),
	    "b",
	    "[Interface]\nExcludedApplications = org.b\nExcludedApplications = org.c\n" PEERS(
		    "C", "10.9.0.0/24") },
	  "1420 10.8.0.2/32 >10.8.0.0/24 >10.9.0.0/24 >192.0.0.53/32 -org.a -org.b -org.c families",
	  "" },
	/* all files are for some applications only */
	{ { "a",
	    ADDRESS "IncludedApplications = org.a, org.b\n" PEERS("B", "10.8.0.0/24"),
	    "b",
	    "[Interface]\nIncludedApplications = org.b, org.c\n"
	    "ExcludedApplications = org.a\n" PEERS("C", "10.9.0.0/24") },
	  "1420 10.8.0.2/32 >10.8.0.0/24 >10.9.0.0/24 >192.0.0.53/32 +org.b +org.c families",
	  "" },
	{ { "a", ADDRESS PEERS("B", "10.8.0.0/24"), "b",
	    "[Interface]\nIncludedApplications = org.b\n" PEERS("C", "10.9.0.0/24") },
	  "1420 10.8.0.2/32 >10.8.0.0/24 >10.9.0.0/24 >192.0.0.53/32 families",
	  "b.conf:2: warning: IncludedApplications has no effect: there is one VPN for all files, and a.conf is for all applications; expected the key in every file, or in none\n" },
	{ { "a",
	    ADDRESS "IncludedApplications = org.a\nExcludedApplications = org.a\n" PEERS(
		    "B", "10.8.0.0/24") },
	  NULL,
	  "a.conf:3: all IncludedApplications are in ExcludedApplications, too, so that the VPN would be for none; expected them in one of the two\n" },
};

/* Those of the files, in their order. */
static size_t servers_of(const struct plan *plan, struct ip_addr *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->device_count; i++) {
		const struct conf_addrs *servers = &plan_dns(&plan->devices[i])->servers;

		for (size_t j = 0; j < servers->n; j++) {
			ck_assert_uint_lt(n, max);
			out[n++] = servers->v[j];
		}
	}
	return n;
}

START_TEST(what_the_builder_takes)
{
	const struct plan_env env = { .one_tun = true, .applications = true };
	struct ip_addr servers[8];
	struct plan_app_dns dns = { .servers = servers };
	struct diag made = { 0 }, diag = { 0 };
	struct plan_app app;
	struct planned p;
	struct plan plan;
	char *text;
	int err;

	planned_init(&p, cases[_i].texts);
	ck_assert_int_eq(plan_make(&plan, &p.set, &env, &made), 0);
	ck_assert(ip_addr_parse(&dns.virtual4, "192.0.0.53"));
	dns.n = servers_of(&plan, servers, ARRAY_SIZE(servers));
	err = plan_app_make(&app, &plan, &dns, &diag);
	ck_assert_int_eq(err < 0, !cases[_i].expected);
	if (cases[_i].expected) {
		text = format(&plan, &app);
		ck_assert_str_eq(text, cases[_i].expected);
		free(text);
	}
	text = said(&diag);
	ck_assert_str_eq(text, cases[_i].said);
	free(text);
	plan_app_clear(&app);
	plan_clear(&plan);
	planned_clear(&p);
	diag_clear(&made);
	diag_clear(&diag);
}
END_TEST

/* As many routes as one call can't carry. They don't touch, so none are joined. */
START_TEST(too_many_routes)
{
	static const struct plan_app_dns dns;
	size_t size = 0;
	char *file = NULL, *text;
	FILE *out = open_memstream(&file, &size);
	struct diag diag = { 0 };
	struct plan_app app;
	struct planned p;

	ck_assert_ptr_nonnull(out);
	fputs(ADDRESS PEER("B"), out);
	for (unsigned i = 0; i < 12000; i++)
		fprintf(out, "AllowedIPs = 10.%u.%u.0/24\n", i / 128, i % 128 * 2);
	fclose(out);
	planned_init(&p, (const char *const[]){ "a", file, NULL });
	ck_assert_int_eq(plan_app_make(&app, &p.plan, &dns, &diag), 0);
	text = said(&diag);
	ck_assert_str_eq(
		text,
		"tunion: warning: 12000 routes are too many for a VpnService, which takes about 1 MB of them at once: write fewer and shorter prefixes in AllowedIPs\n");
	ck_assert_uint_eq(app.routes.n, 12000);
	free(text);
	free(file);
	plan_app_clear(&app);
	planned_clear(&p);
	diag_clear(&diag);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("plan/plan_app");

	tcase_add_loop_test(tc, what_the_builder_takes, 0, ARRAY_SIZE(cases));
	tcase_add_test(tc, too_many_routes);
	return tc;
}
