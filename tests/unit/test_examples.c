/* tests/unit/test_examples.c - conf-examples are tunnel files, and their keys are plainly
 * none */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/key.h"
#include "conf/set.h"
#include "confprint.h"
#include "unit.h"

static void check_marked(const uint8_t *key)
{
	char text[KEY_BASE64_CHARS + 1];

	key_to_base64(text, key);
	ck_assert_msg(key_is_example(key), "%s", text);
}

static void check_sealed(const struct sealed_key *sealed)
{
	uint8_t key[KEY_BYTES];

	ck_assert(sealed_open(sealed, key));
	check_marked(key);
}

static void check_keys(const struct conf *conf)
{
	ck_assert(sealed_is_set(&conf->identity.private_key));
	check_sealed(&conf->identity.private_key);
	for (size_t i = 0; i < conf->peer_count; i++) {
		check_marked(conf->peers[i].public_key);
		if (sealed_is_set(&conf->peers[i].preshared_key))
			check_sealed(&conf->peers[i].preshared_key);
	}
}

static void check_folder(const char *folder, const char *const *names, size_t n)
{
	const char *top = getenv("top_srcdir");
	struct diag diag = { 0 };
	struct conf_set set;
	char path[1024];
	const char *paths[] = { path };
	const struct conf_paths from = { .v = paths, .n = 1 };

	snprintf(path, sizeof(path), "%s/%s", top ? top : ".", folder);
	ck_assert_int_eq(conf_set_read(&set, &from, &diag), 0);
	ck_assert_uint_eq(diag.count, 0); /* not even when all may read the source tree */
	ck_assert_uint_eq(set.n, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_str_eq(set.v[i]->name, names[i]);
		check_keys(set.v[i]);
	}
	conf_set_clear(&set);
	diag_clear(&diag);
}

START_TEST(every_example)
{
	static const char *const side_by_side[] = { "home", "office", "vpn" };
	static const char *const chain[] = { "bastion", "lab", "provider" };
	static const char *const router[] = { "home", "vpn" };
	static const char *const failover[] = { "first", "second" };
	static const char *const server[] = { "lan", "vpn" };

	check_folder("conf-examples/router", router, ARRAY_SIZE(router));
	check_folder("conf-examples/failover", failover, ARRAY_SIZE(failover));
	check_folder("conf-examples/server", server, ARRAY_SIZE(server));
	check_folder("conf-examples", side_by_side, ARRAY_SIZE(side_by_side));
	check_folder("conf-examples/chain", chain, ARRAY_SIZE(chain));
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("conf-examples");

	tcase_add_test(tc, every_example);
	return tc;
}
