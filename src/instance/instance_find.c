/* src/instance/instance_find.c - reads run directories, in which each instance has a pid
 * file */
#include "instance/instance_find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ifname.h"
#include "instance/instance.h"

#define FIND_TRIES    20
#define FIND_PAUSE_NS (50 * NS_PER_MS)

/* Returns the length of TUN in "TUN.pid", or 0 if it is another file. */
static size_t pid_file_tun(const char *name)
{
	size_t n = strlen(name), suffix = strlen(INSTANCE_PID_SUFFIX);

	if (n <= suffix || n - suffix > IFNAME_MAX ||
	    strcmp(name + n - suffix, INSTANCE_PID_SUFFIX) != 0)
		return 0;
	return n - suffix;
}

/* Returns DIR/NAME; NULL if out of memory. */
static char *path_in(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

/* Counts the running instances, or the stale ones, and returns the name of the first. */
static size_t find_all(const char *dir_path, bool stale, char **tun)
{
	DIR *dir = opendir(dir_path);
	struct dirent *entry;
	size_t count = 0, n;

	while (dir && (entry = readdir(dir))) {
		char *path;
		bool wanted;

		n = pid_file_tun(entry->d_name);
		path = n ? path_in(dir_path, entry->d_name) : NULL;
		wanted = path && instance_file_is_stale(path) == stale;
		free(path);
		if (wanted && count++ == 0)
			*tun = strndup(entry->d_name, n);
	}
	if (dir)
		closedir(dir);
	return count;
}

/* An instance of `tunion exec` ends a moment after its command, and nobody should be asked to
 * choose between that one and another. So several are looked at again. */
static size_t find_running(const char *dir_path, char **tun)
{
	static const struct timespec pause = { 0, FIND_PAUSE_NS };
	size_t count = find_all(dir_path, false, tun);

	for (int i = 0; i < FIND_TRIES && count > 1; i++) {
		free(*tun);
		*tun = NULL;
		(void)nanosleep(&pause, NULL);
		count = find_all(dir_path, false, tun);
	}
	return count;
}

int instance_find_only(const char *run_dir, char **tun, struct diag *diag)
{
	char *dir = run_dir ? strdup(run_dir) : instance_default_dir(), *other;
	size_t count = 0;

	*tun = NULL;
	if (dir)
		count = find_running(dir, tun);
	if (dir && count == 0)
		count = find_all(dir, true, tun);
	other = count == 0 && !run_dir ? instance_find_other(INSTANCE_ROOTS_DIR) : NULL;
	if (other)
		diag_error(
			diag, NULL, 0,
			"no instance of yours is up (%s), but %s of root is: put sudo in front of the command to ask it",
			dir ? dir : "out of memory", other);
	else if (count == 0)
		diag_error(diag, NULL, 0, "no instance is up (%s)",
		           dir ? dir : "out of memory");
	else if (count > 1)
		diag_error(diag, NULL, 0, "%zu instances are up: choose one with --tun",
		           count);
	free(other);
	free(dir);
	if (count == 1 && *tun)
		return 0;
	free(*tun);
	*tun = NULL;
	return count > 1 ? -ENOTUNIQ : -ENOENT;
}

/* ---- instances of others */

/* The socket stays behind when its instance is killed, but the kernel lists only those that
 * somebody serves. Where the list can't be read, the file has to be enough. */
static bool is_served(const char *socket_path)
{
	FILE *f = fopen("/proc/net/unix", "re");
	size_t size = 0, n = strlen(socket_path);
	bool served = f == NULL;
	char *line = NULL;
	ssize_t length;

	while (f && !served && (length = getline(&line, &size, f)) > 0) {
		if (line[length - 1] == '\n')
			line[--length] = '\0';
		served = (size_t)length > n &&
		         strcmp(line + (size_t)length - n, socket_path) == 0 &&
		         line[(size_t)length - n - 1] == ' ';
	}
	free(line);
	if (f)
		fclose(f);
	return served;
}

/* Is it the pid file of an instance that runs, and may this process not ask it? */
static bool is_of_other(const char *dir, const char *tun)
{
	char *path;
	bool other;

	if (asprintf(&path, "%s/%s.sock", dir, tun) < 0)
		return false;
	other = access(path, F_OK) == 0 &&
	        faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0 && errno == EACCES &&
	        is_served(path);
	free(path);
	return other;
}

char *instance_find_other(const char *dir_path)
{
	DIR *dir = geteuid() == 0 ? NULL : opendir(dir_path);
	struct dirent *entry;
	char *found = NULL;

	while (dir && !found && (entry = readdir(dir))) {
		size_t n = pid_file_tun(entry->d_name);

		found = n ? strndup(entry->d_name, n) : NULL;
		if (!found || is_of_other(dir_path, found))
			continue;
		free(found);
		found = NULL;
	}
	if (dir)
		closedir(dir);
	return found;
}
