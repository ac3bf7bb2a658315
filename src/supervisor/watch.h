/* src/supervisor/watch.h - have tunnel files changed on the disk?
 *
 * By inotify on their directories. Writers take their time and editors write in several
 * steps, so it's time to read the files when all has been quiet for WATCH_QUIET_NS, or
 * WATCH_LATEST_NS after the first change. What has changed is for the reader to find out.
 * Without changes nothing wakes the process up; a directory that is gone is looked for
 * once a second. */
#ifndef TUNION_SUPERVISOR_WATCH_H
#define TUNION_SUPERVISOR_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define WATCH_QUIET_NS  (250 * NS_PER_MS)
#define WATCH_LATEST_NS (1000 * NS_PER_MS)

struct watch;

/* paths: directories, whose *.conf files are meant, or files; copied. 0 or -errno. */
MUST_CHECK int watch_new(struct watch **out, const char *const *paths, size_t n);
/* NULL is fine. */
void watch_free(struct watch *w);

int watch_fd(const struct watch *w);
/* When the fd is readable. */
void watch_read(struct watch *w, uint64_t now_ns);
/* When to ask watch_due; NEVER_NS: when the fd has been readable. */
uint64_t watch_deadline_ns(const struct watch *w);
/* True, once: read the files now. */
bool watch_due(struct watch *w, uint64_t now_ns);

#endif
