/* doc/examples/vpn_app.c - an app with a VPN that is served by tunion: see doc/embedding.md
 *
 *   vpn_app TUNION RUN-DIR DIR
 *
 * It does in C on Linux what an Android app does in Kotlin, in the same order: plan,
 * protect socket, `up`, establish, descriptor. What Android's system does for the app is in
 * the part "the system". Signals play the user: SIGUSR1: other tunnel files are there;
 * SIGUSR2: the VPN is revoked; SIGTERM: switch it off. The exit status is that of `up`.
 *
 * It needs root, or a user namespace, and changes the host's rules and routes: try it in a
 * network namespace. tests/integration/test_embedding.py does. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK  0x20000 /* of protected sockets, as in Android */
#define TABLE "1000"  /* of the VPN */

struct app {
	const char *tunion, *files;
	const char *run_dir;
	struct sockaddr_un tun_at, protect_at;
	json_t *plan;    /* that in force */
	int protect_fd;  /* listens */
	pid_t up;        /* `tunion up` */
	unsigned number; /* of the present tun, whose name is appNUMBER */
	char name[IFNAMSIZ];
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* ---- the system: what Android does for an app */

/* Runs `ip`. It may fail if `may_fail`, because something is not there. */
__attribute__((format(printf, 2, 3))) static void ip(bool may_fail, const char *format,
                                                     ...)
{
	char program[] = "ip", words[300], *argv[24] = { program }, *rest = words;
	size_t n = 1;
	va_list ap;
	pid_t pid;
	int status = 1;

	va_start(ap, format);
	vsnprintf(words, sizeof(words), format, ap);
	va_end(ap);
	while (n < 23 && (argv[n] = strsep(&rest, " ")))
		n++;
	if (posix_spawnp(&pid, "ip", NULL, NULL, argv, environ) != 0 ||
	    waitpid(pid, &status, 0) < 0)
		die("ip");
	if (status != 0 && !may_fail)
		exit(1);
}

/* Everything goes into the VPN, unless its socket has the mark. */
static void system_rules(void)
{
	for (const char *const *f = (const char *const[]){ "-4", "-6", NULL }; *f; f++) {
		ip(true, "%s rule add pref 12000 fwmark %d/%d lookup main", *f, MARK,
		   MARK);
		ip(true, "%s rule add pref 13000 lookup " TABLE, *f);
	}
}

/* VpnService.protect */
static bool system_protect(int fd)
{
	int mark = MARK;

	return setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0;
}

/* VpnService.Builder: returns a tun with the plan's addresses and routes. It takes the place
 * of the one before. A family that isn't there is left out. */
static int system_establish(struct app *app)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	char before[IFNAMSIZ];
	json_t *item;
	size_t i;

	memcpy(before, app->name, sizeof(before));
	snprintf(app->name, sizeof(app->name), "app%u", ++app->number);
	memcpy(request.ifr_name, app->name, sizeof(request.ifr_name));
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
		die("/dev/net/tun");
	json_array_foreach(json_object_get(app->plan, "addresses"), i, item)
		ip(true, "addr add %s dev %s%s", json_string_value(item), app->name,
	           strchr(json_string_value(item), ':') ? " nodad" : "");
	ip(false, "link set dev %s mtu %d up", app->name,
	   (int)json_integer_value(json_object_get(app->plan, "mtu")));
	json_array_foreach(json_object_get(app->plan, "routes"), i, item)
		ip(true, "route replace %s dev %s table " TABLE, json_string_value(item),
	           app->name);
	if (before[0])
		ip(true, "link set dev %s down", before);
	return fd;
}

static void system_revoke(const struct app *app)
{
	ip(false, "link del dev %s", app->name);
}

/* ---- the plan */

/* Returns what `tunion plan` prints, or NULL if the files have mistakes. */
static json_t *ask_plan(const struct app *app)
{
	char command[1000];
	json_error_t error;
	json_t *plan;
	FILE *out;

	snprintf(command, sizeof(command), "'%s' plan --json --no-resolve '%s'",
	         app->tunion, app->files);
	out = popen(command, "r");
	if (!out)
		die("popen");
	plan = json_loadf(out, 0, &error);
	pclose(out);
	if (plan && json_is_true(json_object_get(plan, "ok")))
		return plan;
	json_dumpf(json_object_get(plan, "errors"), stderr, JSON_INDENT(1));
	json_decref(plan);
	return NULL;
}

/* Has something changed that the Builder is told? */
static bool is_same_vpn(const json_t *a, const json_t *b)
{
	static const char *const told[] = { "mtu",
		                            "addresses",
		                            "routes",
		                            "dns_servers",
		                            "search_domains",
		                            "allow_families",
		                            "included_applications",
		                            "excluded_applications" };

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		if (!json_equal(json_object_get(a, told[i]), json_object_get(b, told[i])))
			return false;
	}
	return true;
}

/* ---- descriptors over sockets: one byte with a descriptor, and one byte back */

/* Room for one descriptor. */
union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static bool send_fd(int socket, int fd)
{
	union control control = { 0 };
	char byte = 0;
	struct iovec slice = { &byte, 1 };
	struct msghdr message = { .msg_iov = &slice,
		                  .msg_iovlen = 1,
		                  .msg_control = control.bytes,
		                  .msg_controllen = sizeof(control.bytes) };

	control.align = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
		                          .cmsg_type = SCM_RIGHTS,
		                          .cmsg_len = CMSG_LEN(sizeof(fd)) };
	memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) == 1;
}

