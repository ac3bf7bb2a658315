#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixed_env.h"
#include "planned.h"
#include "supervisor/configure.h"
#include "supervisor/reload.h"
#include "worker/uapi.h"

#define NOW_NS (1000 * NS_PER_SEC)

#define KEY1 "AGcn50sdoIZkQWeJjTYPTcaNlKo9IMP6E5VbI4rCVGE="
#define KEY2 "CGcn50sdoIZkQWeJjTYPTcaNlKo9IMP6E5VbI4rCVGE="

/* ---- which files differ */

static struct planned before, after;
static struct reload reload;
static struct diag errors;

static void compare(const char *const *old, const char *const *fresh)
{
	planned_init(&before, old);
	planned_init(&after, fresh);
	ck_assert_int_eq(reload_compare(&reload, &before.set, &after.set, &errors), 0);
}

static void end(void)
{
	reload_clear(&reload);
	diag_clear(&errors);
	planned_clear(&before);
	planned_clear(&after);
}

static const char *const empty[] = { NULL };

START_TEST(files_are_told_apart_by_name)
{
	static const char *const old[] = { "a", "[Interface]\nPrivateKey=" KEY1 "\n",
		                           "b", "[Interface]\nPrivateKey=" KEY1 "\n",
		                           "d", "[Interface]\nPrivateKey=" KEY1 "\n",
		                           NULL };
	static const char *const fresh[] = { "a", "[Interface]\nPrivateKey=" KEY1 "\n",
		                             "c", "[Interface]\nPrivateKey=" KEY1 "\n",
		                             "d", "[Interface]\nPrivateKey=" KEY2 "\n",
		                             NULL };
	static const struct {
		const char *name;
		enum reload_state state;
	} expected[] = { { "a", RELOAD_SAME },
		         { "b", RELOAD_REMOVED },
		         { "c", RELOAD_ADDED },
		         { "d", RELOAD_CHANGED } };

	compare(old, fresh);
	ck_assert_uint_eq(reload.n, ARRAY_SIZE(expected));
	for (size_t i = 0; i < reload.n; i++) {
		struct reload_file *f = reload_find(&reload, expected[i].name);

		ck_assert_ptr_eq(f, &reload.v[i]);
		ck_assert_str_eq(reload_name(f), expected[i].name);
		ck_assert_int_eq((int)f->state, (int)expected[i].state);
		ck_assert_ptr_eq(reload_conf(f), f->fresh);
	}
	ck_assert_ptr_null(reload_find(&reload, "e"));
	end();
}
END_TEST

START_TEST(a_bad_file_stands_for_its_old_version)
{
	static const char *const old[] = { "a", "[Interface]\nMTU=1300\n", NULL };
	static const char *const fresh[] = { "a", "[Interface]\nMTU=1400\n", "b",
		                             "[Interface]\n", NULL };

	diag_warning(&errors, "a.conf", 1, "a warning is none");
	diag_error(&errors, "b.conf", 1, "of another file");
	compare(old, fresh);
	ck_assert_int_eq((int)reload.v[0].state, RELOAD_CHANGED);
	ck_assert_int_eq((int)reload.v[1].state, RELOAD_BAD);
	ck_assert_ptr_null(reload_conf(&reload.v[1]));
	reload_clear(&reload);
	diag_error(&errors, "a.conf", 2, "bad");
	ck_assert_int_eq(reload_compare(&reload, &before.set, &after.set, &errors), 0);
	ck_assert_int_eq((int)reload.v[0].state, RELOAD_BAD);
	ck_assert(!reload_differs(&reload.v[0]));
	ck_assert_ptr_eq(reload_conf(&reload.v[0]), before.confs[0]);
	end();
}
END_TEST

