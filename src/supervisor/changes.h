/* src/supervisor/changes.h - which changes of the files can be in force together?
 *
 * Pure functions: they make plans and look at nothing else. */
#ifndef TUNION_SUPERVISOR_CHANGES_H
#define TUNION_SUPERVISOR_CHANGES_H

#include "base/attr.h"
#include "base/diag.h"
#include "plan/plan.h"
#include "supervisor/reload.h"

/* Makes *out of the files as they are now. Where they contradict each other, as few changes
 * as can be found become RELOAD_BAD, which stands for the old version, and diag says why.
 * set has room for reload->n files, which are not its own; the plan is made of it, so it has
 * to live as long. Warnings are told of files with changes. 0; -EINVAL (also the old
 * versions contradict each other), -ENOMEM: then the plan is empty. */
MUST_CHECK int changes_accept(struct reload *reload, const struct plan_env *env,
                              struct conf_set *set, struct plan *out, struct diag *diag);

/* Adds those warnings of `from` that are about a file with changes. */
void changes_copy_warnings(const struct reload *reload, const struct diag *from,
                           struct diag *to);

/* Does any file differ? */
bool changes_any(const struct reload *reload);

#endif
