/* src/channel/line.c */
#include "channel/line.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/printable.h"

size_t line_make(char out[static LINE_BYTES], enum log_level level, const char *line)
{
	size_t n = strlen(line);

	if (n > LINE_BYTES - 1)
		n = LINE_BYTES - 1;
	out[0] = (char)('0' + (int)level);
	memcpy(out + 1, line, n);
	return n + 1;
}

bool line_read(const char *message, size_t n, enum log_level *level,
               char out[static LINE_BYTES])
{
	if (n < 1 || n > LINE_BYTES || message[0] < '0' ||
	    message[0] > '0' + (char)LOG_LEVEL_DEBUG)
		return false;
	*level = (enum log_level)(message[0] - '0');
	memcpy(out, message + 1, n - 1);
	out[n - 1] = '\0';
	printable_make(out);
	return true;
}

void line_put_stage(char out[static LINE_BYTES], const struct line_stage *stage)
{
	snprintf(out, LINE_BYTES, "\t%s\t%s\t%s", stage->process, stage->stage,
	         stage->why);
}

/* Takes the text up to the next tab. Returns false if it has another length than it may have. */
static bool take_word(const char **at, char *out, size_t size, size_t least)
{
	size_t n = strcspn(*at, "\t");

	if (n < least || n >= size)
		return false;
	memcpy(out, *at, n);
	out[n] = '\0';
	printable_make(out);
	*at += n;
	*at += **at == '\t';
	return true;
}

bool line_read_stage(const char *message, size_t n, struct line_stage *out)
{
	char text[LINE_BYTES];
	const char *at = text;

	if (n < 2 || n > LINE_BYTES || message[1] != '\t')
		return false;
	memcpy(text, message + 2, n - 2);
	text[n - 2] = '\0';
	return take_word(&at, out->process, sizeof(out->process), 1) &&
	       take_word(&at, out->stage, sizeof(out->stage), 1) &&
	       take_word(&at, out->why, sizeof(out->why), 0) && *at == '\0';
}

void line_send(void *context, enum log_level level, const char *line)
{
	const int *fd = context;
	char message[LINE_BYTES];
	size_t n = line_make(message, level, line);

	(void)!send(*fd, message, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}
