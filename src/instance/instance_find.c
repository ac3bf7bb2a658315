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
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ifname.h"
#include "base/rights.h"
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

/* Goes through the running instances, or the stale ones, until is_it is true of one. Returns
 * that one's name, to be freed; NULL if there is none. */
static char *find(const char *dir_path, bool stale,
                  bool (*is_it)(void *context, const char *tun), void *context)
{
	DIR *dir = opendir(dir_path);
	struct dirent *entry;
	char *found = NULL;

	while (dir && !found && (entry = readdir(dir))) {
		size_t n = pid_file_tun(entry->d_name);
		char *path = n ? path_in(dir_path, entry->d_name) : NULL;
		char *tun = path && instance_file_is_stale(path) == stale
		                    ? strndup(entry->d_name, n)
		                    : NULL;

		if (tun && is_it(context, tun))
			found = tun;
		else
			free(tun);
		free(path);
	}
	if (dir)
		closedir(dir);
	return found;
}

struct list {
	char **names; /* with commas between them; NULL if there is none */
	size_t count;
};

/* Out of memory, it isn't added. */
static bool add_name(void *context, const char *tun)
{
	struct list *l = context;
	char *more;

	l->count++;
	if (asprintf(&more, "%s%s%s", *l->names ? *l->names : "", *l->names ? ", " : "",
	             tun) >= 0) {
		free(*l->names);
		*l->names = more;
	}
	return false;
}

/* Counts the running instances, or the stale ones. *names becomes their names. */
static size_t find_all(const char *dir_path, bool stale, char **names)
{
	struct list l = { .names = names };

	(void)find(dir_path, stale, add_name, &l);
	return l.count;
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

char *instance_find_running(const char *run_dir,
                            bool (*is_it)(void *context, const char *tun), void *context)
{
	char *dir = run_dir ? strdup(run_dir) : instance_default_dir();
	char *found = dir ? find(dir, false, is_it, context) : NULL;

	free(dir);
	return found;
}

char *instance_find_names(const char *run_dir)
{
	char *names = NULL;

	find_all(run_dir, false, &names);
	return names;
}

/* ---- other directories */

static bool is_plain(const char *path)
{
	for (; *path; path++) {
		if (*path <= ' ' || *path > '~')
			return false;
	}
	return true;
}

/* Is it the directory of an instance of ours, or, if we are root, of anybody? */
static bool is_run_dir(const char *dir, const char *tun)
{
	struct stat st;
	char *path;
	bool is;

	if (!ifname_valid(tun) || !is_plain(dir) ||
	    asprintf(&path, "%s/%s%s", dir, tun, INSTANCE_PID_SUFFIX) < 0)
		return false;
	is = lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	     (geteuid() == 0 || st.st_uid == geteuid()) && !instance_file_is_stale(path);
	free(path);
	return is;
}

/* The kernel lists the sockets of all that run here, so also those whose directory we don't
 * know. Returns "DIR/NAME", to be freed; NULL if there is none outside of `but`. */
static char *find_elsewhere(const char *but)
{
	static const char suffix[] = ".sock\n";
	FILE *f = fopen("/proc/net/unix", "re");
	char *line = NULL, *found = NULL, *path, *slash;
	size_t size = 0;
	ssize_t n;

	while (f && !found && (n = getline(&line, &size, f)) > 0) {
		path = strchr(line, '/');
		if (!path || (size_t)n < sizeof(suffix) ||
		    strcmp(line + n - (sizeof(suffix) - 1), suffix) != 0)
			continue;
		line[(size_t)n - (sizeof(suffix) - 1)] = '\0';
		slash = strrchr(path, '/');
		*slash = '\0';
		if (strcmp(path, but) != 0 && is_run_dir(path, slash + 1) &&
		    asprintf(&found, "%s/%s", path, slash + 1) < 0)
			found = NULL;
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}

/* Says that there is none, and what to do. `given` is the directory of --run-dir, or NULL. */
static void report_none(const char *dir, const char *given, struct diag *diag)
{
	char *other = given ? NULL : instance_find_other(INSTANCE_ROOTS_DIR);
	char *elsewhere = other ? NULL : find_elsewhere(dir);
	char *killed = given || other || elsewhere
	                       ? NULL
	                       : instance_find_killed_other(INSTANCE_ROOTS_DIR);
	const char *slash = elsewhere ? strrchr(elsewhere, '/') : NULL;

	if (other)
		diag_error(
			diag, NULL, 0,
			"no instance of yours is up (%s), but %s of root is: put sudo in front of the command to ask it",
			dir, other);
	else if (slash)
		diag_error(
			diag, NULL, 0,
			"no instance is up (%s), but %s is: ask it with --run-dir %.*s",
			dir, slash + 1, (int)(slash - elsewhere), elsewhere);
	else if (killed)
		diag_error(
			diag, NULL, 0,
			"no instance of yours is up (%s), and %s of root seems to have been killed, or its tun was removed, so what belongs to its tunnels is unreachable: bring its files up again by sudo tunion up, or put the host back by sudo tunion down",
			dir, killed);
	else if (given)
		diag_error(diag, NULL, 0,
		           "no instance is up (%s): tunion up --run-dir %s starts one",
		           dir, dir);
	else if (rights_rule_networks())
		diag_error(diag, NULL, 0, "no instance is up (%s): tunion up starts one",
		           dir);
	else
		diag_error(
			diag, NULL, 0,
			"no instance of yours is up (%s): sudo tunion up starts one for this host; tunion exec, tunion proxy and tunion gate need no root",
			dir);
	free(other);
	free(elsewhere);
	free(killed);
}

int instance_find_only(const char *run_dir, char **tun, struct diag *diag)
{
	char *dir = run_dir ? strdup(run_dir) : instance_default_dir();
	size_t count = 0;

	*tun = NULL;
	if (dir)
		count = find_running(dir, tun);
	if (dir && count == 0)
		count = find_all(dir, true, tun);
	if (!dir)
		diag_error(diag, NULL, 0, "out of memory");
	else if (count == 0)
		report_none(dir, run_dir, diag);
	else if (count > 1)
		diag_error(diag, NULL, 0,
		           "%zu instances are there: choose one with --tun (%s)", count,
		           *tun ? *tun : "out of memory");
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

/* Is it the socket of an instance that runs (or not, if it was killed), and may this process
 * not ask it? */
static bool is_of_other(const char *dir, const char *tun, bool runs)
{
	char *path;
	bool other;

	if (asprintf(&path, "%s/%s.sock", dir, tun) < 0)
		return false;
	other = access(path, F_OK) == 0 &&
	        faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0 && errno == EACCES &&
	        is_served(path) == runs;
	free(path);
	return other;
}

static char *find_of_other(const char *dir_path, bool runs)
{
	DIR *dir = geteuid() == 0 ? NULL : opendir(dir_path);
	struct dirent *entry;
	char *found = NULL;

	while (dir && !found && (entry = readdir(dir))) {
		size_t n = pid_file_tun(entry->d_name);

		found = n ? strndup(entry->d_name, n) : NULL;
		if (!found || is_of_other(dir_path, found, runs))
			continue;
		free(found);
		found = NULL;
	}
	if (dir)
		closedir(dir);
	return found;
}

char *instance_find_other(const char *dir)
{
	return find_of_other(dir, true);
}

char *instance_find_killed_other(const char *dir)
{
	return find_of_other(dir, false);
}
