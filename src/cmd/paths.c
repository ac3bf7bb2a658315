/* src/cmd/paths.c */
#include "cmd/paths.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ifname.h"
#include "base/termux.h"

#define FOLDER "/tunion"

void paths_free(char **paths)
{
	for (size_t i = 0; paths && paths[i]; i++)
		free(paths[i]);
	free(paths);
}

/* Messages are to name the path as people would write it. */
static const char *without_dots(const char *path)
{
	while (path[0] == '.' && path[1] == '/') {
		path++;
		path += strspn(path, "/");
	}
	return strcmp(path, ".") == 0 ? "" : path;
}

char **paths_absolute(const char *const *paths, size_t n)
{
	char **out = calloc(n + 1, sizeof(*out));
	char *cwd = getcwd(NULL, 0);

	for (size_t i = 0; out && i < n; i++) {
		const char *path = without_dots(paths[i]);

		if (*path == '/' || !cwd)
			out[i] = strdup(paths[i]);
		else if (asprintf(&out[i], "%s%s%s", cwd, *path && cwd[1] ? "/" : "",
		                  path) < 0)
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

/* ---- words */

/* Returns the path of the default folder's NAME.conf if the word is its NAME, "" if it is not,
 * or NULL if out of memory. To be freed. */
static char *path_of_name(const struct paths *p, const char *word)
{
	char *path;

	if (!ifname_valid(word))
		return strdup("");
	if (asprintf(&path, "%s/%s.conf", p->folder, word) < 0)
		return NULL;
	if (access(path, F_OK) < 0)
		path[0] = '\0';
	return path;
}

static bool take_word(struct paths *p, size_t i, const char *word)
{
	char *named = path_of_name(p, word);
	bool is_name = named && *named, is_path = access(word, F_OK) == 0;

	if (named && is_name && is_path) {
		fprintf(stderr,
		        "tunion: %s is here, and %s is there, too; expected ./%s or the path of the other one\n",
		        word, named, word);
		free(named);
		return false;
	}
	p->all_names = p->all_names && (is_name || (!is_path && ifname_valid(word)));
	p->owned[i] = is_name ? named : strdup(word);
	if (!is_name)
		free(named);
	if (!named || !p->owned[i])
		perror("tunion");
	return named && p->owned[i];
}

bool paths_take(struct paths *out, char *const *words, int n)
{
	bool ok = true;

	*out = (struct paths){ .n = 1, .v = out->standard };
	out->folder = out->standard[0] = paths_default(out->room);
	if (n <= 0)
		return true;
	out->all_names = true;
	out->n = (size_t)n;
	out->owned = calloc(out->n + 1, sizeof(*out->owned));
	if (!out->owned) {
		perror("tunion");
		return false;
	}
	for (size_t i = 0; i < out->n && ok; i++)
		ok = take_word(out, i, words[i]);
	out->v = (const char *const *)out->owned;
	return ok;
}

void paths_clear(struct paths *p)
{
	paths_free(p->owned);
	p->owned = NULL;
}
