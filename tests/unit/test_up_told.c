/* tests/unit/test_up_told.c - the line at the end of `up`, `proxy` and `gate` */
#include <stdlib.h>
#include <string.h>

#include "cmd/up_told.h"
#include "unit.h"

static const struct {
	size_t tunnels;
	const char *tun, *default_tun, *run_dir;
	size_t paths;
	const char *serves;
	const char *line;
} rows[] = {
	{ 1, "tunion0", "tunion0", NULL, 1, NULL,
	  "tunion0 is up with home from /etc/tunion; tunion status shows it, tunion down takes it down\n" },
	{ 2, "tunion0", "tunion0", NULL, 2, NULL,
	  "tunion0 is up with home and vpn from 2 paths; tunion status shows it, tunion down takes it down\n" },
	{ 5, "x", "tunion0", "/run/x", 1, NULL,
	  "x is up with home, vpn, office, lab and fifteen-letters from /etc/tunion; tunion status --run-dir /run/x --tun x shows it, tunion down --run-dir /run/x --tun x takes it down\n" },
	{ 6, "tunion0", "tunion0", NULL, 1, NULL,
	  "tunion0 is up with 6 tunnels from /etc/tunion; tunion status shows it, tunion down takes it down\n" },
	{ 2, "proxy0", NULL, NULL, 1, "SOCKS5 and HTTP at 127.0.0.1:1080",
	  "proxy0 is up in the background with home and vpn from /etc/tunion, SOCKS5 and HTTP at 127.0.0.1:1080; tunion status --tun proxy0 shows it, tunion down --tun proxy0 takes it down\n" },
};

START_TEST(what_is_up_and_from_where)
{
	static const char *const names[] = {
		"home", "vpn", "office", "lab", "fifteen-letters", "sixth"
	};
	static const char *const paths[] = { "/etc/tunion", "/etc/more" };
	struct plan_device devices[ARRAY_SIZE(names)];

	memset(devices, 0, sizeof(devices));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		devices[i].way.name = names[i];
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct plan plan = { .devices = devices,
			                   .device_count = rows[i].tunnels };
		const struct up_told_more more = { .tun = rows[i].tun,
			                           .default_tun = rows[i].default_tun,
			                           .run_dir = rows[i].run_dir,
			                           .paths = paths,
			                           .path_count = rows[i].paths,
			                           .serves = rows[i].serves };
		struct up_told told;
		char *line = NULL;
		size_t n;
		FILE *out = open_memstream(&line, &n);

		up_told_plan(&told, &plan, NULL);
		up_told_print(&told, &more, out);
		fclose(out);
		ck_assert_str_eq(line, rows[i].line);
		free(line);
	}
}
END_TEST

/* The gate's own file is none of those that were named. */
START_TEST(without_the_device_of_the_gate)
{
	struct plan_device devices[] = { { .way.name = "gate" }, { .way.name = "vpn" } };
	const struct plan plan = { .devices = devices, .device_count = 2 };
	struct up_told told;

	up_told_plan(&told, &plan, "gate");
	ck_assert_uint_eq(told.count, 1);
	ck_assert_str_eq(told.names, "vpn");
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("cmd/up_told");

	tcase_add_test(tc, what_is_up_and_from_where);
	tcase_add_test(tc, without_the_device_of_the_gate);
	return tc;
}
