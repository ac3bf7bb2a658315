/* tests/unit/test_each_key.c - the steps of CONTRIBUTING's "To add a key" that are forgotten easily, for
 * each key of both tables: a reload notices that it has changed, SaveConfig keeps it, the tests' own
 * printer knows it, and tunion.conf(5) describes it */
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel/outbuf.h"
#include "conf/keys.h"
#include "confprint.h"
#include "supervisor/reload.h"
#include "supervisor/save.h"

#define KEY_1 "GNuGMdHZgoDeUqz7rY5uJzbV4M3d7DPgX0NsXJ1lPGk="
#define KEY_2 "WMBaJIbRtdwGgLCUUJz97CRB3YZKI0a5bkC83+xztlk="
#define KEY_3 "kGYR/NDH/n21SNJpbh8uwV7DNGLcBMYm5iDz4DdaKGk="

/* Two values of each key that mean different things; the second may be NULL: no such line. */
static const struct sample {
	const char *name, *one, *other;
} samples[] = {
	{ "PrivateKey", KEY_1, KEY_2 },
	{ "ListenPort", "51820", "51821" },
	{ "FwMark", "0x10", "0x20" },
	{ "Address", "10.8.0.2/24", "fd08::2/64" },
	{ "DNS", "10.8.0.1, home.lan", "10.8.0.1" },
	{ "MTU", "1300", "1400" },
	{ "Table", "7", "off" },
	{ "SaveConfig", "true", "false" },
	{ "PreUp", "echo %i", "true" },
	{ "PostUp", "echo %i", "true" },
	{ "PreDown", "echo %i", "true" },
	{ "PostDown", "echo %i", "true" },
	{ "IncludedApplications", "org.a, org.b", "org.a" },
	{ "ExcludedApplications", "org.a, org.b", "org.a" },
	{ "PublicKey", KEY_2, KEY_3 },
	{ "PresharedKey", KEY_1, KEY_2 },
	{ "AllowedIPs", "10.0.0.0/8, fd00::/8", "10.0.0.0/8" },
	{ "Endpoint", "192.0.2.1:1", "[2001:db8::1]:2" },
	{ "PersistentKeepalive", "25", "26" },
	{ "Via", "network", "other" },
	{ "Metric", "3", "0" },
	{ "SourceFix", "off", NULL },
	{ "SourceCheck", "off", NULL },
	{ "Resolve", "off", NULL },
	{ "Gate", "on", NULL },
	{ "Isolate", "off", NULL },
	{ "Tun", "own", NULL },
	{ "Listen", "192.0.2.9", "2001:db8::9" },
};

static const struct sample *sample_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		if (strcmp(samples[i].name, name) == 0)
			return &samples[i];
	}
	ck_abort_msg(
		"there is no sample of %s: add one to the table above, and take the steps of CONTRIBUTING, To add a key",
		name);
	return NULL;
}

/* ---- files that have the key */

static void put_line(FILE *out, const char *mark, const char *name, const char *value)
{
	if (value)
		fprintf(out, "%s%s = %s\n", mark, name, value);
}

/* Puts the line of the key, or in its place that of a file which has to have one. */
static void put_section(FILE *out, const struct keys_key *key, bool tunion,
                        enum keys_section section, const char *name, const char *always,
                        const char *value)
{
	bool here = key->section == section;

	if (!here || strcmp(key->name, name) != 0)
		put_line(out, "", name, always);
	if (here)
		put_line(out, tunion ? "# tunion: " : "", key->name, value);
}

static struct conf *read_with(const struct keys_key *key, bool tunion, const char *value)
{
	struct diag diag = { 0 };
	struct conf *conf;
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	fprintf(out, "[Interface]\n");
	if (strcmp(key->name, "SaveConfig") != 0)
		put_line(out, "", "SaveConfig", "true");
	put_section(out, key, tunion, KEYS_SECTION_INTERFACE, "PrivateKey", KEY_1, value);
	fprintf(out, "[Peer]\n");
	put_section(out, key, tunion, KEYS_SECTION_PEER, "PublicKey", KEY_2, value);
	fclose(out);
	ck_assert_msg(confprint_read(&conf, text, n, "t.conf", &diag) == 0, "%s", text);
	diag_clear(&diag);
	free(text);
	return conf;
}

static enum reload_state compare(struct conf *old, struct conf *fresh)
{
	const struct conf_set a = { &old, 1 }, b = { &fresh, 1 };
	const struct diag errors = { 0 };
	enum reload_state state;
	struct reload reload;

	ck_assert_int_eq(reload_compare(&reload, &a, &b, &errors), 0);
	ck_assert_uint_eq(reload.n, 1);
	state = reload.v[0].state;
	reload_clear(&reload);
	return state;
}

/* ---- SaveConfig */

