/* src/supervisor/drop_in.c - a supervisor with a plan of one device, and nothing on the host
 *
 * The device is alone in the union, so its AllowedIPs decide about each packet of the tun. If
 * the worker dies, another one takes its place, but what wg has set is lost. The tun and
 * the routes to it stay, so that nothing leaves in the clear. */
#include "supervisor/drop_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/ending.h"
#include "base/ifname.h"
#include "base/process.h"
#include "host/gso_max.h"
#include "instance/instance.h"
#include "io/loop.h"
#include "io/tun.h"
#include "io/tun_open.h"
#include "plan/plan_make.h"
#include "supervisor/configure.h"
#include "supervisor/end_signals.h"
#include "supervisor/keeper.h"
#include "supervisor/link_watch.h"
#include "supervisor/talk.h"

#define MTU_BYTES 1420 /* as in wireguard-go, until somebody sets another one */

/* An earlier one whose interface was removed needs a moment to end. */
#define SOCKET_TRIES 200
#define SOCKET_PAUSE                                                                     \
	{                                                                                \
		0, 10 * NS_PER_MS                                                        \
	}

struct drop_in {
	struct log log;
	struct ending ending;
	char name[IFNAME_MAX + 1];
	struct instance instance; /* not locked; only knows where the socket belongs */
	char *socket_path;        /* owned */
	struct stat socket;       /* all zeroes: it isn't there yet */
	struct tunnels tunnels;
	struct host_place place;
	int tun_fd;  /* owned; place has it, too */
	int uapi_fd; /* owned, until the tunnel has it; -1: none was given */
	struct hosts hosts;
	struct keeper keeper;
	struct keeper_events keeper_events;
	struct talk talk;
	struct loop *loop; /* owned */
	struct end_signals signals;
	struct loop_source removal;
	struct link_watch link;
};

/* ---- what ends it */

/* Is the socket in the file system still ours? */
static bool has_socket(const struct drop_in *d)
{
	struct stat now;

	return d->socket.st_ino != 0 && lstat(d->socket_path, &now) == 0 &&
	       now.st_ino == d->socket.st_ino && now.st_dev == d->socket.st_dev;
}

static void removal_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct drop_in *d = CONTAINER_OF(source, struct drop_in, removal);
	char said[4096];

	(void)events;
	(void)now_ns;
	(void)!read(source->fd, said, sizeof(said));
	if (has_socket(d))
		return;
	log_info(&d->log, d->name, "%s was removed", d->socket_path);
	ending_want(&d->ending, 0);
}

/* While the worker has the socket, a removal of its name only changes the number of its
 * links. */
static int watch_socket(struct drop_in *d)
{
	d->removal.ready = removal_ready;
	d->removal.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (d->removal.fd < 0 ||
	    inotify_add_watch(d->removal.fd, d->socket_path,
	                      IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF) < 0)
		return -errno;
	return loop_add(d->loop, &d->removal, EPOLLIN);
}

static void tun_gone(void *context)
{
	struct drop_in *d = context;

	if (!d->ending.wanted)
		log_info(&d->log, d->name, "the interface was removed");
	ending_want(&d->ending, 0);
}

/* ---- the interface, which others configure */

static int tell_mtu(struct drop_in *d)
{
	struct plan_device *device = &d->tunnels.plan.devices[0];

	if (device->mtu_bytes == d->link.link.mtu_bytes)
		return 0;
	device->mtu_bytes = d->link.link.mtu_bytes;
	gso_max_set(d->link.nl, d->link.link.ifindex, device->mtu_bytes);
	return configure_settings(&d->keeper.worker, device);
}

static int tell_whether_up(struct drop_in *d)
{
	struct command m = command_of(
		d->link.link.up ? COMMAND_DEVICE_START : COMMAND_DEVICE_STOP, d->name);

	if (d->keeper.stopped != d->link.link.up)
		return 0;
	d->keeper.stopped = !d->link.link.up;
	return worker_child_send(&d->keeper.worker, &m);
}

static void link_changed(void *context)
{
	struct drop_in *d = context;

	log_debug(&d->log, d->name, "is %s, its MTU is %u",
	          d->link.link.up ? "up" : "down", d->link.link.mtu_bytes);
	if (tell_mtu(d) < 0 || tell_whether_up(d) < 0)
		ending_want(&d->ending, -ENOMEM);
}

static void network_changed(void *context)
{
	struct drop_in *d = context;
	struct command m = command_of(COMMAND_NETWORK_CHANGED, NULL);

	if (worker_child_send(&d->keeper.worker, &m) < 0)
		ending_want(&d->ending, -ENOMEM);
}

/* ---- the worker */

