/* tests/unit/test_plan.c - what transcripts in tests/cli don't show: path MTUs, partial
 * sets, many files */
#include "unit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf/load.h"
#include "plan/plan_make.h"

#define FILES_MAX 1000

static struct conf *files[FILES_MAX];
static struct conf_set set;
static struct plan plan;
static struct diag diag;

static void start(void)
{
	set = (struct conf_set){ .v = files };
}

static void stop(void)
{
	plan_clear(&plan);
	while (set.n > 0)
		conf_free(files[--set.n]);
	diag_clear(&diag);
}

/* Names must come in byte order, as conf_set_read would have them. */
static void add_file(const char *name, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void add_file(const char *name, const char *fmt, ...)
{
	struct diag of_conf = { 0 }; /* its warnings are not what is tested here */
	char path[64], *text;
	va_list args;
	FILE *stream;

	va_start(args, fmt);
	ck_assert_int_gt(vasprintf(&text, fmt, args), 0);
	va_end(args);
	snprintf(path, sizeof(path), "%s.conf", name);
	stream = fmemopen(text, strlen(text), "r");
	ck_assert_ptr_nonnull(stream);
	ck_assert_int_eq(conf_read_stream(&files[set.n++], stream, path, &of_conf), 0);
	fclose(stream);
	diag_clear(&of_conf);
	free(text);
}

#define KEY_A "qRCwZSKInrMAq5sepfCdaCsRJaoLe5jhtzfiw7CjbwM="
#define KEY_B "5JBXIMNqZ64lZ+0xvg0vhKQvyNvG2yKuJ0JjuC0wA3g="

static void expect_diag(const char *text)
{
	char *printed = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&printed, &n);

	ck_assert_ptr_nonnull(out);
	diag_print(&diag, out);
	fclose(out);
	ck_assert_str_eq(printed, text);
	free(printed);
}

static bool was_told(const char *text)
{
	for (size_t i = 0; i < diag.count; i++) {
		if (strstr(diag.entries[i].text, text))
			return true;
	}
	return false;
}

static uint32_t mtu_of(const char *name)
{
	const struct plan_device *d = plan_find(&plan, name);

	ck_assert_ptr_nonnull(d);
	return d->mtu_bytes;
}

/* 1492 to 192.0.2.0/24, 65536 to this host, unknown elsewhere */
static uint32_t path_mtu(void *context, const struct conf *conf, const struct ip_addr *to)
{
	ck_assert_ptr_nonnull(conf);
	ck_assert_str_eq(context, "host");
	if (to->b[0] == 192)
		return 1492;
	return to->b[0] == 127 ? 65536 : 0;
}

static const struct plan_env env = { .path_mtu = path_mtu,
	                             .context = (char[]){ "host" } };

START_TEST(no_files)
{
	ck_assert_int_eq(plan_make(&plan, &set, &env, &diag), 0);
	ck_assert_uint_eq(plan.tun_mtu_bytes, 0);
	ck_assert_ptr_null(plan_find(&plan, "vpn"));
}
END_TEST

START_TEST(mtus_by_path)
{
	add_file("inner", "[Interface]\nAddress = 10.3.0.2\n[Peer]\nPublicKey = " KEY_A
	                  "\nAllowedIPs = 10.3.0.0/24\nEndpoint = 10.2.0.1:1\n");
	add_file("known", "[Interface]\nAddress = 10.1.0.2\n[Peer]\nPublicKey = " KEY_A
	                  "\nAllowedIPs = 10.1.0.0/24\nEndpoint = 192.0.2.1:1\n");
	add_file("local", "[Interface]\nAddress = 10.2.0.2\n[Peer]\nPublicKey = " KEY_A
	                  "\nAllowedIPs = 10.2.0.0/24\nEndpoint = 127.0.0.1:1\n");
	add_file("none",
	         "[Interface]\nAddress = 10.5.0.2\n[Peer]\nPublicKey = " KEY_A "\n");
	add_file("said", "[Interface]\nMTU = 1300\n[Peer]\nPublicKey = " KEY_A
	                 "\nEndpoint = 192.0.2.1:1\n");
	add_file("unknown", "[Interface]\nAddress = 10.6.0.2\n[Peer]\nPublicKey = " KEY_A
	                    "\nEndpoint = 203.0.113.1:1\n");
	ck_assert_int_eq(plan_make(&plan, &set, &env, &diag), 0);
	ck_assert_uint_eq(mtu_of("known"), 1412);
	ck_assert_uint_eq(mtu_of("local"), 65455);
	ck_assert_uint_eq(mtu_of("inner"), 65375);
	ck_assert_uint_eq(mtu_of("none"), 1420);
	ck_assert_uint_eq(mtu_of("said"), 1300);
	ck_assert_uint_eq(mtu_of("unknown"), 1420);
	ck_assert_uint_eq(plan.tun_mtu_bytes, 65455);
}
END_TEST

