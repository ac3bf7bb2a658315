/* src/supervisor/changes.c - first all changes are tried together. If this fails, the
 * changes are tried by halves, so that it takes few tries to find few mistakes among many
 * changes. */
#include "supervisor/changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_make.h"

/* The state while the acceptable changes are being found. */
struct trial {
	struct reload *reload;      /* borrowed */
	const struct plan_env *env; /* borrowed */
	struct conf_set *set;       /* borrowed */
	bool *in; /* owned; for each file: is its fresh version in the plan? */
};

bool changes_any(const struct reload *reload)
{
	for (size_t i = 0; i < reload->n; i++) {
		if (reload_differs(&reload->v[i]))
			return true;
	}
	return false;
}

static bool is_changing(const struct reload *reload, const char *file)
{
	for (size_t i = 0; i < reload->n; i++) {
		const struct reload_file *f = &reload->v[i];

		if (reload_differs(f) && f->fresh && strcmp(f->fresh->path, file) == 0)
			return true;
	}
	return false;
}

void changes_copy_warnings(const struct reload *reload, const struct diag *from,
                           struct diag *to)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct diag_entry *e = &from->entries[i];

		if (e->severity != DIAG_ERROR && e->file && is_changing(reload, e->file))
			diag_copy_entry(to, e);
	}
}

/* Makes a plan of the changes that are `in`, and of the old versions of all other
 * files. */
static int try_plan(struct trial *t, const struct plan_env *env, struct plan *out,
                    struct diag *diag)
{
	t->set->n = 0;
	for (size_t i = 0; i < t->reload->n; i++) {
		const struct reload_file *f = &t->reload->v[i];
		struct conf *conf = reload_conf(f);

		if (reload_differs(f) && !t->in[i])
			conf = f->old;
		if (conf)
			t->set->v[t->set->n++] = conf;
	}
	return plan_make(out, t->set, env, diag);
}

/* Path MTUs don't matter for acceptance, and each of them would be a question to the
 * kernel. */
static struct plan_env without_mtus(const struct plan_env *env)
{
	struct plan_env without = *env;

	without.path_mtu = NULL;
	return without;
}

static bool can_be_planned(struct trial *t)
{
	struct plan_env env = without_mtus(t->env);
	struct diag not_told = { 0 };
	struct plan plan;
	int err = try_plan(t, &env, &plan, &not_told);

	if (!err)
		plan_clear(&plan);
	diag_clear(&not_told);
	return !err;
}

static size_t take_in(struct trial *t, const size_t *pending, size_t n, bool in)
{
	size_t taken = 0;

	for (size_t i = 0; i < n; i++) {
		if (t->in[pending[i]] == in)
			continue;
		t->in[pending[i]] = in;
		taken++;
	}
	return taken;
}

/* Takes in as many of the pending changes as fit together, by halves. Changes that are
 * already in stay in. Returns true if any was taken in. */
static bool take_in_part(struct trial *t, const size_t *pending, size_t n)
{
	bool left, right;

	if (take_in(t, pending, n, true) == 0)
		return false;
	if (can_be_planned(t))
		return true;
	take_in(t, pending, n, false);
	if (n == 1)
		return false;
	left = take_in_part(t, pending, n / 2);
	right = take_in_part(t, pending + n / 2, n - n / 2);
	return left || right;
}

/* Reports the errors of all pending changes together, so that two changes which
 * contradict each other are reported as that. Afterwards none of them is in. */
static void refuse_with_reason(struct trial *t, const size_t *pending, size_t n,
                               struct diag *diag)
{
	struct plan_env env = without_mtus(t->env);
	struct diag why = { 0 };
	struct plan plan;

	if (n == 0)
		return;
	take_in(t, pending, n, true);
	if (try_plan(t, &env, &plan, &why) == 0)
		plan_clear(&plan);
	diag_copy_errors(diag, &why);
	diag_clear(&why);
	take_in(t, pending, n, false);
	for (size_t i = 0; i < n; i++)
		t->reload->v[pending[i]].state = RELOAD_BAD;
}

