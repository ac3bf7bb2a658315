/* src/supervisor/watch.h - have tunnel files changed on the disk?
 *
 * Uses inotify on their directories. It takes time to write a file, and editors write in
 * several steps. So the files should be read when nothing has happened for
 * WATCH_QUIET_NS, or WATCH_LATEST_NS after the first change. The reader has to find out
 * what has changed. Without changes the process isn't woken up, but a directory that is
 * gone is looked for once a second. */
#ifndef TUNION_SUPERVISOR_WATCH_H
#define TUNION_SUPERVISOR_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define WATCH_QUIET_NS  (250 * NS_PER_MS)
#define WATCH_LATEST_NS (1000 * NS_PER_MS)

struct watch;

/* paths are files, or directories whose *.conf files count; they are copied. Returns 0 or
 * -errno. */
MUST_CHECK int watch_new(struct watch **out, const char *const *paths, size_t n);
/* NULL is fine. */
void watch_free(struct watch *w);

int watch_fd(const struct watch *w);
/* To be called when the fd is readable. */
void watch_read(struct watch *w, uint64_t now_ns);
/* The time at which to call watch_due; NEVER_NS: not before the fd has been readable. */
uint64_t watch_deadline_ns(const struct watch *w);
/* Returns true once when it is time to read the files. */
bool watch_due(struct watch *w, uint64_t now_ns);

#endif
