/* src/conf/missing.c */
#include "conf/missing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ifname.h"

#define SUFFIX      ".conf"
#define LIST_STRLEN 160
#define LIST_MAX    5 /* of more files, their number is told */

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Is it NAME.conf? Other files of a folder can't be meant, and may have names that break a
 * line. */
static bool is_tunnel_file(const char *file)
{
	size_t n = strlen(file), tail = strlen(SUFFIX);
	char name[IFNAME_MAX + 1];

	if (n <= tail || n - tail > IFNAME_MAX || strcmp(file + n - tail, SUFFIX) != 0)
		return false;
	memcpy(name, file, n - tail);
	name[n - tail] = '\0';
	return file[0] != '.' && ifname_valid(name);
}

static int wanted(const struct dirent *entry)
{
	return is_tunnel_file(entry->d_name);
}

/* Writes what comes after the folder's path: "has a.conf, b.conf", "is not there" ... */
static const char *folder_text(const char *folder, char out[static LIST_STRLEN])
{
	struct dirent **list = NULL;
	int count = scandir(folder, &list, wanted, alphasort);
	size_t n = 0;

	if (count < 0)
		snprintf(out, LIST_STRLEN, "%s",
		         errno == ENOENT || errno == ENOTDIR ? "is not there"
		                                             : "can't be read");
	else if (count == 0)
		snprintf(out, LIST_STRLEN, "has no tunnel files");
	for (int i = 0; i < count; i++) {
		if (i < LIST_MAX)
			n += (size_t)snprintf(out + n, LIST_STRLEN - n, "%s%s",
			                      i == 0 ? "has " : ", ", list[i]->d_name);
		free(list[i]);
	}
	if (count > LIST_MAX)
		snprintf(out + n, LIST_STRLEN - n, " and %d more", count - LIST_MAX);
	free(list);
	return out;
}

static void report_file(const char *path, const char *names_folder, struct diag *diag)
{
	const char *file = last_part(path);
	int before = (int)(file - path);
	char list[LIST_STRLEN], other[PATH_MAX] = "", folder[PATH_MAX] = ".";

	if (names_folder && is_tunnel_file(file) &&
	    snprintf(other, sizeof(other), "%s/%s", names_folder, file) < PATH_MAX &&
	    access(other, F_OK) == 0) {
		diag_error(
			diag, path, 0,
			"there is no such file, but there is %s: write its NAME, which is %.*s, or its path",
			other, (int)(strlen(file) - strlen(SUFFIX)), file);
		return;
	}
	if (before > 0)
		snprintf(folder, sizeof(folder), "%.*s", before > 1 ? before - 1 : before,
		         path);
	folder_text(folder, list);
	if (names_folder)
		diag_error(
			diag, path, 0,
			"there is no such file; %s %s (a NAME without .conf means the file of that name in %s)",
			before > 0 ? folder : "this folder", list, names_folder);
	else
		diag_error(diag, path, 0, "there is no such file; %s %s",
		           before > 0 ? folder : "this folder", list);
}

/* May root look into it, and we may not? */
static bool is_closed(const char *folder)
{
	return geteuid() != 0 &&
	       faccessat(AT_FDCWD, folder, R_OK | X_OK, AT_EACCESS) < 0 &&
	       errno == EACCES;
}

/* Has somebody left out the suffix of a file that is there? */
static bool lacks_suffix(const char *path)
{
	char file[PATH_MAX];

	return snprintf(file, sizeof(file), "%s" SUFFIX, path) < PATH_MAX &&
	       access(file, F_OK) == 0;
}

/* A word without a slash may be a NAME; names_folder is where it would be looked up. */
static void report_name(const char *name, const char *names_folder, struct diag *diag)
{
	char list[LIST_STRLEN], of_wg_quick[PATH_MAX];

	snprintf(of_wg_quick, sizeof(of_wg_quick), "/etc/wireguard/%s" SUFFIX, name);
	if (access(of_wg_quick, F_OK) == 0)
		diag_error(
			diag, name, 0,
			"there is no such file or folder here, nor %s.conf in %s, where a NAME is looked up: do you mean wg-quick's %s? Write its path",
			name, names_folder, of_wg_quick);
	else if (is_closed(names_folder))
		diag_error(
			diag, name, 0,
			"this needs root: there is no such file or folder here, and %s, where a NAME is looked up, is closed to this user",
			names_folder);
	else
		diag_error(
			diag, name, 0,
			"there is no such file or folder here, nor %s.conf in %s, where a NAME is looked up: that folder %s",
			name, names_folder, folder_text(names_folder, list));
}

void missing_report(const char *path, const char *names_folder, struct diag *diag)
{
	size_t n = strlen(path), tail = strlen(SUFFIX);
	bool name = names_folder && ifname_valid(path);

	if (names_folder && strcmp(path, names_folder) == 0)
		diag_error(
			diag, path, 0,
			"there is no such folder, and it is where files are looked for if none are named: make it%s and put NAME.conf files into it, or name files or a folder",
			geteuid() != 0 ? " (or ~/.config/tunion)" : "");
	else if (n >= tail && strcmp(path + n - tail, SUFFIX) == 0)
		report_file(path, names_folder, diag);
	else if (lacks_suffix(path))
		diag_error(diag, path, 0,
		           "there is no such file or folder; do you mean %s" SUFFIX "?",
		           path);
	/* README.md could be a NAME, but hardly is */
	else if (name && (!strchr(path, '.') || is_closed(names_folder)))
		report_name(path, names_folder, diag);
	else
		diag_error(
			diag, path, 0,
			"there is no such file or folder; expected the path of a tunnel file, or of a folder that has some");
}
