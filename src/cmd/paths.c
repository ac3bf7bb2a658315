/* src/cmd/paths.c */
#include "cmd/paths.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/termux.h"

#define FOLDER "/tunion"

void paths_free(char **paths)
{
	for (size_t i = 0; paths && paths[i]; i++)
		free(paths[i]);
	free(paths);
}

char **paths_absolute(const char *const *paths, size_t n)
{
	char **out = calloc(n + 1, sizeof(*out));
	char *cwd = getcwd(NULL, 0);

	for (size_t i = 0; out && i < n; i++) {
		if (paths[i][0] == '/' || !cwd)
			out[i] = strdup(paths[i]);
		else if (asprintf(&out[i], "%s/%s", cwd, paths[i]) < 0)
			out[i] = NULL;
		if (!out[i]) {
			paths_free(out);
			out = NULL;
		}
	}
	free(cwd);
	return out;
}

static bool is_usable(const char *dir)
{
	return access(dir, R_OK | X_OK) == 0;
}

/* Returns whether it fits into `out`. */
static bool join(char out[static PATH_MAX], const char *parent, const char *name)
{
	return parent && parent[0] == '/' &&
	       snprintf(out, PATH_MAX, "%s%s", parent, name) < PATH_MAX;
}

const char *paths_default(char out[static PATH_MAX])
{
	if (join(out, termux_prefix(), "/etc" FOLDER) && is_usable(out))
		return out;
	if (geteuid() == 0 || is_usable(PATHS_DEFAULT_DIR))
		return PATHS_DEFAULT_DIR;
	if (join(out, getenv("XDG_CONFIG_HOME"), FOLDER) && is_usable(out))
		return out;
	if (join(out, getenv("HOME"), "/.config" FOLDER) && is_usable(out))
		return out;
	return join(out, termux_prefix(), "/etc" FOLDER) ? out : PATHS_DEFAULT_DIR;
}
