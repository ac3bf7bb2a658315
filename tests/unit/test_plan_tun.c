/* tests/unit/test_plan_tun.c - which files have a tun of their own? (design R14) */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/load.h"
#include "plan/hook_words.h"
#include "plan/plan_make.h"
#include "plan/plan_tun.h"
#include "planned.h"

static const struct {
	const char *text, *name;
	bool has;
} words[] = {
	{ "iptables -A FORWARD -i wg0 -j ACCEPT", "wg0", true },
	{ "iptables -i wg0", "wg", false },
	{ "iptables -i wg01 -o wg0", "wg0", true },
	{ "iptables -i %i", "wg0", false },
	{ "nft add rule ip fw F iifname \"wg0\" accept", "wg0", true },
	{ "ip link set dev=wg0 up", "wg0", true },
	{ "wg set wg0;true", "wg0", true },
	{ "cat /etc/wireguard/wg0.conf", "wg0", false },
	{ "cat /etc/wg0/key", "wg0", false },
	{ "echo $wg0 ${wg0}", "wg0", false },
	{ "echo 1 > /proc/sys/net/ipv4/conf/wg0/rp_filter", "wg0", true },
	{ "cat /sys/class/net/wg0", "wg0", true },
	{ "a-very-long-word-that-is-no-name wg0", "wg0", true },
	{ "", "wg0", false },
};

START_TEST(words_of_hooks)
{
	ck_assert_msg(hook_words_have(words[_i].text, words[_i].name) == words[_i].has,
	              "%s", words[_i].text);
}
END_TEST

static const struct {
	const char *interface; /* lines 2 and so on */
	enum plan_tun_kind kind;
	unsigned line;
} files[] = {
	{ "", PLAN_TUN_SHARED, 0 },
	{ "Table = auto\n", PLAN_TUN_SHARED, 0 },
	{ "Table = main\n", PLAN_TUN_SHARED, 0 },
	{ "Table = 0\n", PLAN_TUN_SHARED, 0 },
	{ "Table = off\n", PLAN_TUN_TABLE, 2 },
	{ "MTU = 1300\nTable = 1234\n", PLAN_TUN_TABLE, 3 },
	{ "PostUp = echo %i\n", PLAN_TUN_SHARED, 0 },
	{ "PostUp = true\nPostUp = ip link show wg0\n", PLAN_TUN_POST_UP, 3 },
	{ "PreUp = ip link show wg0\n", PLAN_TUN_PRE_UP, 2 },
	{ "PreDown = ip link show wg0\n", PLAN_TUN_PRE_DOWN, 2 },
	{ "PostDown = ip link show wg0\n", PLAN_TUN_POST_DOWN, 2 },
	{ "PostUp = ip link show wg0\nTable = off\n", PLAN_TUN_TABLE, 3 },
	{ "# tunion: Tun = own\nTable = off\n", PLAN_TUN_SETTING, 2 },
	{ "# tunion: Gate = on\nTable = off\n", PLAN_TUN_SHARED, 0 },
};

static struct conf *conf_of(const char *interface)
{
	char text[300];
	struct diag diag = { 0 };
	struct conf *conf;
	FILE *in;

	snprintf(text, sizeof(text), "[Interface]\n%s", interface);
	in = fmemopen(text, strlen(text), "r");
	ck_assert_ptr_nonnull(in);
	ck_assert_int_eq(conf_read_stream(&conf, in, "wg0.conf", &diag), 0);
	fclose(in);
	diag_clear(&diag);
	return conf;
}

START_TEST(what_asks_for_a_tun)
{
	const struct plan_env same = { .tun = "wg0" }, one = { .one_tun = true };
	struct conf *conf = conf_of(files[_i].interface);
	struct plan_tun tun = plan_tun_of(conf, NULL);
	bool by_hook = tun.kind >= PLAN_TUN_PRE_UP;

	ck_assert_int_eq(tun.kind, files[_i].kind);
	ck_assert_uint_eq(tun.line, files[_i].line);
	ck_assert(plan_tun_is_own(conf, NULL) == (tun.kind != PLAN_TUN_SHARED));
	/* the shared tun has its name */
	ck_assert(!plan_tun_is_own(conf, &same));
	ck_assert_int_eq(plan_tun_of(conf, &same).kind,
	                 by_hook ? PLAN_TUN_SHARED : tun.kind);
	/* hooks are not run there, so they ask for nothing */
	ck_assert(!plan_tun_is_own(conf, &one));
	ck_assert_int_eq(plan_tun_of(conf, &one).kind,
	                 by_hook ? PLAN_TUN_SHARED : tun.kind);
	conf_free(conf);
}
END_TEST