/* Inside a carrier with this MTU, by this endpoint. */
static const struct {
	uint32_t carrier;
	const char *endpoint;
	uint32_t mtu, mtu_with_ipv6;
} insides[] = {
	{ 1420, "10.2.0.1:1", 1340, 1340 },
	{ 1420, "[fd02::1]:1", 1328, 1328 },
	{ 1423, "[fd02::1]:1", 1328, 1328 },
	{ 1424, "[fd02::1]:1", 1344, 1344 },
	{ 1424, "10.2.0.1:1", 1344, 1344 },
	{ 1392, "[fd02::1]:1", 1312, 1312 },
	{ 1370, "[fd02::1]:1", 1280, 1280 },
	{ 1359, "[fd02::1]:1", 1264, 1280 }, /* in fragments, R10 */
	{ 9000, "[fd02::1]:1", 8912, 8912 },
};

START_TEST(mtu_inside_a_carrier_leaves_room_for_the_peers_padding)
{
	add_file("carrier",
	         "[Interface]\nMTU = %u\nAddress = 10.2.0.2, fd02::2\n[Peer]\nPublicKey "
	         "= " KEY_A "\nAllowedIPs = 10.2.0.0/24, fd02::/64\nEndpoint = "
	         "203.0.113.1:1\n",
	         insides[_i].carrier);
	add_file("inner4",
	         "[Interface]\nAddress = 10.3.0.2\n[Peer]\nPublicKey = " KEY_A
	         "\nAllowedIPs = 10.3.0.0/24\nEndpoint = %s\n",
	         insides[_i].endpoint);
	add_file("inner6",
	         "[Interface]\nAddress = 10.4.0.2\n[Peer]\nPublicKey = " KEY_A
	         "\nAllowedIPs = fd04::/64\nEndpoint = %s\n",
	         insides[_i].endpoint);
	ck_assert_int_eq(plan_make(&plan, &set, &env, &diag), 0);
	ck_assert_uint_eq(mtu_of("inner4"), insides[_i].mtu);
	ck_assert_uint_eq(mtu_of("inner6"), insides[_i].mtu_with_ipv6);
	ck_assert_uint_eq(plan_find(&plan, "inner6")->carrier_fits_bytes,
	                  insides[_i].mtu);
}
END_TEST

/* As the newer wg-quick: the peer with the least decides. */
START_TEST(least_mtu_of_a_devices_peers)
{
	add_file("a", "[Interface]\nAddress = 10.4.0.2\n[Peer]\nPublicKey = " KEY_A
	              "\nEndpoint = 127.0.0.1:1\n[Peer]\nPublicKey = " KEY_B
	              "\nEndpoint = 192.0.2.1:1\n");
	ck_assert_int_eq(plan_make(&plan, &set, &env, &diag), 0);
	ck_assert_uint_eq(mtu_of("a"), 1412);
}
END_TEST

/* a's first peer lies in b, b's peer in a's second one. */
START_TEST(devices_that_carry_each_other_end_somewhere)
{
	add_file("a",
	         "[Interface]\nAddress = 10.1.0.2\n[Peer]\nPublicKey = " KEY_A
	         "\nAllowedIPs = 10.1.0.0/24\nEndpoint = 10.2.0.1:1\n[Peer]\nPublicKey "
	         "= " KEY_B "\nAllowedIPs = 10.11.0.0/24\nEndpoint = 192.0.2.1:1\n");
	add_file("b", "[Interface]\nAddress = 10.2.0.2\n[Peer]\nPublicKey = " KEY_A
	              "\nAllowedIPs = 10.2.0.0/24\nEndpoint = 10.11.0.1:1\n");
	ck_assert_int_eq(plan_make(&plan, &set, &env, &diag), 0);
	ck_assert_uint_ge(mtu_of("a"), PLAN_MTU_IPV4_MIN);
	ck_assert_uint_ge(mtu_of("b"), PLAN_MTU_IPV4_MIN);
	expect_diag("");
}
END_TEST

