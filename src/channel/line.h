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

/* A `write` of struct log; the context is an int, a SOCK_SEQPACKET. If the supervisor is so
 * late that there is no room, the line is lost. */
void line_send(void *context, enum log_level level, const char *line);

#endif
