/* src/inside/mounts.c - builds another /run on a tmpfs, and moves it to its place
 *
 * Hiding single directories would not do: if a service removes its directory in /run when
 * it stops, the kernel also removes what is mounted there elsewhere, and the directory
 * that comes with the next start is seen by everybody. */
#include "inside/mounts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* For a moment the tmpfs is mounted there. */
#define BUILD_DIR "/tmp"
/* Our own files are in this directory of the new /run. */
#define OWN_DIR         ".tunion"
#define OWN_RESOLV_CONF "/run/" OWN_DIR "/resolv.conf"
#define OWN_NSSWITCH    "/run/" OWN_DIR "/nsswitch.conf"

/* For a moment, another directory is there that will be /var/run. */
#define VAR_RUN     "var-run"
#define OWN_VAR_RUN "/run/" OWN_DIR "/" VAR_RUN

#define DBUS_SERVICES "/usr/share/dbus-1/system-services/org.freedesktop."

/* ---- paths */

/* A directory of the tree that is built, and the real one it stands for. */
struct place {
	char real[PATH_MAX], built[PATH_MAX];
};

static int place_in(struct place *out, const struct place *parent, const char *name)
{
	int a = snprintf(out->real, sizeof(out->real), "%s/%s", parent->real, name);
	int b = snprintf(out->built, sizeof(out->built), "%s/%s", parent->built, name);

	return a >= (int)sizeof(out->real) || b >= (int)sizeof(out->built) ? -ENAMETOOLONG
	                                                                   : 0;
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* ---- the other /run */

enum treatment { SHOWN, HIDDEN, LOOKED_INTO };

/* Is there a service that looks up names for who asks it through D-Bus? */
static bool dbus_has_resolver(void)
{
	static const char *const signs[] = { "/run/systemd/resolve", "/run/avahi-daemon",
		                             "/var/run/avahi-daemon",
		                             DBUS_SERVICES "resolve1.service",
		                             DBUS_SERVICES "Avahi.service" };

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		if (exists(signs[i]))
			return true;
	}
	return false;
}

static enum treatment treatment_of(const char *path)
{
	static const char *const hidden[] = { "/run/nscd", "/run/avahi-daemon",
		                              "/run/systemd/resolve" };

	if (strncmp(path, "/var/", strlen("/var/")) == 0)
		path += strlen("/var");
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
		if (strcmp(path, hidden[i]) == 0)
			return HIDDEN;
	}
	if (strcmp(path, "/run/dbus") == 0)
		return dbus_has_resolver() ? HIDDEN : SHOWN;
	return strcmp(path, "/run/systemd") == 0 ? LOOKED_INTO : SHOWN;
}

