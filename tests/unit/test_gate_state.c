/* tests/unit/test_gate_state.c - the gate's file and its clients' files, from the first
 * start on */
#include "gate/gate_state.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/key.h"
#include "conf/load.h"
#include "gate/gate_clients.h"
#include "plan/plan_make.h"
#include "planned.h"
#include "unit.h"

#define VPN  PEER("B") "AllowedIPs = 0.0.0.0/0\nEndpoint = 192.0.2.1:1\n"
#define HOME PEER("C") "AllowedIPs = 192.168.7.0/24, 192.168.6.0/24, fd77::/64\n"

static const char *const both[] = {
	"a", "[Interface]\nAddress = 10.8.0.2\nDNS = 10.8.0.1\n" VPN, "b",
	"[Interface]\nAddress = 10.7.0.2\n" HOME, NULL
};
static const char *const home[] = { "b", "[Interface]\nAddress = 10.7.0.2\n" HOME, NULL };
/* with an MTU, and with search domains, of which one is no name of a host */
#define SMALL "MTU = 1300\n"
static const char *const small[] = {
	"a", "[Interface]\nAddress = 10.8.0.2\nDNS = 10.8.0.1\n" SMALL VPN, "b",
	"[Interface]\nAddress = 10.7.0.2\n" SMALL HOME, NULL
};
static const char *const domains[] = {
	"a",
	"[Interface]\nAddress = 10.8.0.2\nDNS = 10.8.0.1, lan, x_y.lan, -x, Fritz.Box\n" VPN,
	"b",
	"[Interface]\nAddress = 10.7.0.2\nDNS = home.lan, LAN, 10.7.0.1\n" HOME,
	"c",
	"[Interface]\nDNS = without.a.server\n",
	NULL
};
static const char *const in_the_way[] = {
	"b", "[Interface]\n" PEER("C") "AllowedIPs = 10.213.0.0/16\n", NULL
};

static char dir[32];
static struct gate_folder folder;
static struct diag diag;
static uint64_t seed;
static char written[512]; /* what the events have told */

static void fill(void *context, void *bytes, size_t n)
{
	uint64_t *state = context;

	for (size_t i = 0; i < n; i++)
		((uint8_t *)bytes)[i] = (uint8_t)unit_random(state);
}

static void begin(void)
{
	seed = 1;
	snprintf(dir, sizeof(dir), "/tmp/tunion.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(gate_folder_open(&folder, dir, &diag), 0);
}

static void end(void)
{
	char command[64];

	gate_folder_close(&folder);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
	diag_clear(&diag);
}

static int prepare_with(const char *const *texts, const struct endpoint *listen,
                        const char *const *clients, size_t n)
{
	const struct rng rng = { fill, &seed };
	struct gate_wanted wanted = {
		.listen = listen, .clients = clients, .client_count = n, .rng = &rng
	};
	struct planned p;
	int err;

	planned_init(&p, texts);
	wanted.plan = &p.plan;
	err = gate_state_prepare(&folder, &wanted, &diag);
	planned_clear(&p);
	return err;
}

static void prepare(const char *const *texts)
{
	ck_assert_int_eq(prepare_with(texts, NULL, NULL, 0), 0);
}

static void note(void *context, const char *client, const char *path, enum gate_news news)
{
	static const char *const words[] = { "new", "changed", "old key" };
	size_t n = strlen(written);

	ck_assert_ptr_null(context);
	ck_assert_ptr_nonnull(strstr(path, client));
	snprintf(written + n, sizeof(written) - n, "%s: %s\n", client, words[news]);
}

/* Brings the clients' files up to date, as with this plan in force. */
static int update_with(const char *const *texts, bool all)
{
	const struct gate_clients_events events = { .written = note };
	char path[GATE_FOLDER_PATH_MAX];
	struct gate_view view = { .all = all };
	struct planned p;
	int err;

	planned_init(&p, texts);
	ck_assert_int_eq(
		conf_read(&p.confs[p.set.n], gate_folder_conf(&folder, path), &diag), 0);
	p.set.n++;
	plan_clear(&p.plan);
	ck_assert_int_eq(plan_make(&p.plan, &p.set, NULL, &p.diag), 0);
	view.plan = &p.plan;
	if (p.set.n > 2)
		view.resolver4 =
			(struct ip_addr){ .family = IP_V4, .b = { 192, 0, 0, 53 } };
	written[0] = '\0';
	err = gate_clients_update(&folder, &view, &events, &diag);
	planned_clear(&p);
	return err;
}

static void update(const char *const *texts, bool all, const char *expected)
{
	ck_assert_int_eq(update_with(texts, all), 0);
	ck_assert_str_eq(written, expected);
}

static void read_file(const char *path, char *text, size_t size)
{
	FILE *in = fopen(path, "r");

	ck_assert_ptr_nonnull(in);
	text[fread(text, 1, size - 1, in)] = '\0';
	fclose(in);
}

static void write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(text, out), 0);
	ck_assert_int_eq(fclose(out), 0);
}

