/* tests/sim/test_reload_fails.c
 *
 * A reload of several files of which some fail, told in full: test_supervisor.c draws such ones
 * only now and then. A real supervisor over the same fakes. */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "askers.h"
#include "fake_host.h"
#include "fake_loop.h"
#include "fake_udp.h"
#include "fake_worker.h"
#include "sim_dirs.h"
#include "story.h"
#include "supervisor/supervisor.h"

#define STUCK_S    60
#define SILENCE_MS 10000

struct file {
	const char *name, *lines; /* of its [Interface] */
};

static struct {
	struct sim_dirs dirs;
	struct supervisor *supervisor; /* NULL: not up yet */
	const struct file *coming;     /* files that the reload finds */
	size_t count;
	uint64_t synced_wait;
	enum { ASK, WAIT, END } step;
	char expected[16]; /* the names of those that are then up */
} sim;

static void stuck(int signal_number)
{
	(void)signal_number;
	story_print();
	_exit(1);
}

/* The name is one letter, and makes keys and addresses that no other file has. */
static void write_file(const struct file *f)
{
	char path[120];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s.conf", sim.dirs.conf, f->name);
	out = fopen(path, "we");
	ck_assert_ptr_nonnull(out);
	fprintf(out,
	        "[Interface]\nPrivateKey = C%cAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAHE=\n"
	        "Address = 10.%d.0.1/24\n%s"
	        "[Peer]\nPublicKey = B%cAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
	        "AllowedIPs = 172.16.%d.0/24\nEndpoint = 192.0.2.%d:51820\n",
	        f->name[0], f->name[0], f->lines, f->name[0], f->name[0], f->name[0]);
	ck_assert_int_eq(fclose(out), 0);
}

static void check_files(void)
{
	char up[16] = "";

	for (size_t i = 0; i < fake_host.shared.planned_count; i++)
		strncat(up, fake_host.shared.planned[i].name,
		        sizeof(up) - 1 - strlen(up));
	tell("up are %s", up);
	ck_assert_str_eq(up, sim.expected);
	ck_assert_str_eq(fake_host.fault, "");
}

/* When nothing is left to do. */
static void idle(void *context, uint64_t deadline_ns)
{
	char answer[16];

	(void)context;
	if (sim.synced_wait != fake_loop.waits) {
		sim.synced_wait = fake_loop.waits;
		ck_assert(fake_worker_ask("sync", answer, sizeof(answer)));
		return;
	}
	if (!sim.supervisor) {
		fake_loop.now_ns = deadline_ns;
		return;
	}
	askers_read();
	switch (sim.step) {
	case ASK:
		for (size_t i = 0; i < sim.count; i++)
			write_file(&sim.coming[i]);
		askers_ask("reload");
		sim.step = WAIT;
		return;
	case WAIT:
		askers_check(false);
		check_files();
		kill(getpid(), SIGTERM);
		sim.step = END;
		return;
	case END:
		fake_loop.now_ns = deadline_ns;
	}
}

static void reload_with(const struct file *files, size_t n, const char *expected)
{
	const struct file first = { "d", "" };
	const char *paths[] = { sim.dirs.conf };
	const struct log log = { LOG_LEVEL_DEBUG, story_log, NULL };
	const struct supervisor_options options = { .tun = "tun9",
		                                    .run_dir = sim.dirs.run,
		                                    .paths = paths,
		                                    .path_count = 1,
		                                    .log = &log,
		                                    .no_watch = true,
		                                    .worker = fake_worker_entry,
		                                    .silence_ms = SILENCE_MS,
		                                    .foreground = true };
	struct diag diag = { 0 };

	memset(&sim, 0, sizeof(sim));
	story_begin(1);
	signal(SIGALRM, stuck);
	signal(SIGPIPE, SIG_IGN);
	alarm(STUCK_S);
	sim.coming = files;
	sim.count = n;
	snprintf(sim.expected, sizeof(sim.expected), "%s", expected);
	fake_host_reset();
	fake_loop = (struct fake_loop){ .now_ns = 1000 * NS_PER_SEC, .idle = idle };
	fake_udp = (struct fake_udp){ .owner = getpid() };
	sim_dirs_make(&sim.dirs);
	askers_begin(sim.dirs.socket);
	fake_worker_set_path(sim.dirs.worker);
	write_file(&first);
	ck_assert_int_eq(supervisor_up(&sim.supervisor, &options, &diag), 0);
	ck_assert_int_eq(supervisor_serve(sim.supervisor), 0);
	supervisor_down(sim.supervisor, &diag);
	alarm(0);
	diag_clear(&diag);
	ck_assert_int_eq((int)sim.step, (int)END);
	askers_end();
	ck_assert(fake_host_has_ended());
}

static void clean_up(void)
{
	char path[120];
	static const char names[] = "abcd";

	for (size_t i = 0; names[i]; i++) {
		snprintf(path, sizeof(path), "%s/%c.conf", sim.dirs.conf, names[i]);
		(void)unlink(path);
	}
	sim_dirs_remove(&sim.dirs);
}

/* First a and c are made, since b wants the port of a. When PreUp of a has failed, b comes after
 * all, in another plan. While it is made, others look for devices, among which is c. */
START_TEST(one_makes_room_for_another)
{
	static const struct file files[] = {
		{ "a", "ListenPort = 40001\nPreUp = false\n" },
		{ "b", "ListenPort = 40001\n" },
		{ "c", "" },
	};

	reload_with(files, ARRAY_SIZE(files), "bcd");
	clean_up();
}
END_TEST

/* The same if c goes away, too, after it was made. */
START_TEST(two_fail)
{
	static const struct file files[] = {
		{ "a", "ListenPort = 40001\nPreUp = false\n" },
		{ "b", "ListenPort = 40001\n" },
		{ "c", "PreUp = false\n" },
	};

	reload_with(files, ARRAY_SIZE(files), "bd");
	clean_up();
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("sim/reload_fails");

	tcase_set_timeout(tc, 0); /* see STUCK_S */
	tcase_add_test(tc, one_makes_room_for_another);
	tcase_add_test(tc, two_fail);
	return tc;
}
