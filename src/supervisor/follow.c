/* src/supervisor/follow.c - keeps the paths, and watches them if possible */
#include "supervisor/follow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

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

int follow_init(struct follow *f, const struct conf_paths *from, bool no_watch,
                const struct log *log)
{
	int err = keep_paths(f, from);

	if (err || no_watch)
		return err;
	err = start_watch(f);
	/* if something isn't there, this is reported when it is read */
	if (err && err != -ENOENT && err != -ENOTDIR)
		log_warn(log, NULL,
		         "can't watch the files, so use tunion reload after a change: %s",
		         strerror(-err));
	return err == -ENOMEM ? err : 0;
}

struct conf_paths follow_paths(const struct follow *f)
{
	return (struct conf_paths){ (const char *const *)f->paths, f->path_count,
		                    f->gate };
}

static void watch_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct follow *f = CONTAINER_OF(source, struct follow, source);

	(void)events;
	watch_read(f->watch, now_ns);
}

int follow_start(struct follow *f, struct loop *loop)
{
	if (!f->watch)
		return 0;
	f->source = (struct loop_source){ watch_fd(f->watch), watch_ready };
	return loop_add(loop, &f->source, EPOLLIN);
}

void follow_clear(struct follow *f)
{
	watch_free(f->watch);
	f->watch = NULL;
	for (size_t i = 0; i < f->path_count; i++)
		free(f->paths[i]);
	free(f->paths);
	free(f->gate);
	f->paths = NULL;
	f->gate = NULL;
	f->path_count = 0;
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