/* Refuses changes that contradict the rest, as few of them as can be found. */
static int sort_out(struct trial *t, struct diag *diag)
{
	size_t *pending = calloc(t->reload->n + 1, sizeof(*pending)), n = 0, left;
	bool more = true;

	if (!pending)
		return -ENOMEM;
	for (size_t i = 0; i < t->reload->n; i++) {
		t->in[i] = false;
		if (reload_differs(&t->reload->v[i]))
			pending[n++] = i;
	}
	while (n > 0 && more) {
		more = take_in_part(t, pending, n);
		left = 0;
		for (size_t i = 0; i < n; i++) {
			if (!t->in[pending[i]])
				pending[left++] = pending[i];
		}
		n = left;
	}
	refuse_with_reason(t, pending, n, diag);
	free(pending);
	return 0;
}

/* Finds what was said of the old versions, which went together. Returns false if nothing comes
 * to them: then nothing new is said of those that stay. */
static bool say_before(struct trial *t, struct diag *before)
{
	struct plan plan;
	bool any = false;

	for (size_t i = 0; i < t->reload->n; i++) {
		const struct reload_file *f = &t->reload->v[i];

		t->in[i] = false;
		any = any || (reload_differs(f) && f->fresh);
	}
	if (!any || try_plan(t, t->env, &plan, before) < 0)
		return false;
	plan_clear(&plan);
	return true;
}

/* If a file comes with a prefix that another one has, this is said of the other one, which
 * doesn't change itself. */
static void copy_new_warnings(const struct reload *reload, const struct diag *before,
                              const struct diag *from, struct diag *to)
{
	changes_copy_warnings(reload, from, to);
	for (size_t i = 0; i < from->count; i++) {
		const struct diag_entry *e = &from->entries[i];

		if (before && e->severity != DIAG_ERROR && e->file &&
		    !is_changing(reload, e->file) && !diag_has(before, e))
			diag_copy_entry(to, e);
	}
}

int changes_accept(struct reload *reload, const struct plan_env *env,
                   struct conf_set *set, struct plan *out, struct diag *diag)
{
	struct trial t = { reload, env, set, calloc(reload->n + 1, sizeof(bool)) };
	struct diag told = { 0 }, before = { 0 };
	bool known;
	int err;

	*out = (struct plan){ 0 };
	if (!t.in)
		return -ENOMEM;
	known = say_before(&t, &before);
	for (size_t i = 0; i < reload->n; i++)
		t.in[i] = reload_differs(&reload->v[i]);
	err = try_plan(&t, env, out, &told);
	if (err == -EINVAL) {
		diag_clear(&told);
		err = sort_out(&t, diag);
		if (!err)
			err = try_plan(&t, env, out, &told);
	}
	if (err)
		diag_copy_errors(diag, &told);
	else
		copy_new_warnings(reload, known ? &before : NULL, &told, diag);
	diag_clear(&before);
	diag_clear(&told);
	free(t.in);
	return err;
}

/* ---- what goes with its carrier */

/* Returns the Via whose device is removed, or NULL. */
static const struct conf_carrier *removed_carrier(const struct reload *reload,
                                                  const struct conf *conf)
{
	for (size_t i = 0; i <= conf->peer_count; i++) {
		const struct conf_carrier *via =
			i == conf->peer_count ? &conf->via : &conf->peers[i].via;
		const struct reload_file *f = via->kind == CONF_VIA_DEVICE
		                                      ? reload_find(reload, via->name)
		                                      : NULL;

		if (f && f->state == RELOAD_REMOVED)
			return via;
	}
	return NULL;
}

