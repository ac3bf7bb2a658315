/* src/cmd/one_file.c - see supervisor/refresh.h for what the instance does */
#include "cmd/one_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/target.h"

/* The answer consists of errors and warnings, one on each line, and then "ok: WHAT" or
 * "failed: WHAT"; or it is a line "error: WHY". */
static const char *last_line(const char *answer)
{
	size_t n = strlen(answer);

	while (n > 0 && answer[n - 1] == '\n')
		n--;
	while (n > 0 && answer[n - 1] != '\n')
		n--;
	return answer + n;
}

bool one_file_is_answer(const char *answer)
{
	const char *last = last_line(answer);

	return strncmp(last, "ok: ", 4) == 0 || strncmp(last, "failed: ", 8) == 0 ||
	       strncmp(last, "error: ", 7) == 0;
}

int one_file_tell(char *answer)
{
	const char *last = last_line(answer);

	fprintf(stderr, "%.*s", (int)(last - answer), answer);
	if (strncmp(last, "ok: ", 4) == 0) {
		fputs(last + 4, stdout);
		return EXIT_SUCCESS;
	}
	if (strncmp(last, "failed: ", 8) == 0)
		fprintf(stderr, "tunion: %s", last + 8);
	else
		target_say_refused(last);
	return EXIT_FAILURE;
}

/* Returns -ENOENT or -ECONNREFUSED if the instance isn't up. */
static int ask(const struct instance *i, const char *verb, const char *what,
               char **answer)
{
	char *request;
	int err;

	if (asprintf(&request, "%s %s", verb, what) < 0)
		return -ENOMEM;
	err = target_ask(i, request, answer);
	free(request);
	return err;
}

bool one_file_up(const char *run_dir, const char *tun, const struct paths *files,
                 int *status)
{
	struct instance instance;
	bool is_up = true;
	int err = target_find(&instance, run_dir, tun);

	*status = err ? EXIT_FAILURE : EXIT_SUCCESS;
	for (size_t i = 0; i < files->n && !err && is_up; i++) {
		char *answer;

		err = ask(&instance, "in", files->v[i], &answer);
		is_up = err != -ENOENT && err != -ECONNREFUSED;
		if (err || one_file_tell(answer) != EXIT_SUCCESS)
			*status = EXIT_FAILURE;
		if (!err)
			free(answer);
	}
	instance_clear(&instance);
	return is_up;
}

int one_file_ask_down(const struct instance *i, const char *word, char **answer)
{
	const char *slash = strrchr(word, '/'), *part = slash ? slash + 1 : word;
	size_t n = strlen(part);
	char *name = strdup(part);
	int err;

	*answer = NULL;
	if (!name)
		return -ENOMEM;
	if (n > 5 && strcmp(part + n - 5, ".conf") == 0)
		name[n - 5] = '\0';
	err = ask(i, "out", name, answer);
	free(name);
	return err;
}
