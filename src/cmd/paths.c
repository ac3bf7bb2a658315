/* src/cmd/paths.c */
#include "cmd/paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
