#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "planned.h"
#include "supervisor/tunnels.h"

static struct planned planned;
static struct tunnels tunnels;
static struct diag diag;

/* The same as in supervisor_up, but the confs belong to `planned`, which frees them. */
static void begin(const char *const *texts)
{
	planned_init(&planned, texts);
	tunnels = (struct tunnels){ .plan = planned.plan };
	ck_assert_int_eq(tunnels_make(&tunnels), 0);
}

static void end(void)
{
	tunnels.plan = (struct plan){ 0 };
	tunnels_clear(&tunnels);
	ck_assert_uint_eq(tunnels.count, 0);
	planned_clear(&planned);
	diag_clear(&diag);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static const char *const two[] = { "a", "[Interface]\n" PEER("B") PEER("C"), "c",
	                           "[Interface]\n" PEER("B"), NULL };

START_TEST(one_for_each_device)
{
	begin(two);
	ck_assert_uint_eq(tunnels.count, 2);
	for (size_t i = 0; i < tunnels.count; i++) {
		const struct tunnel *t = &tunnels.v[i];

		ck_assert_ptr_eq(t->plan, &tunnels.plan.devices[i]);
		ck_assert_int_eq(t->uapi_fd, -1);
		ck_assert_int_eq(t->udp_fds[UDP_IPV4], -1);
		ck_assert_int_eq(t->udp_fds[UDP_IPV6], -1);
	}
	ck_assert_ptr_eq(tunnels_find(&tunnels, "a"), &tunnels.v[0]);
	ck_assert_ptr_eq(tunnels_find(&tunnels, "c"), &tunnels.v[1]);
	ck_assert_ptr_null(tunnels_find(&tunnels, "b"));
	end();
	ck_assert_ptr_null(tunnels_find(&tunnels, "a"));
}
END_TEST

START_TEST(one_that_is_coming_is_found_first)
{
	struct planned other;
	struct tunnel coming;
	static const char *const texts[] = { "b", "[Interface]\n", NULL };

	begin(two);
	planned_init(&other, texts);
	coming = tunnel_of(&other.plan.devices[0]);
	tunnels_put_beside(&tunnels, &coming);
	ck_assert_ptr_eq(tunnels_find(&tunnels, "b"), &coming);
	ck_assert_ptr_eq(tunnels_find(&tunnels, "a"), &tunnels.v[0]);
	tunnels_take_from_beside(&tunnels, &coming);
	ck_assert_ptr_null(tunnels_find(&tunnels, "b"));
	planned_clear(&other);
	end();
}
END_TEST

START_TEST(peers_by_name_and_key)
{
	static const uint8_t unknown[KEY_BYTES] = { 1 };
	struct endpoint there = { .port = 5 };
	struct plan_peer *p;

	ck_assert(ip_addr_parse(&there.addr, "192.0.2.1"));
	begin(two);
	p = &tunnels.plan.devices[0].peers[1];
	ck_assert_ptr_eq(tunnels_find_peer(&tunnels, "a", p->conf->public_key), p);
	ck_assert_ptr_null(tunnels_find_peer(&tunnels, "c", p->conf->public_key));
	ck_assert_ptr_null(tunnels_find_peer(&tunnels, "a", unknown));
	ck_assert_ptr_null(tunnels_find_peer(&tunnels, "b", p->conf->public_key));
	tunnels_peer_moved(&tunnels, p, &there);
	ck_assert(tunnels.endpoints_moved);
	ck_assert(endpoint_equal(&p->way.endpoint, &there));
	end();
}
END_TEST

START_TEST(sockets_are_closed_or_only_forgotten)
{
	int fds[3];

	for (int forget = 0; forget < 2; forget++) {
		begin(two);
		ck_assert_int_eq(tunnel_open_udp(&tunnels.v[0], 0, NULL, &diag), 0);
		ck_assert_uint_ne(tunnels.v[0].port, 0);
		tunnels.v[1].uapi_fd = fcntl(STDIN_FILENO, F_DUPFD, 10);
		fds[0] = tunnels.v[0].udp_fds[UDP_IPV4];
		fds[1] = tunnels.v[0].udp_fds[UDP_IPV6];
		fds[2] = tunnels.v[1].uapi_fd;
		ck_assert(is_open(fds[2]));
		tunnels.plan = (struct plan){ 0 };
		if (forget)
			tunnels_forget(&tunnels, NULL);
		for (int i = 0; i < 3 && forget; i++) {
			ck_assert(fds[i] < 0 || is_open(fds[i]));
			close(fds[i]);
		}
		end();
		for (int i = 0; i < 3; i++)
			ck_assert(!is_open(fds[i]));
	}
}
END_TEST

/* Among them is the page that opens sealed keys (base/secret_page.h). */
static size_t closed_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	size_t n = 0;

	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps))
		n += strstr(line, " ---") != NULL;
	fclose(maps);
	return n;
}

