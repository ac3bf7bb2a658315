/* tests/sim/test_supervisor.c
 *
 * The whole supervisor over a fake host, a fake worker in a process of its own, and files in
 * a real directory, in virtual time. A seed makes a script: files change, the worker dies,
 * refuses, is silent or says what it likes, the host fails, the network changes, clients ask.
 * When all has settled, host and worker must be as the files want it, and after the end
 * nothing may be left. At no moment may a packet leave in the clear (wire.h). In some scripts the worker is one that has been taken over: then it
 * is enough that clients are answered, and that nothing is left.
 *
 * TUNION_SIM_SEEDS=N runs so many scripts, TUNION_SIM_SEED=N that one, with its story. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "askers.h"
#include "channel/command.h"
#include "expected.h"
#include "fake_host.h"
#include "fake_kernel.h"
#include "fake_loop.h"
#include "fake_udp.h"
#include "fake_worker.h"
#include "in_force.h"
#include "io/udp.h"
#include "netlink/monitor.h"
#include "sim_dirs.h"
#include "story.h"
#include "supervisor/supervisor.h"
#include "tunnel_files.h"
#include "wire.h"

#define SEEDS      40 /* of one `make check` */
#define STEPS      14
#define SETTLE_NS  (130 * NS_PER_SEC) /* longer than all that waits */
#define SILENCE_MS 60
#define DEATHS_MAX 9 /* of the worker between two checks: the last ones need a pause */
#define ROUNDS_MAX 20000
#define TAKEN_PORT 40003 /* at times by another program */
#define STUCK_S    60

enum phase {
	PHASE_UP,
	PHASE_SERVE,
	PHASE_ENDING, /* somebody has asked for the end */
	PHASE_DOWN,
};

struct sim {
	uint64_t seed, random;
	struct sim_dirs dirs;
	struct tunnel_files files;
	struct log log;
	struct supervisor *supervisor;
	enum phase phase;
	unsigned step;
	uint64_t settled_ns; /* nothing more is done before */
	uint64_t synced_wait;
	uint64_t rounds_begin;
	bool check_due;
	bool disturbed; /* what has failed by script is done again by a reload */
	bool unsure;    /* the worker may not be as it was told */
	bool raves;     /* in this script the worker has been taken over */
	unsigned deaths;
	bool port_touched[TUNNEL_FILES];
	bool down_may_fail;
	int expected_end;
	bool left_closed;
	unsigned last_deaths; /* so often the worker dies yet, which ends nothing */
	bool away;            /* the directory of the files has another name */
	int port_taken[2];    /* by another program; -1: not */
	int fds_at_rest;      /* of the supervisor, without its devices'; -1: not known */
};

static struct sim sim;

static void stuck(int signal_number)
{
	(void)signal_number;
	story_print();
	fprintf(stderr, "stuck\n");
	_exit(1);
}

/* ---- chance */

static unsigned below(unsigned n)
{
	return (unsigned)(unit_random(&sim.random) % n);
}

static bool one_in(unsigned n)
{
	return below(n) == 0;
}

static struct tunnel_file *any_file(void)
{
	return &sim.files.v[below(TUNNEL_FILES)];
}

static int count_fds(void)
{
	return sim_dirs_fds() - fake_host_own_count(); /* one for each tun */
}

/* ---- all is as it should be */

/* By another program, or by another device that was given it by wg. */
static bool port_is_taken(const struct tunnel_version *v, const struct answers *a)
{
	if (!v || !v->conf->listen_port)
		return false;
	for (size_t i = 0; i < TUNNEL_FILES; i++)
		if (sim.port_touched[i] && sim.files.v[i].name[0] != v->conf->name[0] &&
		    expected_port(a, sim.files.v[i].name) == v->conf->listen_port)
			return true;
	return v->conf->listen_port == TAKEN_PORT && sim.port_taken[0] >= 0;
}

static bool port_moved(const char *name)
{
	return sim.port_touched[name[0] - 'a'];
}

/* What it knows of ports and endpoints is what the worker has said. */
static void check_raving(void)
{
	struct in_force f = in_force_read(&sim.files);
	int fds;

	tell("check");
	askers_check(false);
	fds = count_fds();
	for (size_t i = 0; i < TUNNEL_FILES; i++)
		fds -= f.v[i] ? EXPECTED_DEVICE_FDS : 0;
	if (sim.fds_at_rest < 0)
		sim.fds_at_rest = fds;
	REQUIRE(fds == sim.fds_at_rest);
}

