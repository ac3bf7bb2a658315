/* src/cmd/one_file.c - see supervisor/refresh.h for what the instance does */
#include "cmd/one_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/target.h"
#include "instance/instance_find.h"

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

char *one_file_name(const char *word)
{
	const char *slash = strrchr(word, '/'), *part = slash ? slash + 1 : word;
	size_t n = strlen(part);

	return strndup(part, n > 5 && strcmp(part + n - 5, ".conf") == 0 ? n - 5 : n);
}

static bool has(const json_t *names, const char *path)
{
	char *name = one_file_name(path);
	bool found = false;

	for (size_t i = 0; name && i < json_array_size(names) && !found; i++) {
		const char *one = json_string_value(json_array_get(names, i));

		found = one && strcmp(one, name) == 0;
	}
	free(name);
	return found;
}

struct search {
	const struct instance *standard;
	const struct paths *files;
};

static bool is_standard(void *context, const char *tun)
{
	const struct search *s = context;

	return strcmp(tun, s->standard->tun) == 0;
}

/* Was one of the files taken out of this instance? */
static bool lacks(const struct instance *i, const struct paths *files)
{
	json_t *status = NULL;
	char *answer = NULL;
	bool found = false;

	if (target_ask_quietly(i, "status", &answer) == 0)
		status = json_loads(answer, 0, NULL);
	for (size_t k = 0; status && k < files->n && !found; k++)
		found = has(json_object_get(status, "taken_out"), files->v[k]);
	json_decref(status);
	free(answer);
	return found;
}

static bool has_lost_one(void *context, const char *tun)
{
	const struct search *s = context;
	struct instance one;
	bool it;

	if (target_find(&one, s->standard->run_dir, tun) < 0)
		return false;
	it = lacks(&one, s->files);
	instance_clear(&one);
	return it;
}

/* Returns the tun of the first running instance that lacks one of the files, to be freed; NULL if
 * there is none, or if the default one runs. */
static char *find_lacking(const struct instance *standard, const struct paths *files)
{
	struct search s = { standard, files };
	char *running = instance_find_running(standard->run_dir, is_standard, &s);
	bool runs = running != NULL;

	free(running);
	return runs ? NULL : instance_find_running(standard->run_dir, has_lost_one, &s);
}

static int find(struct instance *out, const char *run_dir, const char *tun,
                const struct paths *files)
{
	int err = target_find(out, run_dir, tun ? tun : INSTANCE_DEFAULT_TUN);
	char *other = !err && !tun ? find_lacking(out, files) : NULL;

	if (other) {
		instance_clear(out);
		err = target_find(out, run_dir, other);
	}
	free(other);
	return err;
}

bool one_file_up(const char *run_dir, const char *tun, const struct paths *files,
                 int *status)
{
	struct instance instance;
	bool is_up = true;
	int err = find(&instance, run_dir, tun, files);

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

int one_file_ask_down(const struct instance *i, const char *name, char **answer)
{
	*answer = NULL;
	return ask(i, "out", name, answer);
}
