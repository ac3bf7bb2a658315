/* src/channel/line.h - a line for the log, from a process that has no log of its own
 *
 * A process without rights has no terminal, no file and no journal. What it has to say is a
 * message to the supervisor: a digit, which is the level, and the line. */
#ifndef TUNION_CHANNEL_LINE_H
#define TUNION_CHANNEL_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/log.h"

#define LINE_BYTES 512 /* of a message; a longer line is cut */

/* Makes the message; returns its size. */
size_t line_make(char out[static LINE_BYTES], enum log_level level, const char *line);

/* Reads it, which may be nonsense. `out` is a string that fits in a log; it may be wrong in what
 * it says. Returns false if it is no line. */
MUST_CHECK bool line_read(const char *message, size_t n, enum log_level *level,
                          char out[static LINE_BYTES]);

/* How far such a process is locked in (sandbox/sandbox.h) is said by messages, too: one for each
 * stage. Their line begins with a tab, which no line of the log does. */
#define LINE_WORD 16

struct line_stage {
	char process[LINE_WORD]; /* what it is called: "page" */
	char stage[LINE_WORD];
	char why[128]; /* why it is not in force; empty: it is */
};

/* Makes the line. */
void line_put_stage(char out[static LINE_BYTES], const struct line_stage *stage);
/* Reads the message. The texts are printable, and may be wrong in what they say. Returns false if
 * it says no stage. */
MUST_CHECK bool line_read_stage(const char *message, size_t n, struct line_stage *out);

/* A `write` of struct log; the context is an int, a SOCK_SEQPACKET. If the supervisor is so
 * late that there is no room, the line is lost. */
void line_send(void *context, enum log_level level, const char *line);

#endif