/* What a file is, and then, by the name of another; does the old version stay? */
static const struct {
	const char *old, *fresh, *lost; /* NULL: it's taken */
} emptied[] = {
	{ "[Interface]\nPrivateKey=" KEY1 "\n", "", "[Interface]" },
	{ "[Interface]\nPrivateKey=" KEY1 "\n", "# only a comment", "[Interface]" },
	{ "[Interface]\nPrivateKey=" KEY1 "\n", PEER("B"), "[Interface]" },
	{ "[Interface]\nPrivateKey=" KEY1 "\n", "[Interface]\n", "PrivateKey" },
	{ "[Interface]\nPrivateKey=" KEY1 "\n", "[Interface]\nPrivateKey=" KEY2 "\n",
	  NULL },
	{ "[Interface]\nMTU=1300\n", "[Interface]\n", NULL },
	{ "[Interface]\nMTU=1300\n", "", "[Interface]" },
	{ "", "", NULL },
	{ "", "[Interface]\n", NULL },
};

START_TEST(an_emptied_file_is_a_bad_version)
{
	for (size_t i = 0; i < ARRAY_SIZE(emptied); i++) {
		const char *old[] = { "a", "[Interface]\n", "b", emptied[i].old, NULL };
		const char *fresh[] = { "b", emptied[i].fresh, "c", "", NULL };
		char text[64];

		planned_init(&before, old);
		planned_init(&after, fresh);
		reload_refuse(&before.set, &after.set, &errors);
		ck_assert_msg(errors.errors == (emptied[i].lost != NULL), "case %zu", i);
		ck_assert_int_eq(
			reload_compare(&reload, &before.set, &after.set, &errors), 0);
		ck_assert_int_eq((int)reload.v[2].state, RELOAD_ADDED);
		if (emptied[i].lost) {
			snprintf(text, sizeof(text), "has lost its %s,", emptied[i].lost);
			ck_assert_ptr_nonnull(strstr(errors.entries[0].text, text));
			ck_assert_int_eq((int)reload.v[1].state, RELOAD_BAD);
			ck_assert_ptr_eq(reload_conf(&reload.v[1]), before.confs[1]);
		}
		end();
	}
}
END_TEST

/* Of texts it isn't known who wrote them. */
START_TEST(hooks_of_others_are_a_bad_version)
{
	static const char *const old[] = { "a", "[Interface]\nMTU=1300\n", NULL };
	static const char *const fresh[] = { "a",
		                             "[Interface]\nMTU=1300\nPostDown=true\n",
		                             "b", "[Interface]\nPreUp=true\n", NULL };

	planned_init(&before, old);
	planned_init(&after, fresh);
	reload_refuse(&before.set, &after.set, &errors);
	ck_assert_uint_eq(errors.errors, 2);
	ck_assert_uint_eq(errors.entries[0].line, 3);
	ck_assert_int_eq(reload_compare(&reload, &before.set, &after.set, &errors), 0);
	ck_assert_int_eq((int)reload.v[0].state, RELOAD_BAD);
	ck_assert_int_eq((int)reload.v[1].state, RELOAD_BAD);
	reload_clear(&reload);
	diag_clear(&errors);
	after.confs[0]->file.only_ours = after.confs[1]->file.only_ours = true;
	reload_refuse(&before.set, &after.set, &errors);
	ck_assert_uint_eq(errors.errors, 0);
	/* and what is the same conf was judged before */
	reload_refuse(&before.set, &before.set, &errors);
	ck_assert_uint_eq(errors.errors, 0);
	end();
}
END_TEST

START_TEST(no_files_on_either_side)
{
	static const char *const one[] = { "a", "[Interface]\n", NULL };

	compare(empty, empty);
	ck_assert_uint_eq(reload.n, 0);
	ck_assert_ptr_null(reload_find(&reload, "a"));
	end();
	compare(one, empty);
	ck_assert_int_eq((int)reload.v[0].state, RELOAD_REMOVED);
	end();
}
END_TEST

