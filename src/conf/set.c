/* src/conf/set.c - reads several tunnel files: those that are given to `up` and
 * `check` */
#include "conf/set.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ifname.h"
#include "base/unreadable.h"
#include "conf/list.h"
#include "conf/load.h"
#include "conf/missing.h"

#define SUFFIX ".conf"

/* Paths of files, in the order in which they are read. */
struct files {
	char **v; /* owned, and so is each string */
	size_t n;
	bool may_be_gone; /* they are read again: a file that is gone is no error */
	const struct conf_paths *from; /* borrowed */
};

static void files_clear(struct files *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->v[i]);
	free(files->v);
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_left_out(const struct files *files, const char *path)
{
	const char *part = last_part(path);

	for (size_t i = 0; files->may_be_gone && i < files->from->without_count; i++) {
		const char *name = files->from->without[i];
		size_t n = strlen(name);

		if (strncmp(part, name, n) == 0 && strcmp(part + n, SUFFIX) == 0)
			return true;
	}
	return false;
}

/* Takes over path, which may be NULL after a failed allocation. */
static int files_add(struct files *files, char *path)
{
	char **v;

	if (path && is_left_out(files, path)) {
		free(path);
		return 0;
	}
	v = list_room(files->v, files->n, sizeof(*v));
	if (v)
		files->v = v;
	if (!v || !path) {
		free(path);
		return -ENOMEM;
	}
	v[files->n++] = path;
	return 0;
}

static char *join(const char *directory, const char *file)
{
	size_t n = strlen(directory), m = strlen(file);
	char *path;

	while (n > 1 && directory[n - 1] == '/')
		n--;
	path = malloc(n + m + 2);
	if (!path)
		return NULL;
	memcpy(path, directory, n);
	if (directory[n - 1] != '/')
		path[n++] = '/';
	memcpy(path + n, file, m + 1);
	return path;
}

/* Like *.conf in the shell: hidden files, such as those of an editor, don't belong to
 * it. */
static bool is_tunnel_file(const char *name)
{
	size_t n = strlen(name);

	return name[0] != '.' && n >= strlen(SUFFIX) &&
	       strcmp(name + n - strlen(SUFFIX), SUFFIX) == 0;
}

static int by_path(const void *a, const void *b)
{
	char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* The files are sorted, so that messages come in the same order on every file system. */
static int add_directory(struct files *files, const char *directory, struct diag *diag)
{
	size_t before = files->n;
	struct dirent *entry;
	DIR *dir = opendir(directory);
	int err = 0;

	if (!dir) {
		unreadable_report(directory, errno, diag);
		return -EINVAL;
	}
	while (err == 0 && (errno = 0, entry = readdir(dir)))
		if (is_tunnel_file(entry->d_name))
			err = files_add(files, join(directory, entry->d_name));
	if (err == 0 && errno != 0) {
		unreadable_report(directory, errno, diag);
		err = -EINVAL;
	} else if (err == 0 && files->n == before && !files->may_be_gone) {
		diag_error(diag, directory, 0,
		           "has no tunnel files; expected some NAME.conf");
		err = -EINVAL;
	}
	closedir(dir);
	if (files->n > before)
		qsort(files->v + before, files->n - before, sizeof(*files->v), by_path);
	return err;
}

static int add_path(struct files *files, const char *path, struct diag *diag)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		if (errno == ENOENT && files->may_be_gone &&
		    is_tunnel_file(last_part(path)))
			return 0;
		if (errno == ENOENT || errno == ENOTDIR)
			missing_report(path, files->from->names_folder, diag);
		else
			unreadable_report(path, errno, diag);
		return -EINVAL;
	}
	if (S_ISDIR(st.st_mode))
		return add_directory(files, path, diag);
	return files_add(files, strdup(path));
}

static int by_name(const void *a, const void *b)
{
	struct conf *const *x = a, *const *y = b;
	int c = strcmp((*x)->name, (*y)->name);

	return c ? c : strcmp((*x)->path, (*y)->path);
}

/* Returns the worse one of two results, which are -ENOMEM, -EINVAL (any error) or 0. */
static int worse(int a, int b)
{
	if (a == -ENOMEM || b == -ENOMEM)
		return -ENOMEM;
	return a < 0 || b < 0 ? -EINVAL : 0;
}

static int compare_name(const void *name, const void *conf)
{
	return strcmp(name, (*(struct conf *const *)conf)->name);
}

static struct conf *find(const struct conf_set *set, const char *name)
{
	struct conf **found =
		set->n ? bsearch(name, set->v, set->n, sizeof(*set->v), compare_name)
		       : NULL;

	return found ? *found : NULL;
}

/* Returns the version of this file in old (NULL if there are no old files). It must have
 * the same path, because two files may have the same NAME. */
static struct conf *known(const struct conf_set *old, const char *path)
{
	const char *part = last_part(path);
	char name[IFNAME_MAX + 1];
	size_t n = strlen(part);
	struct conf *conf;

