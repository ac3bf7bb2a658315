/* src/demo/stage.c - one process directs the demo: it belongs to no host, enters a host
 * to make a socket there, and runs a tunion on three of them. Signals come through
 * signalfd and only set `stop`. Every wait checks it, so that Ctrl-C at any time leads to
 * the one clean-up at the bottom. */
#include "demo/stage.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "demo/files.h"
#include "demo/node.h"
#include "demo/space.h"
#include "demo/story.h"
#include "plan/plan_make.h"

#define START_NS       (10 * NS_PER_SEC)
#define PROBE_NS       (8 * NS_PER_SEC)
#define PINGS          3
#define TRANSFER_BYTES (UINT64_C(16) << 20)

enum { NODE_PROVIDER, NODE_HOME, NODE_CLIENT, NODE_COUNT }; /* in the order of starting */

struct stage {
	const struct stage_options *options;
	struct diag *diag;
	struct show show;
	struct loop *loop;
	struct loop_source signals;
	struct loop_source reader; /* of `out`; fd -1: it can't be watched */
	bool stop;                 /* a signal asks us to end, or the reader is gone */
	bool reader_gone;
	bool user_namespace; /* we made one; if not, we are root of the system */
	struct world world;
	char dir[64]; /* "" until it is made; short, because socket paths are limited */
	struct node nodes[NODE_COUNT];
	struct witness *uplink, *at_provider, *at_home;
	pid_t residents[WORLD_HOST_COUNT]; /* for --keep: processes to nsenter(1) to */
	uint64_t start_ns;
};

