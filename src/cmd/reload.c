/* src/cmd/reload.c - asks the instance to read its files again, and prints the answer */
#include "cmd/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/target.h"

static const char usage[] =
	"usage: tunion reload [--tun NAME] [--run-dir DIR]\n"
	"  --tun NAME     the tun of the instance, if several are up\n"
	"  --run-dir DIR  as given to tunion up\n"
	"The exit status is 0 if all files are in force, and 1 if not; the reasons are printed.\n";

/* The answer consists of errors and warnings, one on each line, and then "ok: WHAT" or
 * "failed: WHAT". */
static int tell(char *answer)
{
	size_t n = strlen(answer);
	char *last;

	if (n > 0 && answer[n - 1] == '\n')
		answer[n - 1] = '\0';
	last = strrchr(answer, '\n');
	last = last ? last + 1 : answer;
	fprintf(stderr, "%.*s", (int)(last - answer), answer);
	if (strncmp(last, "ok: ", 4) == 0) {
		puts(last + 4);
		return EXIT_SUCCESS;
	}
	if (strncmp(last, "failed: ", 8) == 0)
		puts(last + 8);
	else
		target_say_refused(last);
	return EXIT_FAILURE;
}

static int reload(struct instance *i, char *const *words)
{
	char *answer;
	int status, err = target_ask(i, "reload", &answer);

	(void)words;
	if (err == -ENOENT || err == -ECONNREFUSED)
		target_say_not_up(i);
	if (err)
		return EXIT_FAILURE;
	status = tell(answer);
	free(answer);
	return status;
}

int cmd_reload(int argc, char **argv)
{
	static const struct target_command command = { usage, false, reload };

	return target_command(argc, argv, &command);
}