/* The text with every key replaced by its name. */
static void expect_file(const char *path, const char *expected)
{
	char text[2048], *key;

	read_file(path, text, sizeof(text));
	while ((key = strstr(text, "Key = "))) {
		ck_assert_uint_ge(strlen(key), 6 + KEY_BASE64_CHARS);
		memcpy(key, "Key: ", 5);
		memmove(key + 5, key + 6 + KEY_BASE64_CHARS,
		        strlen(key + 6 + KEY_BASE64_CHARS) + 1);
	}
	ck_assert_str_eq(text, expected);
}

static const char *client(const char *name)
{
	static char path[GATE_FOLDER_PATH_MAX];

	return gate_folder_client(&folder, name, path);
}

static const char *conf_path(void)
{
	static char path[GATE_FOLDER_PATH_MAX];

	return gate_folder_conf(&folder, path);
}

/* ---- */

/* what the seed gives */
#define NET4 "10.213.109"
#define NET6 "fd1c:170c:f5c1"

START_TEST(the_files_of_the_first_start)
{
	char gate_text[2048], phone_text[2048];

	begin();
	prepare(both);
	expect_file(
		conf_path(),
		"# Written by tunion gate. Only PrivateKey, Address, Isolate and where it listens are kept.\n"
		"[Interface]\nPrivateKey: \nListenPort = 51821\n"
		"# tunion: Listen = 127.0.0.1\n# tunion: Gate = on\n"
		"Address = " NET4 ".1/32, " NET6 "::1/128\n\n# phone\n[Peer]\n"
		"PublicKey: \nAllowedIPs = " NET4 ".2/32, " NET6 "::2/128\n");
	update(both, false, "phone: new\n");
	expect_file(client("phone"),
	            "[Interface]\nPrivateKey: \n"
	            "Address = " NET4 ".2/32, " NET6 "::2/128\nDNS = 192.0.0.53\n"
	            "MTU = 1420\nExcludedApplications = com.termux\n\n[Peer]\n"
	            "PublicKey: \nAllowedIPs = 0.0.0.0/0, " NET6 "::1/128, fd77::/64\n"
	            "Endpoint = 127.0.0.1:51821\n");
	/* once more, and nothing is written */
	read_file(conf_path(), gate_text, sizeof(gate_text));
	read_file(client("phone"), phone_text, sizeof(phone_text));
	prepare(both);
	update(both, false, "");
	for (int i = 0; i < 2; i++) {
		char text[2048];

		read_file(i ? conf_path() : client("phone"), text, sizeof(text));
		ck_assert_str_eq(text, i ? gate_text : phone_text);
	}
	end();
}
END_TEST

/* Each has the other's public key, and both are clamped. */
START_TEST(the_keys_fit)
{
	struct conf *gate, *phone;

	begin();
	prepare(both);
	update(both, false, "phone: new\n");
	ck_assert_int_eq(conf_read(&gate, conf_path(), &diag), 0);
	ck_assert_int_eq(conf_read(&phone, client("phone"), &diag), 0);
	ck_assert_mem_eq(phone->peers[0].public_key, gate->identity.public_key,
	                 KEY_BYTES);
	ck_assert_mem_eq(gate->peers[0].public_key, phone->identity.public_key,
	                 KEY_BYTES);
	for (int i = 0; i < 2; i++) {
		uint8_t key[KEY_BYTES];

		ck_assert(sealed_open(&(i ? gate : phone)->identity.private_key, key));
		ck_assert_uint_eq(key[0] & 7, 0);
		ck_assert_uint_eq(key[31] & 0xc0, 0x40);
	}
	ck_assert(
		!sealed_equal(&gate->identity.private_key, &phone->identity.private_key));
	conf_free(gate);
	conf_free(phone);
	end();
}
END_TEST

