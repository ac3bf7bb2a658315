/* src/cmd/log_output.h - where do the log lines of `tunion up` go, and what do they look
 * like there? */
#ifndef TUNION_CMD_LOG_OUTPUT_H
#define TUNION_CMD_LOG_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/log.h"

enum log_place {
	LOG_PLACE_STDERR,  /* "tunion: LINE" */
	LOG_PLACE_JOURNAL, /* also stderr: "<PRIORITY>LINE", see sd-daemon(3) */
	LOG_PLACE_SYSLOG,
};

/* The context of log_output_write. */
struct log_output {
	enum log_place place;
};

/* Returns the journal if stderr leads there, which is so if JOURNAL_STREAM, set by
 * systemd, names the same file that stderr is. Otherwise returns stderr. */
enum log_place log_output_stderr(void);
void log_output_open_syslog(struct log_output *o);

/* The function for struct log. */
void log_output_write(void *context, enum log_level level, const char *line);
/* Like diag_print, but with priorities if the place has them. */
void log_output_diag(const struct log_output *o, const struct diag *diag);

/* "error", "warn", "info", "debug". Returns false after it was printed that it is none of
 * them. */
MUST_CHECK bool log_output_parse_level(const char *word, enum log_level *out);

#endif
