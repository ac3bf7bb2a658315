/* src/demo/node.c - runs /proc/self/exe again. A child dies with the demo (PDEATHSIG). It
 * has its own process group, so that Ctrl-C only reaches it through node_stop, and an
 * empty signal mask. */
#include "demo/node.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_NS  (5 * NS_PER_SEC)
#define PAUSE_NS (10 * NS_PER_MS)

static int path(char out[NODE_PATH_BYTES], const char *dir, const char *name)
{
	int n = snprintf(out, NODE_PATH_BYTES, "%s/%s", dir, name);

	return n < 0 || n >= NODE_PATH_BYTES ? -ENAMETOOLONG : 0;
}

int node_init(struct node *n, const char *dir, enum world_host host, struct diag *diag)
{
	int err;

	*n = (struct node){ .host = host };
	err = path(n->run_dir, dir, world_host_name(host));
	if (err == 0)
		err = path(n->conf_dir, n->run_dir, "conf");
	if (err == 0)
		err = path(n->log_path, n->run_dir, "log");
	if (err == 0 && (mkdir(n->run_dir, 0700) != 0 || mkdir(n->conf_dir, 0700) != 0))
		err = -errno;
	if (err != 0)
		diag_error(diag, NULL, 0, "%s: %s", n->run_dir, strerror(-err));
	return err;
}

int node_write(const struct node *n, const char *name, const char *text,
               struct diag *diag)
{
	char file[NODE_PATH_BYTES];
	int fd, err = path(file, n->conf_dir, name);
	size_t len = strlen(text);

	if (err == 0) {
		fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 || write(fd, text, len) != (ssize_t)len)
			err = errno ? -errno : -EIO;
		if (fd >= 0)
			close(fd);
	}
	if (err != 0)
		diag_error(diag, NULL, 0, "%s: %s", file, strerror(-err));
	return err;
}

/* Runs in the child. Output goes to `out`. */
static void become_tunion(int ns, int out, const char *const *argv)
{
	sigset_t none;
	int zero = open("/dev/null", O_RDONLY);

	sigemptyset(&none);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) == 0 && setpgid(0, 0) == 0 &&
	    sigprocmask(SIG_SETMASK, &none, NULL) == 0 && (ns < 0 || setns(ns, 0) == 0) &&
	    dup2(zero, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2)
		execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* Returns the pid, or -errno. */
static pid_t run(int ns, int out, const char *const *argv)
{
	pid_t pid = fork();

	if (pid == 0)
		become_tunion(ns, out, argv);
	return pid < 0 ? -errno : pid;
}

/* Returns -EAGAIN while it runs, then its exit status, or 128 + signal if a
 * signal ended it. */
static int reap(pid_t pid)
{
	int status;
	pid_t got = waitpid(pid, &status, WNOHANG);

	if (got == 0)
		return -EAGAIN;
	if (got < 0)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Lets the loop run for a moment. */
static void rest(struct loop *loop)
{
	uint64_t until_ns = loop_now_ns() + PAUSE_NS;

	while (loop_now_ns() < until_ns)
		if (loop_wait(loop, until_ns) != 0)
			return;
}

int node_status(const struct node *n, struct loop *loop, char **json)
{
	const char *argv[] = { "tunion",   "status", "--json", "--run-dir",
		               n->run_dir, "--tun",  NODE_TUN, NULL };
	FILE *out = tmpfile();
	long size;
	int status;
	pid_t pid;

	*json = NULL;
	if (!out)
		return -errno;
	pid = run(-1, fileno(out), argv);
	status = pid < 0 ? pid : -EAGAIN;
	while (status == -EAGAIN) {
		rest(loop);
		status = reap(pid);
	}
	if (status == 0 && fseek(out, 0, SEEK_END) == 0 && (size = ftell(out)) > 0) {
		rewind(out);
		*json = calloc(1, (size_t)size + 1);
		if (*json && fread(*json, 1, (size_t)size, out) != (size_t)size) {
			free(*json);
			*json = NULL;
		}
	}
	fclose(out);
	return *json ? 0 : -EIO;
}

/* Adds what the child logged before it ended, so that the reader sees why. */
static void tell_log(const struct node *n, struct diag *diag)
{
	char line[256];
	FILE *log = fopen(n->log_path, "re");

	while (log && fgets(line, sizeof(line), log)) {
		line[strcspn(line, "\n")] = 0;
		diag_error(diag, NULL, 0, "%s: %s", world_host_name(n->host), line);
	}
	if (log)
		fclose(log);
}

static int wait_ready(struct node *n, struct loop *loop, uint64_t deadline_ns,
                      const bool *stop)
{
	char socket_path[NODE_PATH_BYTES], *json = NULL;
	struct stat st;
	int status, err = path(socket_path, n->run_dir, NODE_TUN ".sock");

	while (err == 0 && !*stop) {
		status = reap(n->pid);
		if (status != -EAGAIN) {
			n->pid = 0;
			return -ECHILD;
		}
		if (stat(socket_path, &st) == 0 && node_status(n, loop, &json) == 0) {
			free(json);
			return 0;
		}
		if (loop_now_ns() >= deadline_ns)
			return -ETIMEDOUT;
		rest(loop);
	}
	return err != 0 ? err : -EINTR;
}

int node_start(struct node *n, const struct world *w, struct loop *loop,
               uint64_t deadline_ns, const bool *stop, struct diag *diag)
{
	/* The demo must also run on a host that has neither nft nor iptables. */
	const char *argv[] = { "tunion",    "up",       "--foreground", "--no-firewall",
		               "--run-dir", n->run_dir, "--tun",        NODE_TUN,
		               n->conf_dir, NULL };
	int out = open(n->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int err = out < 0 ? -errno : 0;

	if (err == 0) {
		pid_t pid = run(w->ns[n->host], out, argv);

		close(out);
		n->pid = pid > 0 ? pid : 0;
		err = pid > 0 ? wait_ready(n, loop, deadline_ns, stop) : pid;
	}
	if (err != 0 && err != -EINTR) {
		tell_log(n, diag);
		diag_error(diag, NULL, 0, "%s: tunion up did not get ready: %s",
		           world_host_name(n->host), strerror(-err));
	}
	return err;
}

void node_stop(struct node *n, struct loop *loop)
{
	uint64_t deadline_ns = loop_now_ns() + STOP_NS;

	if (n->pid <= 0)
		return;
	kill(n->pid, SIGTERM);
	while (reap(n->pid) == -EAGAIN) {
		if (loop_now_ns() >= deadline_ns)
			kill(n->pid, SIGKILL);
		rest(loop);
	}
	n->pid = 0;
}
