/* src/base/log.h - what does a running daemon say, and how often? */
#ifndef TUNION_BASE_LOG_H
#define TUNION_BASE_LOG_H

#include <stdint.h>

#include "base/attr.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Passed to whoever logs, never global. `write` gets one complete line without
 * newline. */
struct log {
	enum log_level level; /* lines that are more detailed than this are left out */
	void (*write)(void *context, enum log_level level, const char *line);
	void *context; /* borrowed */
};

/* A `write` for stderr: it prints "tunion: LINE". */
void log_to_stderr(void *context, enum log_level level, const char *line);

/* `name` is the name of a device, which is put in front of the line as "NAME: "; with
 * NULL nothing is. If `log` is NULL nothing is written. */
void log_line(const struct log *log, enum log_level level, const char *name,
              const char *fmt, ...) PRINTF_LIKE(4, 5);

#define log_error(log, name, ...) log_line(log, LOG_LEVEL_ERROR, name, __VA_ARGS__)
#define log_warn(log, name, ...)  log_line(log, LOG_LEVEL_WARN, name, __VA_ARGS__)
#define log_info(log, name, ...)  log_line(log, LOG_LEVEL_INFO, name, __VA_ARGS__)
#define log_debug(log, name, ...) log_line(log, LOG_LEVEL_DEBUG, name, __VA_ARGS__)

/* For what a stranger can provoke: at most one line is written in each period. The next
 * line that is written says how many were left out. With a zeroed struct the first line
 * is written. */
struct log_limit {
	uint64_t next_ns;   /* no line is written before this time */
	uint64_t swallowed; /* lines left out since the last one that was written */
};

void log_limited(const struct log *log, struct log_limit *limit, uint64_t now_ns,
                 uint64_t period_ns, enum log_level level, const char *name,
                 const char *fmt, ...) PRINTF_LIKE(7, 8);

#endif