#define CLIENT "[Peer]\nPublicKey = " KEY_B "\nAllowedIPs = 10.9.9.2/32, fd99::2/128\n"
#define GATE   "[Interface]\nAddress = 10.9.9.1/32\n# tunion: Gate = on\n"

/* Its clients are in nobody's union, and it has the MTU of the tun. */
START_TEST(a_gate)
{
	add_file("gate", GATE CLIENT);
	add_file("vpn", "[Interface]\nAddress = 10.1.0.2\n[Peer]\nPublicKey = " KEY_A
	                "\nAllowedIPs = 0.0.0.0/0\nEndpoint = 192.0.2.1:1\n");
	ck_assert_int_eq(plan_make(&plan, &set, &env, &diag), 0);
	expect_diag("");
	ck_assert_uint_eq(union_count(&plan.table), 1);
	ck_assert_uint_eq(plan.tun_mtu_bytes, 1412);
	ck_assert_uint_eq(mtu_of("gate"), 1412);
	ck_assert_int_eq(plan_find(&plan, "gate")->way.via, WAY_VIA_NETWORK);
}
END_TEST

/* Where there is no second tun: off and number are in no union, but number carries home,
 * which names it. auto and main need none. A gate's Table doesn't matter. */
START_TEST(files_that_need_a_tun_of_their_own)
{
	struct plan_env one = env;
	char way[64];

	one.one_tun = true;
	add_file(
		"auto",
		"[Interface]\nAddress = 10.4.0.2\nMTU = 1300\nTable = auto\n[Peer]\nPublicKey = " KEY_A
		"\nAllowedIPs = 10.4.0.0/24\nEndpoint = 192.0.2.4:1\n");
	add_file("gate", GATE "Table = off\n" CLIENT);
	add_file(
		"home",
		"[Interface]\nAddress = 10.1.0.2\nMTU = 1200\n# tunion: Via = number\n[Peer]\nPublicKey = " KEY_A
		"\nAllowedIPs = 10.1.0.0/24\nEndpoint = 192.0.2.1:1\n");
	add_file(
		"main",
		"[Interface]\nAddress = 10.5.0.2\nMTU = 1300\nTable = main\n[Peer]\nPublicKey = " KEY_B
		"\nAllowedIPs = 10.5.0.0/24\nEndpoint = 192.0.2.5:1\n");
	add_file(
		"number",
		"[Interface]\nAddress = 10.2.0.2\nMTU = 1400\nTable = 7\n[Peer]\nPublicKey = " KEY_B
		"\nAllowedIPs = 0.0.0.0/0\nEndpoint = 192.0.2.2:1\n");
	add_file(
		"off",
		"[Interface]\nAddress = 10.3.0.2\nTable = off\n[Peer]\nPublicKey = " KEY_A
		"\nAllowedIPs = 10.3.0.0/24\nEndpoint = 192.0.2.3:1\n");
	ck_assert_int_eq(plan_make(&plan, &set, &one, &diag), 0);
	expect_diag("");
	ck_assert_uint_eq(union_count(&plan.table), 3);
	ck_assert_uint_eq(plan.tun_mtu_bytes, 1300);
	ck_assert_str_eq(
		way_format(&plan_find(&plan, "home")->peers[0].way, way, sizeof(way)),
		"home > number > network");
	plan_clear(&plan);
	ck_assert_int_eq(plan_make(&plan, &set, &env, &diag), 0);
	ck_assert_uint_eq(union_count(&plan.table), 3);
	ck_assert(plan_find(&plan, "number")->own_tun &&
	          !plan_find(&plan, "main")->own_tun);
}
END_TEST

START_TEST(a_gate_carries_nobody_and_is_carried_by_nobody)
{
	add_file("gate", GATE "# tunion: Via = vpn\n" CLIENT);
	add_file("vpn", "[Interface]\nAddress = 10.1.0.2\n# tunion: Via = gate\n"
	                "[Peer]\nPublicKey = " KEY_A
	                "\nAllowedIPs = 0.0.0.0/0\nEndpoint = 10.9.9.2:1\n");
	ck_assert_int_eq(plan_make(&plan, &set, &env, &diag), -EINVAL);
	expect_diag(
		"gate.conf:4: Via in the file of a gate: its clients reach it through the network; expected no Via\n"
		"vpn.conf:3: Via = gate, but gate.conf is a gate, which carries nobody: expected another tunnel file, or network\n");
}
END_TEST

