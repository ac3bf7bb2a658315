/* tests/unit/test_host_files.c - guard, hooks, journal, spawn: what needs no rights */
#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/load.h"
#include "host/guard.h"
#include "host/hooks.h"
#include "host/journal.h"
#include "host/spawn.h"
#include "unit.h"

static char folder[64];

static void make_folder(void)
{
	snprintf(folder, sizeof(folder), "/tmp/tunion-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
	static const char *const names[] = { "a.conf", "b.conf", "x.state", "y.state",
		                             "out",    "lock",   "gate" };
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	ck_assert_int_eq(rmdir(folder), 0);
}

static const char *in_folder(const char *name, char out[static 128])
{
	snprintf(out, 128, "%s/%s", folder, name);
	return out;
}

static void write_text(const char *path, const char *text, mode_t mode)
{
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(text, out), 0);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static void check_text(const char *path, const char *expected)
{
	char text[4096];
	FILE *in = fopen(path, "r");
	size_t n;

	ck_assert_ptr_nonnull(in);
	n = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	text[n] = '\0';
	ck_assert_str_eq(text, expected);
}

/* ---- spawn */

START_TEST(a_program_gets_input_and_gives_output)
{
	static const char *const argv[] = { "sh", "-c",
		                            "cat; echo $WORD; echo bad >&2; exit 3",
		                            NULL };
	static const char *const env[] = { "WORD=said", NULL };
	char output[64], errors[64], small[4];
	struct spawn s = { .argv = argv,
		           .env = env,
		           .input = "given ",
		           .output = output,
		           .output_size = sizeof(output),
		           .errors = errors,
		           .errors_size = sizeof(errors) };

	ck_assert_int_eq(spawn_run(&s), 3);
	ck_assert_str_eq(output, "given said\n");
	ck_assert_str_eq(errors, "bad\n");
	s.output = small;
	s.output_size = sizeof(small);
	ck_assert_int_eq(spawn_run(&s), 3);
	ck_assert_str_eq(small, "giv");
}
END_TEST

/* A program in the background still has the lock when the first one has ended. */
START_TEST(a_lock_is_held_until_the_last_program_ends)
{
	char path[128], gate[128];
	const char *const argv[] = { "sh", "-c", "read x <\"$GATE\" &", NULL };
	const char *env[] = { NULL, NULL };
	struct spawn s = { .argv = argv, .env = env };
	char *variable;
	int lock, other, writer;

	make_folder();
	in_folder("lock", path);
	in_folder("gate", gate);
	ck_assert_int_eq(mkfifo(gate, 0600), 0);
	ck_assert_int_gt(asprintf(&variable, "GATE=%s", gate), 0);
	env[0] = variable;
	lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	other = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(flock(lock, LOCK_EX), 0);
	s.lock_fd = lock;
	ck_assert_int_eq(spawn_run(&s), 0);
	close(lock);
	ck_assert_int_eq(flock(other, LOCK_EX | LOCK_NB), -1);
	writer = open(gate, O_WRONLY | O_CLOEXEC);
	close(writer);
	ck_assert_int_eq(flock(other, LOCK_EX), 0);
	close(other);
	free(variable);
	remove_folder();
}
END_TEST

START_TEST(what_is_not_there_is_said)
{
	static const char *const argv[] = { "no-such-program-of-ours", NULL };
	static const char *const path[] = { "/nowhere/program", NULL };
	static const char *const killed[] = { "sh", "-c", "kill -9 $$", NULL };
	struct spawn s = { .argv = argv };

	ck_assert_int_eq(spawn_run(&s), -ENOENT);
	s.argv = path;
	ck_assert_int_eq(spawn_run(&s), -ENOENT);
	s.argv = killed;
	ck_assert_int_eq(spawn_run(&s), 128 + 9);
}
END_TEST

/* ---- guard */

static struct host_items two_addresses(void)
{
	static struct netlink_item v[3];
	struct host_items items = { .v = v, .n = 3 };

	v[0] = v[1] = (struct netlink_item){ .kind = NETLINK_KIND_ADDRESS };
	ck_assert(ip_addr_parse(&v[0].address.prefix.addr, "10.8.0.2"));
	ck_assert(ip_addr_parse(&v[1].address.prefix.addr, "fd08::2"));
	v[2] = (struct netlink_item){ .kind = NETLINK_KIND_ROUTE };
	return items;
}

START_TEST(the_guard_is_that_of_wg_quick)
{
	struct host_items items = two_addresses();
	char *nft = guard_nft_text("t=0", IP_V6, &items, 51820);
	char *iptables = guard_iptables_text("t0", IP_V4, &items, 51820);

	ck_assert_str_eq(nft, "add table ip6 tunion-t/e0\ndelete table ip6 tunion-t/e0\n"
	                      "add table ip6 tunion-t/e0\n"
	                      "add chain ip6 tunion-t/e0 preraw "
	                      "{ type filter hook prerouting priority -300; }\n"
	                      "add chain ip6 tunion-t/e0 premangle "
	                      "{ type filter hook prerouting priority -150; }\n"
	                      "add chain ip6 tunion-t/e0 postmangle "
	                      "{ type filter hook postrouting priority -150; }\n"
	                      "add rule ip6 tunion-t/e0 preraw iifname != \"t=0\" "
	                      "ip6 daddr fd08::2 fib saddr type != local drop\n"
	                      "add rule ip6 tunion-t/e0 preraw "
	                      "icmpv6 type nd-redirect drop\n"
	                      "add rule ip6 tunion-t/e0 postmangle "
	                      "meta l4proto udp mark 51820 ct mark set mark\n"
	                      "add rule ip6 tunion-t/e0 premangle "
	                      "meta l4proto udp meta mark set ct mark\n");
	ck_assert_str_eq(
		iptables,
		"*raw\n-I PREROUTING ! -i t0 -d 10.8.0.2 -m addrtype ! --src-type LOCAL "
		"-j DROP -m comment --comment \"tunion rule for t0\"\nCOMMIT\n"
		"*mangle\n-I POSTROUTING -m mark --mark 51820 -p udp "
		"-j CONNMARK --save-mark -m comment --comment \"tunion rule for t0\"\n"
		"-I PREROUTING -p udp -j CONNMARK --restore-mark "
		"-m comment --comment \"tunion rule for t0\"\nCOMMIT\n");
	free(nft);
	free(iptables);
}
END_TEST

/* Also where the name of the tun can't be that of a table. */
START_TEST(the_guard_that_was_made_is_removed)
{
	static const char *const tuns[] = { "t0", "t=0", "my+tun", "a.b-c_d" };
	struct host_items items = two_addresses();

	for (size_t i = 0; i < ARRAY_SIZE(tuns); i++) {
		char text[GUARD_REMOVAL_STRLEN];
		char *made = guard_nft_text(tuns[i], IP_V6, &items, 51820);

		guard_nft_removal(tuns[i], IP_V6, text);
		ck_assert_int_eq(strncmp(made, text, strlen(text)), 0);
		free(made);
	}
}
END_TEST

START_TEST(each_tun_has_a_guard_of_its_own)
{
	static const char *const tuns[] = { "a+b",  "a=b",  "a_b",
		                            "a_pb", "a_eb", "=+=+=+=+=+=+=+=" };
	char texts[ARRAY_SIZE(tuns)][GUARD_REMOVAL_STRLEN];

	for (size_t i = 0; i < ARRAY_SIZE(tuns); i++) {
		guard_nft_removal(tuns[i], IP_V4, texts[i]);
		ck_assert_ptr_nonnull(strrchr(texts[i], '\n'));
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(texts[i], texts[j]);
	}
}
END_TEST

/* One line for each mark of the family, so that a strict reverse path filter recognises all
 * answers. */
START_TEST(the_guard_keeps_the_marks_of_files)
{
	struct netlink_item v[] = {
		{ .kind = NETLINK_KIND_RULE,
		  .rule = { .family = IP_V4, .action = FR_ACT_GOTO, .mark = 7 } },
		{ .kind = NETLINK_KIND_RULE,
		  .rule = { .family = IP_V6, .action = FR_ACT_GOTO, .mark = 8 } },
		{ .kind = NETLINK_KIND_RULE, .rule = { .family = IP_V4, .mark = 9 } },
	};
	struct host_items items = { .v = v, .n = ARRAY_SIZE(v) };
	char *nft = guard_nft_text("t0", IP_V4, &items, 51820);
	char *iptables = guard_iptables_text("t0", IP_V4, &items, 51820);

	ck_assert_ptr_nonnull(strstr(nft, " postmangle meta l4proto udp mark 51820 ct"));
	ck_assert_ptr_nonnull(strstr(nft, " postmangle meta l4proto udp mark 7 ct"));
	ck_assert_ptr_null(strstr(nft, "mark 8"));
	ck_assert_ptr_null(strstr(nft, "mark 9"));
	ck_assert_ptr_nonnull(strstr(iptables, "--mark 51820 "));
	ck_assert_ptr_nonnull(strstr(iptables, "--mark 7 "));
	ck_assert_ptr_null(strstr(iptables, "--mark 8"));
	free(nft);
	free(iptables);
}
END_TEST

START_TEST(ipv6_redirects_are_dropped_by_iptables_too)
{
	struct host_items items = two_addresses();
	char *ipv4 = guard_iptables_text("t0", IP_V4, &items, 51820);
	char *ipv6 = guard_iptables_text("t0", IP_V6, &items, 51820);

	ck_assert_ptr_eq(strstr(ipv4, "redirect"), NULL);
	ck_assert_ptr_ne(strstr(ipv6, "\n-I PREROUTING -p icmpv6 --icmpv6-type redirect "
	                              "-j DROP -m comment --comment "
	                              "\"tunion rule for t0\"\nCOMMIT\n*mangle\n"),
	                 NULL);
	free(ipv4);
	free(ipv6);
}
END_TEST

START_TEST(only_our_iptables_rules_are_removed)
{
	char *text = guard_iptables_removal(
		"t0", "# Generated\n*raw\n:PREROUTING ACCEPT [0:0]\n"
		      "-A PREROUTING -s 10.0.0.0/8 -j DROP\n"
		      "-A PREROUTING ! -i t0 -m comment --comment \"tunion rule for t0\" "
		      "-j DROP\n"
		      "-A PREROUTING ! -i t01 -m comment --comment \"tunion rule for "
		      "t01\" -j DROP\n"
		      "COMMIT\n# Completed");

	ck_assert_str_eq(text, "*raw\n-D PREROUTING ! -i t0 -m comment --comment "
	                       "\"tunion rule for t0\" -j DROP\nCOMMIT\n");
	free(text);
}
END_TEST

/* ---- hooks */

static struct conf *read_conf(const char *path, struct diag *diag)
{
	struct conf *conf;

	ck_assert_int_eq(conf_read(&conf, path, diag), 0);
	return conf;
}

START_TEST(every_percent_i_is_replaced)
{
	static const char *const cases[][2] = {
		{ "ip link show %i", "ip link show tun9" },
		{ "%i%i %%i %I %n %", "tun9tun9 %tun9 %I %n %" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = hooks_expand(cases[i][0], "tun9");

		ck_assert_str_eq(text, cases[i][1]);
		free(text);
	}
}
END_TEST

START_TEST(hooks_run_in_order_until_one_fails)
{
	char conf_path[128], out_path[128], text[1024];
	struct diag diag = { 0 };
	struct hooks_env env = { .tun = "tun9", .diag = &diag };
	struct conf *conf;

	make_folder();
	in_folder("out", out_path);
	snprintf(text, sizeof(text),
	         "[Interface]\nPreUp = echo one %%i $INTERFACE $CONFIG_FILE >>%s\n"
	         "PreUp = X=1; false; echo not >>%s\nPreUp = echo never >>%s\n",
	         out_path, out_path, out_path);
	write_text(in_folder("a.conf", conf_path), text, 0600);
	conf = read_conf(conf_path, &diag);
	diag_clear(&diag); /* of its missing key */
	ck_assert_int_eq(hooks_check(conf, &diag), 0);
	ck_assert_int_eq(hooks_run_up(&env, conf, CONF_POST_UP), 0);
	ck_assert_int_eq(hooks_run_up(&env, conf, CONF_PRE_UP), -EIO);
	snprintf(text, sizeof(text), "one tun9 tun9 %s\n", conf_path);
	check_text(out_path, text);
	ck_assert_uint_eq(diag.count, 1);
	ck_assert_uint_eq(diag.entries[0].line, 3);
	ck_assert_str_eq(diag.entries[0].text, "PreUp failed with exit status 1");
	conf_free(conf);
	diag_clear(&diag);
	remove_folder();
}
END_TEST

START_TEST(files_that_others_can_write_have_no_hooks)
{
	static const struct {
		mode_t file, folder;
		int result;
	} modes[] = {
		{ 0600, 0700, 0 },       { 0644, 0755, 0 },      { 0660, 0700, -EPERM },
		{ 0602, 0700, -EPERM },  { 0600, 0770, -EPERM }, { 0600, 0777, -EPERM },
		{ 0600, 01777, -EPERM },
	};
	char path[128];

	make_folder();
	in_folder("a.conf", path);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct diag diag = { 0 };
		struct conf *conf;

		write_text(path, "[Interface]\nPostDown = true\n", modes[i].file);
		ck_assert_int_eq(chmod(folder, modes[i].folder), 0);
		conf = read_conf(path, &diag);
		ck_assert_msg(hooks_check(conf, &diag) == modes[i].result, "%o in %o",
		              modes[i].file, modes[i].folder);
		conf_free(conf);
		diag_clear(&diag);
	}
	remove_folder();
}
END_TEST

static void keep_line(void *context, enum log_level level, const char *line)
{
	(void)level;
	snprintf(context, 256, "%s", line);
}

#define SECRET "dwdtCnMYpX08FsFyUbJmRd9KbC+7bdixucHvTQ1MGio="

/* Neither the log nor the list of processes, nor what a hook starts, is told a key. */
START_TEST(a_key_in_a_hook_is_seen_by_the_hook_only)
{
	char path[128], out_path[128], text[512], line[256];
	struct diag diag = { 0 };
	struct log log = { LOG_LEVEL_INFO, keep_line, line };
	struct hooks_env env = { .tun = "tun9", .log = &log, .diag = &diag };
	struct conf *conf;

	make_folder();
	in_folder("out", out_path);
	snprintf(text, sizeof(text),
	         "[Interface]\nPreUp = K=" SECRET "; echo $K >%s; "
	         "{ tr '\\0' ' ' </proc/$$/cmdline; echo; env; } | grep -c " SECRET
	         " >>%s || :\n",
	         out_path, out_path);
	write_text(in_folder("a.conf", path), text, 0600);
	conf = read_conf(path, &diag);
	ck_assert_int_eq(hooks_run_up(&env, conf, CONF_PRE_UP), 0);
	check_text(out_path, SECRET "\n0\n");
	snprintf(text, sizeof(text), "[#] K=(key); echo $K >%s; ", out_path);
	ck_assert_ptr_nonnull(strstr(line, text));
	ck_assert_ptr_null(strstr(line, SECRET));
	conf_free(conf);
	diag_clear(&diag);
	remove_folder();
}
END_TEST

/* It counts what was when the text was read, not what its path leads to later. */
START_TEST(hooks_that_were_read_from_an_open_file_stay_refused)
{
	char path[128], out_path[128], text[256];
	struct diag diag = { 0 };
	struct hooks_env env = { .tun = "tun9", .diag = &diag };
	struct hooks hooks = { 0 };
	struct conf *conf;

	make_folder();
	in_folder("out", out_path);
	snprintf(text, sizeof(text), "[Interface]\nPreUp = echo >%s\nPostDown = true\n",
	         out_path);
	write_text(in_folder("a.conf", path), text, 0666);
	conf = read_conf(path, &diag);
	diag_clear(&diag);
	ck_assert_int_eq(chmod(path, 0600), 0);
	ck_assert_int_eq(hooks_check(conf, &diag), -EPERM);
	ck_assert_uint_eq(diag.entries[0].line, 2);
	ck_assert_ptr_nonnull(strstr(diag.entries[0].text, "/a.conf has mode 0666;"));
	ck_assert_int_eq(hooks_run_up(&env, conf, CONF_PRE_UP), -EPERM);
	ck_assert_int_eq(hooks_remember(&hooks, conf), -EPERM);
	ck_assert_uint_eq(hooks.n, 0);
	ck_assert_int_eq(access(out_path, F_OK), -1);
	conf_free(conf);
	diag_clear(&diag);
	/* the other way round it was ours when it was read */
	conf = read_conf(path, &diag);
	ck_assert_int_eq(chmod(path, 0666), 0);
	ck_assert_int_eq(hooks_check(conf, &diag), 0);
	conf_free(conf);
	diag_clear(&diag);
	remove_folder();
}
END_TEST

/* ---- journal */

static void fill(struct journal *j, const struct conf *conf)
{
	static const struct netlink_rule rules[] = {
		{ .family = IP_V4,
		  .priority = 32716,
		  .table = 254,
		  .has_suppress = true,
		  .suppress_len = 24 },
		{ .family = IP_V6,
		  .priority = 32765,
		  .table = 51820,
		  .has_mark = true,
		  .invert = true,
		  .mark = 0xffffffff },
		{ .family = IP_V4,
		  .priority = 32699,
		  .action = FR_ACT_GOTO,
		  .target = 32766,
		  .has_mark = true,
		  .mark = 7 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		struct netlink_item item = { .kind = NETLINK_KIND_RULE,
			                     .rule = rules[i] };

		ck_assert_int_eq(host_items_add(&j->rules, &item), 0);
	}
	j->ifindex = 12;
	j->guard6 = true;
	ck_assert_int_eq(hooks_remember(&j->hooks, conf), 0);
}

START_TEST(a_journal_is_read_back)
{
	char conf_path[128], path[128], long_hook[3000];
	struct diag diag = { 0 };
	struct journal written, read;
	struct conf *conf;

	make_folder();
	snprintf(long_hook, sizeof(long_hook),
	         "[Interface]\nPreDown = echo  two\nPostDown = true%2000s\nPostDown = : "
	         "#%%i\n",
	         "x");
	write_text(in_folder("a.conf", conf_path), long_hook, 0600);
	conf = read_conf(conf_path, &diag);
	in_folder("x.state", path);
	ck_assert_int_eq(journal_init(&written, "tun9", path), 0);
	fill(&written, conf);
	ck_assert_int_eq(journal_save(&written, &diag), 0);

	ck_assert_int_eq(journal_init(&read, "tun9", path), 0);
	ck_assert_int_eq(journal_load(&read, &diag), 1);
	ck_assert_uint_eq(read.ifindex, 12);
	ck_assert(read.guard6 && !read.guard4 && !read.src_valid_mark);
	ck_assert_uint_eq(read.rules.n, 3);
	for (size_t i = 0; i < 3; i++) {
		char a[NETLINK_ITEM_STRLEN], b[NETLINK_ITEM_STRLEN];

		ck_assert_str_eq(netlink_item_format(&read.rules.v[i], a),
		                 netlink_item_format(&written.rules.v[i], b));
	}
	ck_assert_uint_eq(read.hooks.n, 1);
	ck_assert_str_eq(read.hooks.v[0].name, "a");
	ck_assert_str_eq(read.hooks.v[0].path, conf_path);
	ck_assert_str_eq(read.hooks.v[0].pre_down.v[0].text, "echo  two");
	ck_assert_uint_eq(read.hooks.v[0].pre_down.v[0].line, 2);
	ck_assert_uint_eq(read.hooks.v[0].post_down.n, 2);
	ck_assert_str_eq(read.hooks.v[0].post_down.v[0].text,
	                 written.hooks.v[0].post_down.v[0].text);
	journal_clear(&read);
	conf_free(conf);

	/* nothing left to undo: no file */
	journal_clear(&written);
	ck_assert_int_eq(journal_init(&written, "tun9", path), 0);
	ck_assert_int_eq(journal_save(&written, &diag), 0);
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_int_eq(journal_load(&written, &diag), 0);
	journal_clear(&written);
	ck_assert_uint_eq(diag.errors, 0);
	diag_clear(&diag);
	remove_folder();
}
END_TEST

/* For example because the disk is full. Here a folder is in the way. */
START_TEST(a_journal_that_can_not_be_written_leaves_nothing)
{
	struct diag diag = { 0 };
	struct journal j;
	char path[128], temporary[140];

	make_folder();
	in_folder("x.state", path);
	snprintf(temporary, sizeof(temporary), "%s.tmp", path);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(journal_init(&j, "tun9", path), 0);
	j.guard4 = true;
	ck_assert_int_lt(journal_save(&j, &diag), 0);
	ck_assert_uint_eq(diag.errors, 1);
	ck_assert_int_eq(access(temporary, F_OK), -1);
	ck_assert_int_eq(rmdir(path), 0);
	journal_clear(&j);
	diag_clear(&diag);
	remove_folder();
}
END_TEST

START_TEST(what_is_no_journal_is_refused)
{
	static const struct {
		const char *text;
		mode_t mode;
		int result;
	} cases[] = {
		{ "tunion host state 1\ntun 3\nguard4\n", 0600, 1 },
		{ "tunion host state 1\ntun 3\nguard4\n", 0620, -EPERM },
		{ "tunion host state 1\ntun 3\nguard4\n", 0602, -EPERM },
		{ "", 0600, -EBADMSG },
		{ "tunion host state 2\n", 0600, -EBADMSG },
		{ "tunion host state 1\nguard5\n", 0600, -EBADMSG },
		{ "tunion host state 1\nrule 5 1 1 0 0 0 0 0\n", 0600, -EBADMSG },
		{ "tunion host state 1\nrule 4 1 1 0 0 0 1 200\n", 0600, -EBADMSG },
		{ "tunion host state 1\nrule 4 1 1\n", 0600, -EBADMSG },
		{ "tunion host state 1\npredown 1 true\n", 0600, -EBADMSG },
		{ "tunion host state 1\nfile a\n", 0600, -EBADMSG },
		{ "tunion host state 1\nfile a /a.conf\npostdown x true\n", 0600,
		  -EBADMSG },
	};
	char path[128], unfinished[128];

	make_folder();
	in_folder("x.state", path);
	in_folder("x.state.tmp", unfinished);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct diag diag = { 0 };
		struct journal j;

		write_text(path, cases[i].text, cases[i].mode);
		write_text(unfinished, "tun", 0600);
		ck_assert_int_eq(journal_init(&j, "tun9", path), 0);
		ck_assert_msg(journal_load(&j, &diag) == cases[i].result, "%s",
		              cases[i].text);
		ck_assert_uint_eq(diag.errors, cases[i].result < 0);
		ck_assert_int_eq(access(unfinished, F_OK), -1);
		journal_clear(&j);
		diag_clear(&diag);
	}
	remove_folder();
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("host/files");

	tcase_add_test(tc, a_program_gets_input_and_gives_output);
	tcase_add_test(tc, a_lock_is_held_until_the_last_program_ends);
	tcase_add_test(tc, what_is_not_there_is_said);
	tcase_add_test(tc, the_guard_is_that_of_wg_quick);
	tcase_add_test(tc, the_guard_that_was_made_is_removed);
	tcase_add_test(tc, each_tun_has_a_guard_of_its_own);
	tcase_add_test(tc, the_guard_keeps_the_marks_of_files);
	tcase_add_test(tc, ipv6_redirects_are_dropped_by_iptables_too);
	tcase_add_test(tc, only_our_iptables_rules_are_removed);
	tcase_add_test(tc, every_percent_i_is_replaced);
	tcase_add_test(tc, hooks_run_in_order_until_one_fails);
	tcase_add_test(tc, files_that_others_can_write_have_no_hooks);
	tcase_add_test(tc, a_key_in_a_hook_is_seen_by_the_hook_only);
	tcase_add_test(tc, hooks_that_were_read_from_an_open_file_stay_refused);
	tcase_add_test(tc, a_journal_is_read_back);
	tcase_add_test(tc, a_journal_that_can_not_be_written_leaves_nothing);
	tcase_add_test(tc, what_is_no_journal_is_refused);
	return tc;
}
