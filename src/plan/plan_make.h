/* src/plan/plan_make.h - what do these files mean together? */
#ifndef TUNION_PLAN_PLAN_MAKE_H
#define TUNION_PLAN_PLAN_MAKE_H

#include "base/attr.h"
#include "base/diag.h"
#include "conf/set.h"
#include "plan/plan.h"

/* The set must live longer than the plan. Errors (a Via that names no file, a circle
 * of Via, equal ListenPorts and so on) and warnings (those of plan_findings.h, so that
 * `check` and `up` print the same) are added to diag with FILE:LINE. Returns -EINVAL
 * if there is any error in diag; then the plan is empty. So the set and diag may be
 * those of a conf_set_read that failed: whatever doesn't depend on the missing parts
 * is reported. */
MUST_CHECK int plan_make(struct plan *out, const struct conf_set *set,
                         const struct plan_env *env, struct diag *diag);

#endif
