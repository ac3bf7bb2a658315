/* tests/unit/test_hook_keys.c - which keys are taken from a device, and given to the next one */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "conf/load.h"
#include "supervisor/hook_keys.h"

#define HEX_A  "0101010101010101010101010101010101010101010101010101010101010101"
#define HEX_B  "0202020202020202020202020202020202020202020202020202020202020202"
#define HEX_C  "0303030303030303030303030303030303030303030303030303030303030303"
#define HEX_0  "0000000000000000000000000000000000000000000000000000000000000000"
#define TEXT_A "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define TEXT_B "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
#define HOOK   "PostUp = wg set %i private-key /k\n"
#define PEERS                                                                            \
	"[Peer]\nPublicKey = " TEXT_A "\n[Peer]\nPublicKey = " TEXT_B                    \
	"\nPresharedKey = " TEXT_B "\n"

static struct conf *read_conf(const char *text)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	struct diag diag = { 0 };
	struct conf *conf;

	ck_assert_int_eq(conf_read_stream(&conf, in, "/a.conf", &diag), 0);
	fclose(in);
	diag_clear(&diag);
	return conf;
}

static const struct {
	const char *file, *answer;
	const char *device, *peers; /* what is printed; NULL: there are none */
	const char *now;            /* the file that counts then; NULL: the same */
} cases[] = {
	{ "[Interface]\n" HOOK, "private_key=" HEX_C "\nlisten_port=7\nerrno=0\n\n",
	  "private_key=" HEX_C "\n", "", NULL },
	{ "[Interface]\n" HOOK, "private_key=" HEX_0 "\nerrno=0\n\n", NULL, NULL, NULL },
	{ "[Interface]\n" HOOK, "errno=0\n\n", NULL, NULL, NULL },
	/* only of peers that the file has, and only what it doesn't say itself */
	{ "[Interface]\n" HOOK PEERS,
	  "private_key=" HEX_C "\npublic_key=" HEX_A "\npreshared_key=" HEX_C
	  "\nendpoint=192.0.2.1:7\npublic_key=" HEX_B "\npreshared_key=" HEX_B
	  "\npublic_key=" HEX_C "\npreshared_key=" HEX_C "\nerrno=0\n\n",
	  "private_key=" HEX_C "\n",
	  "public_key=" HEX_A "\nupdate_only=true\npreshared_key=" HEX_C "\n", NULL },
	{ "[Interface]\nPrivateKey = " TEXT_A "\n" HOOK PEERS,
	  "private_key=" HEX_A "\npublic_key=" HEX_A "\npreshared_key=" HEX_C "\n\n", "",
	  "public_key=" HEX_A "\nupdate_only=true\npreshared_key=" HEX_C "\n", NULL },
	/* the file says more, or less, by the time that they are needed */
	{ "[Interface]\n" HOOK PEERS,
	  "private_key=" HEX_C "\npublic_key=" HEX_A "\npreshared_key=" HEX_C "\n\n", "",
	  "", "[Interface]\nPrivateKey = " TEXT_A "\n[Peer]\nPublicKey = " TEXT_B "\n" },
	/* a worker that says what it likes */
	{ "[Interface]\n" HOOK PEERS,
	  "private_key=" HEX_C "x\nprivate_key=\nprivate_key\n=\npreshared_key=" HEX_C
	  "\npublic_key=" HEX_A "\npreshared_key=" HEX_C "\npreshared_key=" HEX_A
	  "\npreshared_key=" HEX_C "\npreshared_key=" HEX_C,
	  "",
	  "public_key=" HEX_A "\nupdate_only=true\npreshared_key=" HEX_C
	  "\npublic_key=" HEX_A "\nupdate_only=true\npreshared_key=" HEX_A "\n",
	  NULL },
};

static void check_text(struct outbuf *o, const char *expected, size_t i)
{
	outbuf_add(o, "", 1);
	ck_assert_msg(strcmp((const char *)o->bytes + o->first, expected) == 0,
	              "case %zu: %s", i, (const char *)o->bytes + o->first);
	outbuf_clear(o);
}

START_TEST(the_next_worker_gets_what_only_hooks_know)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct conf *conf = read_conf(cases[i].file);
		struct hook_keys *k = hook_keys_new(conf, cases[i].answer);
		struct outbuf o = { 0 };

		ck_assert_msg(!k == !cases[i].device, "case %zu", i);
		ck_assert(hook_keys_has_private(k) ==
		          (k && strstr(cases[i].answer, "private_key=" HEX_C "\n")));
		if (cases[i].now) {
			conf_free(conf);
			conf = read_conf(cases[i].now);
		}
		hook_keys_print_device(&o, k, conf);
		check_text(&o, k ? cases[i].device : "", i);
		hook_keys_print_peers(&o, k, conf);
		check_text(&o, k ? cases[i].peers : "", i);
		hook_keys_free(k);
		conf_free(conf);
	}
}
END_TEST

START_TEST(who_is_asked)
{
	static const struct {
		const char *file;
		bool likely;
	} files[] = {
		{ "[Interface]\n" HOOK, true },
		{ "[Interface]\nPreUp = wg set %i private-key /k\n", true },
		{ "[Interface]\nPostDown = true\n", false },
		{ "[Interface]\nPrivateKey = " TEXT_A "\n" HOOK, false },
		{ "[Interface]\nPrivateKey = " TEXT_A
		  "\nPostUp = true\nPostUp = wg set %i peer x preshared-key /k\n",
		  true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct conf *conf = read_conf(files[i].file);

		ck_assert_msg(hook_keys_are_likely(conf) == files[i].likely, "file %zu",
		              i);
		conf_free(conf);
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("supervisor/hook_keys");

	tcase_add_test(tc, the_next_worker_gets_what_only_hooks_know);
	tcase_add_test(tc, who_is_asked);
	return tc;
}
