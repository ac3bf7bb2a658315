#include "unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conf/load.h"
#include "plan/plan_make.h"
#include "supervisor/changes.h"

#define FILES_MAX 6
#define TEXT_MAX  512

/* The files that are in force (old), and those on the disk (fresh). An empty text means
 * that there is no file. */
struct fixture {
	struct conf *old[FILES_MAX], *fresh[FILES_MAX]; /* owned */
	struct reload_file v[FILES_MAX];
	struct reload reload;
	struct conf *room[FILES_MAX];
	struct conf_set set;
	struct plan plan;
	struct diag diag;
};

static struct conf *read_text(const char *name, const char *text)
{
	struct diag diag = { 0 };
	struct conf *conf;
	char path[64];
	FILE *in;

	if (!text || !text[0])
		return NULL;
	in = tmpfile();
	ck_assert_ptr_nonnull(in);
	ck_assert_int_ge(fputs(text, in), 0);
	rewind(in);
	snprintf(path, sizeof(path), "%s.conf", name);
	ck_assert_msg(conf_read_stream(&conf, in, path, &diag) == 0, "%s", text);
	fclose(in);
	diag_clear(&diag);
	return conf;
}

static void add_file(struct fixture *f, const char *name, const char *old,
                     const char *fresh)
{
	size_t i = f->reload.n++;

	ck_assert_uint_lt(i, FILES_MAX);
	f->reload.v = f->v;
	f->set.v = f->room;
	f->old[i] = read_text(name, old);
	f->fresh[i] = read_text(name, fresh);
	f->v[i] = (struct reload_file){ RELOAD_CHANGED, f->old[i], f->fresh[i] };
	if (!f->old[i])
		f->v[i].state = RELOAD_ADDED;
	else if (!f->fresh[i])
		f->v[i].state = RELOAD_REMOVED;
	else if (strcmp(old, fresh) == 0)
		f->v[i].state = RELOAD_SAME;
}

static void clear(struct fixture *f)
{
	plan_clear(&f->plan);
	for (size_t i = 0; i < f->reload.n; i++) {
		conf_free(f->old[i]);
		conf_free(f->fresh[i]);
	}
	diag_clear(&f->diag);
}

static int accept_changes(struct fixture *f)
{
	static const struct plan_env nothing_known;

	return changes_accept(&f->reload, &nothing_known, &f->set, &f->plan, &f->diag);
}

/* ---- tables */

#define PORT(n) "[Interface]\nListenPort = " n "\n"
#define VIA(name)                                                                        \
	"[Interface]\n# tunion: Via = " name "\n[Peer]\nPublicKey = "                    \
	"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\nEndpoint = 192.0.2.1:1\n"
#define ALL                                                                              \
	"[Interface]\n[Peer]\nPublicKey = "                                              \
	"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\nAllowedIPs = 0.0.0.0/0\n"

static const struct {
	const char *what;
	struct {
		const char *old, *fresh;
	} files[4];          /* a, b, c, d; NULL, NULL: there is none */
	const char *refused; /* letters of files */
	const char *error;   /* part of one error; NULL: no errors */
} cases[] = {
	{ "nothing differs", { { PORT("1"), PORT("1") } }, "", NULL },
	{ "all go together",
	  { { PORT("1"), PORT("2") }, { PORT("3"), NULL }, { NULL, PORT("4") } },
	  "",
	  NULL },
	{ "two swap their ports",
	  { { PORT("1"), PORT("2") }, { PORT("2"), PORT("1") } },
	  "",
	  NULL },
	{ "a port moves from one that goes to one that comes",
	  { { PORT("1"), NULL }, { NULL, PORT("1") } },
	  "",
	  NULL },
	{ "the port of a file that stays",
	  { { PORT("1"), PORT("1") }, { NULL, PORT("1") }, { NULL, PORT("2") } },
	  "b",
	  "ListenPort 1" },
	{ "the carrier of a file that stays",
	  { { ALL, NULL }, { VIA("a"), VIA("a") }, { NULL, PORT("2") } },
	  "a",
	  "no tunnel file a.conf" },
	{ "the carrier and what it carries",
	  { { ALL, NULL }, { VIA("a"), NULL }, { PORT("2"), PORT("3") } },
	  "",
	  NULL },
	{ "a carrier that is renamed",
	  { { ALL, NULL }, { VIA("a"), VIA("c") }, { NULL, ALL } },
	  "",
	  NULL },
	{ "a carrier that comes after what it carries",
	  { { NULL, VIA("c") }, { NULL, VIA("d") }, { NULL, ALL } },
	  "b",
	  "no tunnel file d.conf" },
	{ "an old version comes back for a file that is refused",
	  { { PORT("1"), PORT("5") },
	    { PORT("5"), PORT("5") },
	    { PORT("3"), PORT("4") },
	    { NULL, PORT("3") } },
	  "a",
	  "ListenPort 5" },
};