static void check_all(void)
{
	static struct answers a;
	struct in_force f = in_force_read(&sim.files);
	struct conf *room[TUNNEL_FILES];
	struct plan plan;
	int fds;

	tell("check");
	askers_check(false);
	REQUIRE(fake_host.fault[0] == '\0');
	REQUIRE(fake_worker_ask("dump", a.dump, sizeof(a.dump)));
	REQUIRE(in_force_plan(&f, &plan, &a, room));
	in_force_check(&f, &sim.files, port_is_taken, &a);
	in_force_check_up(&f, &sim.files);
	for (size_t i = 0; i < TUNNEL_FILES; i++)
		sim.port_touched[i] = sim.port_touched[i] && f.v[i];
	expected_check_worker(&plan, &a, port_moved);
	expected_check_host(&plan);
	fds = count_fds() - (int)(EXPECTED_DEVICE_FDS * plan.device_count);
	if (sim.fds_at_rest < 0)
		sim.fds_at_rest = fds;
	REQUIRE(fds == sim.fds_at_rest);
	plan_clear(&plan);
}

static void check_wire(void)
{
	/* otherwise a change is not done yet */
	if (fake_host.hooks == 0 && !sim.left_closed)
		wire_check(&sim.files);
}

/* ---- steps of the script */

static bool ask_worker(const char *fmt, ...) PRINTF_LIKE(1, 2);

static bool ask_worker(const char *fmt, ...)
{
	char request[300], answer[64];
	va_list args;

	va_start(args, fmt);
	vsnprintf(request, sizeof(request), fmt, args);
	va_end(args);
	if (strcmp(request, "sync") != 0)
		tell("the worker is asked to %s", request);
	if (!fake_worker_ask(request, answer, sizeof(answer)))
		return false;
	if (answer[0])
		return true;
	/* It dies: wait for it, and leave it to the supervisor. One that was killed may leave a
	 * helper of the leak sanitizer behind, which keeps its socket for a moment. */
	return waitid(P_ALL, 0, &(siginfo_t){ 0 }, WEXITED | WNOWAIT) == 0;
}

static void change_files(void)
{
	struct tunnel_file *file = any_file(), *other = any_file();

	switch (below(8)) {
	case 0:
		tell("%s is removed", file->name);
		tunnel_file_remove(file);
		break;
	case 1:
		tell("%s is broken", file->name);
		tunnel_file_break(&sim.files, file);
		break;
	case 2:
		tell("%s is renamed to %s", file->name, other->name);
		if (file != other)
			tunnel_file_rename(file, other);
		break;
	case 3:
		tell("%s is touched", file->name);
		tunnel_file_touch(file);
		break;
	default:
		tell("%s is written", file->name);
		tunnel_file_write(&sim.files, file);
	}
}

/* As if a peer of the file spoke, or its owner by wg. */
static void say(enum command_type type)
{
	const struct tunnel_file *file = any_file();
	const struct tunnel_version *v = in_force_find(&sim.files, file->name);
	char key[KEY_HEX_CHARS + 1] =
		"0000000000000000000000000000000000000000000000000000000000000000";
	unsigned peers = v ? (unsigned)v->conf->peer_count : 0;
	const struct conf_peer *peer = peers > 0 ? &v->conf->peers[below(peers)] : NULL;

	if (peer)
		key_to_hex(key, peer->public_key);
	/* of one without Endpoint the files don't tell that it was set, and not learned */
	if (type == COMMAND_ENDPOINT_SET && peer && peer->endpoint.addr.family == IP_NONE)
		type = COMMAND_ENDPOINT;
	if (type == COMMAND_PORT_WANTED) {
		sim.port_touched[file - sim.files.v] = true;
		sim.disturbed = true; /* the one that it had is free for others */
	}
	ask_worker("say %d %s %s %s%u:%u %u", (int)type, file->name, key,
	           one_in(2) ? "172.16.1." : "192.0.2.", 1 + below(4), 1 + below(3),
	           one_in(2) ? 0 : 40000 + below(4));
}

static void let_worker_speak(void)
{
	static const enum command_type types[] = {
		COMMAND_ENDPOINT,    COMMAND_ENDPOINT,     COMMAND_UNANSWERED,
		COMMAND_PORT_WANTED, COMMAND_MARK_WANTED,  COMMAND_LOG,
		COMMAND_PATH_NEWS,   COMMAND_ENDPOINT_SET,
	};

	if (sim.raves && sim.deaths < DEATHS_MAX) {
		sim.deaths++;
		ask_worker("rave %u 30", below(UINT32_MAX));
		return;
	}
	say(types[below(ARRAY_SIZE(types))]);
}

