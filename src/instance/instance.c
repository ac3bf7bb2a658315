/* src/instance/instance.c - names, sockets and pid file of an instance
 *
 * The lock is a flock() on the pid file, which the kernel releases with the last
 * descriptor. So neither the worker may inherit it (it closes all descriptors), nor the
 * hooks (close on exec). The programs that change the host for us do inherit it: after we
 * were killed, nothing is cleared up before they have ended. */
#include "instance/instance.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/ifname.h"
#include "base/rights.h"
#include "base/termux.h"
#include "instance/own_states.h"

#define BACKLOG   16
#define UAPI_NAME "wireguard"
#define UAPI_DIR  "/var/run/" UAPI_NAME
#define TMP_DIR   "/tmp/tunion-"

#define CONNECT_SECONDS 2
#define NUMBERS_MAX     1000

/* ---- names */

/* The service manager may have given it to a user of its own. */
static bool may_use(const char *dir)
{
	return geteuid() == 0 || access(dir, W_OK) == 0;
}

/* Returns DIR/NAME and the suffix; NULL if out of memory. */
static char *path_of(const char *dir, const char *name, const char *suffix)
{
	char *path;

	return asprintf(&path, "%s/%s%s", dir, name, suffix) < 0 ? NULL : path;
}

/* If another user has made the first folder, such as root, it is the second one. */
static char *termux_run_dir(const char *prefix)
{
	char *dir = path_of(prefix, "var/run/tunion", ""), *other;
	const char *tmp = termux_tmp();

	if (!dir || !tmp || may_use(dir) || access(dir, F_OK) < 0)
		return dir;
	free(dir);
	return asprintf(&other, "%s/tunion-%u", tmp, geteuid()) < 0 ? NULL : other;
}

char *instance_default_dir(void)
{
	const char *user_dir = getenv("XDG_RUNTIME_DIR");
	char *dir;
	int n;

	if (geteuid() != 0 && user_dir && user_dir[0] == '/')
		n = asprintf(&dir, "%s/tunion", user_dir);
	else if (termux_prefix())
		return termux_run_dir(termux_prefix());
	else if (may_use(RUNSTATEDIR "/tunion"))
		n = asprintf(&dir, "%s", RUNSTATEDIR "/tunion");
	else
		n = asprintf(&dir, TMP_DIR "%u", geteuid());
	return n < 0 ? NULL : dir;
}

static char *default_uapi_dir(void)
{
	const char *prefix = termux_prefix();

	return prefix ? path_of(prefix, "var/run/" UAPI_NAME, "") : strdup(UAPI_DIR);
}

/* In /tmp somebody else may have been there first; and XDG_RUNTIME_DIR may be /tmp, or what
 * su(1) has left of another user. */
static bool may_be_others(const char *dir)
{
	const char *user_dir = getenv("XDG_RUNTIME_DIR");
	size_t n = user_dir ? strlen(user_dir) : 0;

	return strncmp(dir, TMP_DIR, strlen(TMP_DIR)) == 0 ||
	       (geteuid() != 0 && n > 0 && strncmp(dir, user_dir, n) == 0 &&
	        strcmp(dir + n, "/tunion") == 0);
}

static int check_dir(const char *dir, struct diag *diag)
{
	struct stat st;

	assert(dir); /* instance_init has made all paths, or has failed */
	if (!may_be_others(dir) || lstat(dir, &st) < 0 ||
	    (S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 022) == 0))
		return 0;
	diag_error(
		diag, NULL, 0,
		"%s is not a directory that only you can change: remove it, set XDG_RUNTIME_DIR, or use --run-dir",
		dir);
	return -EPERM;
}

/* The daemon leaves its working directory, and still has to find its files. Returns NULL if
 * out of memory, or if the working directory is gone. */
static char *absolute(const char *dir)
{
	char *cwd, *path;

	if (dir[0] == '/')
		return strdup(dir);
	cwd = getcwd(NULL, 0);
	path = cwd ? path_of(strcmp(cwd, "/") == 0 ? "" : cwd, dir, "") : NULL;
	free(cwd);
	return path;
}

/* The names of its files begin with this name, so they must not be hidden, nor look like
 * an option. */
static bool tun_valid(const char *tun)
{
	return ifname_valid(tun) && tun[0] != '.' && tun[0] != '-';
}