START_TEST(as_many_changes_as_go_together)
{
	static const char *const names[] = { "a", "b", "c", "d" };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f = { 0 };
		bool told = cases[i].error == NULL;

		for (size_t k = 0; k < ARRAY_SIZE(names); k++)
			if (cases[i].files[k].old || cases[i].files[k].fresh)
				add_file(&f, names[k], cases[i].files[k].old,
				         cases[i].files[k].fresh);
		ck_assert_msg(accept_changes(&f) == 0, "%s", cases[i].what);
		for (size_t k = 0; k < f.reload.n; k++) {
			const struct reload_file *file = &f.reload.v[k];
			bool bad = strchr(cases[i].refused, reload_name(file)[0]);

			ck_assert_msg((file->state == RELOAD_BAD) == bad, "%s: %s",
			              cases[i].what, reload_name(file));
			ck_assert_msg(!reload_conf(file) ==
			                      !plan_find(&f.plan, reload_name(file)),
			              "%s: %s in the plan", cases[i].what,
			              reload_name(file));
		}
		for (size_t k = 0; k < f.diag.count && cases[i].error; k++)
			told |= strstr(f.diag.entries[k].text, cases[i].error) != NULL;
		ck_assert_msg(told, "%s: the error is told", cases[i].what);
		ck_assert_msg(cases[i].error || f.diag.errors == 0, "%s", cases[i].what);
		clear(&f);
	}
}
END_TEST

START_TEST(two_that_come_with_one_port_are_told_as_that)
{
	struct fixture f = { 0 };

	add_file(&f, "a", NULL, PORT("7"));
	add_file(&f, "b", NULL, PORT("7"));
	ck_assert_int_eq(accept_changes(&f), 0);
	/* the first file gets the port */
	ck_assert_int_eq((int)f.reload.v[0].state, RELOAD_ADDED);
	ck_assert_int_eq((int)f.reload.v[1].state, RELOAD_BAD);
	ck_assert_uint_eq(f.diag.errors, 1);
	ck_assert_str_eq(f.diag.entries[0].file, "b.conf");
	clear(&f);
}
END_TEST

/* In this case nothing can be done, and nothing has to be done. */
START_TEST(old_files_that_contradict_each_other)
{
	struct fixture f = { 0 };

	add_file(&f, "a", PORT("7"), PORT("7"));
	add_file(&f, "b", PORT("7"), PORT("7"));
	add_file(&f, "c", NULL, PORT("8"));
	ck_assert_int_eq(accept_changes(&f), -EINVAL);
	ck_assert_uint_eq(f.plan.device_count, 0);
	ck_assert_uint_gt(f.diag.errors, 0);
	clear(&f);
}
END_TEST

START_TEST(a_bad_version_is_left_alone)
{
	struct fixture f = { 0 };

	add_file(&f, "a", PORT("7"), PORT("8"));
	add_file(&f, "b", NULL, PORT("8"));
	add_file(&f, "c", NULL, PORT("9"));
	f.v[0].state = f.v[2].state = RELOAD_BAD;
	ck_assert(changes_any(&f.reload));
	ck_assert_int_eq(accept_changes(&f), 0);
	ck_assert_uint_eq(f.plan.device_count, 2);
	ck_assert_uint_eq(plan_find(&f.plan, "a")->conf->listen_port, 7);
	ck_assert_uint_eq(plan_find(&f.plan, "b")->conf->listen_port, 8);
	ck_assert_uint_eq(f.diag.errors, 0);
	f.v[1].state = RELOAD_SAME;
	ck_assert(!changes_any(&f.reload));
	clear(&f);
}
END_TEST

/* The name of the endpoint now has an address that the carrier can't carry. This is no
 * mistake in the files, and other files must still be able to change. */