START_TEST(what_changes_is_told)
{
	begin();
	prepare(both);
	update(both, false, "phone: new\n");
	update(both, true, "phone: changed\n");
	update(both, true, "");
	update(home, true, "phone: changed\n"); /* its DNS */
	update(home, false, "phone: changed\n");
	expect_file(client("phone"),
	            "[Interface]\nPrivateKey: \n"
	            "Address = " NET4 ".2/32, " NET6 "::2/128\n"
	            "MTU = 1420\nExcludedApplications = com.termux\n\n[Peer]\n"
	            "PublicKey: \nAllowedIPs = " NET4 ".1/32, 192.168.6.0/23, " NET6
	            "::1/128, fd77::/64\n"
	            "Endpoint = 127.0.0.1:51821\n");
	end();
}
END_TEST

START_TEST(clients_keep_their_addresses)
{
	const char *const names[] = { "zoe", "phone", "ann" };
	struct endpoint listen = { .addr = { .family = IP_V4, .b = { 192, 0, 2, 5 } },
		                   .port = 7 };
	char text[2048];

	begin();
	prepare(both);
	ck_assert_int_eq(prepare_with(both, &listen, names, ARRAY_SIZE(names)), 0);
	update(both, false, "ann: new\nphone: new\nzoe: new\n");
	expect_file(client("zoe"), "[Interface]\nPrivateKey: \n"
	                           "Address = " NET4 ".3/32, " NET6 "::3/128\n"
	                           "DNS = 192.0.0.53\nMTU = 1420\n\n[Peer]\n"
	                           "PublicKey: \nAllowedIPs = 0.0.0.0/0, " NET6
	                           "::1/128, fd77::/64\nEndpoint = 192.0.2.5:7\n");
	/* one goes: the others keep theirs, and where it listens is kept, too */
	ck_assert_int_eq(unlink(client("phone")), 0);
	prepare(both);
	update(both, false, "");
	read_file(conf_path(), text, sizeof(text));
	ck_assert_ptr_nonnull(
		strstr(text, "ListenPort = 7\n# tunion: Listen = 192.0.2.5\n"));
	ck_assert_ptr_null(strstr(text, "# phone"));
	ck_assert_ptr_null(strstr(text, NET4 ".2/32"));
	ck_assert_ptr_nonnull(strstr(text, NET4 ".3/32"));
	ck_assert_ptr_nonnull(strstr(text, NET4 ".4/32"));
	/* the next one gets what is free */
	ck_assert_int_eq(prepare_with(both, NULL, names + 1, 1), 0);
	read_file(conf_path(), text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, NET4 ".2/32"));
	end();
}
END_TEST

/* Only if it must be less; but it is the present one whenever the file is written. */
START_TEST(the_mtu_is_a_reason_only_if_it_is_less)
{
	char text[2048];

	begin();
	prepare(both);
	update(both, false, "phone: new\n");
	update(small, false, "phone: changed\n");
	read_file(client("phone"), text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "\nMTU = 1300\n"));
	update(both, false, "");
	update(small, false, "");
	update(both, true, "phone: changed\n");
	read_file(client("phone"), text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "\nMTU = 1420\n"));
	end();
}
END_TEST

START_TEST(search_domains)
{
	char text[2048];

	begin();
	prepare(domains);
	update(domains, false, "phone: new\n");
	read_file(client("phone"), text, sizeof(text));
	ck_assert_ptr_nonnull(
		strstr(text, "\nDNS = 192.0.0.53, lan, Fritz.Box, home.lan\n"));
	end();
}
END_TEST

/* A file that comes later may have the gate's network. */
START_TEST(the_addresses_make_way)
{
	char text[2048];

	begin();
	prepare(both);
	update(both, false, "phone: new\n");
	prepare(in_the_way);
	read_file(conf_path(), text, sizeof(text));
	ck_assert_ptr_null(strstr(text, NET4));
	ck_assert_ptr_nonnull(strstr(text, "172.27."));
	update(in_the_way, false, "phone: changed\n");
	end();
}
END_TEST

/* Who may reach the others needs their addresses, too. */
START_TEST(clients_that_reach_each_other)
{
	char text[2048], all[2100];
	char *peers;

	begin();
	prepare(both);
	update(both, false, "phone: new\n");
	read_file(conf_path(), text, sizeof(text));
	peers = strstr(text, "Address = ");
	ck_assert_ptr_nonnull(peers);
	snprintf(all, sizeof(all), "%.*s# tunion: Isolate = off\n%s", (int)(peers - text),
	         text, peers);
	write_file(conf_path(), all);
	prepare(both);
	read_file(conf_path(), text, sizeof(text));
	ck_assert_str_eq(text, all);
	update(home, false, "phone: changed\n");
	expect_file(client("phone"),
	            "[Interface]\nPrivateKey: \n"
	            "Address = " NET4 ".2/32, " NET6 "::2/128\n"
	            "MTU = 1420\nExcludedApplications = com.termux\n\n[Peer]\n"
	            "PublicKey: \nAllowedIPs = " NET4 ".0/24, 192.168.6.0/23, " NET6
	            "::/64, fd77::/64\n"
	            "Endpoint = 127.0.0.1:51821\n");
	end();
}
END_TEST

