/* src/supervisor/changes.h - which changes of the files can be in force together?
 *
 * Pure functions: they make plans and look at nothing else. */
#ifndef TUNION_SUPERVISOR_CHANGES_H
#define TUNION_SUPERVISOR_CHANGES_H

#include "base/attr.h"
#include "base/diag.h"
#include "base/log.h"
#include "plan/plan.h"
#include "supervisor/reload.h"

/* Makes *out of the files as they are now. If they contradict each other, some changes
 * become RELOAD_BAD, which means that the old version counts, and diag says why. As few
 * changes as can be found are refused. set must have room for reload->n files; it doesn't
 * own them. The plan is made of set, so set must live as long as the plan. Warnings are
 * reported for files with changes. Returns 0, -EINVAL (even the old versions contradict
 * each other) or -ENOMEM; after an error the plan is empty. */
MUST_CHECK int changes_accept(struct reload *reload, const struct plan_env *env,
                              struct conf_set *set, struct plan *out, struct diag *diag);

/* Adds those warnings of `from` that are about a file with changes. */
void changes_copy_warnings(const struct reload *reload, const struct diag *from,
                           struct diag *to);

/* Files whose carrier (Via) is removed are removed as well, in diag with the reason; so are
 * those that these carry. */
void changes_remove_carried(struct reload *reload, struct diag *diag);

/* Files that go, or give up a prefix, become RELOAD_BAD if the fresh version of `refused`, which
 * does not come into force, has that prefix: otherwise nobody would have it, and its packets would
 * be in the clear. diag says so. Files that `from` leaves out are meant to go. Returns true if
 * there are any. */
bool changes_hold_back(struct reload *reload, const struct reload_file *refused,
                       const struct conf_paths *from, struct diag *diag);

struct changes_done {
	size_t added, changed, removed; /* how many files were applied */
};

/* Counts and logs what was applied. changes_uncount takes back what was added or changed
 * before, and is now removed again: it is neither. */
void changes_count(const struct reload *reload, struct changes_done *done,
                   const struct log *log);
void changes_uncount(struct changes_done *done, const struct reload *before,
                     const struct reload *again);

/* Has any file changed? */
bool changes_any(const struct reload *reload);

#endif