int instance_init(struct instance *i, const char *run_dir, const char *tun,
                  struct diag *diag)
{
	*i = (struct instance){ .lock_fd = -1, .listen_fd = -1 };
	if (!tun_valid(tun)) {
		diag_error(
			diag, NULL, 0,
			"\"%s\" can't be the name of a network interface; expected 1 to %d characters of A-Z a-z 0-9 _ = + . -, the first neither . nor -",
			tun, IFNAME_MAX);
		return -EINVAL;
	}
	i->run_dir = run_dir ? absolute(run_dir) : instance_default_dir();
	i->tun = strdup(tun);
	if (i->run_dir) {
		i->uapi_dir =
			run_dir ? path_of(i->run_dir, UAPI_NAME, "") : default_uapi_dir();
		i->pid_path = path_of(i->run_dir, tun, INSTANCE_PID_SUFFIX);
		i->socket_path = path_of(i->run_dir, tun, ".sock");
		i->state_path = path_of(i->run_dir, tun, ".state");
	}
	if (!i->tun || !i->uapi_dir || !i->pid_path || !i->socket_path ||
	    !i->state_path) {
		diag_error(diag, NULL, 0, "out of memory");
		instance_clear(i);
		return -ENOMEM;
	}
	return run_dir ? 0 : check_dir(i->run_dir, diag);
}

int instance_separate_uapi(struct instance *i)
{
	free(i->uapi_dir);
	i->uapi_dir = path_of(i->run_dir, i->tun, ".wireguard");
	i->separate_uapi = true;
	return i->uapi_dir ? 0 : -ENOMEM;
}

void instance_clear(struct instance *i)
{
	instance_release(i);
	free(i->run_dir);
	free(i->uapi_dir);
	free(i->tun);
	free(i->pid_path);
	free(i->socket_path);
	free(i->state_path);
	*i = (struct instance){ .lock_fd = -1, .listen_fd = -1 };
}

void instance_forget(struct instance *i)
{
	i->lock_fd = i->listen_fd = -1; /* so that there is nothing to release */
	instance_clear(i);
}

void instance_abandon(struct instance *i)
{
	if (i->listen_fd >= 0)
		close(i->listen_fd);
	if (i->lock_fd >= 0)
		close(i->lock_fd);
	i->listen_fd = i->lock_fd = -1;
}

/* ---- sockets */

static int address_of(struct sockaddr_un *address, const char *path)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	memcpy(address->sun_path, path, strlen(path) + 1);
	return 0;
}