START_TEST(a_new_key_is_told)
{
	char *text;
	size_t n;

	begin();
	prepare(both);
	ck_assert_ptr_null(gate_clients_show(&folder, "phone", &n, &diag));
	ck_assert_ptr_nonnull(strstr(diag.entries[0].text, "not complete"));
	update(both, false, "phone: new\n");
	text = gate_clients_show(&folder, "phone", &n, &diag);
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_eq(strlen(text), n);
	free(text);
	ck_assert_int_eq(unlink(conf_path()), 0);
	prepare(both);
	ck_assert_ptr_null(gate_clients_show(&folder, "phone", &n, &diag));
	ck_assert_ptr_nonnull(strstr(diag.entries[1].text, "older key"));
	update(both, false, "phone: old key\n");
	ck_assert_ptr_null(gate_clients_show(&folder, "nobody", &n, &diag));
	ck_assert_ptr_null(gate_clients_show(&folder, "../gate", &n, &diag));
	ck_assert_uint_eq(diag.errors, 4);
	end();
}
END_TEST

static const struct {
	const char *text, *error;
} bad[] = {
	{ "[Interface]\nPrivateKey = x\n", "PrivateKey" },
	{ "[Interface]\n", "there is no PrivateKey" },
	{ "", "expected the file as tunion gate has written it" },
};

/* Nothing that somebody has written by hand is overwritten. */
START_TEST(a_bad_file_is_an_error)
{
	char text[256];

	for (int i = 0; i < 2; i++) {
		const char *path;

		begin();
		prepare(both);
		path = i ? conf_path() : client("phone");
		write_file(path, bad[_i].text);
		ck_assert_int_lt(prepare_with(both, NULL, NULL, 0), 0);
		ck_assert_uint_ge(diag.errors, 1);
		ck_assert_str_eq(diag.entries[diag.count - 1].file, path);
		ck_assert_ptr_nonnull(
			strstr(diag.entries[diag.count - 1].text, bad[_i].error));
		read_file(path, text, sizeof(text));
		ck_assert_str_eq(text, bad[_i].text);
		end();
	}
}
END_TEST

START_TEST(names_that_no_device_can_have)
{
	static const char *const names[] = { "", "..", "a/b", "a b", "0123456789abcdef" };

	begin();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		ck_assert_int_eq(prepare_with(both, NULL, names + i, 1), -EINVAL);
		ck_assert_uint_eq(diag.errors, i + 1);
	}
	end();
}
END_TEST

/* A /24 has no more. */
START_TEST(too_many_clients)
{
	char names[300][16];
	const char *list[300];

	begin();
	for (int i = 0; i < 300; i++) {
		snprintf(names[i], sizeof(names[i]), "c%d", i);
		list[i] = names[i];
	}
	ck_assert_int_eq(prepare_with(both, NULL, list, 254), -E2BIG);
	ck_assert_uint_eq(diag.errors, 1);
	ck_assert_int_eq(prepare_with(both, NULL, list, 253), 0);
	ck_assert_int_eq(prepare_with(both, NULL, list, 254), -E2BIG);
	end();
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("gate/gate_state");

	tcase_add_test(tc, the_files_of_the_first_start);
	tcase_add_test(tc, the_keys_fit);
	tcase_add_test(tc, what_changes_is_told);
	tcase_add_test(tc, clients_keep_their_addresses);
	tcase_add_test(tc, the_mtu_is_a_reason_only_if_it_is_less);
	tcase_add_test(tc, search_domains);
	tcase_add_test(tc, the_addresses_make_way);
	tcase_add_test(tc, clients_that_reach_each_other);
	tcase_add_test(tc, a_new_key_is_told);
	tcase_add_loop_test(tc, a_bad_file_is_an_error, 0, ARRAY_SIZE(bad));
	tcase_add_test(tc, names_that_no_device_can_have);
	tcase_add_test(tc, too_many_clients);
	return tc;
}