/* Such as the file of a client, by mistake. */
START_TEST(a_gate_whose_client_has_everything)
{
	add_file("gate",
	         GATE "[Peer]\nPublicKey = " KEY_B "\nAllowedIPs = 10.9.9.2/32, ::/0\n");
	ck_assert_int_eq(plan_make(&plan, &set, &env, &diag), -EINVAL);
	expect_diag(
		"gate.conf:6: AllowedIPs with everything in the file of a gate: its peers are clients, and nothing would be left for the tunnels; expected the clients' own addresses\n");
}
END_TEST

START_TEST(what_was_understood_of_bad_files_is_checked_too)
{
	add_file("a", "[Interface]\nListenPort = 1000\n# tunion: Via = "
	              "b\n[Peer]\nPublicKey = " KEY_A "\nEndpoint = 192.0.2.1:1\n");
	add_file("b", "[Interface]\nListenPort = 1000\n");
	diag_error(&diag, "b.conf", 9, "AllowedIPs is wrong");
	ck_assert_int_eq(plan_make(&plan, &set, NULL, &diag), -EINVAL);
	ck_assert_uint_eq(plan.device_count, 0);
	/* but not that b has not a's endpoint: it might have */
	expect_diag("b.conf:2: ListenPort 1000 is also that of a.conf:2: expected "
	            "another one, or "
	            "none\n"
	            "b.conf:9: AllowedIPs is wrong\n");
}
END_TEST

START_TEST(a_resolved_name_is_followed)
{
	char way[64];

	add_file("home", "[Interface]\nAddress = 10.1.0.2\n[Peer]\nPublicKey = " KEY_A
	                 "\nAllowedIPs = 10.1.0.0/24\nEndpoint = home.example:1\n");
	add_file("vpn", "[Interface]\nAddress = 10.2.0.2\n[Peer]\nPublicKey = " KEY_B
	                "\nAllowedIPs = 0.0.0.0/0\nEndpoint = 192.0.2.1:1\n");
	files[0]->peers[0].endpoint.addr = files[1]->peers[0].endpoint.addr;
	ck_assert_int_eq(plan_make(&plan, &set, NULL, &diag), 0);
	ck_assert_str_eq(way_format(&plan.devices[0].peers[0].way, way, sizeof(way)),
	                 "home > vpn > network");
}
END_TEST

/* Three files share three prefixes, so there are 3 pairs, told in 3 lines. */
START_TEST(standbys_are_told_once_per_prefix)
{
	for (unsigned i = 0; i < 3; i++) {
		char name[2] = { (char)('a' + i), '\0' };

		add_file(name,
		         "[Interface]\n# tunion: Metric = %u\n[Peer]\nPublicKey = " KEY_A
		         "\nAllowedIPs = 10.0.0.0/8, 10.1.0.0/16\nAllowedIPs = "
		         "10.%u.0.0/20\n",
		         10 - i, i / 2);
	}
	ck_assert_int_eq(plan_make(&plan, &set, NULL, &diag), 0);
	expect_diag("b.conf:6: note: 10.0.0.0/20: b has it (lower Metric); a stands by\n"
	            "c.conf:5: note: 10.0.0.0/8 (and 1 more): c has it (lower Metric); "
	            "b, a stand by\n");
}
END_TEST

/* 27 sites with one LAN, and two prefixes that the same files have. */
START_TEST(equal_prefixes_of_many_files)
{
	for (unsigned i = 1; i <= 27; i++) {
		char name[16];

		snprintf(name, sizeof(name), "site-%02u", i);
		add_file(name, "[Peer]\nPublicKey = " KEY_A "\nAllowedIPs = %s\n",
		         i == 27 ? "192.168.1.0/24, 10.0.0.0/8" : "192.168.1.0/24");
	}
	add_file("site-28", "[Peer]\nPublicKey = " KEY_A "\nAllowedIPs = 10.0.0.0/8\n");
	ck_assert_int_eq(plan_make(&plan, &set, NULL, &diag), 0);
	expect_diag(
		"site-01.conf:3: warning: 192.168.1.0/24: site-01 has it (first by name); "
		"site-02 ... site-27 (26 files) don't; with a Metric in each, they would "
		"stand by\n"
		"site-27.conf:3: warning: 10.0.0.0/8: site-27 has it (first by name); "
		"site-28 doesn't; with a Metric in both, it would stand by\n");
}
END_TEST