/* Returns -1 if none has come. */
static int receive_fd(int socket)
{
	union control control = { 0 };
	char byte;
	struct iovec slice = { &byte, 1 };
	struct msghdr message = { .msg_iov = &slice,
		                  .msg_iovlen = 1,
		                  .msg_control = control.bytes,
		                  .msg_controllen = sizeof(control.bytes) };
	const struct cmsghdr *c = &control.align;
	int fd = -1;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1 &&
	    message.msg_controllen >= CMSG_LEN(sizeof(fd)) &&
	    c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static struct sockaddr_un address_in(const char *dir, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", dir, name);

	if (n < 0 || (size_t)n >= sizeof(address.sun_path)) {
		fprintf(stderr, "%s/%s: the path is too long\n", dir, name);
		exit(1);
	}
	return address;
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	       info.si_pid == pid;
}

/* Returns a connection to `up`, which may not listen yet; or -1 if it has ended. */
static int connect_to_up(const struct app *app)
{
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	while (connect(s, (const struct sockaddr *)&app->tun_at, sizeof(app->tun_at)) <
	       0) {
		if (has_ended(app->up)) {
			close(s);
			return -1;
		}
		poll(NULL, 0, 50);
	}
	return s;
}

/* Returns whether `up` uses the tun. */
static bool give(const struct app *app, int tun)
{
	int s = connect_to_up(app);
	char answer = 1;

	if (s < 0)
		return false;
	if (!send_fd(s, tun) || recv(s, &answer, 1, 0) != 1)
		answer = 1;
	close(s);
	return answer == 0;
}

static void answer_protect(const struct app *app)
{
	int client = accept4(app->protect_fd, NULL, NULL, SOCK_CLOEXEC);
	int fd = client < 0 ? -1 : receive_fd(client);
	char answer = 1;

	if (fd >= 0 && system_protect(fd))
		answer = 0;
	if (client >= 0)
		(void)!send(client, &answer, 1, MSG_NOSIGNAL);
	if (fd >= 0)
		close(fd);
	if (client >= 0)
		close(client);
}

/* A thread, since `up` waits for protection while it starts. */
static void *serve_protect(void *context)
{
	const struct app *app = context;

	for (;;)
		answer_protect(app);
	return NULL;
}

static void start_protect(struct app *app)
{
	pthread_t thread;

	unlink(app->protect_at.sun_path);
	app->protect_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(app->protect_fd, (const struct sockaddr *)&app->protect_at,
	         sizeof(app->protect_at)) < 0 ||
	    listen(app->protect_fd, 16) < 0)
		die(app->protect_at.sun_path);
	if (pthread_create(&thread, NULL, serve_protect, app) != 0)
		die("pthread_create");
}

/* ---- tunion */

static pid_t start(const struct app *app, const char *const *argv)
{
	posix_spawnattr_t attributes;
	sigset_t none;
	pid_t pid;
	int err;

	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	err = posix_spawn(&pid, app->tunion, NULL, &attributes,
	                  (char *const *)(uintptr_t)argv, environ);
	posix_spawnattr_destroy(&attributes);
	if (err) {
		errno = err;
		die(app->tunion);
	}
	return pid;
}

static void start_up(struct app *app)
{
	const char *const argv[] = { "tunion",         "up",
		                     "--foreground",   "--no-watch",
		                     "--run-dir",      app->run_dir,
		                     "--tun-path",     app->tun_at.sun_path,
		                     "--protect-path", app->protect_at.sun_path,
		                     app->files,       NULL };

	app->up = start(app, argv);
}

static void establish(struct app *app)
{
	int tun = system_establish(app);

	if (!give(app, tun)) {
		fprintf(stderr, "tunion doesn't take the tun\n");
		kill(app->up, SIGTERM);
	}
	close(tun); /* tunion has it */
}

/* Routes come before the VPN that leads packets to them. If the files have mistakes, the old
 * ones stay in force. */
static void reload(struct app *app)
{
	const char *const argv[] = { "tunion", "reload", "--run-dir", app->run_dir,
		                     NULL };
	json_t *plan = ask_plan(app), *before = app->plan;

	if (!plan)
		return;
	waitpid(start(app, argv), NULL, 0);
	app->plan = plan;
	if (!is_same_vpn(before, plan))
		establish(app);
	json_decref(before);
}

/* ---- the app */

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (const int *s = (const int[]){ SIGCHLD, SIGTERM, SIGUSR1, SIGUSR2, 0 }; *s;
	     s++)
		sigaddset(&set, *s);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Returns true if `up` has ended. */
static bool handle_signal(struct app *app, int signals, int *status)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		die("signalfd");
	if (info.ssi_signo == SIGUSR1)
		reload(app);
	else if (info.ssi_signo == SIGUSR2)
		system_revoke(app);
	else if (info.ssi_signo == SIGTERM)
		kill(app->up, SIGTERM);
	return waitpid(app->up, status, WNOHANG) == app->up;
}

int main(int argc, char **argv)
{
	struct app app = { .protect_fd = -1 };
	int signals, status = 0;

	if (argc != 4) {
		fprintf(stderr, "usage: vpn_app TUNION RUN-DIR DIR\n");
		return 1;
	}
	app.tunion = argv[1];
	app.files = argv[3];
	app.run_dir = argv[2];
	app.tun_at = address_in(app.run_dir, "tun");
	app.protect_at = address_in(app.run_dir, "protect");
	signals = open_signals();
	app.plan = ask_plan(&app);
	if (!app.plan)
		return 1;
	start_protect(&app);
	start_up(&app);
	system_rules();
	establish(&app);
	while (!handle_signal(&app, signals, &status))
		;
	json_decref(app.plan);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