START_TEST(a_name_that_has_moved_away_from_its_carrier)
{
	static const char named[] =
		"[Interface]\n# tunion: Via = b\n[Peer]\nPublicKey = "
		"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\nEndpoint = a.test:1\n";
	struct fixture f = { 0 };

	add_file(&f, "a", named, named);
	add_file(&f, "b", PORT("7"), PORT("7"));
	add_file(&f, "c", PORT("8"), PORT("9"));
	f.v[0].fresh->peers[0].endpoint.port = 1;
	ck_assert(ip_addr_parse(&f.v[0].fresh->peers[0].endpoint.addr, "192.0.2.1"));
	ck_assert_int_eq(accept_changes(&f), 0);
	ck_assert_int_eq((int)f.v[2].state, RELOAD_CHANGED);
	ck_assert_int_eq((int)plan_find(&f.plan, "a")->peers[0].way.state,
	                 WAY_NO_CARRIER_PEER);
	ck_assert_uint_eq(f.diag.errors, 0);
	clear(&f);
}
END_TEST

START_TEST(warnings_of_files_that_change)
{
	struct fixture f = { 0 };
	struct diag from = { 0 };

	add_file(&f, "a", PORT("7"), PORT("8"));
	add_file(&f, "b", PORT("9"), PORT("9"));
	diag_warning(&from, "a.conf", 3, "of a file that changes");
	diag_warning(&from, "b.conf", 3, "of a file that stays");
	diag_warning(&from, NULL, 0, "of no file");
	diag_error(&from, "a.conf", 4, "no warning");
	changes_copy_warnings(&f.reload, &from, &f.diag);
	ck_assert_uint_eq(f.diag.count, 1);
	ck_assert_str_eq(f.diag.entries[0].text, "of a file that changes");
	diag_clear(&from);
	clear(&f);
}
END_TEST

/* Said of the file that has the prefix, and stays. What was said before isn't said again. */
START_TEST(a_file_that_comes_with_the_prefix_of_another)
{
	struct fixture f = { 0 };

	add_file(&f, "a", ALL, ALL);
	add_file(&f, "b", "", ALL);
	ck_assert_int_eq(accept_changes(&f), 0);
	ck_assert_uint_eq(f.diag.count, 1);
	ck_assert_str_eq(f.diag.entries[0].file, "a.conf");
	ck_assert_ptr_nonnull(strstr(f.diag.entries[0].text,
	                             "0.0.0.0/0: a has it (first by name); b doesn't"));
	clear(&f);
	f = (struct fixture){ 0 };
	add_file(&f, "a", ALL, ALL);
	add_file(&f, "b", ALL, ALL);
	add_file(&f, "c", "", PORT("7"));
	ck_assert_int_eq(accept_changes(&f), 0);
	ck_assert_uint_eq(f.diag.count, 0);
	clear(&f);
}
END_TEST

/* ---- what a refused file would have taken over */

static const struct {
	const char *what, *old, *fresh, *refused; /* AllowedIPs; NULL: there is no file */
	bool stays;
	const char *refused_old; /* what the refused one has had */
	bool left_out;
} given[] = {
	{ "a file that goes", "10.0.0.0/8", NULL, "10.0.0.0/8", true, NULL, false },
	{ "a wider one", "10.0.0.0/8", NULL, "0.0.0.0/0", true, NULL, false },
	{ "half of it", "0.0.0.0/0", NULL, "128.0.0.0/1", true, NULL, false },
	{ "another network", "10.0.0.0/8", NULL, "11.0.0.0/8", false, NULL, false },
	{ "the other family", "0.0.0.0/0", NULL, "::/0", false, NULL, false },
	{ "a prefix moves", "10.0.0.0/8, 11.0.0.0/8", "10.0.0.0/8", "11.0.0.0/8", true,
	  NULL, false },
	{ "another prefix moves", "10.0.0.0/8, 11.0.0.0/8", "10.0.0.0/8", "10.0.0.0/8",
	  false, NULL, false },
	{ "a file that stays", "10.0.0.0/8", "10.0.0.0/8", "10.0.0.0/8", false, NULL,
	  false },
	{ "a part is left", "0.0.0.0/0", "0.0.0.0/1", "0.0.0.0/0", true, NULL, false },
	{ "it has more now", "10.0.0.0/8", "0.0.0.0/0", "10.0.0.0/8", false, NULL,
	  false },
	{ "to a file that is up", "10.0.0.0/8", NULL, "10.0.0.0/8", true, "::/0", false },
	{ "to one that has had it", "10.0.0.0/8", NULL, "10.0.0.0/8", false, "0.0.0.0/0",
	  false },
	{ "tunion down NAME", "10.0.0.0/8", NULL, "10.0.0.0/8", false, NULL, true },
};

