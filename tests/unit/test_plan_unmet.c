/* tests/unit/test_plan_unmet.c - what is told of a file that asks for what it won't get */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "plan/plan_unmet.h"
#include "planned.h"

#define KEY_A "qRCwZSKInrMAq5sepfCdaCsRJaoLe5jhtzfiw7CjbwM="

/* What plan_unmet says of these files, to be freed. */
static char *said_of(const char *a, const char *b, const struct plan_env *env)
{
	const char *const texts[] = { "a", a, "wg0", b, NULL };
	struct planned p;
	struct diag diag = { 0 };
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	ck_assert_ptr_nonnull(out);
	planned_init(&p, texts);
	plan_unmet(&p.plan, env, &diag);
	diag_print(&diag, out);
	fclose(out);
	diag_clear(&diag);
	planned_clear(&p);
	return text;
}

static const struct {
	const char *hook;
	bool named;
} hooks[] = {
	{ "iptables -i wg0 -j ACCEPT", true },
	{ "wg0", true },
	{ "nft 'add rule ip f F iifname \"wg0\" accept'", true },
	{ "ip link set dev wg0;true", true },
	{ "tc --dev=wg0", true },
	{ "echo 1 >/proc/sys/net/ipv4/conf/wg0/rp_filter", true },
	{ "cat /sys/class/net/wg0/mtu", true },
	{ "cat /proc/sys/net/ipv6/neigh/wg0/base", true },
	{ "iptables -i wg00; ip link show wg0.1; x wg0-a awg0", false },
	{ "cp /etc/wireguard/wg0.conf /wg0/x; ls wg0/ /wg0", false },
	{ "echo $wg0 ${wg0}", false },
	{ "iptables -i %i", false },
	{ "cat /wg0/wg0; echo wg0", true },
};

START_TEST(a_hook_that_names_a_file)
{
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		char file[256], *said;

		snprintf(file, sizeof(file), "[Interface]\nPreDown = %s\n",
		         hooks[i].hook);
		said = said_of(file, "", NULL);
		ck_assert_msg((*said != '\0') == hooks[i].named, "%s", hooks[i].hook);
		if (hooks[i].named)
			ck_assert_str_eq(
				said,
				"a.conf:2: warning: PreDown names wg0, which is another file, but all files share one interface: write %i, which stands for it, and tell the files apart by their addresses\n");
		free(said);
		/* nothing is wrong with the name that the interface does have */
		said = said_of(file, "", &(struct plan_env){ .tun = "wg0" });
		ck_assert_str_eq(said, "");
		free(said);
	}
}
END_TEST

#define SERVER(allowed, endpoint)                                                        \
	"[Peer]\nPublicKey = " KEY_A "\nAllowedIPs = " allowed "\nEndpoint = " endpoint  \
	"\n"
#define INSIDE(endpoint, prefix)                                                         \
	"a.conf:4: warning: Endpoint " endpoint " is inside AllowedIPs " prefix          \
	" of its own file: the tunnel's datagrams do not go through the tunnel, so it must be reachable without it\n"

static const struct {
	const char *a, *said;
} files[] = {
	/* an Endpoint */
	{ SERVER("10.1.0.0/24", "10.1.0.9:1"), INSIDE("10.1.0.9", "10.1.0.0/24") },
	{ SERVER("10.0.0.0/8, 10.1.0.9/32", "10.1.0.9:1"),
	  INSIDE("10.1.0.9", "10.1.0.9/32") },
	{ SERVER("fd01::/64", "[fd01::9]:1"), INSIDE("fd01::9", "fd01::/64") },
	{ SERVER("10.1.0.0/24", "10.1.1.9:1"), "" },
	{ SERVER("10.1.0.0/24", "somewhere.example:1"), "" },
	/* in everything, whole or in parts, as a tunnel for the internet has it */
	{ SERVER("0.0.0.0/0", "10.1.0.9:1"), "" },
	{ SERVER("0.0.0.0/1, 128.0.0.0/1, 10.1.0.9/32", "10.1.0.9:1"), "" },
	{ SERVER("0.0.0.0/5, 8.0.0.0/7, 11.0.0.0/8, 12.0.0.0/6, 16.0.0.0/4, 32.0.0.0/3",
	         "11.1.0.9:1"),
	  "" },
	{ SERVER("2000::/3", "[2001:db8::1]:1"), "" },
	{ SERVER("2000::/3, 10.1.0.0/24", "10.1.0.9:1"),
	  INSIDE("10.1.0.9", "10.1.0.0/24") },
	/* DNS */
	{ "[Interface]\nDNS = 10.1.0.1, 9.9.9.9, lan\nDNS = fd01::1\n" SERVER(
		  "10.1.0.0/24", "192.0.2.1:1"),
	  "a.conf:2: warning: DNS 9.9.9.9 is in no AllowedIPs of this file: it is not asked through this tunnel\n"
	  "a.conf:3: warning: DNS fd01::1 is in no AllowedIPs of this file: it is not asked through this tunnel\n" },
	{ "[Interface]\nDNS = 9.9.9.9\n" SERVER("0.0.0.0/0", "192.0.2.1:1"), "" },
	/* applications: the first line that has any */
	{ "[Interface]\nExcludedApplications =\nExcludedApplications = org.a\n"
	  "IncludedApplications = org.b, org.c\n",
	  "a.conf:3: warning: IncludedApplications and ExcludedApplications are for Android's VpnService; here they are kept, but they have no effect\n" },
	{ "[Interface]\nIncludedApplications = org.b\nExcludedApplications = org.a\n",
	  "a.conf:2: warning: IncludedApplications and ExcludedApplications are for Android's VpnService; here they are kept, but they have no effect\n" },
	/* FwMark; that of wg0 is 7, and each has its own */
	{ "[Interface]\nFwMark = 0x10\n", "" },
};

/* An app with a VpnService does what the file says. */
START_TEST(an_app_tells_applications_apart)
{
	const struct plan_env env = { .applications = true };
	char *said = said_of("[Interface]\nIncludedApplications = org.b\n", "", &env);

	ck_assert_str_eq(said, "");
	free(said);
}
END_TEST

START_TEST(what_a_file_will_not_get)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char *said = said_of(files[i].a, "[Interface]\nFwMark = 7\n", NULL);

		ck_assert_msg(strcmp(said, files[i].said) == 0, "%s\nsays\n%s",
		              files[i].a, said);
		free(said);
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("plan/plan_unmet");

	tcase_add_test(tc, a_hook_that_names_a_file);
	tcase_add_test(tc, an_app_tells_applications_apart);
	tcase_add_test(tc, what_a_file_will_not_get);
	return tc;
}