static int connect_to(const char *path, int *fd)
{
	/* also limits how long we wait for a place among those who wait for accept() */
	const struct timeval timeout = { .tv_sec = CONNECT_SECONDS };
	struct sockaddr_un address;
	int err = address_of(&address, path);

	*fd = -1;
	if (err)
		return err;
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return -errno;
	if (setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    connect(*fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		err = errno == EAGAIN ? -ETIMEDOUT : -errno;
		close(*fd);
		*fd = -1;
	}
	return err;
}

/* Removes a socket that nobody serves. Returns -EEXIST if somebody serves it, or if it is
 * no socket. */
static int remove_dead_socket(const char *path)
{
	struct stat st;
	int fd, err;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	err = connect_to(path, &fd);
	if (fd >= 0)
		close(fd);
	if (err != -ECONNREFUSED)
		return -EEXIST;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* Makes a socket that only the user can use. */
static int listen_on(const char *path, int *fd)
{
	struct sockaddr_un address;
	mode_t mask;
	int err = address_of(&address, path);

	*fd = -1;
	if (!err)
		err = remove_dead_socket(path);
	if (err)
		return err;
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return -errno;
	mask = umask(0177);
	if (bind(*fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(*fd, BACKLOG) < 0)
		err = -errno;
	umask(mask);
	if (err) {
		close(*fd);
		*fd = -1;
	}
	return err;
}

/* ---- the pid file */

/* Reads one line, without its newline. Returns false at the end. */
static bool next_line(FILE *f, char *line, size_t size)
{
	if (!fgets(line, (int)size, f))
		return false;
	line[strcspn(line, "\n")] = '\0';
	return true;
}

/* Removes the UAPI sockets that the pid file lists, but only those that nobody serves.
 * The worker ends shortly after its supervisor; and another program may now serve a
 * name. */
static void remove_listed_sockets(int lock_fd)
{
	int fd = fcntl(lock_fd, F_DUPFD_CLOEXEC, 0);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "re");
	char line[sizeof(((struct sockaddr_un *)0)->sun_path) + 2];
	const struct timespec pause = { 0, 10000000 };
	int patience = 50; /* how many pauses to make, for all sockets together */

	if (!f) {
		if (fd >= 0)
			close(fd);
		return;
	}
	rewind(f);
	if (next_line(f, line, sizeof(line))) /* the pid */
		while (next_line(f, line, sizeof(line)))
			while (remove_dead_socket(line) == -EEXIST && patience-- > 0)
				nanosleep(&pause, NULL);
	fclose(f);
}

/* In a directory of another user, which root may name, a FIFO could be in its place. */
static int read_pid(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char text[16];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	long pid;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	pid = strtol(text, NULL, 10);
	return pid > 0 && pid <= INT_MAX ? (int)pid : 0;
}

/* Makes the directory and its parents, like mkdir -p. Those of an ordinary user are for
 * him alone. */
static int make_dir(const char *path)
{
	const mode_t mode = geteuid() == 0 ? 0755 : 0700;
	char *copy = strdup(path), *slash;
	int err = 0;

	if (!copy)
		return -ENOMEM;
	for (slash = copy; slash && !err; *slash = '/') {
		slash = strchr(slash + 1, '/');
		if (!slash)
			break;
		*slash = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			err = -errno;
	}
	if (!err && mkdir(copy, mode) < 0 && errno != EEXIST)
		err = -errno;
	free(copy);
	return err;
}

/* Whoever can open the file can lock it, and so keep us from starting. Therefore it must
 * be ours and only ours, even if an earlier version has left one. */
static int make_private(int fd, struct stat *st)
{
	if (fstat(fd, st) < 0)
		return -errno;
	if (!S_ISREG(st->st_mode) || (st->st_uid != geteuid() && st->st_uid != 0))
		return -EPERM;
	return (st->st_mode & 077) != 0 && fchmod(fd, 0600) < 0 ? -errno : 0;
}

/* Returns -EWOULDBLOCK if somebody else has the lock. Between opening and locking the
 * file, an instance that went down may have removed it. Then the lock is worth nothing,
 * and we try again. */
static int open_locked(const char *path, int *fd)
{
	struct stat here, there;

	for (;;) {
		int err;

		*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		           0600);
		if (*fd < 0)
			return -errno;
		err = make_private(*fd, &here);
		if (!err && flock(*fd, LOCK_EX | LOCK_NB) < 0)
			err = -errno;
		if (!err && stat(path, &there) == 0 && here.st_ino == there.st_ino &&
		    here.st_dev == there.st_dev)
			return 0;
		close(*fd);
		*fd = -1;
		if (err)
			return err;
	}
}

static int write_pid(int fd)
{
	if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	return dprintf(fd, "%d\n", (int)getpid()) < 0 ? -errno : 0;
}

#define WAITS_MAX 1000 /* of 10 ms */

/* Other processes may have the lock for a while, even after the instance itself has died: a
 * program that changes the host for it, a child that is about to become one, and whoever
 * looks whether we are there. */
static bool is_dead(const char *pid_path)
{
	int pid = read_pid(pid_path);

	return pid > 0 && kill(pid, 0) < 0 && errno == ESRCH;
}

static int wait_locked(const char *path, int *fd)
{
	const struct timespec pause = { 0, 10000000 };
	int err = open_locked(path, fd);

	for (int tries = 0; err == -EWOULDBLOCK && tries < WAITS_MAX; tries++) {
		if (read_pid(path) > 0 && !is_dead(path))
			break;
		nanosleep(&pause, NULL);
		err = open_locked(path, fd);
	}
	return err;
}

int instance_lock_killed(struct instance *i, struct diag *diag)
{
	int err = make_dir(i->run_dir);

	if (!err && check_dir(i->run_dir, diag) < 0)
		return -EPERM;
	if (!err)
		err = wait_locked(i->pid_path, &i->lock_fd);
	if (err == -EWOULDBLOCK && is_dead(i->pid_path))
		diag_error(
			diag, NULL, 0,
			"%s was killed, but a program that it had started for the host (nft, iptables, resolvconf) has not ended, or tunion down still clears up: wait for it, or end it",
			i->tun);
	else if (err == -EWOULDBLOCK)
		diag_error(
			diag, NULL, 0,
			"%s is already up (pid %d): tunion reload applies changes in the files and folders that it has; to bring up others, put them into such a folder, or take it down first",
			i->tun, read_pid(i->pid_path));
	else if (err == -EPERM)
		diag_error(
			diag, NULL, 0,
			"%s belongs to another user, who could keep %s from coming up: remove it",
			i->pid_path, i->tun);
	else if (err)
		diag_error(diag, NULL, 0, "%s%s: %s", rights_needed(-err), i->run_dir,
		           strerror(-err));
	if (err)
		return err == -EWOULDBLOCK ? -EEXIST : err;
	remove_listed_sockets(i->lock_fd);
	instance_unset_alias(i);
	(void)!remove_dead_socket(i->socket_path);
	return 0;
}

int instance_lock(struct instance *i, struct diag *diag)
{
	int err = instance_lock_killed(i, diag);

	if (err)
		return err;
	err = write_pid(i->lock_fd);
	if (err)
		diag_error(diag, NULL, 0, "%s: %s", i->pid_path, strerror(-err));
	return err;
}

int instance_lock_numbered(struct instance *i, const char *run_dir, const char *base,
                           struct diag *diag)
{
	char tun[IFNAME_MAX + 1];
	int err = -EEXIST;

	for (unsigned n = 0; err == -EEXIST && n < NUMBERS_MAX; n++) {
		struct diag not_told = { 0 };

		if (n > 0)
			instance_clear(i);
		snprintf(tun, sizeof(tun), "%s%u", base, n);
		err = instance_init(i, run_dir, tun, diag);
		if (err)
			return err;
		/* such a file is about changes of the host: see `tunion down` */
		err = access(i->state_path, F_OK) == 0 ? -EEXIST
		                                       : instance_separate_uapi(i);
		if (!err)
			err = instance_lock(i, &not_told);
		if (err != -EEXIST)
			diag_move(diag, &not_told);
		diag_clear(&not_told);
	}
	if (err == -EEXIST)
		diag_error(diag, NULL, 0, "%s0 to %s are all up", base, tun);
	return err;
}

/* A file that only those who come after a dead instance have locked is stale, too. */
bool instance_file_is_stale(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool stale;

	if (fd < 0)
		return false;
	stale = flock(fd, LOCK_SH | LOCK_NB) == 0 || is_dead(path);
	close(fd);
	return stale;
}

bool instance_is_stale(const struct instance *i)
{
	return instance_file_is_stale(i->pid_path);
}

char *instance_uapi_path(const struct instance *i, const char *name)
{
	return path_of(i->uapi_dir, name, ".sock");
}

void instance_set_alias(const struct instance *i, const char *name)
{
	char *path = instance_uapi_path(i, i->tun), *target = NULL;
	char *socket = instance_uapi_path(i, name);
	bool is_there = socket && access(socket, F_OK) == 0;

	free(socket);
	instance_unset_alias(i);
	if (asprintf(&target, "%s.sock", name) < 0)
		target = NULL;
	/* a file that is already there stays */
	if (is_there && path && target)
		(void)!symlink(target, path);
	free(target);
	free(path);
}

void instance_unset_alias(const struct instance *i)
{
	char *path = instance_uapi_path(i, i->tun);
	struct stat st;

	if (path && lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		unlink(path);
	free(path);
}

/* Is the path one of the lines of this pid file, and does the instance run? */
static bool has_socket(const char *pid_path, const char *socket_path)
{
	FILE *f = instance_file_is_stale(pid_path) ? NULL : fopen(pid_path, "re");
	char line[sizeof(((struct sockaddr_un *)0)->sun_path) + 2];
	bool found = false;

	while (f && !found && next_line(f, line, sizeof(line)))
		found = strcmp(line, socket_path) == 0;
	if (f)
		fclose(f);
	return found;
}

/* Returns the name of the other instance in our run directory that has the socket, to be freed;
 * NULL if none has. */
static char *find_server(const struct instance *i, const char *socket_path)
{
	DIR *dir = opendir(i->run_dir);
	struct dirent *entry;
	char *found = NULL;

	while (dir && !found && (entry = readdir(dir))) {
		char *path = path_of(i->run_dir, entry->d_name, ""), *suffix;

		suffix = strrchr(entry->d_name, '.');
		if (path && suffix && strcmp(suffix, INSTANCE_PID_SUFFIX) == 0 &&
		    strcmp(path, i->pid_path) != 0 && has_socket(path, socket_path))
			found = strndup(entry->d_name, (size_t)(suffix - entry->d_name));
		free(path);
	}
	if (dir)
		closedir(dir);
	return found;
}

static void report_served(const struct instance *i, const char *path, const char *name,
                          struct diag *diag)
{
	char *tun = find_server(i, path);

	if (tun)
		diag_error(
			diag, NULL, 0,
			"%s is in use: %s, another instance, has a file %s.conf, too; rename one of the two, or take it out there (tunion down --tun %s %s)",
			path, tun, name, tun, name);
	else
		diag_error(
			diag, NULL, 0,
			"%s is in use: another WireGuard program serves a device called %s; if wg-quick has it up, wg-quick down %s ends it, else rename the file",
			path, name, name);
	free(tun);
}

int instance_listen_uapi(struct instance *i, const char *name, int *fd, struct diag *diag)
{
	char *path = instance_uapi_path(i, name);
	int err = path ? make_dir(i->uapi_dir) : -ENOMEM;

	*fd = -1;
	if (!err)
		err = listen_on(path, fd);
	/* on release it is removed all the same, but not after we were killed */
	if (!err && i->lock_fd >= 0 && dprintf(i->lock_fd, "%s\n", path) < 0) {
		err = -errno;
		diag_error(diag, NULL, 0, "%s: %s", i->pid_path, strerror(-err));
	} else if (err == -EEXIST)
		report_served(i, path, name, diag);
	else if (err)
		diag_error(diag, NULL, 0, "%s: %s", path ? path : name, strerror(-err));
	free(path);
	return err;
}

/* Its line stays in the pid file: on release we look who uses the name then. */
void instance_unlisten_uapi(struct instance *i, const char *name)
{
	char *path = instance_uapi_path(i, name);

	if (path)
		unlink(path);
	free(path);
}

int instance_listen(struct instance *i, struct diag *diag)
{
	int err = listen_on(i->socket_path, &i->listen_fd);

	if (err)
		diag_error(diag, NULL, 0, "%s: %s", i->socket_path, strerror(-err));
	return err;
}

void instance_release(struct instance *i)
{
	if (i->listen_fd >= 0) {
		assert(i->socket_path); /* instance_init has made all paths, or has failed */
		unlink(i->socket_path);
		close(i->listen_fd);
		i->listen_fd = -1;
	}
	if (i->lock_fd < 0)
		return;
	assert(i->pid_path && i->uapi_dir && i->state_path);
	remove_listed_sockets(i->lock_fd);
	if (i->separate_uapi)
		(void)!rmdir(i->uapi_dir);
	/* as long as something is left on the host, `tunion down` has to find the instance */
	if (!own_states_any_left(i->state_path))
		unlink(i->pid_path);
	close(i->lock_fd);
	i->lock_fd = -1;
}

/* ---- asking instances */

const char *instance_options(const struct instance *i,
                             char out[static INSTANCE_OPTIONS_MAX])
{
	char *standard = instance_default_dir();
	bool elsewhere = !standard || strcmp(standard, i->run_dir) != 0;
	bool named = strcmp(i->tun, INSTANCE_DEFAULT_TUN) != 0;

	snprintf(out, INSTANCE_OPTIONS_MAX, "%s%s%s%s", elsewhere ? " --run-dir " : "",
	         elsewhere ? i->run_dir : "", named ? " --tun " : "",
	         named ? i->tun : "");
	free(standard);
	return out;
}

pid_t instance_pid(const struct instance *i)
{
	return read_pid(i->pid_path);
}

int instance_ask(const struct instance *i, const char *request, int *fd)
{
	int err = connect_to(i->socket_path, fd);

	if (err)
		return err;
	if (send(*fd, request, strlen(request), MSG_NOSIGNAL) < 0 ||
	    send(*fd, "\n", 1, MSG_NOSIGNAL) < 0) {
		err = -errno;
		close(*fd);
		*fd = -1;
	}
	return err;
}
