/* src/base/text_stream.c */
#include "base/text_stream.h"

#include <stdbool.h>
#include <stdlib.h>

char *text_stream_close(FILE *out, char **text)
{
	bool failed = ferror(out);

	if (fclose(out) == 0 && !failed)
		return *text;
	free(*text);
	return NULL;
}