static void hurt_worker(void)
{
	unsigned kind = below(8);

	sim.disturbed = true;
	if (kind < 5 && sim.deaths++ >= DEATHS_MAX)
		return;
	if (sim.raves && kind < 5) {
		ask_worker("rave %u 30", below(UINT32_MAX));
		return;
	}
	if (kind == 0 && one_in(3))
		ask_worker("garbage");
	else if (kind == 0)
		say(one_in(2) ? COMMAND_TUN : COMMAND_REPLY);
	else if (kind < 3)
		ask_worker("%s %u", one_in(2) ? "die" : "exit",
		           one_in(2) ? 0 : below(12));
	else if (kind < 5)
		ask_worker("refuse %u",
		           (unsigned)COMMAND_TUN + below(COMMAND_STATUS - 1));
	else if (kind == 5)
		ask_worker("swallow");
	else
		ask_worker("stop");
	sim.unsure |= kind >= 3 && kind <= 5;
}

static void hurt_host(void)
{
	unsigned call = FAKE_HOST_FILE_ADDED + below(3);

	sim.disturbed = true;
	if (one_in(3)) {
		fake_kernel_refuse(1 + below(12));
	} else if (one_in(3)) {
		fake_kernel_refuse_removal(1 + below(12));
	} else {
		tell("call %u of the host will fail", call);
		fake_host.failures[call] = 1;
	}
}

static void change_network(void)
{
	static const uint32_t mtus[] = { 0, 1500, 1400, 1280 };
	unsigned bits = MONITOR_NETWORK;

	if (one_in(2)) {
		fake_host.path_mtu = mtus[below(ARRAY_SIZE(mtus))];
		fake_host.reach6 = one_in(2) ? HOST_REACH_GOOD : HOST_REACH_NONE;
		bits |= one_in(2) ? MONITOR_SOURCES : 0;
	} else {
		bits = MONITOR_OURS;
		fake_host.missing = below(4);
	}
	tell("the network changes: bits %u, MTU %u, %zu missing", bits,
	     (unsigned)fake_host.path_mtu, fake_host.missing);
	fake_host_network_changed(bits);
}

static void change_sockets(void)
{
	struct endpoint taken = { .port = TAKEN_PORT };

	if (one_in(2)) {
		tell("the next socket is refused");
		fake_udp.failures = 1;
		sim.disturbed = true;
	} else if (sim.port_taken[0] >= 0) {
		tell("another program leaves port 40003");
		close(sim.port_taken[0]);
		close(sim.port_taken[1]);
		sim.port_taken[0] = -1;
		sim.fds_at_rest -= sim.fds_at_rest >= 0 ? 2 : 0;
		sim.disturbed = true;
	} else if (udp_open(sim.port_taken, &taken, 0) == 0) {
		tell("another program takes port 40003");
		sim.fds_at_rest += sim.fds_at_rest >= 0 ? 2 : 0;
	}
}

static void ask_something(void)
{
	static const char *const requests[] = { "status", "status", "reload", "reload",
		                                "nonsense" };

	askers_ask(requests[below(ARRAY_SIZE(requests))]);
}

/* Only for one step, as the files are changed by their paths. */
static void move_directory(void)
{
	char other[90];

	snprintf(other, sizeof(other), "%s.away", sim.dirs.conf);
	sim.away = !sim.away;
	tell("the directory is %s", sim.away ? "gone" : "back");
	REQUIRE(rename(sim.away ? sim.dirs.conf : other,
	               sim.away ? other : sim.dirs.conf) == 0);
	sim.disturbed = true;
}

static void do_step(void)
{
	if (sim.away || one_in(20)) {
		move_directory();
		return;
	}
	switch (below(12)) {
	case 0:
	case 1:
		hurt_worker();
		break;
	case 2:
		hurt_host();
		break;
	case 3:
		change_network();
		break;
	case 4:
		change_sockets();
		break;
	case 5:
		ask_something();
		break;
	case 6:
	case 7:
		let_worker_speak();
		break;
	default:
		change_files();
	}
}

static void end_it(void)
{
	if (sim.away)
		move_directory();
	sim.phase = PHASE_ENDING;
	switch (below(8)) {
	case 0:
		tell("SIGTERM");
		kill(getpid(), SIGTERM);
		break;
	case 1:
	case 5:
		sim.expected_end = -ENODEV;
		fake_host.tun_is_gone = true;
		ask_worker("say %d - - - 0", (int)COMMAND_TUN_LOST);
		break;
	case 2:
		fake_host.failures[FAKE_HOST_PRE_DOWN] = 1; /* once refused */
		sim.down_may_fail = true;
		askers_ask("down");
		break;
	case 3:
		sim.last_deaths = 8;
		sim.deaths = DEATHS_MAX;
		break;
	case 4:
		ask_worker("stop");
		askers_ask("down");
		break;
	default:
		askers_ask("down");
	}
}