static int copy_link(const struct place *p)
{
	char target[PATH_MAX];
	ssize_t n = readlink(p->real, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	return symlink(target, p->built) < 0 ? -errno : 0;
}

static int create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* Everything that is mounted below comes along. */
static int bind_at(const struct place *p, mode_t type)
{
	int err;

	if (S_ISLNK(type))
		return copy_link(p);
	if (S_ISDIR(type))
		err = mkdir(p->built, 0755) < 0 ? -errno : 0;
	else
		err = create(p->built);
	if (!err && mount(p->real, p->built, NULL, MS_BIND | MS_REC, NULL) < 0)
		err = -errno;
	return err;
}

static int fill(const struct place *dir);

static int show(const struct place *p)
{
	struct stat st;

	if (lstat(p->real, &st) < 0)
		return -errno;
	switch (treatment_of(p->real)) {
	case HIDDEN:
		return 0;
	case LOOKED_INTO:
		if (!S_ISDIR(st.st_mode))
			break;
		return mkdir(p->built, 0755) < 0 ? -errno : fill(p);
	case SHOWN:
		break;
	}
	return bind_at(p, st.st_mode);
}

/* What can't be shown is left out: it may have gone meanwhile, or not be ours to see. */
static int fill(const struct place *dir)
{
	DIR *d = opendir(dir->real);
	struct dirent *entry;
	struct place *p = malloc(sizeof(*p));
	int err = !p ? -ENOMEM : d ? 0 : -errno;

	while (!err && d && (entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    place_in(p, dir, entry->d_name) < 0)
			continue;
		(void)!show(p);
	}
	if (d)
		closedir(d);
	free(p);
	return err;
}

static bool is_same(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* On most systems it is a link to /run. Where it isn't, the C library looks for nscd in it. */
static bool var_run_is_another(void)
{
	DIR *d = opendir("/var/run"); /* nobody else can look into it either */

	if (!d)
		return false;
	closedir(d);
	return !is_same("/var/run", "/run") ||
	       (is_directory("/var/run") && is_directory("/run"));
}

static int mount_empty(const char *path)
{
	return mount("tunion", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") < 0
	               ? -errno
	               : 0;
}

static int build_run(void)
{
	static const struct place run = { "/run", BUILD_DIR };
	static const struct place var_run = { "/var/run",
		                              BUILD_DIR "/" OWN_DIR "/" VAR_RUN };
	int err = fill(&run);

	if (err || !var_run_is_another())
		return err;
	err = mkdir(var_run.built, 0755) < 0 ? -errno : mount_empty(var_run.built);
	return err ? err : fill(&var_run);
}

/* ---- our own files */

static bool is_hosts(const char *line)
{
	line += strspn(line, " \t");
	if (strncmp(line, "hosts", 5) != 0)
		return false;
	line += 5;
	return line[strspn(line, " \t")] == ':';
}

void inside_mounts_nsswitch(FILE *in, FILE *out)
{
	char *line = NULL;
	size_t size = 0;

	fputs("hosts: files dns\n", out);
	while (getline(&line, &size, in) >= 0) {
		if (!is_hosts(line))
			fputs(line, out);
	}
	free(line);
}

/* Without this file there is nothing to do: the C library's default is the same. */
static int write_nsswitch(const char *path)
{
	FILE *in = fopen("/etc/nsswitch.conf", "re"), *out = NULL;
	int err = 0;

	if (!in)
		return 0;
	out = fopen(path, "we");
	if (!out) {
		err = -errno;
	} else {
		inside_mounts_nsswitch(in, out);
		err = fclose(out) == 0 ? 0 : -errno;
	}
	fclose(in);
	return err;
}

/* Puts one of our files in the place of another. The command can't change it. */
static int put(const char *own, const char *path)
{
	const unsigned long flags =
		MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV;

	if (mount(own, path, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, path, NULL, flags, NULL) < 0)
		return -errno;
	return 0;
}

/* Makes the directories above a file in the new /run. Returns false if one of them is the
 * host's, in which we make nothing. */
static bool make_parents(const char *path)
{
	struct stat run, st;
	char dir[PATH_MAX];

	if (stat("/run", &run) < 0)
		return false;
	snprintf(dir, sizeof(dir), "%s", path);
	for (char *slash = strchr(dir + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)!mkdir(dir, 0755);
		if (stat(dir, &st) < 0 || st.st_dev != run.st_dev)
			return false;
		*slash = '/';
	}
	return true;
}

/* Returns the path of the real file, to be freed, even if it is a link into /run where
 * nothing is yet. Returns NULL if there is none. */
static char *find_resolv_conf(void)
{
	static const char path[] = "/etc/resolv.conf", relative[] = "../run/";
	char *real = realpath(path, NULL), target[PATH_MAX];
	ssize_t n = real ? 0 : readlink(path, target, sizeof(target) - 1);

	if (real || n < 0)
		return real;
	target[n] = '\0';
	if (strncmp(target, relative, sizeof(relative) - 1) == 0)
		return strdup(target + 2);
	return strncmp(target, relative + 2, sizeof(relative) - 3) == 0 ? strdup(target)
	                                                                : NULL;
}

/* The file may be a link into a directory that is hidden now, such as
 * ../run/systemd/resolve/stub-resolv.conf. Then it is made there. */
static int put_resolv_conf(const char *real)
{
	static const char run[] = "/run/";

	if (!exists(real) && strncmp(real, run, sizeof(run) - 1) == 0 &&
	    make_parents(real))
		(void)!create(real);
	return put(OWN_RESOLV_CONF, real);
}

/* ---- all together */

static int build(int *resolv_conf)
{
	const char *own = BUILD_DIR "/" OWN_DIR;
	int err = mount_empty(BUILD_DIR);

	if (err)
		return err;
	if (mkdir(own, 0755) < 0)
		return -errno;
	*resolv_conf = open(BUILD_DIR "/" OWN_DIR "/resolv.conf",
	                    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (*resolv_conf < 0 || fchmod(*resolv_conf, 0644) < 0)
		return -errno;
	return write_nsswitch(BUILD_DIR "/" OWN_DIR "/nsswitch.conf");
}

static int move(const char *from, const char *to)
{
	return mount(from, to, NULL, MS_MOVE, NULL) < 0 ? -errno : 0;
}

/* What root may write in it stays possible, what others may not, too. */
static int close_to_users(const char *run)
{
	return geteuid() != 0 && chmod(run, 0555) < 0 ? -errno : 0;
}

static void warn_of_resolv_conf(struct diag *diag)
{
	diag_warning(
		diag, NULL, 0,
		"there is no /etc/resolv.conf, so the command can't be given name servers: have root make an empty file of this name");
}

/* resolv_conf is NULL if there is none. */
static int take_place(const char *resolv_conf, struct diag *diag)
{
	int err = move(BUILD_DIR, "/run");

	if (!err && exists(OWN_VAR_RUN)) {
		err = move(OWN_VAR_RUN, "/var/run");
		if (!err)
			err = close_to_users("/var/run");
	}
	if (!err && exists(OWN_NSSWITCH))
		err = put(OWN_NSSWITCH, "/etc/nsswitch.conf");
	if (err)
		return err;
	err = resolv_conf ? put_resolv_conf(resolv_conf) : -ENOENT;
	if (err == -ENOENT)
		warn_of_resolv_conf(diag);
	else if (err)
		return err;
	return close_to_users("/run");
}

int inside_mounts_mend(void)
{
	char *real = find_resolv_conf();
	int err = 0;

	if (exists(OWN_NSSWITCH) && !is_same(OWN_NSSWITCH, "/etc/nsswitch.conf"))
		err = put(OWN_NSSWITCH, "/etc/nsswitch.conf");
	if (!err && real && !is_same(OWN_RESOLV_CONF, real))
		err = put_resolv_conf(real);
	free(real);
	return err;
}

int inside_mounts(int *resolv_conf, struct diag *diag)
{
	mode_t mask = umask(022);
	char *real = find_resolv_conf();
	int err = 0;

	*resolv_conf = -1;
	/* changes outside are still seen, but not the other way round */
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		err = -errno;
	if (!err)
		err = build(resolv_conf);
	if (!err)
		err = build_run();
	if (!err)
		err = take_place(real, diag);
	if (err)
		diag_error(
			diag, NULL, 0,
			"can't keep the command's name look-ups inside: a mount has failed: %s",
			strerror(-err));
	free(real);
	umask(mask);
	return err;
}
