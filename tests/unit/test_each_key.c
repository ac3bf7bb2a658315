/* tests/unit/test_each_key.c - the steps of CONTRIBUTING's "To add a key" that are forgotten easily, for
 * each key of both tables: a reload notices that it has changed, the worker is told if it has to know,
 * SaveConfig keeps it, a second section of a peer may have it, the tests' own printer knows it, and
 * tunion.conf(5) describes it, with an example */
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "channel/command.h"
#include "channel/frame.h"
#include "channel/outbuf.h"
#include "conf/keys.h"
#include "confprint.h"
#include "planned.h"
#include "supervisor/configure.h"
#include "supervisor/reload.h"
#include "supervisor/save.h"

#define KEY_1 "GNuGMdHZgoDeUqz7rY5uJzbV4M3d7DPgX0NsXJ1lPGk="
#define KEY_2 "WMBaJIbRtdwGgLCUUJz97CRB3YZKI0a5bkC83+xztlk="
#define KEY_3 "kGYR/NDH/n21SNJpbh8uwV7DNGLcBMYm5iDz4DdaKGk="

/* Two values of each key that mean different things; the second may be NULL: no such line. */
static const struct sample {
	const char *name, *one, *other;
	/* Does configure_settings tell the worker which of them it is? */
	bool setting;
} samples[] = {
	{ "PrivateKey", KEY_1, KEY_2, false },
	{ "ListenPort", "51820", "51821", false },
	{ "FwMark", "0x10", "0x20", false },
	{ "Address", "10.8.0.2/24", "fd08::2/64", true },
	{ "DNS", "10.8.0.1, home.lan", "10.8.0.1", true },
	{ "MTU", "1300", "1400", true },
	{ "Table", "7", "off", false },
	{ "SaveConfig", "true", "false", false },
	{ "PreUp", "echo %i", "true", false },
	{ "PostUp", "echo %i", "true", false },
	{ "PreDown", "echo %i", "true", false },
	{ "PostDown", "echo %i", "true", false },
	{ "IncludedApplications", "org.a, org.b", "org.a", false },
	{ "ExcludedApplications", "org.a, org.b", "org.a", false },
	{ "PublicKey", KEY_2, KEY_3, false },
	{ "PresharedKey", KEY_1, KEY_2, false },
	{ "AllowedIPs", "10.0.0.0/8, fd00::/8", "10.0.0.0/8", false },
	{ "Endpoint", "192.0.2.1:1", "[2001:db8::1]:2", false },
	{ "PersistentKeepalive", "25", "26", false },
	{ "Via", "network", "other", true },
	{ "Metric", "3", "0", true },
	{ "SourceFix", "off", NULL, true },
	{ "SourceCheck", "off", NULL, true },
	{ "Resolve", "off", NULL, false },
	{ "Gate", "on", NULL, true },
	{ "Isolate", "off", NULL, true },
	{ "Tun", "own", NULL, true },
	{ "Listen", "192.0.2.9", "2001:db8::9", false },
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

/* To be freed. */
static char *text_with(const struct keys_key *key, bool tunion, const char *value)
{
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
	return text;
}

static struct conf *read_text(const char *text)
{
	struct diag diag = { 0 };
	struct conf *conf;

	ck_assert_msg(confprint_read(&conf, text, strlen(text), "t.conf", &diag) == 0,
	              "%s", text);
	diag_clear(&diag);
	return conf;
}

static struct conf *read_with(const struct keys_key *key, bool tunion, const char *value)
{
	char *text = text_with(key, tunion, value);
	struct conf *conf = read_text(text);

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
	if (sealed_is_set(&p->preshared_key))
		outbuf_print_sealed(o, "preshared_key", &p->preshared_key);
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
	outbuf_print_sealed(o, "private_key", &conf->identity.private_key);
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

/* ---- what the worker is told */

/* The file, and one that it may name in Via. */
static void plan_with(struct planned *p, const struct keys_key *key, bool tunion,
                      const char *value)
{
	char *text = text_with(key, tunion, value);
	const char *const texts[] = { "other",
		                      "[Interface]\nPrivateKey = " KEY_3
		                      "\nAddress = 10.9.0.2/24, fd09::2/64\n",
		                      "t", text, NULL };

	planned_init(p, texts);
	free(text);
}

/* Sends what waits in the channel, ends it, and returns the length of what has come at the other end. */
static size_t written(uint8_t out[static 4096], struct channel *channel, int other_end)
{
	ssize_t n, total = 0;

	ck_assert_int_eq(channel_write(channel), 0);
	channel_clear(channel);
	while ((n = read(other_end, out + total, 4096 - (size_t)total)) > 0)
		total += n;
	close(other_end);
	return (size_t)total;
}

/* Returns the length of the message. */
static size_t settings_of(uint8_t out[static 4096], const struct plan_device *d)
{
	struct worker_child worker = { .pid = 1 };
	int fds[2];

	ck_assert_int_eq(channel_pair(fds), 0);
	ck_assert_int_eq(channel_init(&worker.channel, fds[0]), 0);
	ck_assert_int_eq(configure_settings(&worker, d), 0);
	permit_clear(&worker.permit);
	return written(out, &worker.channel, fds[1]);
}

/* Is the message, once it was received, still the same? */
static void check_received(const char *name, const uint8_t *message, size_t n)
{
	struct channel from, to;
	uint8_t again[4096];
	struct command m;
	int fds[2], more[2];

	ck_assert_int_eq(channel_pair(fds), 0);
	ck_assert_int_eq(channel_pair(more), 0);
	ck_assert_int_eq(channel_init(&from, fds[0]), 0);
	ck_assert_int_eq(channel_init(&to, more[0]), 0);
	ck_assert_int_eq(write(fds[1], message, n), (ssize_t)n);
	ck_assert_int_eq(command_next(&from, &m), 1);
	ck_assert_int_eq(command_send(&to, &m), 0);
	ck_assert_msg(
		written(again, &to, more[1]) == n && memcmp(again, message, n) == 0,
		"struct command loses %s on its way to the worker (src/channel/command.c)",
		name);
	command_clear(&m);
	channel_clear(&from);
	close(fds[1]);
}

static void check_told(const struct keys_key *key, bool tunion)
{
	const struct sample *s = sample_of(key->name);
	uint8_t one[4096], other[4096];
	struct planned a, b;
	bool differ;
	size_t n;

	plan_with(&a, key, tunion, s->one);
	plan_with(&b, key, tunion, s->other);
	n = settings_of(one, &a.plan.devices[1]);
	differ =
		n != settings_of(other, &b.plan.devices[1]) || memcmp(one, other, n) != 0;
	ck_assert_msg(
		differ == s->setting,
		"configure_settings (src/supervisor/configure.c) %s the worker of %s; the table above says otherwise",
		differ ? "tells" : "doesn't tell", key->name);
	check_received(key->name, one, n);
	ck_assert_msg(
		differ != reload_same_settings(&a.plan.devices[1], &b.plan.devices[1]),
		"reload_same_settings (src/supervisor/reload.c) doesn't look at %s as configure_settings does",
		key->name);
	planned_clear(&a);
	planned_clear(&b);
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

/* Is it there if the peer has a section before, without it? */
static void check_merged(const struct keys_key *key, bool tunion, struct conf *once)
{
	char *text = text_with(key, tunion, sample_of(key->name)->one), *two;
	const char *peer = strstr(text, "[Peer]");
	struct conf *conf;

	ck_assert_int_gt(asprintf(&two, "%.*s[Peer]\nPublicKey = " KEY_2 "\n%s",
	                          (int)(peer - text), text, peer),
	                 0);
	conf = read_text(two);
	ck_assert_msg(
		compare(once, conf) == RELOAD_SAME,
		"two [Peer] of one PublicKey: %s of the second is lost (add_to_peer in src/conf/merge.c)",
		key->name);
	conf_free(conf);
	free(two);
	free(text);
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
	if (key->section == KEYS_SECTION_PEER && strcmp(key->name, "PublicKey") != 0)
		check_merged(key, tunion, a);
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

START_TEST(the_worker_is_told_of_it)
{
	for (size_t i = 0; i < keys_of_wg.n; i++)
		check_told(&keys_of_wg.keys[i], false);
	for (size_t i = 0; i < keys_of_tunion.n; i++)
		check_told(&keys_of_tunion.keys[i], true);
}
END_TEST

static const struct keys_table *const tables[] = { &keys_of_wg, &keys_of_tunion };

/* Is it a word of the line? */
static bool line_has(const char *line, const char *word)
{
	const char *end = strchr(line, '\n');
	size_t n = strlen(word);

	for (const char *p = line; (p = strstr(p, word)) && p < end; p += n) {
		if (p[-1] == ' ' && (p[n] == ' ' || p[n] == '\n'))
			return true;
	}
	return false;
}

/* Several keys may share an item: ".It Li PreUp , PostUp". Returns NULL if no further item has it. */
static const char *next_item(const char *manual, const char *name)
{
	static const char item[] = "\n.It Li ";

	while ((manual = strstr(manual, item))) {
		manual++;
		if (line_has(manual, name))
			return manual;
	}
	return NULL;
}

/* The first item of another key after this one, or the end of the section. */
static const char *end_of_item(const char *item)
{
	const char *end = strstr(item, "\n.Sh ");

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		for (size_t i = 0; i < tables[t]->n; i++) {
			const char *next = next_item(item, tables[t]->keys[i].name);

			if (next && next < end)
				end = next;
		}
	}
	return end;
}

static bool has_before(const char *text, const char *what, const char *end)
{
	const char *found = strstr(text, what);

	return found && found < end;
}

static void check_described(const char *manual, const char *name)
{
	const char *item = next_item(manual, name), *end;

	ck_assert_msg(item != NULL, "doc/tunion.conf.5 has no item for %s", name);
	end = end_of_item(item);
	ck_assert_msg(has_before(item, "\n.Dl ", end) ||
	                      has_before(item, "\n.Bd -literal", end),
	              "doc/tunion.conf.5 has no example for %s (.Dl, or .Bd -literal)",
	              name);
}

START_TEST(the_manual_describes_it_and_has_an_example)
{
	char *manual = unit_source_text("doc/tunion.conf.5");

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		for (size_t i = 0; i < tables[t]->n; i++)
			check_described(manual, tables[t]->keys[i].name);
	}
	free(manual);
}
END_TEST

START_TEST(test_keys_has_rows_of_it)
{
	char *rows = unit_source_text("tests/unit/test_keys.c");

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		for (size_t i = 0; i < tables[t]->n; i++) {
			char line[64];

			snprintf(line, sizeof(line), "%s =", tables[t]->keys[i].name);
			ck_assert_msg(strstr(rows, line) != NULL,
			              "tests/unit/test_keys.c has no row with %s", line);
		}
	}
	free(rows);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("each key");

	tcase_add_test(tc, reload_and_save_config_know_it);
	tcase_add_test(tc, the_worker_is_told_of_it);
	tcase_add_test(tc, test_keys_has_rows_of_it);
	tcase_add_test(tc, the_manual_describes_it_and_has_an_example);
	return tc;
}
