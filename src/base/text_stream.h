/* src/base/text_stream.h - the text that was written to a stream in memory */
#ifndef TUNION_BASE_TEXT_STREAM_H
#define TUNION_BASE_TEXT_STREAM_H

#include <stdio.h>

/* Closes a stream of open_memstream, whose text is at *text. The text is complete only
 * then. Returns it, which the caller frees, or NULL if something could not be written. */
char *text_stream_close(FILE *out, char **text);

#endif
