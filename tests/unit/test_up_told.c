/* tests/unit/test_up_told.c - the line at the end of `up` */
#include <stdlib.h>
#include <string.h>

#include "cmd/up_told.h"
#include "unit.h"

static const struct {
	size_t tunnels;
	const char *tun, *options;
	size_t paths;
	const char *line;
} rows[] = {
	{ 1, "tunion0", "", 1,
	  "tunion0 is up with home from /etc/tunion; tunion status shows it, tunion down takes it down\n" },
	{ 2, "tunion0", "", 2,
	  "tunion0 is up with home and vpn from 2 paths; tunion status shows it, tunion down takes it down\n" },
	{ 5, "x", " --tun x", 1,
	  "x is up with home, vpn, office, lab and fifteen-letters from /etc/tunion; tunion status --tun x shows it, tunion down --tun x takes it down\n" },
	{ 6, "tunion0", "", 1,
	  "tunion0 is up with 6 tunnels from /etc/tunion; tunion status shows it, tunion down takes it down\n" },
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
		struct up_told told;
		char *line = NULL;
		size_t n;
		FILE *out = open_memstream(&line, &n);

		up_told_plan(&told, &plan);
		up_told_print(&told, rows[i].tun, paths, rows[i].paths, rows[i].options,
		              out);
		fclose(out);
		ck_assert_str_eq(line, rows[i].line);
		free(line);
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("cmd/up_told");

	tcase_add_test(tc, what_is_up_and_from_where);
	return tc;
}
