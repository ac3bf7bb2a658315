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
	LOG_PLACE_JOURNAL, /* stderr too: "<PRIORITY>LINE", see sd-daemon(3) */
	LOG_PLACE_SYSLOG,
};

/* The context of log_output_write. */
struct log_output {
	enum log_place place;
};

/* stderr, or the journal where that is what stderr leads to: JOURNAL_STREAM, as systemd
 * sets it, names the very file that stderr is. */
enum log_place log_output_stderr(void);
void log_output_open_syslog(struct log_output *o);

/* Of struct log. */
void log_output_write(void *context, enum log_level level, const char *line);
/* As diag_print, but with priorities where the place has some. */
void log_output_diag(const struct log_output *o, const struct diag *diag);

/* "error", "warn", "info", "debug". */
MUST_CHECK bool log_output_parse_level(const char *word, enum log_level *out);

#endif