#define BASE                                                                             \
	"[Interface]\nPrivateKey=" KEY1 "\nListenPort=1000\nFwMark=5\n"                  \
	"Address=10.0.0.1/24\nDNS=10.0.0.53, lan\nMTU=1300\nTable=auto\n"                \
	"PostUp=true\n# tunion: Metric=1\n" PEER(                                        \
		"B") "AllowedIPs=10.1.0.0/16, 10.2.0.0/16\nEndpoint=192.0.2.1:1\n"       \
		     "PersistentKeepalive=25\nPresharedKey=" KEY2 "\n"

/* What is replaced in BASE, and by what; and is that a change? */
static const struct {
	const char *from, *to;
	bool differs;
} edits[] = {
	{ "MTU=1300", "# a comment\nMTU = 1300 # here too", false },
	{ "Table=auto\n", "", false },
	{ "10.1.0.0/16, 10.2.0.0/16", "10.1.2.3/16,10.2.0.0/16", false },
	{ "PersistentKeepalive=25", "PersistentKeepalive=025", false },
	{ KEY1, KEY2, true },
	{ "ListenPort=1000", "ListenPort=1001", true },
	{ "ListenPort=1000\n", "", true },
	{ "FwMark=5", "FwMark=6", true },
	{ "10.0.0.1/24", "10.0.0.1/25", true },
	{ "10.0.0.1/24", "10.0.0.1/24, 10.0.1.1/24", true },
	{ "10.0.0.53", "10.0.0.54", true },
	{ ", lan", ", wan", true },
	{ "MTU=1300", "MTU=1301", true },
	{ "MTU=1300\n", "", true },
	{ "Table=auto", "Table=off", true },
	{ "Table=auto", "IncludedApplications=a", true },
	{ "Table=auto", "ExcludedApplications=a", true },
	{ "Table=auto", "Table=1234", true },
	{ "PostUp=true", "PostUp=false", true },
	{ "PostUp=true", "PreUp=true", true },
	{ "Metric=1", "Metric=2", true },
	{ "Metric=1", "SourceFix=off", true },
	{ "Metric=1", "SourceCheck=off", true },
	{ "Metric=1", "Resolve=off", true },
	{ "Metric=1", "Gate=on", true },
	{ "Metric=1", "Isolate=off", true },
	{ "Metric=1", "Listen=127.0.0.1", true },
	{ "Metric=1", "Listen=::1", true },
	{ "Metric=1", "Via=network", true },
	{ "BAAAAAAAAA", "CAAAAAAAAA", true },
	{ "10.2.0.0/16", "10.3.0.0/16", true },
	{ ", 10.2.0.0/16", "", true },
	{ "192.0.2.1:1", "192.0.2.1:2", true },
	{ "192.0.2.1:1", "192.0.2.2:1", true },
	{ "Endpoint=192.0.2.1:1\n", "", true },
	{ "=25", "=26", true },
	{ "PersistentKeepalive=25\n", "", true },
	{ "PresharedKey=" KEY2, "PresharedKey=" KEY1, true },
	{ "PresharedKey=" KEY2 "\n", "", true },
};

static void edit(char *out, size_t size, const char *from, const char *to)
{
	const char *at = strstr(BASE, from);

	ck_assert_ptr_nonnull(at);
	snprintf(out, size, "%.*s%s%s", (int)(at - BASE), BASE, to, at + strlen(from));
}

START_TEST(what_a_file_says_counts)
{
	const char *const old[] = { "a", BASE, NULL };
	char text[2048];
	const char *const fresh[] = { "a", text, NULL };

	edit(text, sizeof(text), edits[_i].from, edits[_i].to);
	compare(old, fresh);
	ck_assert_msg((reload.v[0].state == RELOAD_CHANGED) == edits[_i].differs, "%s",
	              text);
	end();
}
END_TEST

