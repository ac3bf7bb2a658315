/* src/supervisor/watch.c - uses inotify
 *
 * A place is a directory and the files in it that count. A written file counts when it is
 * closed, not when it is created, because it is empty then; only links are complete at
 * once. When a directory is deleted or moved away, the kernel ends the watch
 * (IN_IGNORED), or we do it. From then on its path leads to another directory, or to
 * none. */
#include "supervisor/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE)
#define SELF_EVENTS (IN_DELETE_SELF | IN_MOVE_SELF)
#define RETRY_NS    NS_PER_SEC

struct place {
	char *directory; /* owned */
	char *file;      /* owned; NULL: all tunnel files in it */
	int wd;          /* -1: the directory doesn't exist */
};

struct watch {
	int fd;
	struct place *places; /* owned */
	size_t count;
	uint64_t first_ns, last_ns; /* of changes not reported yet; NEVER_NS: none */
	uint64_t retry_ns;          /* when to look for directories; NEVER_NS: never */
};

static void note_change(struct watch *w, uint64_t now_ns)
{
	if (w->first_ns == NEVER_NS)
		w->first_ns = now_ns;
	w->last_ns = now_ns;
}

/* ---- places */

static int add_watch(const struct watch *w, const struct place *p)
{
	return inotify_add_watch(w->fd, p->directory,
	                         FILE_EVENTS | SELF_EVENTS | IN_ONLYDIR);
}

static int place_init(struct place *p, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		p->directory = strdup(path);
		return p->directory ? 0 : -ENOMEM;
	}
	p->file = strdup(slash ? slash + 1 : path);
	p->directory = slash == path ? strdup("/")
	               : slash       ? strndup(path, (size_t)(slash - path))
	                             : strdup(".");
	return p->file && p->directory ? 0 : -ENOMEM;
}

int watch_new(struct watch **out, const char *const *paths, size_t n)
{
	struct watch *w = calloc(1, sizeof(*w));
	int err;

	*out = NULL;
	if (!w)
		return -ENOMEM;
	w->first_ns = w->last_ns = w->retry_ns = NEVER_NS;
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	err = w->fd < 0 ? -errno : 0;
	w->places = calloc(n + 1, sizeof(*w->places));
	if (!w->places)
		err = -ENOMEM;
	for (; !err && w->count < n; w->count++) {
		struct place *p = &w->places[w->count];

		err = place_init(p, paths[w->count]);
		p->wd = err ? -1 : add_watch(w, p);
		if (!err && p->wd < 0)
			err = -errno;
	}
	if (err)
		watch_free(w);
	else
		*out = w;
	return err;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	/* also frees the place at which watch_new failed; what follows it is zero */
	for (size_t i = 0; w->places && i <= w->count; i++) {
		free(w->places[i].directory);
		free(w->places[i].file);
	}
	free(w->places);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

int watch_fd(const struct watch *w)
{
	return w->fd;
}

/* ---- events */

/* A link is complete as soon as it has its name; a file still has to be written. */
static bool is_complete(const struct place *p, const char *name)
{
	char path[PATH_MAX];
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s/%s", p->directory, name);

	return n > 0 && (size_t)n < sizeof(path) && lstat(path, &st) == 0 &&
	       (S_ISLNK(st.st_mode) || st.st_nlink > 1);
}

static bool is_meant(const struct place *p, const char *name)
{
	size_t n = strlen(name);

	if (p->file)
		return strcmp(name, p->file) == 0;
	/* "..data" counts: links to files lead through it, so moving it changes them
	 * all */
	return strncmp(name, "..", 2) == 0 ||
	       (name[0] != '.' && n >= 5 && strcmp(name + n - 5, ".conf") == 0);
}

static void file_event(struct watch *w, const struct inotify_event *e, uint64_t now_ns)
{
	for (size_t i = 0; i < w->count; i++) {
		const struct place *p = &w->places[i];

		if (p->wd != e->wd || !is_meant(p, e->name))
			continue;
		if (!(e->mask & IN_CREATE) || is_complete(p, e->name))
			note_change(w, now_ns);
	}
}

static void directory_gone(struct watch *w, int wd, uint64_t now_ns)
{
	for (size_t i = 0; i < w->count; i++) {
		if (w->places[i].wd != wd)
			continue;
		w->places[i].wd = -1;
		w->retry_ns = now_ns;
		note_change(w, now_ns);
	}
}

static void take_event(struct watch *w, const struct inotify_event *e, uint64_t now_ns)
{
	if (e->mask & IN_Q_OVERFLOW)
		note_change(w, now_ns);
	else if (e->mask & IN_MOVE_SELF)
		(void)inotify_rm_watch(w->fd, e->wd); /* IN_IGNORED follows */
	else if (e->mask & IN_IGNORED)
		directory_gone(w, e->wd, now_ns);
	else if ((e->mask & FILE_EVENTS) && e->len > 0)
		file_event(w, e, now_ns);
}

void watch_read(struct watch *w, uint64_t now_ns)
{
	/* there is room for at least one event of any length */
	union {
		struct inotify_event event; /* for its alignment */
		char bytes[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
	} buffer;
	ssize_t n;

	while ((n = read(w->fd, &buffer, sizeof(buffer))) > 0) {
		size_t left = (size_t)n;
		const char *at = buffer.bytes;

		while (left >= sizeof(struct inotify_event)) {
			const struct inotify_event *e = (const void *)at;
			size_t bytes = sizeof(*e) + e->len;

			if (bytes > left)
				break;
			take_event(w, e, now_ns);
			at += bytes;
			left -= bytes;
		}
	}
}

/* ---- time */

uint64_t watch_deadline_ns(const struct watch *w)
{
	uint64_t due_ns = NEVER_NS;

	if (w->first_ns != NEVER_NS) {
		due_ns = w->last_ns + WATCH_QUIET_NS;
		if (w->first_ns + WATCH_LATEST_NS < due_ns)
			due_ns = w->first_ns + WATCH_LATEST_NS;
	}
	return w->retry_ns < due_ns ? w->retry_ns : due_ns;
}

static void look_for_directories(struct watch *w, uint64_t now_ns)
{
	bool all = true;

	for (size_t i = 0; i < w->count; i++) {
		struct place *p = &w->places[i];

		if (p->wd >= 0)
			continue;
		p->wd = add_watch(w, p);
		if (p->wd >= 0)
			note_change(w, now_ns);
		else
			all = false;
	}
	w->retry_ns = all ? NEVER_NS : now_ns + RETRY_NS;
}

bool watch_due(struct watch *w, uint64_t now_ns)
{
	if (now_ns >= w->retry_ns)
		look_for_directories(w, now_ns);
	if (w->first_ns == NEVER_NS || now_ns < watch_deadline_ns(w))
		return false;
	w->first_ns = w->last_ns = NEVER_NS;
	return true;
}
