/* src/cmd/reload.c */
#include "cmd/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/target.h"

static const char usage[] =
	"usage: tunion reload [--tun NAME] [--run-dir DIR]\n"
	"  --tun NAME     which one, if several are up\n"
	"  --run-dir DIR  as given to tunion up\n"
	"Exit status 0: all is in force as the files say; 1: what is not was printed.\n";

/* Errors and warnings, a line each, then "ok: WHAT" or "failed: WHAT". */
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
		fprintf(stderr, "%s\n", *last ? last : "the instance ended meanwhile");
	return EXIT_FAILURE;
}

static int reload(struct instance *i)
{
	char *answer;
	int status, err = target_ask(i, "reload", &answer);

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
	return target_command(argc, argv, usage, reload);
}