/* What would make b stand by for a, if b's server is a name without an address yet? */
static const struct {
	const char *line, *advice;
} not_looked_up[] = {
	{ "", "a Metric in both and # tunion: Via = network in b, it" },
	{ "# tunion: Via = network", "a Metric in both, it" },
	{ "FwMark = 7", "a Metric in both, it" },
};

START_TEST(a_server_without_an_address_yet_will_be_inside_the_full_tunnel)
{
	add_file("a", "[Peer]\nPublicKey = " KEY_A "\nAllowedIPs = 0.0.0.0/0\n");
	add_file("b",
	         "[Interface]\n%s\n[Peer]\nPublicKey = " KEY_B
	         "\nAllowedIPs = 0.0.0.0/0\nEndpoint = b.example:1\n",
	         not_looked_up[_i].line);
	ck_assert_int_eq(plan_make(&plan, &set, NULL, &diag), 0);
	ck_assert(was_told(not_looked_up[_i].advice));
}
END_TEST

/* Who has 0.0.0.0/0, and why. The files are a.conf and b.conf. */
static const struct {
	const char *a, *b; /* lines of [Interface] */
	const char *a_more, *b_more;
	const char *first, *why;
	bool stands_by;
} order[] = {
	{ "", "", "", "", "a", "first by name", false },
	{ "# tunion: Metric = 1", "", "", "", "b", "lower Metric", false },
	{ "# tunion: Metric = 0", "", "", "", "a", "first by name", false },
	{ "# tunion: Metric = 0", "# tunion: Metric = 0", "", "", "a", "first by name",
	  true },
	{ "# tunion: Metric = 5", "# tunion: Metric = 0", "", "", "b", "lower Metric",
	  true },
	/* a home router's export beside a provider */
	{ "", "", ", 192.168.178.0/24", "", "b", "only default routes", false },
	{ "", "", ", 192.168.178.0/24", ", 10.0.0.0/8", "a", "first by name", false },
	{ "# tunion: Metric = 0", "# tunion: Metric = 1", ", 192.168.178.0/24", "", "a",
	  "lower Metric", true },
	{ "", "# tunion: Via = a", "", ", 10.0.0.0/8", "b", "by Via", false },
};

START_TEST(who_has_an_equal_prefix_and_why)
{
	struct ip_addr anywhere;
	char text[400];

	ck_assert(ip_addr_parse(&anywhere, "8.8.8.8"));
	snprintf(text, sizeof(text),
	         "[Interface]\n%s\n[Peer]\nPublicKey = " KEY_A
	         "\nEndpoint = 192.0.2.1:1\nAllowedIPs = 0.0.0.0/0%s\n",
	         order[_i].a, order[_i].a_more);
	add_file("a", "%s", text);
	snprintf(text, sizeof(text),
	         "[Interface]\n%s\n[Peer]\nPublicKey = " KEY_B
	         "\nEndpoint = 192.0.2.2:1\nAllowedIPs = 0.0.0.0/0%s\n",
	         order[_i].b, order[_i].b_more);
	add_file("b", "%s", text);
	ck_assert_int_eq(plan_make(&plan, &set, NULL, &diag), 0);
	snprintf(text, sizeof(text), "0.0.0.0/0: %s has it (%s); %s %s", order[_i].first,
	         order[_i].why, *order[_i].first == 'a' ? "b" : "a",
	         order[_i].stands_by ? "stands by" : "doesn't");
	ck_assert_msg(was_told(text), "%s", text);
	ck_assert_str_eq(union_lookup(&plan.table, &anywhere)->device->name,
	                 order[_i].first);
}
END_TEST

/* Via = b would lead there; but not for an address that may well be on the network. */
START_TEST(a_server_inside_the_other_full_tunnel_needs_via)
{
	add_file("a",
	         "[Interface]\nAddress = 10.1.0.2\n[Peer]\nPublicKey = " KEY_A
	         "\nAllowedIPs = 0.0.0.0/0\nEndpoint = %s:1\n",
	         _i ? "192.0.2.9" : "10.61.0.1");
	add_file("b", "[Interface]\nAddress = 10.2.0.2\n[Peer]\nPublicKey = " KEY_B
	              "\nAllowedIPs = 0.0.0.0/0\nEndpoint = 192.0.2.1:1\n");
	ck_assert_int_eq(plan_make(&plan, &set, NULL, &diag), 0);
	ck_assert(was_told("write # tunion: Via = b") == !_i);
}
END_TEST

