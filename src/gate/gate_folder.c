/* src/gate/gate_folder.c */
#include "gate/gate_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ifname.h"

#define CLIENTS "clients"
#define SUFFIX  ".conf"

/* ---- the folder */

static int make_one(const char *path, struct diag *diag)
{
	int err;

	if (mkdir(path, 0700) == 0)
		return 0;
	err = -errno;
	/* where one may not write, another error may come first */
	if (access(path, F_OK) == 0)
		return 0;
	diag_error(
		diag, path, 0,
		"can't make the folder for the gate's keys: %s; expected one in which you may write, see --state",
		strerror(-err));
	return err;
}

int gate_folder_make(const char *path, struct diag *diag)
{
	char part[PATH_MAX];
	int err = 0;

	if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part)) {
		diag_error(diag, path, 0, "this path is too long");
		return -ENAMETOOLONG;
	}
	for (char *end = part + 1; *end && !err; end++) {
		if (*end != '/')
			continue;
		*end = '\0';
		err = make_one(part, diag);
		*end = '/';
	}
	return err ? err : make_one(part, diag);
}

static int check(const char *path, int fd, struct diag *diag)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid != geteuid())
		diag_error(
			diag, path, 0,
			"this folder belongs to another user, who could choose the gate's keys; expected one of yours, see --state");
	else if (st.st_mode & 022)
		diag_error(
			diag, path, 0,
			"others can write in this folder, and so choose the gate's keys; expected mode 0700 (chmod 700)");
	else
		return 0;
	return -EPERM;
}

static int open_folder(int *out, int at, const char *name, const char *path,
                       struct diag *diag)
{
	int err;

	*out = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*out < 0) {
		err = -errno;
		if (err == -ENOENT)
			diag_error(
				diag, path, 0,
				"no client has a file yet, because no gate was started: tunion gate makes the folder, and the file of the client phone");
		else
			diag_error(diag, path, 0,
			           "can't open the folder of the gate's keys: %s",
			           strerror(-err));
		return err;
	}
	err = check(path, *out, diag);
	if (err)
		close(*out);
	return err;
}

int gate_folder_open(struct gate_folder *f, const char *path, struct diag *diag)
{
	char clients[GATE_FOLDER_PATH_MAX];
	int err;

	if (snprintf(f->path, sizeof(f->path), "%s", path) >= (int)sizeof(f->path))
		return -ENAMETOOLONG;
	snprintf(clients, sizeof(clients), "%s/" CLIENTS, f->path);
	err = open_folder(&f->fd, AT_FDCWD, f->path, f->path, diag);
	if (err)
		return err;
	/* if this fails, opening it says why */
	(void)!mkdirat(f->fd, CLIENTS, 0700);
	err = open_folder(&f->clients_fd, f->fd, CLIENTS, clients, diag);
	if (err)
		close(f->fd);
	return err;
}

void gate_folder_close(struct gate_folder *f)
{
	close(f->clients_fd);
	close(f->fd);
}

int gate_folder_lock(const struct gate_folder *f, struct diag *diag)
{
	int err;

	if (flock(f->fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	err = -errno;
	diag_error(
		diag, f->path, 0, "%s",
		err == -EWOULDBLOCK
			? "another gate is up with this folder: tunion status shows it, and tunion down ends it"
			: strerror(-err));
	return err;
}

/* ---- its files */

const char *gate_folder_conf(const struct gate_folder *f,
                             char out[static GATE_FOLDER_PATH_MAX])
{
	snprintf(out, GATE_FOLDER_PATH_MAX, "%s/" GATE_FOLDER_CONF, f->path);
	return out;
}

const char *gate_folder_client(const struct gate_folder *f, const char *client,
                               char out[static GATE_FOLDER_PATH_MAX])
{
	snprintf(out, GATE_FOLDER_PATH_MAX, "%s/" CLIENTS "/%s" SUFFIX, f->path, client);
	return out;
}

static int write_file(int folder, const char *name, const char *path,
                      const struct gate_file *file, struct diag *diag)
{
	int err = gate_file_replace(folder, name, file);

	if (err)
		diag_error(diag, path, 0, "can't be written: %s", strerror(-err));
	return err;
}

int gate_folder_write_conf(const struct gate_folder *f, const struct gate_file *file,
                           struct diag *diag)
{
	char path[GATE_FOLDER_PATH_MAX];

	return write_file(f->fd, GATE_FOLDER_CONF, gate_folder_conf(f, path), file, diag);
}

int gate_folder_write_client(const struct gate_folder *f, const char *client,
                             const struct gate_file *file, struct diag *diag)
{
	char path[GATE_FOLDER_PATH_MAX], name[GATE_FILE_NAME_MAX];

	snprintf(name, sizeof(name), "%s" SUFFIX, client);
	return write_file(f->clients_fd, name, gate_folder_client(f, client, path), file,
	                  diag);
}

/* ---- names */

int gate_names_add(struct gate_names *names, const char *name, size_t chars)
{
	char **v;

	for (size_t i = 0; i < names->n; i++) {
		if (strlen(names->v[i]) == chars && memcmp(names->v[i], name, chars) == 0)
			return 0;
	}
	v = reallocarray(names->v, names->n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	names->v = v;
	v[names->n] = strndup(name, chars);
	if (!v[names->n])
		return -ENOMEM;
	names->n++;
	return 0;
}

void gate_names_clear(struct gate_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
	*names = (struct gate_names){ 0 };
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_file(struct gate_names *names, const char *file)
{
	char name[NAME_MAX + 1];
	size_t n = strlen(file);

	if (n <= strlen(SUFFIX) || strcmp(file + n - strlen(SUFFIX), SUFFIX) != 0)
		return 0;
	n -= strlen(SUFFIX);
	snprintf(name, sizeof(name), "%.*s", (int)n, file);
	return name[0] != '.' && ifname_valid(name) ? gate_names_add(names, name, n) : 0;
}

int gate_folder_clients(const struct gate_folder *f, struct gate_names *out)
{
	int err = 0, fd = openat(f->clients_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	*out = (struct gate_names){ 0 };
	if (!dir) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!err && (entry = readdir(dir)))
		err = add_file(out, entry->d_name);
	closedir(dir);
	if (out->n > 0)
		qsort(out->v, out->n, sizeof(*out->v), compare_names);
	return err;
}