static void answer_peer(struct outbuf *o, const struct conf_peer *p)
{
	char text[IP_PREFIX_STRLEN], endpoint[ENDPOINT_STRLEN];

	outbuf_print_key(o, "public_key", p->public_key);
	if (p->preshared_key)
		outbuf_print_key(o, "preshared_key", p->preshared_key);
	if (p->has_endpoint)
		outbuf_print(o, "endpoint=%s\n", endpoint_format(&p->endpoint, endpoint));
	if (p->has_keepalive)
		outbuf_print(o, "persistent_keepalive_interval=%u\n",
		             (unsigned)p->keepalive_s);
	for (size_t i = 0; i < p->allowed_ips.n; i++)
		outbuf_print(o, "allowed_ip=%s\n",
		             ip_prefix_format(&p->allowed_ips.v[i].prefix, text));
}

/* What a device that has been set up by the file answers to get=1. */
static void answer(struct outbuf *o, const struct conf *conf)
{
	outbuf_print_key(o, "private_key", conf->identity.private_key);
	outbuf_print(o, "listen_port=%u\nfwmark=%u\n", (unsigned)conf->listen_port,
	             (unsigned)conf->fwmark);
	for (size_t i = 0; i < conf->peer_count; i++)
		answer_peer(o, &conf->peers[i]);
	outbuf_print(o, "errno=0\n\n");
	outbuf_add(o, "", 1);
	ck_assert(!o->failed);
}

static void check_saved(const char *name, struct conf *conf)
{
	struct outbuf answered = { 0 }, saved = { 0 };
	struct diag diag = { 0 };
	struct conf *again;

	answer(&answered, conf);
	ck_assert_int_eq(save_text(&saved, conf, (const char *)answered.bytes), 0);
	ck_assert_int_eq(confprint_read(&again, (const char *)saved.bytes,
	                                outbuf_bytes(&saved), "t.conf", &diag),
	                 0);
	ck_assert_msg(compare(conf, again) == RELOAD_SAME,
	              "SaveConfig loses %s (src/supervisor/save.c)", name);
	conf_free(again);
	diag_clear(&diag);
	outbuf_clear(&saved);
	outbuf_clear(&answered);
}

/* ---- all of it */

static void check_printed(const char *name, const struct conf *a, const struct conf *b)
{
	char *one = confprint_text(a), *other = confprint_text(b);

	ck_assert_msg(strcmp(one, other) != 0, "tests/unit/confprint.c leaves out %s",
	              name);
	free(one);
	free(other);
}

static void check_key(const struct keys_key *key, bool tunion)
{
	const struct sample *s = sample_of(key->name);
	struct conf *a = read_with(key, tunion, s->one),
		    *b = read_with(key, tunion, s->other),
		    *same = read_with(key, tunion, s->one);

	ck_assert_msg(compare(a, same) == RELOAD_SAME, "%s differs from itself",
	              key->name);
	ck_assert_msg(
		compare(a, b) == RELOAD_CHANGED && compare(b, a) == RELOAD_CHANGED,
		"a reload doesn't notice that %s has changed (same_interface and same_peer in src/supervisor/reload.c)",
		key->name);
	check_printed(key->name, a, b);
	check_saved(key->name, a);
	if (b->save_config)
		check_saved(key->name, b);
	conf_free(a);
	conf_free(b);
	conf_free(same);
}

START_TEST(reload_and_save_config_know_it)
{
	for (size_t i = 0; i < keys_of_wg.n; i++)
		check_key(&keys_of_wg.keys[i], false);
	for (size_t i = 0; i < keys_of_tunion.n; i++)
		check_key(&keys_of_tunion.keys[i], true);
}
END_TEST

/* Has the manual an item for the key? Several may share one: ".It Li PreUp , PostUp". */
static bool describes(const char *manual, const char *name)
{
	static const char item[] = ".It Li ";
	size_t n = strlen(name);

	for (const char *at = manual; (at = strstr(at, item)); at += sizeof(item) - 1) {
		const char *end = strchr(at, '\n');

		for (const char *p = at; (p = strstr(p, name)) && p < end; p += n) {
			if (p[-1] == ' ' && (p[n] == ' ' || p[n] == '\n'))
				return true;
		}
	}
	return false;
}

START_TEST(the_manual_describes_it)
{
	const struct keys_table *tables[] = { &keys_of_wg, &keys_of_tunion };
	char *manual = unit_source_text("doc/tunion.conf.5");

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		for (size_t i = 0; i < tables[t]->n; i++)
			ck_assert_msg(describes(manual, tables[t]->keys[i].name),
			              "doc/tunion.conf.5 has no item for %s",
			              tables[t]->keys[i].name);
	}
	free(manual);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("each key");

	tcase_add_test(tc, reload_and_save_config_know_it);
	tcase_add_test(tc, the_manual_describes_it);
	return tc;
}