static const struct {
	const char *a, *b; /* AllowedIPs */
	bool covered;      /* nothing is left for a */
} covers[] = {
	{ "0.0.0.0/0", "0.0.0.0/1, 128.0.0.0/1", true },
	{ "0.0.0.0/0", "0.0.0.0/1, 128.0.0.0/2", false },
	{ "0.0.0.0/0", "0.0.0.0/1, 128.0.0.0/2, 192.0.0.0/2", true },
	{ "0.0.0.0/0, 0.0.0.0/1", "128.0.0.0/1", true },
	{ "0.0.0.0/0, 0.0.0.0/1, 128.0.0.0/1", "10.0.0.0/8", false }, /* a's own */
	{ "::/0", "0.0.0.0/1, 128.0.0.0/1", false },
	{ "::/0", "::/1, 8000::/1", true },
	{ "10.0.0.0/31", "10.0.0.0/32, 10.0.0.1/32", true },
	{ "10.0.0.0/30", "10.0.0.0/31, 10.0.0.0/32, 10.0.0.1/32", false },
};

START_TEST(a_prefix_that_is_covered_whole)
{
	add_file("a", "[Peer]\nPublicKey = " KEY_A "\nAllowedIPs = %s\n", covers[_i].a);
	add_file("b", "[Peer]\nPublicKey = " KEY_B "\nAllowedIPs = %s\n", covers[_i].b);
	ck_assert_int_eq(plan_make(&plan, &set, NULL, &diag), 0);
	ck_assert_uint_eq(diag.warnings, covers[_i].covered);
}
END_TEST

static uint64_t cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NS_PER_MS;
}

static void add_many_peers(char *text, size_t size, unsigned file)
{
	size_t n = 0;

	for (unsigned i = 0; i < 10; i++)
		n += (size_t)snprintf(
			text + n, size - n,
			"[Peer]\nPublicKey = %043u=\nAllowedIPs = 10.%u.%u.%u/32, "
			"0.0.0.0/0\nEndpoint = 192.0.%u.%u:1\n",
			10 * i, file / 250, file % 250, i, file / 250, file % 250);
}

/* 1,000 full tunnels with 10 peers each take well under a second: the time must not grow
 * with the square of their number. */
START_TEST(many_files)
{
	static char text[4096];
	uint64_t began_ms;

	for (unsigned i = 0; i < FILES_MAX; i++) {
		char name[8];

		snprintf(name, sizeof(name), "f%03u", i);
		add_many_peers(text, sizeof(text), i);
		add_file(name, "[Interface]\nAddress = 10.0.%u.%u\n%s", i / 250, i % 250,
		         text);
	}
	began_ms = cpu_ms();
	ck_assert_int_eq(plan_make(&plan, &set, NULL, &diag), 0);
	ck_assert_uint_lt(cpu_ms() - began_ms, 1000);
	ck_assert_uint_eq(union_count(&plan.table), 10 * FILES_MAX + 1);
	/* All others have one prefix that the first one has. */
	ck_assert_uint_eq(diag.warnings, 1);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("plan/plan");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, no_files);
	tcase_add_test(tc, mtus_by_path);
	tcase_add_loop_test(tc, mtu_inside_a_carrier_leaves_room_for_the_peers_padding, 0,
	                    (int)ARRAY_SIZE(insides));
	tcase_add_test(tc, least_mtu_of_a_devices_peers);
	tcase_add_test(tc, devices_that_carry_each_other_end_somewhere);
	tcase_add_test(tc, a_gate);
	tcase_add_test(tc, files_that_need_a_tun_of_their_own);
	tcase_add_test(tc, a_gate_carries_nobody_and_is_carried_by_nobody);
	tcase_add_test(tc, a_gate_whose_client_has_everything);
	tcase_add_test(tc, what_was_understood_of_bad_files_is_checked_too);
	tcase_add_test(tc, a_resolved_name_is_followed);
	tcase_add_test(tc, standbys_are_told_once_per_prefix);
	tcase_add_test(tc, equal_prefixes_of_many_files);
	tcase_add_loop_test(
		tc, a_server_without_an_address_yet_will_be_inside_the_full_tunnel, 0,
		(int)ARRAY_SIZE(not_looked_up));
	tcase_add_loop_test(tc, who_has_an_equal_prefix_and_why, 0, ARRAY_SIZE(order));
	tcase_add_loop_test(tc, a_server_inside_the_other_full_tunnel_needs_via, 0, 2);
	tcase_add_loop_test(tc, a_prefix_that_is_covered_whole, 0, ARRAY_SIZE(covers));
	tcase_add_test(tc, many_files);
	return tc;
}