	if (!old || n < strlen(SUFFIX) || n - strlen(SUFFIX) > IFNAME_MAX)
		return NULL;
	n -= strlen(SUFFIX);
	memcpy(name, part, n);
	name[n] = '\0';
	conf = find(old, name);
	return conf && strcmp(conf->path, path) == 0 ? conf : NULL;
}

/* Keeps only one file of each name: the one that old has, or else the first one. */
static int drop_doubles(struct conf_set *set, const struct conf_set *old,
                        struct diag *diag)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->n; i++) {
		struct conf *conf = set->v[i], *other = kept ? set->v[kept - 1] : NULL;

		if (!other || strcmp(conf->name, other->name) != 0) {
			set->v[kept++] = conf;
			continue;
		}
		if (known(old, conf->path)) {
			set->v[kept - 1] = conf;
			conf = other;
			other = set->v[kept - 1];
		}
		diag_error(diag, conf->path, 0,
		           "is a second file for NAME %s, besides %s; expected only one",
		           conf->name, other->path);
		if (conf != other)
			conf_free(conf);
	}
	if (kept == set->n)
		return 0;
	set->n = kept;
	return -EINVAL;
}

static int load_all(struct conf_set *out, const struct files *files,
                    const struct conf_set *old, struct diag *diag)
{
	struct load_buffer buffer = { 0 };
	int err = 0;

	out->v = calloc(files->n + 1, sizeof(*out->v));
	if (!out->v)
		return -ENOMEM;
	for (size_t i = 0; old && i < old->n; i++)
		sealer_share(&buffer.sealer, conf_some_key(old->v[i]));
	for (size_t i = 0; i < files->n && err != -ENOMEM; i++) {
		struct conf *conf;

		err = worse(err, load_file(&conf, files->v[i], &buffer,
		                           known(old, files->v[i]), diag));
		if (conf)
			out->v[out->n++] = conf;
	}
	load_buffer_clear(&buffer);
	qsort(out->v, out->n, sizeof(*out->v), by_name);
	return worse(err, drop_doubles(out, old, diag));
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return strcmp(last_part(a), last_part(b)) == 0 && stat(a, &x) == 0 &&
	       stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int add_gate(struct files *files, const char *gate, struct diag *diag)
{
	struct stat st;

	for (size_t i = 0; i < files->n; i++) {
		if (is_same_file(files->v[i], gate))
			return 0;
	}
	if (stat(gate, &st) < 0 || !S_ISDIR(st.st_mode))
		return add_path(files, gate, diag);
	diag_error(diag, gate, 0, "is a directory; expected the file of a gate");
	return -EINVAL;
}

/* Returns 0, -ENOMEM or -EINVAL. */
static int add_paths(struct files *files, const struct conf_paths *from,
                     struct diag *diag)
{
	int err = 0;

	for (size_t i = 0; i < from->n && err != -ENOMEM; i++)
		err = worse(err, add_path(files, from->v[i], diag));
	if (from->gate && err != -ENOMEM)
		err = worse(err, add_gate(files, from->gate, diag));
	return err;
}

/* No other file of the set has its NAME. */
static void mark_gate(struct conf_set *set, const char *path)
{
	const char *name = path ? last_part(path) : "";
	size_t n = strlen(name);

	for (size_t i = 0; i < set->n && is_tunnel_file(name); i++) {
		struct conf_switches *s = &set->v[i]->switches;

		if (strlen(set->v[i]->name) != n - strlen(SUFFIX) || s->gate ||
		    memcmp(set->v[i]->name, name, n - strlen(SUFFIX)) != 0)
			continue;
		s->gate = s->gate_unsaid = true;
	}
}

int conf_set_read(struct conf_set *out, const struct conf_paths *from, struct diag *diag)
{
	struct files files = { .from = from };
	int err;

	*out = (struct conf_set){ .n = 0 };
	if (from->n == 0) {
		diag_error(diag, NULL, 0,
		           "no tunnel files are given; expected files or directories");
		return -EINVAL;
	}
	err = add_paths(&files, from, diag);
	if (err != -ENOMEM)
		err = worse(err, load_all(out, &files, NULL, diag));
	mark_gate(out, from->gate);
	files_clear(&files);
	return err;
}

int conf_set_reread(struct conf_set *out, const struct conf_set *old,
                    const struct conf_paths *from, struct diag *diag)
{
	struct files files = { .may_be_gone = true, .from = from };
	int err = add_paths(&files, from, diag);

	*out = (struct conf_set){ .n = 0 };
	if (err == -EINVAL)
		err = -EIO;
	else if (err == 0)
		err = load_all(out, &files, old, diag);
	mark_gate(out, from->gate);
	files_clear(&files);
	return err;
}

void conf_set_clear(struct conf_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		conf_free(set->v[i]);
	free(set->v);
	*set = (struct conf_set){ .n = 0 };
}

void conf_set_clear_but(struct conf_set *set, const struct conf_set *old)
{
	for (size_t i = 0; i < set->n; i++)
		if (find(old, set->v[i]->name) != set->v[i])
			conf_free(set->v[i]);
	free(set->v);
	*set = (struct conf_set){ .n = 0 };
}
