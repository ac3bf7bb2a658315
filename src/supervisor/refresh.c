/* src/supervisor/refresh.c - one file is a reload, too: one for which it is as if the file were
 * gone, or were there again */
#include "supervisor/refresh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ifname.h"

#define SUFFIX     ".conf"
#define ANSWER_MAX (IFNAME_MAX + 100)

static int read_again(struct refresh *r, struct changes_done *done, struct diag *diag)
{
	const struct conf_paths from = follow_paths(r->follow);

	keeper_hurry(r->keeper);
	return live_reload(r->live, &from, done, diag);
}

/* How many files have errors? */
static size_t count_bad(const struct diag *diag)
{
	size_t count = 0;

	for (size_t i = 0; i < diag->count; i++) {
		const struct diag_entry *e = &diag->entries[i];
		bool first = e->severity == DIAG_ERROR && e->file;

		for (size_t j = 0; j < i && first; j++)
			first = diag->entries[j].severity != DIAG_ERROR ||
			        !diag->entries[j].file ||
			        strcmp(diag->entries[j].file, e->file) != 0;
		count += first;
	}
	return count;
}

void refresh_all(struct refresh *r)
{
	struct changes_done done;
	struct diag diag = { 0 };
	char line[ANSWER_MAX], *text;
	size_t bad;
	int err, n;

	clients_begin_reload(r->clients);
	err = read_again(r, &done, &diag);
	bad = count_bad(&diag);
	n = snprintf(line, sizeof(line), "%s: %zu added, %zu changed, %zu removed",
	             err ? "failed" : "ok", done.added, done.changed, done.removed);
	if (bad > 0 && n > 0 && (size_t)n < sizeof(line))
		snprintf(line + n, sizeof(line) - (size_t)n,
		         ", %zu not in force (see above)", bad);
	text = clients_text(&diag, line);
	clients_answer_reload(r->clients, text);
	free(text);
	diag_clear(&diag);
}

/* ---- one file */

/* Writes the NAME that stands between the last slash and ".conf". Returns false if it is none. */
static bool name_of(const char *path, char name[static IFNAME_MAX + 1])
{
	const char *slash = strrchr(path, '/'), *part = slash ? slash + 1 : path;
	size_t n = strlen(part), tail = strlen(SUFFIX);

	if (n <= tail || n - tail > IFNAME_MAX || strcmp(part + n - tail, SUFFIX) != 0)
		return false;
	memcpy(name, part, n - tail);
	name[n - tail] = '\0';
	return ifname_valid(name);
}

static const char *refuse_out(struct refresh *r, const char *name)
{
	char options[INSTANCE_OPTIONS_MAX];

	if (follow_leaves_out(r->follow, name))
		snprintf(
			r->refused, sizeof(r->refused),
			"error: %s was taken out already; tunion up%s %s brings it back\n",
			name, instance_options(r->takedown->instance, options), name);
	else
		snprintf(
			r->refused, sizeof(r->refused),
			"error: no file of the NAME %.*s is up; tunion status lists those that are\n",
			IFNAME_MAX, name);
	return r->refused;
}

const char *refresh_want_file(struct refresh *r, bool in, const char *what)
{
	char name[IFNAME_MAX + 1];

	if (r->what)
		return "error: another file is being taken in or out: try again\n";
	if (in && !name_of(what, name) && !ifname_valid(what))
		return "error: expected the absolute path of a NAME.conf, or the NAME of a file that was taken out\n";
	if (!in && !tunnels_find(r->tunnels, what))
		return refuse_out(r, what);
	r->what = strdup(what);
	r->in = in;
	return r->what ? NULL : "error: out of memory\n";
}

static struct conf *find_conf(const struct tunnels *t, const char *name)
{
	for (size_t i = 0; i < t->files.n; i++) {
		if (strcmp(t->files.v[i]->name, name) == 0)
			return t->files.v[i];
	}
	return NULL;
}

/* Returns whether the file is up afterwards. */
static bool take_out(struct refresh *r, const char *name, struct diag *diag)
{
	struct conf *conf = find_conf(r->tunnels, name);
	struct changes_done done;

	if (!conf)
		return false;
	if (takedown_save(r->takedown, conf, diag) < 0)
		return true;
	if (follow_leave_out(r->follow, name) < 0) {
		diag_error(diag, NULL, 0, "out of memory");
		return true;
	}
	(void)!read_again(r, &done, diag); /* errors are in diag */
	if (!find_conf(r->tunnels, name))
		return false;
	(void)follow_take_in(r->follow, name);
	return true;
}

/* It has been told once; it is no reason why the files that are followed are not in force. */
static void forget_errors(struct diag *errors, const char *name)
{
	struct diag kept = { 0 };
	char other[IFNAME_MAX + 1];

	for (size_t i = 0; i < errors->count; i++) {
		const char *file = errors->entries[i].file;

		if (!file || !name_of(file, other) || strcmp(other, name) != 0)
			diag_copy_entry(&kept, &errors->entries[i]);
	}
	diag_clear(errors);
	diag_move(errors, &kept);
}

/* Returns whether the file is up afterwards because of this. One that was taken out is the one
 * that is meant by its NAME, whatever folder it is in. */
static bool take_in(struct refresh *r, const char *path, const char *name,
                    struct diag *diag)
{
	struct changes_done done;
	bool was_out, added;

	if (find_conf(r->tunnels, name)) {
		diag_error(diag, path, 0,
		           "is up already; tunion reload applies what has changed in it");
		return false;
	}
	was_out = follow_take_in(r->follow, name);
	if (!was_out && path[0] != '/') {
		diag_error(
			diag, NULL, 0,
			"%s is neither a file that was taken out nor the NAME of one in the default folder%s; put %s.conf into that folder, or into one that this instance has already",
			path, strcmp(path, name) != 0 ? ", which has no .conf" : "",
			name);
		return false;
	}
	added = !was_out && !follow_has(r->follow, path) &&
	        follow_add(r->follow, path) == 0;
	(void)!read_again(r, &done, diag); /* errors are in diag */
	if (find_conf(r->tunnels, name))
		return true;
	if (added)
		follow_drop(r->follow);
	if (was_out && follow_leave_out(r->follow, name) < 0)
		diag_error(diag, NULL, 0, "out of memory");
	if (diag->errors == 0)
		diag_error(diag, path, 0,
		           "there is no such file any more, or it can't be read");
	if (added || was_out)
		forget_errors(&r->live->file_errors, name);
	return false;
}

bool refresh_file(struct refresh *r)
{
	struct diag diag = { 0 };
	char name[IFNAME_MAX + 1], line[ANSWER_MAX], *text;
	bool up, ok;

	if (!r->what)
		return false;
	if (!r->in && r->tunnels->files.n == 1 && find_conf(r->tunnels, r->what)) {
		clients_turn_file_to_down(r->clients);
		refresh_clear(r);
		return true;
	}
	if (!r->in || !name_of(r->what, name))
		snprintf(name, sizeof(name), "%s", r->what);
	up = r->in ? take_in(r, r->what, name, &diag) : take_out(r, name, &diag);
	ok = up == r->in;
	snprintf(line, sizeof(line), "%s: %s %s", ok ? "ok" : "failed", name,
	         ok && up ? "is up"
	         : ok     ? "is down"
	         : up     ? "stays up"
	                  : "was not taken in");
	text = clients_text(&diag, line);
	clients_answer_file(r->clients, text);
	free(text);
	diag_clear(&diag);
	refresh_clear(r);
	return false;
}

void refresh_clear(struct refresh *r)
{
	free(r->what);
	r->what = NULL;
}