/* Endpoints, and what else is about the network, matter to no rule of ours. */
static int handle(void *context, struct command *m)
{
	struct drop_in *d = context;

	if (m->type == COMMAND_LOG || m->type == COMMAND_PORT_WANTED ||
	    m->type == COMMAND_MARK_WANTED ||
	    !permit_now(&d->keeper.worker.permit, m->type))
		return talk_handle(&d->talk, m);
	if (m->type != COMMAND_TUN_LOST)
		return 0;
	if (!tun_is_gone(d->tun_fd))
		return -EPROTO; /* who has taken it over could open the host by this */
	tun_gone(d);
	return 0;
}

/* Called in a forked child, where our descriptors are already closed. */
static void forget(void *context)
{
	struct drop_in *d = context;

	channel_clear(&d->keeper.worker.channel);
	permit_clear(&d->keeper.worker.permit);
	netlink_free(d->link.nl);
	loop_free(d->loop);
	tunnels_forget(&d->tunnels, NULL);
	hosts_forget(&d->hosts);
	instance_forget(&d->instance);
	free(d->socket_path);
	free(d);
}

static void restarted(void *context)
{
	const struct drop_in *d = context;

	log_error(
		&d->log, d->name,
		"what wg had set is lost with the old worker process, and nothing gets through until it is set again: see wg setconf");
}

static void answers_again(void *context)
{
	(void)context; /* everything that it was asked is still in its channel */
}

static void connect_parts(struct drop_in *d, const struct drop_in_options *o)
{
	const struct link_watch_events events = { link_changed, tun_gone, network_changed,
		                                  d };

	link_watch_init(&d->link, &events);
	d->keeper_events = (struct keeper_events){ forget, restarted, answers_again, d };
	d->keeper = (struct keeper){
		.worker = { .channel.fd = -1,
		            .interrupt_fd = -1,
		            .silence_ms = WORKER_SILENCE_MS,
		            .end_ms = WORKER_END_MS,
		            .entry = o->worker,
		            .handle = handle,
		            .context = d },
		.options = { d->log.level, false, NULL },
		.keep_stderr = o->foreground && BUILT_WITH_SANITIZERS,
		.log = &d->log,
		.ending = &d->ending,
		.tunnels = &d->tunnels,
		.events = &d->keeper_events,
		.hosts = &d->hosts,
		.stopped = true,
	};
	d->talk = (struct talk){ .log = &d->log,
		                 .tun = d->name,
		                 .ending = &d->ending,
		                 .keeper = &d->keeper,
		                 .tunnels = &d->tunnels };
	d->place = host_place_nowhere();
	d->signals = (struct end_signals){ .source.fd = -1, .ending = &d->ending };
	d->removal.fd = d->instance.lock_fd = d->instance.listen_fd = -1;
}

/* ---- up */

/* What there would be with an empty file. */
static int make_plan(struct drop_in *d, struct diag *diag)
{
	const struct plan_env env = { .tun = d->name, .one_tun = true };
	struct conf_set *files = &d->tunnels.files;
	struct conf *conf = calloc(1, sizeof(*conf));
	int err;

	files->v = calloc(1, sizeof(*files->v));
	if (conf)
		conf->name = strdup(d->name);
	if (!files->v || !conf || !conf->name) {
		conf_free(conf);
		diag_error(diag, NULL, 0, "out of memory");
		return -ENOMEM;
	}
	files->v[files->n++] = conf;
	err = plan_make(&d->tunnels.plan, files, &env, diag);
	return err ? err : tunnels_make(&d->tunnels);
}

static int make_tun(struct drop_in *d, struct diag *diag)
{
	const struct host_options options = { .tun = d->name, .place = &d->place };
	int err = d->tun_fd >= 0 ? 0 : tun_open(&d->tun_fd, d->name, true, diag);

	d->place.tun_fd = d->tun_fd;
	if (!err)
		err = hosts_new(&d->hosts, &options, diag);
	if (err)
		return err;
	err = link_watch_begin(&d->link, d->name, d->loop);
	if (!err)
		err = netlink_link_set_mtu(d->link.nl, d->link.link.ifindex, MTU_BYTES);
	if (err) {
		diag_error(diag, NULL, 0, "the interface %s can't be used: %s", d->name,
		           strerror(-err));
		return err;
	}
	/* if this fails, there is no IPv6, and nothing to keep quiet */
	(void)!netlink_link_set_quiet(d->link.nl, d->link.link.ifindex);
	return netlink_link_get(d->link.nl, d->link.link.ifindex, &d->link.link);
}

static int listen_uapi(struct drop_in *d, int *fd, struct diag *diag)
{
	const struct timespec pause = SOCKET_PAUSE;
	struct diag not_told = { 0 };
	int err = -EEXIST;

	for (int i = 0; err == -EEXIST && i < SOCKET_TRIES; i++) {
		if (i > 0)
			nanosleep(&pause, NULL);
		diag_clear(&not_told);
		err = instance_listen_uapi(&d->instance, d->name, fd, &not_told);
	}
	diag_move(diag, &not_told);
	return err;
}

