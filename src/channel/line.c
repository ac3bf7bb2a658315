/* src/channel/line.c */
#include "channel/line.h"

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

void line_send(void *context, enum log_level level, const char *line)
{
	const int *fd = context;
	char message[LINE_BYTES];
	size_t n = line_make(message, level, line);

	(void)!send(*fd, message, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}
