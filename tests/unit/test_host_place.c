#include "host/host.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "planned.h"
#include "unit.h"

static const char *const texts[] = {
	"a", "[Interface]\nAddress = 10.8.0.2\nDNS = 10.8.0.1\nPostUp = touch /nowhere\n",
	"b", "[Interface]\nAddress = 10.9.0.2\nTable = 7\nPreDown = touch /nowhere\n",
	NULL
};

static void expect_resolver(const struct host *h, const char *ipv4)
{
	char text[IP_ADDR_STRLEN];
	struct ip_addr found4, found6;

	host_resolver(h, &found4, &found6);
	ck_assert_str_eq(ip_addr_format(&found4, text), ipv4);
	ck_assert_int_eq(found6.family, IP_NONE);
}

/* A host without a tun does nothing for which rights are needed, and leaves nothing. */
START_TEST(nowhere_only_the_resolver_is_known)
{
	const struct host_place place = host_place_nowhere();
	const struct host_options options = { .tun = "gate0",
		                              .vnet_hdr = true,
		                              .place = &place };
	struct diag diag = { 0 };
	struct planned p;
	struct host *h;

	planned_init(&p, texts);
	ck_assert_int_eq(host_new(&h, &options, &diag), 0);
	ck_assert_int_eq(host_prepare(h, &p.plan, &diag), 0);
	ck_assert_int_eq(host_tun_fd(h), -1);
	ck_assert_uint_eq(host_tun_ifindex(h), 0);
	ck_assert_uint_eq(host_mark(h), 0);
	expect_resolver(h, "192.0.0.53");
	ck_assert_int_eq(host_pre_up(h, &p.plan, &diag), 0);
	ck_assert_int_eq(host_up(h, &p.plan, &diag), 0);
	ck_assert_int_eq(host_file_added(h, p.plan.devices[1].conf, &diag), 0);
	ck_assert_int_eq(host_update(h, &p.plan, &diag), 0);
	ck_assert_int_eq(host_file_up(h, p.plan.devices[1].conf, &diag), 0);
	ck_assert_uint_eq(host_restore(h, &p.plan), 0);
	expect_resolver(h, "192.0.0.53");
	ck_assert_int_eq(host_pre_down(h, &diag), 0);
	ck_assert_int_eq(host_down(h, &diag), 0);
	ck_assert_int_eq(host_post_down(h, &p.plan, &diag), 0);
	host_free(h);
	ck_assert_uint_eq(diag.errors, 0);
	planned_clear(&p);
	diag_clear(&diag);
}
END_TEST

START_TEST(hooks_are_told_once_and_each_table)
{
	const struct host_place place = host_place_nowhere();
	const struct host_options options = { .tun = "gate0", .place = &place };
	struct diag diag = { 0 };
	struct planned p;
	struct host *h;

	planned_init(&p, texts);
	ck_assert_int_eq(host_new(&h, &options, &diag), 0);
	ck_assert_int_eq(host_prepare(h, &p.plan, &diag), 0);
	ck_assert_uint_eq(diag.count, 2);
	ck_assert_str_eq(diag.entries[0].file, "a.conf");
	ck_assert_uint_eq(diag.entries[0].line, 4);
	ck_assert_str_eq(diag.entries[0].text, place.no_hooks);
	ck_assert_str_eq(diag.entries[1].file, "b.conf");
	ck_assert_uint_eq(diag.entries[1].line, 3);
	ck_assert_str_eq(strstr(diag.entries[1].text, ": ") + 2, place.no_table);
	host_free(h);
	planned_clear(&p);
	diag_clear(&diag);
}
END_TEST

/* Android hardly answers by rtnetlink. So there no socket is left open for it, and the
 * answers come from a connected socket. */
START_TEST(without_netlink_a_socket_tells)
{
	const struct host_place place = host_place_nowhere();
	const struct host_options options = { .tun = "gate0", .place = &place };
	const struct ip_addr own = { .family = IP_V4, .b = { 127, 0, 0, 1 } };
	const struct ip_addr no_host = { .family = IP_V4, .b = { 255, 255, 255, 255 } };
	int unused = dup(STDIN_FILENO), next;
	struct diag diag = { 0 };
	struct host *h;

	close(unused);
	ck_assert_int_eq(host_new(&h, &options, &diag), 0);
	next = dup(STDIN_FILENO);
	ck_assert_int_eq(next, unused);
	close(next);
	ck_assert_uint_ge(host_path_mtu(h, NULL, &own), 16384);
	ck_assert_int_eq(host_reach(h, NULL, &own), HOST_REACH_GOOD);
	ck_assert_int_eq(host_reach(h, NULL, &no_host), HOST_REACH_NONE);
	host_free(h);
	diag_clear(&diag);
}
END_TEST

/* Those that the user has named take the place of those that are found. */
START_TEST(named_servers_count)
{
	const struct host_place place = host_place_nowhere();
	const struct ip_addr named[] = { { IP_V4, { 192, 0, 2, 7 } },
		                         { IP_V4, { 192, 0, 2, 8 } } };
	const struct host_options options = { .tun = "gate0",
		                              .place = &place,
		                              .name_servers = named,
		                              .name_server_count = 2 };
	struct ip_addr found[3];
	struct diag diag = { 0 };
	struct host *h;

	ck_assert_int_eq(host_new(&h, &options, &diag), 0);
	for (int round = 0; round < 2; round++) {
		ck_assert_uint_eq(host_network_servers(h, found, 3), 2);
		ck_assert(ip_addr_equal(&found[0], &named[0]));
		ck_assert(ip_addr_equal(&found[1], &named[1]));
	}
	ck_assert_uint_eq(host_network_servers(h, found, 1), 1);
	host_free(h);
	diag_clear(&diag);
}
END_TEST

START_TEST(where_nobody_answers_nothing_is_known)
{
	const struct host_place place = host_place_nowhere();
	const struct host_options options = { .tun = "gate0", .place = &place };
	const struct ip_addr to = { .family = IP_V4, .b = { 192, 0, 2, 1 } };
	struct rlimit before, none;
	struct diag diag = { 0 };
	struct planned p;
	struct host *h;

	planned_init(&p, texts);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(host_new(&h, &options, &diag), 0);
	ck_assert_uint_eq(host_path_mtu(h, NULL, &to), 0);
	ck_assert_int_eq(host_reach(h, NULL, &to), HOST_REACH_NONE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(host_prepare(h, &p.plan, &diag), 0);
	ck_assert_int_eq(host_up(h, &p.plan, &diag), 0);
	expect_resolver(h, "192.0.0.53");
	ck_assert_int_eq(host_down(h, &diag), 0);
	host_free(h);
	planned_clear(&p);
	diag_clear(&diag);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("host/host_place");

	tcase_add_test(tc, nowhere_only_the_resolver_is_known);
	tcase_add_test(tc, hooks_are_told_once_and_each_table);
	tcase_add_test(tc, without_netlink_a_socket_tells);
	tcase_add_test(tc, named_servers_count);
	tcase_add_test(tc, where_nobody_answers_nothing_is_known);
	return tc;
}