/* All that the script has made fail goes well from now on, and is tried again. */
static void repair(void)
{
	tell("repair");
	memset(fake_host.failures, 0, sizeof(fake_host.failures));
	fake_kernel_refuse(0);
	fake_udp.failures = 0;
	if (sim.away)
		move_directory();
	if (ask_worker("calm") && sim.unsure)
		ask_worker("die 0");
	askers_ask("reload");
	sim.disturbed = sim.unsure = false;
	sim.settled_ns = fake_loop.now_ns + SETTLE_NS;
}

static void next_step(void)
{
	if (sim.phase == PHASE_ENDING && sim.last_deaths > 0) {
		(void)ask_worker("die 0");
		if (--sim.last_deaths == 0)
			askers_ask("down");
		return;
	}
	if (sim.phase == PHASE_ENDING) {
		/* refused, or the worker who was to say it was not there */
		REQUIRE(sim.down_may_fail || sim.expected_end);
		sim.down_may_fail = false;
		sim.expected_end = 0;
		kill(getpid(), SIGTERM);
		return;
	}
	sim.rounds_begin = fake_loop.waits;
	if (sim.step++ == STEPS) {
		end_it();
		sim.settled_ns = fake_loop.now_ns + SETTLE_NS;
		return;
	}
	do_step();
	sim.check_due = one_in(2) || sim.step == STEPS;
	sim.settled_ns =
		fake_loop.now_ns + (sim.check_due ? SETTLE_NS : below(600) * NS_PER_MS);
}

/* ---- what the supervisor's loop finds when nothing is ready */

static void idle(void *context, uint64_t deadline_ns)
{
	(void)context;
	REQUIRE(fake_loop.waits - sim.rounds_begin < ROUNDS_MAX);
	if (sim.synced_wait != fake_loop.waits) {
		sim.synced_wait = fake_loop.waits;
		(void)ask_worker("sync");
		return;
	}
	askers_read();
	check_wire();
	if (sim.phase == PHASE_UP || deadline_ns < sim.settled_ns) {
		REQUIRE(deadline_ns != NEVER_NS);
		fake_loop.now_ns = deadline_ns;
		return;
	}
	if (fake_loop.now_ns < sim.settled_ns)
		fake_loop.now_ns = sim.settled_ns;
	if (sim.check_due && sim.disturbed) {
		repair();
		return;
	}
	if (sim.check_due && sim.phase == PHASE_SERVE)
		sim.raves ? check_raving() : check_all();
	if (sim.check_due)
		sim.deaths = 0;
	sim.check_due = false;
	next_step();
}

/* The worker dies, and the hook ends only when there is another one. Returns -1 if that can't
 * be waited for, as a pause before it would be in virtual time. */
static int await_another_worker(void)
{
	int fd = sim.raves || sim.deaths > 1 ? -1 : inotify_init1(IN_CLOEXEC);

	if (fd < 0)
		return -1;
	REQUIRE(inotify_add_watch(fd, sim.dirs.top, IN_CREATE) >= 0);
	sim.deaths++;
	sim.disturbed = true;
	if (ask_worker("die 0"))
		return fd;
	close(fd);
	return -1;
}

/* While a hook runs, others go on. */
static void hook(void *context, int *fd)
{
	const struct itimerspec soon = { .it_value = { .tv_nsec = 1000000 } };

	(void)context;
	if (one_in(3)) {
		*fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
		timerfd_settime(*fd, 0, &soon, NULL);
	}
	if (one_in(4))
		let_worker_speak();
	if (one_in(4))
		ask_something();
	if (one_in(30))
		hurt_worker();
	if (one_in(8) && *fd < 0)
		*fd = await_another_worker();
}

/* ---- one script */

