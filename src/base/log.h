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

/* Passed in, never global. write is given one finished line without newline. */
struct log {
	enum log_level level; /* more detailed lines are left out */
	void (*write)(void *context, enum log_level level, const char *line);
	void *context; /* borrowed */
};

/* A sink for stderr: "tunion: LINE". */
void log_to_stderr(void *context, enum log_level level, const char *line);

/* name (of a device) is put in front as "NAME: "; NULL: nothing. A NULL log is silent. */
void log_line(const struct log *log, enum log_level level, const char *name, const char *fmt,
              ...) PRINTF_LIKE(4, 5);

#define log_error(log, name, ...) log_line(log, LOG_LEVEL_ERROR, name, __VA_ARGS__)
#define log_warn(log, name, ...)  log_line(log, LOG_LEVEL_WARN, name, __VA_ARGS__)
#define log_info(log, name, ...)  log_line(log, LOG_LEVEL_INFO, name, __VA_ARGS__)
#define log_debug(log, name, ...) log_line(log, LOG_LEVEL_DEBUG, name, __VA_ARGS__)

/* What a stranger can provoke is logged at most once per period; the next line that passes
 * says how many were swallowed. Zeroed struct: first line passes. */
struct log_limit {
	uint64_t next_ns; /* no line before this */
	uint64_t swallowed;
};

void log_limited(const struct log *log, struct log_limit *limit, uint64_t now_ns,
                 uint64_t period_ns, enum log_level level, const char *name, const char *fmt,
                 ...) PRINTF_LIKE(7, 8);

#endif