static const char *const three[] = {
	"a",
	"[Interface]\nTable = 7\nMTU = 1500\nAddress = 10.1.0.1/24\n" PEER(
		"B") "AllowedIPs = 10.0.0.0/8, 0.0.0.0/0\n",
	"b",
	"[Interface]\nAddress = 10.1.0.1/24\n" PEER("C") "AllowedIPs = 10.0.0.0/8\n"
							 "Endpoint = 192.0.2.1:1\n",
	"c",
	"[Interface]\nTable = off\n" PEER("D") "AllowedIPs = 192.0.2.0/24\n",
	NULL
};

START_TEST(the_union_is_of_those_that_share)
{
	struct plan_walk walk = { 0 };
	struct planned p;
	struct plan part;

	planned_init(&p, three);
	ck_assert_uint_eq(p.plan.shared_count, 1);
	ck_assert_uint_eq(p.plan.device_count, 3);
	ck_assert_uint_eq(union_count(&p.plan.table), 1);
	/* c doesn't carry b, and a's MTU is not that of the shared tun */
	ck_assert_ptr_null(plan_find(&p.plan, "b")->peers[0].way.next);
	ck_assert_uint_eq(p.plan.tun_mtu_bytes, PLAN_MTU_DEFAULT);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_ptr_nonnull(plan_find(&p.plan, three[2 * i]));
		ck_assert_str_eq(plan_next(&p.plan, &walk)->way.name, three[2 * i]);
	}
	ck_assert_ptr_null(plan_next(&p.plan, &walk));

	part = plan_of_shared_tun(&p.plan);
	ck_assert_uint_eq(part.device_count, 1);
	ck_assert_ptr_nonnull(plan_find(&part, "b"));
	ck_assert_ptr_null(plan_find(&part, "a"));
	part = plan_of_own_tun(&p.plan, 1);
	ck_assert_uint_eq(part.device_count, 1);
	ck_assert_ptr_eq(plan_find(&part, "a"), &p.plan.devices[1]);
	ck_assert_ptr_null(plan_find(&part, "b"));
	ck_assert_uint_eq(union_count(&part.table), 2);
	ck_assert_uint_eq(part.tun_mtu_bytes, 1500);
	planned_clear(&p);
}
END_TEST

static void check_plan(const struct plan_env *env, const char *const *texts, int expected,
                       const char *message)
{
	struct diag diag = { 0 };
	struct planned p;
	struct plan plan;
	int err;

	planned_init(&p, texts);
	err = plan_make(&plan, &p.set, env, &diag);
	ck_assert_int_eq(err != 0, expected);
	ck_assert_uint_eq(diag.count, message ? 1 : 0);
	if (message)
		ck_assert_ptr_nonnull(strstr(diag.entries[0].text, message));
	if (message)
		ck_assert_uint_eq(diag.entries[0].line, 2);
	plan_clear(&plan);
	planned_clear(&p);
	diag_clear(&diag);
}

/* With `up --tun NAME`, the file of that name has this tun. */
START_TEST(the_shared_tun_may_be_its_own)
{
	const char *const with_another[] = { three[0], three[1], three[2], three[3],
		                             NULL };
	const char *const alone[] = { three[0], three[1], three[4], three[5], NULL };
	const struct plan_env env = { .tun = "a" };

	check_plan(&env, with_another, true, "Table asks for a tun of its own called a");
	check_plan(&env, alone, false, NULL);
}
END_TEST

/* `exec` and `gate` don't run hooks. */
START_TEST(a_hook_where_there_is_one_tun)
{
	static const char *const texts[] = {
		"a", "[Interface]\nPostUp = ip route add 10.9.0.0/16 dev a\n", "b",
		"[Interface]\nPostUp = ip route add 10.9.0.0/16 dev a\n", NULL
	};
	const struct plan_env env = { .one_tun = true };

	check_plan(&env, texts, false, NULL);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("plan/plan_tun");

	tcase_add_loop_test(tc, words_of_hooks, 0, ARRAY_SIZE(words));
	tcase_add_loop_test(tc, what_asks_for_a_tun, 0, ARRAY_SIZE(files));
	tcase_add_test(tc, the_union_is_of_those_that_share);
	tcase_add_test(tc, the_shared_tun_may_be_its_own);
	tcase_add_test(tc, a_hook_where_there_is_one_tun);
	return tc;
}