void changes_remove_carried(struct reload *reload, struct diag *diag)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < reload->n; i++) {
			struct reload_file *f = &reload->v[i];
			struct conf *conf = reload_conf(f);
			const struct conf_carrier *via =
				conf ? removed_carrier(reload, conf) : NULL;

			if (!via)
				continue;
			diag_error(
				diag, conf->path, via->line,
				"goes down again, because %s, its carrier, did not come up",
				via->name);
			*f = (struct reload_file){ RELOAD_REMOVED, conf, NULL };
			more = true;
		}
	}
}

/* ---- what a refused file would have taken over */

static bool is_left_out(const struct conf_paths *from, const char *name)
{
	for (size_t i = 0; i < from->without_count; i++) {
		if (strcmp(from->without[i], name) == 0)
			return true;
	}
	return false;
}

static bool has_prefix(const struct conf *conf, const struct ip_prefix *wanted,
                       bool (*is)(const struct ip_prefix *a, const struct ip_prefix *b))
{
	for (size_t i = 0; i < conf->peer_count; i++) {
		const struct conf_prefixes *list = &conf->peers[i].allowed_ips;

		for (size_t k = 0; k < list->n; k++) {
			if (is(&list->v[k].prefix, wanted))
				return true;
		}
	}
	return false;
}

/* Returns a prefix that the file has had, and that is only in the fresh version of the other
 * one now; NULL: there is none. */
static const struct ip_prefix *given_up(const struct reload_file *f,
                                        const struct reload_file *other)
{
	for (size_t i = 0; i < f->old->peer_count; i++) {
		const struct conf_prefixes *list = &f->old->peers[i].allowed_ips;

		for (size_t k = 0; k < list->n; k++) {
			const struct ip_prefix *p = &list->v[k].prefix;

			if (has_prefix(other->fresh, p, ip_prefix_overlaps) &&
			    !(other->old &&
			      has_prefix(other->old, p, ip_prefix_covers)) &&
			    !(f->fresh && has_prefix(f->fresh, p, ip_prefix_covers)))
				return p;
		}
	}
	return NULL;
}

bool changes_hold_back(struct reload *reload, const struct reload_file *refused,
                       const struct conf_paths *from, struct diag *diag)
{
	bool any = false;

	for (size_t i = 0; i < reload->n; i++) {
		struct reload_file *f = &reload->v[i];
		const struct ip_prefix *p = NULL;
		char text[IP_PREFIX_STRLEN];

		if (f->old && reload_differs(f) &&
		    (f->fresh || !is_left_out(from, f->old->name)))
			p = given_up(f, refused);
		if (!p)
			continue;
		diag_error(
			diag, f->old->path, 0,
			"stays as it was: it gives up %s, and %s, which is to have this or a part of it, is refused",
			ip_prefix_format(p, text), refused->fresh->name);
		f->state = RELOAD_BAD;
		any = true;
	}
	return any;
}

/* ---- counting */

void changes_count(const struct reload *reload, struct changes_done *done,
                   const struct log *log)
{
	for (size_t i = 0; i < reload->n; i++) {
		const struct reload_file *f = &reload->v[i];

		if (f->state == RELOAD_ADDED)
			done->added++;
		else if (f->state == RELOAD_CHANGED)
			done->changed++;
		else if (f->state == RELOAD_REMOVED)
			done->removed++;
		if (reload_differs(f))
			log_info(log, reload_name(f), "%s",
			         f->state == RELOAD_ADDED     ? "added"
			         : f->state == RELOAD_CHANGED ? "changed"
			                                      : "removed");
	}
}

void changes_uncount(struct changes_done *done, const struct reload *before,
                     const struct reload *again)
{
	for (size_t i = 0; i < again->n; i++) {
		const struct reload_file *f = &again->v[i], *was;

		if (f->state != RELOAD_REMOVED)
			continue;
		was = reload_find(before, reload_name(f));
		if (was->state == RELOAD_ADDED)
			done->added--;
		else
			done->removed++;
		if (was->state == RELOAD_CHANGED)
			done->changed--;
	}
}
