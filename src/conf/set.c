/* src/conf/set.c - several tunnel files: what `up` and `check` are given */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/conf.h"
#include "conf/list.h"
#include "conf/load.h"

/* Paths of files, in the order in which they will be read. */
struct files {
	char **v; /* owned, and each string */
	size_t n;
};

static void files_clear(struct files *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->v[i]);
	free(files->v);
}

/* Takes path, which may be NULL for lack of memory. */
static int files_add(struct files *files, char *path)
{
	char **v = list_room(files->v, files->n, sizeof(*v));

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

/* As the shell's *.conf: hidden files, such as an editor's, are not meant. */
static bool is_tunnel_file(const char *name)
{
	size_t n = strlen(name);

	return name[0] != '.' && n >= 5 && strcmp(name + n - 5, ".conf") == 0;
}

static int by_path(const void *a, const void *b)
{
	char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* Sorted, so that messages come in the same order on every file system. */
static int add_directory(struct files *files, const char *directory, struct diag *diag)
{
	size_t before = files->n;
	struct dirent *entry;
	DIR *dir = opendir(directory);
	int r = 0;

	if (!dir) {
		r = -errno;
		diag_error(diag, directory, 0, "can't be read: %s", strerror(-r));
		return -EINVAL;
	}
	while (r == 0 && (errno = 0, entry = readdir(dir)))
		if (is_tunnel_file(entry->d_name))
			r = files_add(files, join(directory, entry->d_name));
	if (r == 0 && errno != 0) {
		diag_error(diag, directory, 0, "can't be read: %s", strerror(errno));
		r = -EINVAL;
	} else if (r == 0 && files->n == before) {
		diag_error(diag, directory, 0,
		           "has no tunnel files; expected some NAME.conf");
		r = -EINVAL;
	}
	closedir(dir);
	if (files->n > before)
		qsort(files->v + before, files->n - before, sizeof(*files->v), by_path);
	return r;
}

static int add_path(struct files *files, const char *path, struct diag *diag)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		diag_error(diag, path, 0, "can't be read: %s", strerror(errno));
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

/* Keeps the first of each name. */
static int drop_doubles(struct conf_set *set, struct diag *diag)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->n; i++) {
		struct conf *conf = set->v[i];

		if (kept > 0 && strcmp(conf->name, set->v[kept - 1]->name) == 0) {
			diag_error(diag, conf->path, 0,
			           "a second file for NAME %s, beside %s; expected one",
			           conf->name, set->v[kept - 1]->path);
			conf_free(conf);
			continue;
		}
		set->v[kept++] = conf;
	}
	if (kept == set->n)
		return 0;
	set->n = kept;
	return -EINVAL;
}

/* The worse of two results: out of memory, an error, 0. */
static int worse(int a, int b)
{
	if (a == -ENOMEM || b == -ENOMEM)
		return -ENOMEM;
	return a < 0 || b < 0 ? -EINVAL : 0;
}

static int load_all(struct conf_set *out, const struct files *files, struct diag *diag)
{
	int r = 0;

	out->v = calloc(files->n + 1, sizeof(*out->v));
	if (!out->v)
		return -ENOMEM;
	for (size_t i = 0; i < files->n && r != -ENOMEM; i++) {
		struct conf *conf;

		r = worse(r, load_file(&conf, files->v[i], diag));
		if (conf)
			out->v[out->n++] = conf;
	}
	qsort(out->v, out->n, sizeof(*out->v), by_name);
	return worse(r, drop_doubles(out, diag));
}

int conf_set_read(struct conf_set *out, const char *const *paths, size_t n,
                  struct diag *diag)
{
	struct files files = { .n = 0 };
	int r = 0;

	*out = (struct conf_set){ .n = 0 };
	if (n == 0) {
		diag_error(diag, NULL, 0,
		           "no tunnel files are given; expected files or directories");
		return -EINVAL;
	}
	for (size_t i = 0; i < n && r != -ENOMEM; i++)
		r = worse(r, add_path(&files, paths[i], diag));
	if (r != -ENOMEM)
		r = worse(r, load_all(out, &files, diag));
	files_clear(&files);
	if (r == -ENOMEM)
		diag_error(diag, NULL, 0, "out of memory");
	return r;
}

void conf_set_clear(struct conf_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		conf_free(set->v[i]);
	free(set->v);
	*set = (struct conf_set){ .n = 0 };
}
