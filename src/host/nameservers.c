/* src/host/nameservers.c - reads resolv.conf, and files of the resolver's managers */
#include "host/nameservers.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/termux.h"

#define LINE_MAX_BYTES 256
#define BLANKS         " \t\r\n"

struct servers {
	struct ip_addr v[NAMESERVERS_MAX];
	size_t n;
};

static bool contains(const struct servers *s, const struct ip_addr *a)
{
	for (size_t i = 0; i < s->n; i++)
		if (ip_addr_equal(&s->v[i], a))
			return true;
	return false;
}

/* See resolv.conf(5): the keyword must begin the line. A server with a zone isn't
 * used. */
static bool parse_line(char *line, struct ip_addr *out)
{
	static const char keyword[] = "nameserver";
	size_t n = sizeof(keyword) - 1;
	char *rest = NULL, *word;

	if (strncmp(line, keyword, n) != 0 || !strchr(BLANKS, line[n]))
		return false;
	word = strtok_r(line + n, BLANKS, &rest);
	return word && ip_addr_parse(out, word) && !ip_addr_is_unspecified(out);
}

static void read_stream(FILE *f, const struct servers *without, struct servers *out)
{
	char line[LINE_MAX_BYTES];
	struct ip_addr a;

	while (out->n < NAMESERVERS_MAX && fgets(line, sizeof(line), f)) {
		if (parse_line(line, &a) && !contains(without, &a) && !contains(out, &a))
			out->v[out->n++] = a;
	}
}

static void read_file(const char *root, const char *path, const struct servers *without,
                      struct servers *out)
{
	char full[PATH_MAX];
	FILE *f;

	if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full))
		return;
	f = fopen(full, "re");
	if (!f)
		return;
	read_stream(f, without, out);
	fclose(f);
}

static void read_text(const char *text, struct servers *out)
{
	char line[LINE_MAX_BYTES];
	struct ip_addr a;

	for (; text && *text && out->n < NAMESERVERS_MAX;
	     text += strcspn(text, "\n"), text += *text == '\n') {
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\n"), text);
		if (parse_line(line, &a))
			out->v[out->n++] = a;
	}
}

/* Reads what openresolv and resolvconf were told; there is a file for each interface. */
static void read_folder(const char *root, const char *path, const struct servers *without,
                        struct servers *out)
{
	char full[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full))
		return;
	dir = opendir(full);
	while (dir && (entry = readdir(dir))) {
		char file[PATH_MAX];

		if (entry->d_name[0] != '.' &&
		    snprintf(file, sizeof(file), "%s/%s", path, entry->d_name) <
		            (int)sizeof(file))
			read_file(root, file, without, out);
	}
	if (dir)
		closedir(dir);
}

/* Android has no such file; Termux has one below its prefix. */
static void read_resolv_conf(const char *root, const struct servers *without,
                             struct servers *out)
{
	const char *prefix = termux_prefix();
	char path[PATH_MAX];

	read_file(root, "/etc/resolv.conf", without, out);
	if (out->n == 0 && prefix &&
	    snprintf(path, sizeof(path), "%s/etc/resolv.conf", prefix) <
	            (int)sizeof(path))
		read_file(root, path, without, out);
}

static void drop_loopback(struct servers *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++)
		if (!ip_addr_is_loopback(&s->v[i]))
			s->v[kept++] = s->v[i];
	s->n = kept;
}

size_t nameservers_of_network(const char *root, const char *ours,
                              struct ip_addr out[static NAMESERVERS_MAX])
{
	struct servers without = { 0 }, all = { 0 }, found;

	read_text(ours, &without);
	read_resolv_conf(root, &without, &all);
	found = all;
	drop_loopback(&found);
	if (found.n == 0) {
		read_file(root, "/run/systemd/resolve/resolv.conf", &without, &found);
		read_file(root, "/run/NetworkManager/no-stub-resolv.conf", &without,
		          &found);
		read_folder(root, "/run/resolvconf/interfaces", &without, &found);
		drop_loopback(&found);
	}
	if (found.n == 0)
		found = all; /* a stub that doesn't say which servers it asks */
	memcpy(out, found.v, found.n * sizeof(*out));
	return found.n;
}