/* A child that is forked while hooks run can't open the keys of the devices they are about. */
START_TEST(keys_of_hooks_are_forgotten_beside_the_plan_too)
{
	struct planned other;
	struct tunnel coming;
	static const char *const texts[] = { "b", "[Interface]\nPostUp = x\n", NULL };
	static const char answer[] =
		"private_key="
		"0303030303030303030303030303030303030303030303030303030303030303\n\n";
	size_t before;

	for (int forget = 0; forget < 2; forget++) {
		begin(two);
		planned_init(&other, texts);
		before = closed_mappings();
		coming = tunnel_of(&other.plan.devices[0]);
		coming.hook_keys = hook_keys_new(coming.plan->conf, answer);
		ck_assert_ptr_nonnull(coming.hook_keys);
		ck_assert_uint_gt(closed_mappings(), before);
		tunnels_put_beside(&tunnels, &coming);
		tunnels.plan = (struct plan){ 0 };
		if (forget)
			tunnels_forget(&tunnels, NULL);
		else
			tunnels_leave_beside(&tunnels);
		ck_assert_uint_eq(closed_mappings(), before);
		ck_assert_ptr_null(coming.hook_keys);
		ck_assert_ptr_null(tunnels.beside);
		planned_clear(&other);
		end();
	}
}
END_TEST

START_TEST(an_address_to_listen_on)
{
	const char *texts[] = { "a", "[Interface]\n# tunion: Listen = 127.0.0.1\n",
		                NULL };
	const char *absent[] = { "a", "[Interface]\n# tunion: Listen = 192.0.2.1\n",
		                 NULL };

	begin(texts);
	ck_assert_int_eq(tunnel_open_udp(&tunnels.v[0], 0, NULL, &diag), 0);
	ck_assert_uint_ne(tunnels.v[0].port, 0);
	ck_assert_int_ge(tunnels.v[0].udp_fds[UDP_IPV4], 0);
	ck_assert_int_eq(tunnels.v[0].udp_fds[UDP_IPV6], -1);
	end();
	begin(absent);
	ck_assert_int_eq(tunnel_open_udp(&tunnels.v[0], 0, NULL, &diag), -EADDRNOTAVAIL);
	ck_assert_uint_eq(diag.errors, 1);
	ck_assert_uint_eq(diag.entries[0].line, 2);
	ck_assert_str_eq(diag.entries[0].text,
	                 "can't listen on 192.0.2.1: this host has no such address");
	end();
}
END_TEST

/* The error names the line that the user can correct. */
START_TEST(a_port_in_use)
{
	char text[64];
	const char *texts[] = { "a", text, NULL };
	int fds[UDP_FAMILIES];
	struct endpoint at = { 0 };

	ck_assert_int_eq(udp_open(fds, &at, 0), 0);
	snprintf(text, sizeof(text), "[Interface]\nListenPort = %u\n", (unsigned)at.port);
	begin(texts);
	ck_assert_int_eq(tunnel_open_udp(&tunnels.v[0], 0, NULL, &diag), -EADDRINUSE);
	ck_assert_uint_eq(diag.errors, 1);
	ck_assert_str_eq(diag.entries[0].file, "a.conf");
	ck_assert_uint_eq(diag.entries[0].line, 2);
	ck_assert_ptr_nonnull(strstr(diag.entries[0].text, "in use"));
	for (int i = 0; i < UDP_FAMILIES; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	ck_assert_int_eq(tunnel_open_udp(&tunnels.v[0], 0, NULL, &diag), 0);
	ck_assert_uint_eq(tunnels.v[0].port, at.port);
	tunnel_close(&tunnels.v[0]);
	ck_assert_int_eq(tunnels.v[0].udp_fds[UDP_IPV4], -1);
	end();
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("supervisor/tunnels");

	tcase_add_test(tc, one_for_each_device);
	tcase_add_test(tc, one_that_is_coming_is_found_first);
	tcase_add_test(tc, peers_by_name_and_key);
	tcase_add_test(tc, sockets_are_closed_or_only_forgotten);
	tcase_add_test(tc, keys_of_hooks_are_forgotten_beside_the_plan_too);
	tcase_add_test(tc, an_address_to_listen_on);
	tcase_add_test(tc, a_port_in_use);
	return tc;
}