START_TEST(addresses_of_unchanged_names_are_kept)
{
	static const char *const old[] = {
		"a",
		"[Interface]\n" PEER("B") "Endpoint=host:1\n" PEER(
			"C") "Endpoint=other:1\n",
		NULL
	};
	static const char *const fresh[] = {
		"a",
		"[Interface]\n" PEER("C") "Endpoint=another:1\n" PEER(
			"B") "Endpoint=host:1\nAllowedIPs=10.0.0.0/8\n",
		NULL
	};

	planned_init(&before, old);
	planned_init(&after, fresh);
	for (size_t i = 0; i < 2; i++)
		ck_assert(endpoint_parse(&before.confs[0]->peers[i].endpoint,
		                         "192.0.2.7:1"));
	ck_assert_int_eq(reload_compare(&reload, &before.set, &after.set, &errors), 0);
	ck_assert_int_eq(after.confs[0]->peers[0].endpoint.addr.family, IP_NONE);
	ck_assert(endpoint_equal(&after.confs[0]->peers[1].endpoint,
	                         &before.confs[0]->peers[0].endpoint));
	end();
}
END_TEST

/* ---- from one to the other in UAPI */

#define HEX(digits) digits "0000000000000000000000000000000000000000000000000000000000000"
#define HEX_B       HEX("040")
#define HEX_C       HEX("080")
#define HEX_ZERO    HEX("000")

static const struct {
	const char *old, *fresh, *lines;
} steps[] = {
	{ "", "", "" },
	{ PEER("B"), PEER("B"), "" },
	{ PEER("B"), "", "public_key=" HEX_B "\nremove=true\n" },
	{ "", PEER("C") "Endpoint=192.0.2.1:1\nAllowedIPs=10.0.0.0/8\n",
	  "public_key=" HEX_C "\nendpoint=192.0.2.1:1\nallowed_ip=10.0.0.0/8\n" },
	{ PEER("B") "AllowedIPs=10.1.0.0/16,fd00::/8\n",
	  PEER("B") "AllowedIPs=fd00::/8,10.2.0.0/16\n",
	  "public_key=" HEX_B "\nallowed_ip=-10.1.0.0/16\nallowed_ip=10.2.0.0/16\n" },
	{ PEER("B") "AllowedIPs=10.1.0.0/16\n", PEER("B") "AllowedIPs=10.1.0.0/17\n",
	  "public_key=" HEX_B "\nallowed_ip=-10.1.0.0/16\nallowed_ip=10.1.0.0/17\n" },
	{ PEER("B") "Endpoint=192.0.2.1:1\n", PEER("B") "Endpoint=192.0.2.1:2\n",
	  "public_key=" HEX_B "\nendpoint=192.0.2.1:2\n" },
	{ PEER("B") "Endpoint=192.0.2.1:1\n", PEER("B"),
	  "public_key=" HEX_B "\ntunion_by_arrival=true\n" },
	{ PEER("B") "PersistentKeepalive=5\n", PEER("B"),
	  "public_key=" HEX_B "\npersistent_keepalive_interval=0\n" },
	{ PEER("B") "PresharedKey=" KEY1 "\n", PEER("B"),
	  "public_key=" HEX_B "\npreshared_key=" HEX_ZERO "\n" },
	{ PEER("B") PEER("C"), PEER("C") PEER("B"), "" },
};

START_TEST(only_what_differs_is_said)
{
	char old_text[512], fresh_text[512];
	const char *const old[] = { "a", old_text, NULL };
	const char *const fresh[] = { "a", fresh_text, NULL };
	struct outbuf o = { 0 };

	snprintf(old_text, sizeof(old_text), "[Interface]\n%s", steps[_i].old);
	snprintf(fresh_text, sizeof(fresh_text), "[Interface]\n%s", steps[_i].fresh);
	compare(old, fresh);
	reload_print_uapi(&o, before.confs[0], &after.plan.devices[0]);
	outbuf_add(&o, "", 1);
	ck_assert(!o.failed);
	ck_assert_str_eq((const char *)o.bytes + o.first, steps[_i].lines);
	outbuf_clear(&o);
	end();
}
END_TEST

/* ---- random: an old device that is told the difference is as a new one */

