/* src/supervisor/follow.c - keeps the paths, and watches them if possible */
#include "supervisor/follow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "supervisor/watch.h"

/* ---- init and clear */

static int keep_paths(struct follow *f, const struct conf_paths *from)
{
	f->gate = from->gate ? strdup(from->gate) : NULL;
	f->paths = calloc(from->n + 1, sizeof(*f->paths));
	if (!f->paths || (from->gate && !f->gate))
		return -ENOMEM;
	for (; f->path_count < from->n; f->path_count++) {
		f->paths[f->path_count] = strdup(from->v[f->path_count]);
		if (!f->paths[f->path_count])
			return -ENOMEM;
	}
	return 0;
}

static int start_watch(struct follow *f)
{
	const char **all = calloc(f->path_count + 2, sizeof(*all));
	size_t n = 0;
	int err;

	if (!all)
		return -ENOMEM;
	for (; n < f->path_count; n++)
		all[n] = f->paths[n];
	if (f->gate)
		all[n++] = f->gate;
	err = watch_new(&f->watch, all, n);
	free(all);
	return err;
}

int follow_init(struct follow *f, const struct conf_paths *from, bool no_watch)
{
	int err = keep_paths(f, from);

	if (err || no_watch)
		return err;
	err = start_watch(f);
	f->watch_err = err;
	return err == -ENOMEM ? err : 0;
}

struct conf_paths follow_paths(const struct follow *f)
{
	return (struct conf_paths){ .v = (const char *const *)f->paths,
		                    .n = f->path_count,
		                    .gate = f->gate,
		                    .without = (const char *const *)f->without,
		                    .without_count = f->without_count };
}

static void watch_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct follow *f = CONTAINER_OF(source, struct follow, source);

	(void)events;
	watch_read(f->watch, now_ns);
}

static int add_source(struct follow *f)
{
	if (!f->watch)
		return 0;
	f->source = (struct loop_source){ watch_fd(f->watch), watch_ready };
	return loop_add(f->loop, &f->source, EPOLLIN);
}

int follow_start(struct follow *f, struct loop *loop, const struct log *log)
{
	f->loop = loop;
	/* what wasn't there was reported when it was read */
	if (f->watch_err && f->watch_err != -ENOENT && f->watch_err != -ENOTDIR)
		log_warn(log, NULL,
		         "can't watch the files, so use tunion reload after a change: %s",
		         strerror(-f->watch_err));
	return add_source(f);
}

void follow_clear(struct follow *f)
{
	watch_free(f->watch);
	f->watch = NULL;
	for (size_t i = 0; i < f->path_count; i++)
		free(f->paths[i]);
	free(f->paths);
	free(f->gate);
	for (size_t i = 0; i < f->without_count; i++)
		free(f->without[i]);
	free(f->without);
	*f = (struct follow){ .gate = NULL };
}

/* ---- one file */

/* Adds a copy to a list. Returns 0 or -ENOMEM. */
static int list_add(char ***list, size_t *n, const char *text)
{
	char **v = reallocarray(*list, *n + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	*list = v;
	v[*n] = strdup(text);
	if (!v[*n])
		return -ENOMEM;
	(*n)++;
	return 0;
}

int follow_leave_out(struct follow *f, const char *name)
{
	return list_add(&f->without, &f->without_count, name);
}

bool follow_leaves_out(const struct follow *f, const char *name)
{
	for (size_t i = 0; i < f->without_count; i++) {
		if (strcmp(f->without[i], name) == 0)
			return true;
	}
	return false;
}

bool follow_take_in(struct follow *f, const char *name)
{
	for (size_t i = 0; i < f->without_count; i++) {
		if (strcmp(f->without[i], name) != 0)
			continue;
		free(f->without[i]);
		f->without[i] = f->without[--f->without_count];
		return true;
	}
	return false;
}

static bool is_same(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

bool follow_has(const struct follow *f, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash - path + 1)) : NULL;
	bool has = false;

	for (size_t i = 0; i < f->path_count && !has; i++)
		has = strcmp(f->paths[i], path) == 0 ||
		      (folder && is_same(f->paths[i], folder));
	free(folder);
	return has;
}

/* Watches what is followed now; without a watch, only `reload` notices changes. */
static void watch_again(struct follow *f)
{
	struct watch *old = f->watch;

	if (!old || !f->loop)
		return;
	if (start_watch(f) < 0) {
		f->watch = old; /* is better than none */
		return;
	}
	loop_remove(f->loop, &f->source);
	watch_free(old);
	if (add_source(f) < 0) {
		watch_free(f->watch);
		f->watch = NULL;
	}
}

int follow_add(struct follow *f, const char *path)
{
	int err = list_add(&f->paths, &f->path_count, path);

	if (!err)
		watch_again(f);
	return err;
}

void follow_drop(struct follow *f)
{
	free(f->paths[--f->path_count]);
	watch_again(f);
}

/* ---- when */

uint64_t follow_deadline_ns(const struct follow *f)
{
	return f->watch ? watch_deadline_ns(f->watch) : NEVER_NS;
}

bool follow_due(struct follow *f, uint64_t now_ns)
{
	return f->watch && watch_due(f->watch, now_ns);
}
