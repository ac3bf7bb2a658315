/* src/supervisor/follow.c */
#include "supervisor/follow.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/memory.h"
#include "supervisor/live.h"
#include "supervisor/supervisor_state.h"
#include "supervisor/underlay.h"
#include "supervisor/watch.h"

/* ---- life */

static char *absolute(const char *path)
{
	char *here, *all = NULL;

	if (path[0] == '/')
		return strdup(path);
	here = realpath(".", NULL);
	if (here && asprintf(&all, "%s/%s", here, path) < 0)
		all = NULL;
	free(here);
	return all;
}

static int keep_paths(struct supervisor *s, const char *const *paths, size_t n)
{
	s->paths = calloc(n + 1, sizeof(*s->paths));
	for (; s->paths && s->path_count < n; s->path_count++) {
		s->paths[s->path_count] = absolute(paths[s->path_count]);
		if (!s->paths[s->path_count])
			return -ENOMEM;
	}
	return s->paths ? 0 : -ENOMEM;
}

int follow_init(struct supervisor *s, const struct supervisor_options *options)
{
	int err = keep_paths(s, options->paths, options->path_count);

	if (err || options->no_watch)
		return err;
	err = watch_new(&s->watch, (const char *const *)s->paths, s->path_count);
	/* what is not there is told by whoever reads it */
	if (err && err != -ENOENT && err != -ENOTDIR)
		log_warn(&s->log, NULL,
		         "changes of files can't be seen, use tunion reload: %s",
		         strerror(-err));
	return err == -ENOMEM ? err : 0;
}

static void watch_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct supervisor *s = CONTAINER_OF(source, struct supervisor, watch_source);

	(void)events;
	watch_read(s->watch, now_ns);
}

int follow_start(struct supervisor *s)
{
	if (!s->watch)
		return 0;
	s->watch_source = (struct loop_source){ watch_fd(s->watch), watch_ready };
	return loop_add(s->loop, &s->watch_source, EPOLLIN);
}

void follow_clear(struct supervisor *s)
{
	watch_free(s->watch);
	s->watch = NULL;
	for (size_t i = 0; i < s->path_count; i++)
		free(s->paths[i]);
	free(s->paths);
	s->paths = NULL;
	s->path_count = 0;
	diag_clear(&s->file_errors);
}

/* ---- reload */

/* NULL: no memory. */
static char *answer_text(int err, const struct live_result *done, const struct diag *diag)
{
	char line[100];

	snprintf(line, sizeof(line), "%s: %zu added, %zu changed, %zu removed",
	         err ? "failed" : "ok", done->added, done->changed, done->removed);
	return clients_text(diag, line);
}

static bool same_entry(const struct diag_entry *a, const struct diag_entry *b)
{
	bool same_file =
		a->file && b->file ? strcmp(a->file, b->file) == 0 : a->file == b->file;

	return same_file && a->line == b->line && strcmp(a->text, b->text) == 0;
}

static bool was_told(const struct diag *told, const struct diag_entry *e)
{
	for (size_t i = 0; i < told->count; i++)
		if (same_entry(&told->entries[i], e))
			return true;
	return false;
}

/* A bad file is read again whenever another one changes: it's logged once. */
static void log_news(const struct supervisor *s, const struct diag *diag,
                     const struct diag *told)
{
	for (size_t i = 0; i < diag->count; i++) {
		struct diag one = { .entries = &diag->entries[i], .count = 1 };

		if (!was_told(told, &diag->entries[i]))
			supervisor_log_diag(s, &one);
	}
}

static void reload(struct supervisor *s)
{
	struct live_result done;
	struct diag diag = { 0 }, told = s->file_errors;
	char *text;
	int err;

	s->reload_asked = false;
	clients_begin_reload(&s->clients);
	s->file_errors = (struct diag){ 0 };
	underlay_restore_now(s);
	err = live_reload(s, &done, &diag);
	log_news(s, &diag, &told);
	text = answer_text(err, &done, &diag);
	clients_answer_reload(&s->clients, text);
	free(text);
	diag_clear(&told);
	diag_clear(&diag);
	memory_give_back();
}

uint64_t follow_deadline_ns(const struct supervisor *s)
{
	return s->watch ? watch_deadline_ns(s->watch) : NEVER_NS;
}

void follow_round(struct supervisor *s)
{
	if (s->watch && watch_due(s->watch, loop_now_ns()))
		s->reload_asked = true;
	if (s->reload_asked && !s->stop)
		reload(s);
}