static void feed(struct device *d, const struct outbuf *lines)
{
	static const struct uapi_host host;
	struct outbuf text = { 0 }, answer = { 0 };
	struct uapi uapi;

	uapi_init(&uapi, d, &host);
	outbuf_print(&text, "set=1\n");
	outbuf_add(&text, lines->bytes + lines->first, outbuf_bytes(lines));
	outbuf_print(&text, "\n");
	ck_assert_uint_eq(
		uapi_feed(&uapi, text.bytes, outbuf_bytes(&text), &answer, NOW_NS),
		outbuf_bytes(&text));
	outbuf_add(&answer, "", 1);
	ck_assert_str_eq((const char *)answer.bytes, "errno=0\n\n");
	outbuf_clear(&text);
	outbuf_clear(&answer);
	uapi_clear(&uapi);
}

static void feed_whole(struct device *d, const struct plan_device *p)
{
	struct outbuf lines = { 0 };

	if (sealed_is_set(&p->conf->identity.private_key))
		outbuf_print_sealed(&lines, "private_key",
		                    &p->conf->identity.private_key);
	for (size_t i = 0; i < p->peer_count; i++)
		configure_print_peer(&lines, &p->peers[i]);
	feed(d, &lines);
	outbuf_clear(&lines);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Every line behind the key of its peer, sorted: the order of peers does not count; nor
 * what was sent meanwhile. */
static void lines_of(const struct device *d, char *out, size_t size)
{
	static const struct uapi_host host;
	struct outbuf o = { 0 };
	char *lines[256], *rest, *line;
	char peer[80] = "";
	size_t n = 0, used = 0;

	uapi_get(d, &host, &o, NOW_NS);
	outbuf_add(&o, "", 1);
	rest = (char *)o.bytes;
	while ((line = strsep(&rest, "\n")) && n < ARRAY_SIZE(lines)) {
		if (strncmp(line, "public_key=", 11) == 0)
			snprintf(peer, sizeof(peer), "%s", line);
		if (!*line || strncmp(line, "errno=", 6) == 0 ||
		    strncmp(line, "tx_bytes=", 9) == 0)
			continue;
		ck_assert_int_gt(asprintf(&lines[n++], "%s %s\n", peer, line), 0);
	}
	qsort(lines, n, sizeof(*lines), by_text);
	for (size_t i = 0; i < n; i++) {
		used += (size_t)snprintf(out + used, size - used, "%s", lines[i]);
		free(lines[i]);
	}
	outbuf_clear(&o);
}

static void random_file(char *out, size_t size, uint64_t *state)
{
	size_t used = (size_t)snprintf(out, size, "[Interface]\n");

	if (unit_random(state) % 8)
		used += (size_t)snprintf(out + used, size - used, "PrivateKey=%s\n",
		                         unit_random(state) % 4 ? KEY1 : KEY2);
	for (char k = 'B'; k <= 'F'; k++) {
		if (unit_random(state) % 3 == 0)
			continue;
		/* an Endpoint can't be taken away by UAPI: each has one */
		used += (size_t)snprintf(out + used, size - used,
		                         "[Peer]\nPublicKey=%"
		                         "cAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
		                         "Endpoint=192.0.2.1:%u\n",
		                         k, 1 + (unsigned)(unit_random(state) % 2));
		if (unit_random(state) % 2)
			used += (size_t)snprintf(out + used, size - used,
			                         "PresharedKey=%s\n",
			                         unit_random(state) % 2 ? KEY1 : KEY2);
		if (unit_random(state) % 2)
			used += (size_t)snprintf(out + used, size - used,
			                         "PersistentKeepalive=%u\n",
			                         (unsigned)(unit_random(state) % 3));
		for (unsigned i = (unsigned)(unit_random(state) % 5); i > 0; i--)
			used += (size_t)snprintf(out + used, size - used,
			                         "AllowedIPs=10.%u.0.0/%u\n",
			                         (unsigned)(unit_random(state) % 4),
			                         15 + (unsigned)(unit_random(state) % 2));
	}
}

START_TEST(a_device_follows_its_file)
{
	struct engine_env env = fixed_env();
	uint64_t state = unit_seed() + (uint64_t)_i;
	char old_text[4096], fresh_text[4096], one[16384], other[16384];
	const char *const old[] = { "a", old_text, NULL };
	const char *const fresh[] = { "a", fresh_text, NULL };
	struct outbuf lines = { 0 };
	struct engine *e;
	struct device *follows, *new;

	random_file(old_text, sizeof(old_text), &state);
	random_file(fresh_text, sizeof(fresh_text), &state);
	compare(old, fresh);
	ck_assert_int_eq(engine_new(&e, &env), 0);
	ck_assert_int_eq(engine_add_device(e, "follows", &follows), 0);
	ck_assert_int_eq(engine_add_device(e, "new", &new), 0);
	feed_whole(follows, &before.plan.devices[0]);
	reload_print_uapi(&lines, before.confs[0], &after.plan.devices[0]);
	feed(follows, &lines);
	feed_whole(new, &after.plan.devices[0]);
	lines_of(follows, one, sizeof(one));
	lines_of(new, other, sizeof(other));
	if (strcmp(one, other) != 0)
		fprintf(stderr, "%s\n-- becomes\n%s\n-- by\n%.*s\n%s\n%s", old_text,
		        fresh_text, (int)outbuf_bytes(&lines), (const char *)lines.bytes,
		        one, other);
	ck_assert_int_eq(strcmp(one, other), 0);
	outbuf_clear(&lines);
	engine_free(e);
	end();
}
END_TEST

/* ---- settings */

static const struct {
	const char *from, *to;
	bool same;
} settings[] = {
	{ "MTU=1300", "MTU=1300 #", true },
	{ KEY1, KEY2, true },
	{ "ListenPort=1000", "ListenPort=1001", true },
	{ "10.2.0.0/16", "10.3.0.0/16", true },
	{ "10.2.0.0/16", "0.0.0.0/0", true },
	{ "10.0.0.1/24", "10.0.0.2/24", false },
	{ "10.0.0.53", "10.0.0.54", false },
	{ ", lan", ", wan", false },
	{ "MTU=1300", "MTU=1301", false },
	{ "Table=auto", "Table=off", false },
	{ "Metric=1", "Metric=2", false },
	{ "Metric=1", "SourceFix=off", false },
	{ "Metric=1", "SourceCheck=off", false },
	{ "Metric=1", "Gate=on", false },
	{ "Metric=1", "Isolate=off", false },
	{ "Metric=1", "Listen=127.0.0.1", false },
	{ "Metric=1", "Via=network", false },
	{ "PersistentKeepalive=25", "# tunion: Via=network", false },
};

START_TEST(settings_are_what_the_engine_is_told)
{
	const char *const old[] = { "a", BASE, NULL };
	char text[2048];
	const char *const fresh[] = { "a", text, NULL };

	edit(text, sizeof(text), settings[_i].from, settings[_i].to);
	compare(old, fresh);
	ck_assert_msg(reload_same_settings(&before.plan.devices[0],
	                                   &after.plan.devices[0]) == settings[_i].same,
	              "%s", text);
	end();
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("supervisor/reload");

	tcase_add_test(tc, files_are_told_apart_by_name);
	tcase_add_test(tc, a_bad_file_stands_for_its_old_version);
	tcase_add_test(tc, an_emptied_file_is_a_bad_version);
	tcase_add_test(tc, hooks_of_others_are_a_bad_version);
	tcase_add_test(tc, no_files_on_either_side);
	tcase_add_loop_test(tc, what_a_file_says_counts, 0, ARRAY_SIZE(edits));
	tcase_add_test(tc, addresses_of_unchanged_names_are_kept);
	tcase_add_loop_test(tc, only_what_differs_is_said, 0, ARRAY_SIZE(steps));
	tcase_add_loop_test(tc, a_device_follows_its_file, 0, 300);
	tcase_add_loop_test(tc, settings_are_what_the_engine_is_told, 0,
	                    ARRAY_SIZE(settings));
	return tc;
}