static void on_signal(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct stage *d = CONTAINER_OF(source, struct stage, signals);
	struct signalfd_siginfo info;

	(void)events;
	(void)now_ns;
	if (read(source->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		d->stop = true;
}

static int catch_signals(struct stage *d)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -errno;
	d->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (d->signals.fd < 0)
		return -errno;
	d->signals.ready = on_signal;
	return loop_add(d->loop, &d->signals, EPOLLIN);
}

static void on_reader_gone(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct stage *d = CONTAINER_OF(source, struct stage, reader);

	(void)events;
	(void)now_ns;
	loop_remove(d->loop, source);
	source->fd = -1;
	d->stop = d->reader_gone = true;
}

/* `tunion demo | head` must not leave anything behind. A pipe tells of its reader's end even if
 * nothing is written; a file can't be watched, and needn't be. */
static void watch_reader(struct stage *d)
{
	d->reader = (struct loop_source){ fileno(d->options->out), on_reader_gone };
	if (loop_add(d->loop, &d->reader, 0) < 0)
		d->reader.fd = -1;
}

static int make_dir(struct stage *d)
{
	const char *base = getenv("TMPDIR");
	int n = snprintf(d->dir, sizeof(d->dir), "%s/tunion-demo.XXXXXX",
	                 base && *base ? base : "/tmp");
	int err;

	if (n > 0 && (size_t)n < sizeof(d->dir) && mkdtemp(d->dir))
		return 0;
	err = n < 0 || (size_t)n >= sizeof(d->dir) ? -ENAMETOOLONG : -errno;
	diag_error(d->diag, NULL, 0, "no temporary folder: %s", strerror(-err));
	d->dir[0] = 0;
	return err;
}

static int write_files(struct stage *d)
{
	struct files *f = calloc(1, sizeof(*f));
	int err = f ? files_make(f) : -ENOMEM;

	for (int i = 0; err == 0 && i < NODE_COUNT; i++)
		err = node_init(&d->nodes[i], d->dir,
		                i == NODE_PROVIDER ? WORLD_PROVIDER
		                : i == NODE_HOME   ? WORLD_HOME
		                                   : WORLD_CLIENT,
		                d->diag);
	if (err == 0)
		err = node_write(&d->nodes[NODE_PROVIDER], "server.conf", f->provider,
		                 d->diag);
	if (err == 0)
		err = node_write(&d->nodes[NODE_HOME], "server.conf", f->home, d->diag);
	if (err == 0)
		err = node_write(&d->nodes[NODE_CLIENT], "vpn.conf", f->client_vpn,
		                 d->diag);
	if (err == 0)
		err = node_write(&d->nodes[NODE_CLIENT], "home.conf", f->client_home,
		                 d->diag);
	if (f)
		files_clear(f);
	free(f);
	return err;
}

static int watch(struct stage *d, enum world_host host, const char *interface,
                 struct witness **out)
{
	int err = world_enter(&d->world, host);

	if (err == 0)
		err = witness_new(out, d->loop, interface);
	if (err != 0)
		diag_error(d->diag, NULL, 0, "can't capture on %s of %s: %s", interface,
		           world_host_name(host), strerror(-err));
	return err;
}

static int start_nodes(struct stage *d)
{
	int err = watch(d, WORLD_CLIENT, WORLD_UPLINK, &d->uplink);

	for (int i = 0; err == 0 && i < NODE_COUNT; i++) {
		err = node_start(&d->nodes[i], &d->world, d->loop,
		                 loop_now_ns() + START_NS, &d->stop, d->diag);
		if (err == 0 && i == NODE_PROVIDER)
			err = watch(d, WORLD_PROVIDER, NODE_TUN, &d->at_provider);
		if (err == 0 && i == NODE_HOME)
			err = watch(d, WORLD_HOME, NODE_TUN, &d->at_home);
	}
	return err;
}

/* Shows what tunion plans for the client's files. */
static int tell_plan(struct stage *d)
{
	const char *dir = d->nodes[NODE_CLIENT].conf_dir;
	const struct conf_paths from = { .v = &dir, .n = 1 };
	struct conf_set set = { 0 };
	struct plan_env env = { 0 };
	struct plan plan = { 0 };
	int err = conf_set_read(&set, &from, d->diag);

	if (err == 0)
		err = plan_make(&plan, &set, &env, d->diag);
	if (err == 0) {
		story_plan(&d->show, &plan);
		plan_clear(&plan);
	}
	conf_set_clear(&set);
	return err;
}

static int visit(struct stage *d, const struct story_target *target)
{
	struct story_target t = *target;
	int err = probe_ping(&d->world, WORLD_CLIENT, t.address, PINGS, d->loop,
	                     loop_now_ns() + PROBE_NS, &d->stop, &t.ping);

	if (err == 0 && !d->stop)
		t.transfer_result = probe_transfer(
			&d->world, WORLD_CLIENT, t.host, t.address, TRANSFER_BYTES,
			d->loop, loop_now_ns() + PROBE_NS, &d->stop, &t.transfer);
	if (d->stop)
		return -EINTR;
	if (err != 0)
		diag_error(d->diag, NULL, 0, "can't ping: %s", strerror(-err));
	else
		story_target(&d->show, &t);
	return err;
}

static int play(struct stage *d)
{
	char *json = NULL;
	int err;

	story_opening(&d->show);
	err = start_nodes(d);
	if (err == 0)
		err = tell_plan(d);
	if (err == 0)
		show_heading(&d->show, "real traffic from the client");
	for (size_t i = 0; err == 0 && i < STORY_TARGETS; i++)
		err = visit(d, &story_targets[i]);
	if (err != 0)
		return err;
	story_uplink(&d->show, d->uplink);
	story_inside(&d->show, d->at_provider, d->at_home);
	err = node_status(&d->nodes[NODE_CLIENT], d->loop, &json);
	if (err != 0)
		diag_error(d->diag, NULL, 0,
		           "tunion status does not answer on the client");
	else
		story_devices(&d->show, json);
	free(json);
	return err;
}

/* For those who want to go on with files of their own. */
static void tell_next(const struct stage *d)
{
	show_heading(&d->show, "your own files");
	show_line(&d->show, "put what wg-quick would take into %s (mode 0600); then:",
	          d->options->folder);
	show_line(&d->show,
	          "tunion check              what they do together; changes nothing");
	show_line(&d->show,
	          "sudo tunion up            brings them up; then: sudo tunion status");
	show_line(&d->show, "sudo tunion down          puts the host back as it was");
	show_line(&d->show,
	          "tunion exec DIR -- CMD    only for one command, without root");
}

static void conclude(struct stage *d)
{
	double seconds = (double)(loop_now_ns() - d->start_ns) / 1e9;

	if (d->show.failed == 0)
		show_heading(&d->show, "all %u checks hold, in %.1f s", d->show.checks,
		             seconds);
	else
		show_heading(&d->show, "%u of %u checks FAILED, in %.1f s",
		             d->show.failed, d->show.checks, seconds);
	tell_next(d);
}

/* Starts a process that does nothing but be in a host until it, or we, are ended. */
static pid_t settle_resident(const struct stage *d, enum world_host host)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && setpgid(0, 0) == 0 &&
	    world_enter(&d->world, host) == 0)
		for (;;)
			pause();
	_exit(1);
}