static void begin(uint64_t seed)
{
	story_begin(seed);
	sim = (struct sim){ .seed = seed, .random = seed, .fds_at_rest = -1 };
	sim.port_taken[0] = sim.port_taken[1] = -1;
	sim.raves = one_in(4);
	sim.log = (struct log){ LOG_LEVEL_DEBUG, story_log, NULL };
	fake_host_reset();
	wire_begin();
	fake_host.hook = hook;
	fake_host.changed = check_wire;
	fake_loop = (struct fake_loop){ .now_ns = 1000 * NS_PER_SEC, .idle = idle };
	fake_udp = (struct fake_udp){ .owner = getpid() };
	sim_dirs_make(&sim.dirs);
	askers_begin(sim.dirs.socket);
	fake_worker_set_path(sim.dirs.worker);
	tunnel_files_init(&sim.files, sim.dirs.conf, &sim.random);
	for (unsigned n = 1 + below(3); n > 0; n--)
		tunnel_file_write(&sim.files, any_file());
}

/* True: it is up. */
static bool bring_up(void)
{
	const char *paths[] = { sim.dirs.conf };
	const struct supervisor_options options = { .tun = "tun9",
		                                    .run_dir = sim.dirs.run,
		                                    .paths = paths,
		                                    .path_count = 1,
		                                    .log = &sim.log,
		                                    .worker = fake_worker_entry,
		                                    .silence_ms = SILENCE_MS,
		                                    .foreground = true };
	struct diag diag = { 0 };
	bool taken = one_in(8) && sim_dirs_take_socket(&sim.dirs);
	int err;

	if (one_in(4))
		fake_host.failures[below(3)] = 1;
	fake_kernel_refuse(one_in(8) ? 1 + below(20) : 0);
	fake_udp.failures = one_in(10);
	err = supervisor_up(&sim.supervisor, &options, &diag);
	REQUIRE(!taken || rmdir(sim.dirs.socket) == 0);
	tell("up: %d", err);
	for (size_t i = 0; i < diag.count; i++)
		tell("  %s", diag.entries[i].text);
	REQUIRE((err == 0) == (sim.supervisor != NULL));
	REQUIRE(err == 0 || diag.errors > 0);
	diag_clear(&diag);
	return err == 0;
}

static void serve_and_end(void)
{
	struct diag diag = { 0 };
	int err;

	sim.phase = PHASE_SERVE;
	sim.disturbed = true;
	sim.settled_ns = fake_loop.now_ns + SETTLE_NS;
	sim.check_due = true;
	err = supervisor_serve(sim.supervisor);
	tell("serve: %d", err);
	REQUIRE(sim.phase == PHASE_ENDING);
	REQUIRE(err == sim.expected_end || err == 0);
	sim.phase = PHASE_DOWN;
	supervisor_down(sim.supervisor, &diag);
	diag_clear(&diag);
	sim.left_closed = err == -ENODEV; /* the tun was lost: nothing is undone */
	askers_check(true);
}

/* All was left as after a kill. The next one comes up, or fails, and `down` follows. */
static void start_again(void)
{
	struct diag not_told = { 0 };

	REQUIRE(wire_stayed_closed());
	fake_host_kill();
	if (bring_up()) {
		sim.left_closed = false;
		check_wire();
		supervisor_down(sim.supervisor, &not_told);
		diag_clear(&not_told);
	} else {
		fake_host_kill();
		fake_host_clear_up(sim.dirs.run);
	}
}

static void run_script(uint64_t seed)
{
	int fds = count_fds();
	sigset_t before;

	sigprocmask(SIG_SETMASK, NULL, &before);
	alarm(STUCK_S);
	begin(seed);
	if (bring_up())
		serve_and_end();
	askers_end();
	if (sim.left_closed)
		start_again();
	REQUIRE(fake_host_has_ended());
	for (int i = 0; i < 2; i++)
		if (sim.port_taken[0] >= 0)
			close(sim.port_taken[i]);
	tunnel_files_clear(&sim.files);
	sim_dirs_remove(&sim.dirs);
	sigprocmask(SIG_SETMASK, &before, NULL);
	REQUIRE(count_fds() == fds);
	alarm(0);
}

START_TEST(host_and_worker_follow_the_files)
{
	uint64_t n = unit_number("TUNION_SIM_SEEDS", SEEDS), state = unit_seed();

	signal(SIGALRM, stuck);
	signal(SIGPIPE, SIG_IGN);
	if (getenv("TUNION_SIM_SEED")) {
		run_script(unit_number("TUNION_SIM_SEED", 0));
		story_print();
		return;
	}
	for (uint64_t i = 0; i < n; i++)
		run_script(unit_random(&state));
	printf("%" PRIu64 " scripts, %lu packets: none in the clear\n", n,
	       wire_packets());
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("sim/supervisor");

	tcase_set_timeout(tc, 0); /* see STUCK_S */
	tcase_add_test(tc, host_and_worker_follow_the_files);
	return tc;
}