static const char *with_allowed_ips(char out[static TEXT_MAX], const char *list)
{
	if (!list)
		return NULL;
	snprintf(out, TEXT_MAX,
	         "[Interface]\n[Peer]\nPublicKey = "
	         "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\nAllowedIPs = %s\n",
	         list);
	return out;
}

START_TEST(what_a_refused_file_would_have_taken_over_stays)
{
	char old[TEXT_MAX], fresh[TEXT_MAX], refused[TEXT_MAX], refused_old[TEXT_MAX];
	static const char *const names[] = { "c", "a" };

	for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
		struct conf_paths from = { .without = names, .without_count = 1 };
		struct fixture f = { 0 };
		bool held;

		from.without_count += given[i].left_out;
		add_file(&f, "a", with_allowed_ips(old, given[i].old),
		         with_allowed_ips(fresh, given[i].fresh));
		add_file(&f, "b", with_allowed_ips(refused_old, given[i].refused_old),
		         with_allowed_ips(refused, given[i].refused));
		f.v[1].state = RELOAD_BAD;
		held = changes_hold_back(&f.reload, &f.v[1], &from, &f.diag);
		ck_assert_msg(held == given[i].stays, "%s", given[i].what);
		ck_assert_msg((f.v[0].state == RELOAD_BAD) == held, "%s", given[i].what);
		ck_assert_uint_eq(f.diag.errors, held ? 1 : 0);
		if (held)
			ck_assert_ptr_nonnull(strstr(f.diag.entries[0].text, "and b, "));
		clear(&f);
	}
}
END_TEST

/* ---- random */

/* A file that may have the same port as others, be their carrier, or be carried by
 * them. */
static void print_random(char out[static TEXT_MAX], uint64_t *random)
{
	static const char *const vias[] = { "a", "b", "c", "d", "e", "f", "network" };
	static const char *const prefixes[] = { "0.0.0.0/0", "192.0.2.0/24",
		                                "198.51.100.0/24" };
	uint64_t r = unit_random(random);
	int n = snprintf(out, TEXT_MAX, "[Interface]\n");

	if (r % 2)
		n += snprintf(out + n, TEXT_MAX - (size_t)n, "ListenPort = %u\n",
		              (unsigned)(r >> 8 & 3) + 1);
	if ((r >> 16) % 3 == 0)
		n += snprintf(out + n, TEXT_MAX - (size_t)n, "# tunion: Via = %s\n",
		              vias[(r >> 24) % ARRAY_SIZE(vias)]);
	snprintf(out + n, TEXT_MAX - (size_t)n,
	         "[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"
	         "AllowedIPs = %s\nEndpoint = 192.0.2.1:1\n",
	         prefixes[(r >> 32) % ARRAY_SIZE(prefixes)]);
}

/* Can the files be planned where the changes in `taken` (bits) are in force? */
static bool plannable(const struct fixture *f, const struct reload_file *files,
                      unsigned taken)
{
	static const struct plan_env nothing_known;
	struct conf *v[FILES_MAX];
	struct conf_set set = { v, 0 };
	struct diag diag = { 0 };
	struct plan plan;
	int err;

	for (size_t i = 0; i < f->reload.n; i++) {
		struct conf *c = taken >> i & 1 ? files[i].fresh : files[i].old;

		if (c)
			v[set.n++] = c;
	}
	err = plan_make(&plan, &set, &nothing_known, &diag);
	if (!err)
		plan_clear(&plan);
	diag_clear(&diag);
	return !err;
}

static void random_files(struct fixture *f, uint64_t *random)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f" };
	size_t n = 1 + unit_below(random, FILES_MAX);

	for (size_t i = 0; i < n; i++) {
		char old[TEXT_MAX] = "", fresh[TEXT_MAX] = "";

		if (unit_random(random) % 3)
			print_random(old, random);
		if (!old[0] || unit_random(random) % 4)
			print_random(fresh, random);
		if (old[0] && unit_random(random) % 4 == 0)
			strcpy(fresh, old);
		add_file(f, names[i], old, fresh);
	}
}