static void stay(struct stage *d)
{
	const char *how = d->user_namespace ? "--preserve-credentials -U -n" : "-n";

	show_heading(&d->show, "the hosts stay until Ctrl-C; to enter one:");
	for (unsigned i = 0; i < WORLD_HOST_COUNT; i++) {
		d->residents[i] = settle_resident(d, (enum world_host)i);
		if (d->residents[i] > 0)
			show_line(&d->show, "%-9s nsenter %s -t %d",
			          world_host_name((enum world_host)i), how,
			          (int)d->residents[i]);
	}
	show_line(&d->show, "in the client, try: ping %s; tcpdump -ni %s",
	          WORLD_LAN_ADDRESS, WORLD_UPLINK);
	show_line(&d->show, "anywhere: tunion status --run-dir %s",
	          d->nodes[NODE_CLIENT].run_dir);
	while (!d->stop)
		if (loop_wait(d->loop, NEVER_NS) != 0)
			return;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path) == 0 ? 0 : -1;
}

static void clean_up(struct stage *d)
{
	d->stop = false;
	for (unsigned i = 0; i < WORLD_HOST_COUNT; i++)
		if (d->residents[i] > 0)
			kill(d->residents[i], SIGKILL);
	for (int i = NODE_COUNT - 1; i >= 0; i--)
		node_stop(&d->nodes[i], d->loop);
	witness_free(d->uplink);
	witness_free(d->at_provider);
	witness_free(d->at_home);
	world_clear(&d->world);
	if (d->dir[0] && nftw(d->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0)
		diag_warning(d->diag, NULL, 0, "%s could not be removed: %s", d->dir,
		             strerror(errno));
	if (d->reader.fd >= 0)
		loop_remove(d->loop, &d->reader);
	if (d->signals.fd >= 0) {
		loop_remove(d->loop, &d->signals);
		close(d->signals.fd);
	}
	loop_free(d->loop);
}

int stage_run(const struct stage_options *options, struct diag *diag)
{
	struct stage d = { .options = options,
		           .diag = diag,
		           .show = { .out = options->out, .color = options->color },
		           .signals.fd = -1,
		           .reader.fd = -1,
		           .start_ns = loop_now_ns() };
	int err;

	for (unsigned i = 0; i < WORLD_HOST_COUNT; i++)
		d.world.ns[i] = -1;
	err = loop_new(&d.loop);
	if (err != 0)
		return err;
	watch_reader(&d);
	err = catch_signals(&d);
	if (err == 0)
		err = space_enter(&d.user_namespace, diag);
	if (err == 0)
		err = world_build(&d.world, diag);
	if (err == 0)
		err = make_dir(&d);
	if (err == 0)
		err = write_files(&d);
	if (err == 0)
		err = play(&d);
	if (err == 0)
		conclude(&d);
	if (err == 0 && options->keep)
		stay(&d);
	if (err == 0 && d.show.failed > 0)
		err = -EIO;
	clean_up(&d);
	if (d.reader_gone || ferror(options->out))
		err = -EPIPE;
	return err;
}
