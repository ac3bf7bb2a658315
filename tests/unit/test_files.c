/* The demo's tunnel files read as what the demo says of them. */
#include "demo/files.h"

#include <stdlib.h>
#include <string.h>

#include "conf/load.h"
#include "demo/story.h"
#include "plan/plan_make.h"
#include "unit.h"

static struct conf *read_text(char *text, const char *path)
{
	FILE *stream = fmemopen(text, strlen(text), "r");
	struct diag diag = { 0 };
	struct conf *conf;

	ck_assert_ptr_nonnull(stream);
	ck_assert_int_eq(conf_read_stream(&conf, stream, path, &diag), 0);
	ck_assert_uint_eq(diag.errors + diag.warnings, 0);
	fclose(stream);
	diag_clear(&diag);
	return conf;
}

static void knows(const struct conf *a, const struct conf *b)
{
	ck_assert_uint_eq(a->peer_count, 1);
	ck_assert_mem_eq(a->peers[0].public_key, b->identity.public_key, KEY_BYTES);
}

START_TEST(both_ends_know_each_other)
{
	struct files f;
	struct conf *vpn, *home, *provider, *router;

	ck_assert_int_eq(files_make(&f), 0);
	vpn = read_text(f.client_vpn, "vpn.conf");
	home = read_text(f.client_home, "home.conf");
	provider = read_text(f.provider, "server.conf");
	router = read_text(f.home, "server.conf");
	knows(vpn, provider);
	knows(provider, vpn);
	knows(home, router);
	knows(router, home);
	ck_assert_mem_ne(vpn->identity.public_key, home->identity.public_key, KEY_BYTES);
	ck_assert_uint_eq(provider->listen_port, vpn->peers[0].endpoint.port);
	ck_assert_uint_eq(router->listen_port, home->peers[0].endpoint.port);
	conf_free(vpn);
	conf_free(home);
	conf_free(provider);
	conf_free(router);
	files_clear(&f);
	for (size_t i = 0; i < sizeof(f); i++)
		if (((const char *)&f)[i] != 0)
			ck_abort_msg("a key is left in byte %zu", i);
}
END_TEST

START_TEST(the_chains_are_those_of_the_story)
{
	struct files f;
	struct conf *v[2];
	struct conf_set set = { v, 2 };
	struct plan_env env = { 0 };
	struct plan plan;
	struct diag diag = { 0 };

	ck_assert_int_eq(files_make(&f), 0);
	v[0] = read_text(f.client_home, "home.conf");
	v[1] = read_text(f.client_vpn, "vpn.conf");
	ck_assert_int_eq(plan_make(&plan, &set, &env, &diag), 0);
	for (size_t i = 0; i < STORY_TARGETS; i++) {
		const struct story_target *t = &story_targets[i];
		struct ip_addr to;
		char chain[128], seen[IP_ADDR_STRLEN];
		const struct way_peer *peer;

		ck_assert(ip_addr_parse(&to, t->address));
		peer = union_lookup(&plan.table, &to);
		ck_assert_ptr_nonnull(peer);
		ck_assert_str_eq(way_format(peer, chain, sizeof(chain)), t->chain);
		ck_assert_str_eq(ip_addr_format(&peer->device->address4, seen), t->seen);
	}
	plan_clear(&plan);
	conf_free(v[0]);
	conf_free(v[1]);
	files_clear(&f);
	diag_clear(&diag);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("demo/files");

	tcase_add_test(tc, both_ends_know_each_other);
	tcase_add_test(tc, the_chains_are_those_of_the_story);
	return tc;
}