/* No refused change can be added to the ones that were taken. */
static void check_random(uint64_t seed, size_t *refusals)
{
	uint64_t random = seed;
	struct fixture f = { 0 };
	struct reload_file before[FILES_MAX];
	unsigned taken = 0, differing = 0;
	int err;

	random_files(&f, &random);
	memcpy(before, f.v, sizeof(before));
	err = accept_changes(&f);
	for (size_t i = 0; i < f.reload.n; i++) {
		differing |= (unsigned)reload_differs(&before[i]) << i;
		taken |= (unsigned)reload_differs(&f.v[i]) << i;
		ck_assert(f.v[i].state == before[i].state ||
		          (f.v[i].state == RELOAD_BAD && reload_differs(&before[i])));
	}
	ck_assert_msg(err == 0 || !plannable(&f, before, 0), "seed %#" PRIx64, seed);
	if (!err)
		ck_assert_msg(plannable(&f, before, taken), "seed %#" PRIx64, seed);
	for (size_t i = 0; i < f.reload.n && !err; i++) {
		unsigned one = differing & ~taken & 1U << i;

		if (!one)
			continue;
		(*refusals)++;
		ck_assert_msg(!plannable(&f, before, taken | one),
		              "seed %#" PRIx64 ": %s", seed, reload_name(&f.v[i]));
	}
	if (!err)
		ck_assert_msg((f.diag.errors > 0) == (taken != differing),
		              "seed %#" PRIx64, seed);
	if (!err && taken != differing)
		ck_assert_msg(!plannable(&f, before, differing), "seed %#" PRIx64, seed);
	clear(&f);
}

START_TEST(no_refused_change_could_be_taken)
{
	uint64_t state = unit_seed();
	size_t refusals = 0;

	for (int i = 0; i < 2000; i++)
		check_random(unit_random(&state), &refusals);
	ck_assert_uint_gt(refusals, 100);
}
END_TEST

/* Otherwise a file whose PostUp has failed couldn't go, because another one needs it. */
START_TEST(who_is_carried_goes_with_its_carrier)
{
	static const char peer_by_b[] =
		"[Interface]\n[Peer]\nPublicKey = AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
		"# tunion: Via = b\n";
	static const char *const texts[] = {
		"[Interface]\n",
		"[Interface]\n# tunion: Via = a\n",
		peer_by_b,
		"[Interface]\n# tunion: Via = network\n",
		"[Interface]\n# tunion: Via = d\n",
	};
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	struct fixture f = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		add_file(&f, names[i], texts[i], texts[i]);
	f.v[0].state = RELOAD_REMOVED;
	f.v[0].fresh = NULL;
	changes_remove_carried(&f.reload, &f.diag);
	ck_assert_int_eq((int)f.v[1].state, RELOAD_REMOVED);
	ck_assert_int_eq((int)f.v[2].state, RELOAD_REMOVED);
	ck_assert_int_eq((int)f.v[3].state, RELOAD_SAME);
	ck_assert_int_eq((int)f.v[4].state, RELOAD_SAME);
	ck_assert_uint_eq(f.diag.errors, 2);
	ck_assert_str_eq(f.diag.entries[0].file, "b.conf");
	ck_assert_uint_eq(f.diag.entries[0].line, 2);
	ck_assert_ptr_nonnull(strstr(f.diag.entries[1].text, "because b, its carrier"));
	clear(&f);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("supervisor/changes");

	tcase_add_test(tc, as_many_changes_as_go_together);
	tcase_add_test(tc, two_that_come_with_one_port_are_told_as_that);
	tcase_add_test(tc, old_files_that_contradict_each_other);
	tcase_add_test(tc, who_is_carried_goes_with_its_carrier);
	tcase_add_test(tc, a_bad_version_is_left_alone);
	tcase_add_test(tc, a_name_that_has_moved_away_from_its_carrier);
	tcase_add_test(tc, warnings_of_files_that_change);
	tcase_add_test(tc, a_file_that_comes_with_the_prefix_of_another);
	tcase_add_test(tc, what_a_refused_file_would_have_taken_over_stays);
	tcase_add_test(tc, no_refused_change_could_be_taken);
	return tc;
}
