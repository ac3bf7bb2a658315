/* src/instance/own_states.c */
#include "instance/own_states.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATE_SUFFIX      ".state"
#define UNFINISHED_SUFFIX ".tmp" /* of a state file that was not written to its end */

static size_t without(const char *suffix, const char *file, size_t n)
{
	size_t tail = strlen(suffix);

	return n > tail && memcmp(file + n - tail, suffix, tail) == 0 ? n - tail : n;
}

char *own_states_path(const char *state_path, const char *name)
{
	size_t n = without(STATE_SUFFIX, state_path, strlen(state_path));
	char *own;

	if (asprintf(&own, "%.*s:%s%s", (int)n, state_path, name, STATE_SUFFIX) < 0)
		return NULL;
	return own;
}

/* Is it a state file of this kind? Then copies the name of the tunnel file. `shared` is the name
 * of the shared tun's state file. */
static bool is_own_state(const char *file, const char *shared, struct own_state *out)
{
	size_t before = without(STATE_SUFFIX, shared, strlen(shared));
	size_t whole = without(UNFINISHED_SUFFIX, file, strlen(file));
	size_t n = without(STATE_SUFFIX, file, whole);

	if (n == whole || n <= before + 1 || n - before - 1 > IFNAME_MAX ||
	    strncmp(file, shared, before) != 0 || file[before] != ':')
		return false;
	memcpy(out->name, file + before + 1, n - before - 1);
	out->name[n - before - 1] = '\0';
	return true;
}

static int add(struct own_state **list, size_t *n, const struct own_state *state)
{
	struct own_state *v;

	for (size_t i = 0; i < *n; i++) {
		if (strcmp((*list)[i].name, state->name) == 0)
			return 0;
	}
	v = realloc(*list, (*n + 1) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	v[(*n)++] = *state;
	*list = v;
	return 0;
}

int own_states_find(const char *state_path, struct own_state **out, size_t *n)
{
	const char *slash = strrchr(state_path, '/');
	const char *shared = slash ? slash + 1 : state_path;
	char *folder = slash ? strndup(state_path, (size_t)(slash - state_path) + 1)
	                     : strdup(".");
	DIR *dir = folder ? opendir(folder) : NULL;
	const struct dirent *entry;
	struct own_state state;
	int err = folder ? 0 : -ENOMEM;

	*out = NULL;
	*n = 0;
	while (dir && !err && (entry = readdir(dir))) {
		if (is_own_state(entry->d_name, shared, &state))
			err = add(out, n, &state);
	}
	if (dir)
		closedir(dir);
	free(folder);
	if (!err)
		return 0;
	free(*out);
	*out = NULL;
	*n = 0;
	return err;
}

bool own_states_any_left(const char *state_path)
{
	struct own_state *states = NULL;
	size_t n = 0;
	int err;

	if (access(state_path, F_OK) == 0)
		return true;
	err = own_states_find(state_path, &states, &n);
	free(states);
	return err < 0 || n > 0;
}