static int open_sockets(struct drop_in *d, struct diag *diag)
{
	struct tunnel *t = &d->tunnels.v[0];
	bool given = d->uapi_fd >= 0;
	int err = 0;

	t->uapi_fd = d->uapi_fd;
	d->uapi_fd = -1;
	if (!given)
		err = listen_uapi(d, &t->uapi_fd, diag);
	if (!err && !given)
		(void)!lstat(d->socket_path, &d->socket); /* the end removes it */
	if (!err)
		err = tunnel_open_udp(t, 0, NULL, diag);
	if (err)
		return err;
	if (lstat(d->socket_path, &d->socket) == 0)
		err = watch_socket(d);
	else if (!given) /* somebody is very fast */
		err = -errno;
	if (err)
		diag_error(diag, NULL, 0, "%s can't be watched: %s", d->socket_path,
		           strerror(-err));
	return err;
}

static int start_devices(struct drop_in *d, struct diag *diag)
{
	int err = keeper_make_devices(&d->keeper);

	if (!err)
		err = keeper_complete_devices(&d->keeper);
	if (err)
		worker_child_explain(&d->keeper.worker, err, diag);
	return err;
}

static int begin(struct drop_in *d, struct diag *diag)
{
	int err = keeper_start(&d->keeper); /* while there is nothing to inherit */

	if (!err)
		err = loop_new(&d->loop);
	if (!err)
		err = end_signals_block(&d->signals);
	d->keeper.worker.interrupt_fd = d->signals.source.fd;
	if (!err)
		err = end_signals_start(&d->signals, d->loop);
	if (err)
		diag_error(diag, NULL, 0, "can't start: %s", strerror(-err));
	d->keeper.loop = d->loop;
	return err;
}

static int bring_up(struct drop_in *d, struct diag *diag)
{
	int err = instance_init(&d->instance, NULL, d->name, diag);

	if (!err) {
		d->socket_path = instance_uapi_path(&d->instance, d->name);
		err = d->socket_path ? begin(d, diag) : -ENOMEM;
	}
	if (!err)
		err = make_plan(d, diag);
	if (!err)
		err = make_tun(d, diag);
	if (!err) {
		d->tunnels.plan.devices[0].mtu_bytes = d->link.link.mtu_bytes;
		gso_max_set(d->link.nl, d->link.link.ifindex, d->link.link.mtu_bytes);
		d->keeper.stopped = !d->link.link.up;
		err = open_sockets(d, diag);
	}
	return err ? err : start_devices(d, diag);
}

int drop_in_up(struct drop_in **out, const struct drop_in_options *options,
               struct diag *diag)
{
	struct drop_in *d = calloc(1, sizeof(*d));
	int err = 0;

	*out = NULL;
	if (!d)
		return -ENOMEM;
	d->log = *options->log;
	connect_parts(d, options);
	d->tun_fd = options->tun_fd;
	d->uapi_fd = options->uapi_fd;
	process_raise_limits();
	if (d->tun_fd >= 0)
		err = tun_name(d->tun_fd, d->name, diag);
	else if (ifname_valid(options->name))
		strncpy(d->name, options->name, IFNAME_MAX);
	else
		err = -EINVAL;
	if (err == -EINVAL && d->tun_fd < 0)
		diag_error(
			diag, NULL, 0,
			"%s can't be the name of an interface: 1 to 15 characters of A-Z a-z 0-9 _ = + . - are expected",
			options->name);
	if (!err)
		err = bring_up(d, diag);
	if (err)
		drop_in_down(d);
	else
		*out = d;
	return err;
}

const char *drop_in_name(const struct drop_in *d)
{
	return d->name;
}

/* ---- serve, and down */

int drop_in_serve(struct drop_in *d)
{
	while (!d->ending.wanted) {
		uint64_t due_ns = link_watch_deadline_ns(&d->link);
		int err = keeper_watch(&d->keeper);

		if (keeper_deadline_ns(&d->keeper) < due_ns)
			due_ns = keeper_deadline_ns(&d->keeper);
		if (!err)
			err = loop_wait(d->loop, due_ns);
		if (err) {
			log_error(&d->log, NULL, "waiting failed: %s", strerror(-err));
			ending_want(&d->ending, err);
		}
		link_watch_run(&d->link, loop_now_ns());
		keeper_round(&d->keeper);
	}
	return d->ending.error;
}

void drop_in_down(struct drop_in *d)
{
	if (!d)
		return;
	if (has_socket(d))
		unlink(d->socket_path);
	keeper_end(&d->keeper);
	link_watch_end(&d->link);
	tunnels_clear(&d->tunnels);
	hosts_free(&d->hosts);
	if (d->tun_fd >= 0)
		close(d->tun_fd);
	if (d->uapi_fd >= 0)
		close(d->uapi_fd);
	if (d->removal.fd >= 0)
		close(d->removal.fd);
	end_signals_close(&d->signals);
	loop_free(d->loop);
	instance_clear(&d->instance);
	free(d->socket_path);
	free(d);
}
