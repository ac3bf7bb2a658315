/* src/supervisor/line_limit.h - how much may a process say that strangers talk to?
 *
 * One that has been taken over could fill up the disk. Nobody reads more lines than these; more
 * detailed ones are only written if somebody has asked for them. */
#ifndef TUNION_SUPERVISOR_LINE_LIMIT_H
#define TUNION_SUPERVISOR_LINE_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/log.h"

/* A process may log so many lines (debug lines aside) in so long a time. */
#define LINE_LIMIT_MAX 1000
#define LINE_LIMIT_NS  (60 * NS_PER_SEC)

/* Embedded; all zeroes at first. */
struct line_limit {
	size_t lines; /* since then */
	uint64_t since_ns;
};

/* May another line of this level be written? Once in the time, the log learns how many were left
 * out. `who` is "worker process" or the like. */
MUST_CHECK bool line_limit_allows(struct line_limit *l, const struct log *log,
                                  enum log_level level, const char *who, uint64_t now_ns);

#endif
