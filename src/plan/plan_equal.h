/* src/plan/plan_equal.h - who has the prefixes that several files name? */
#ifndef TUNION_PLAN_PLAN_EQUAL_H
#define TUNION_PLAN_PLAN_EQUAL_H

#include "base/attr.h"
#include "base/diag.h"
#include "plan/plan.h"

/* Adds a warning for each prefix of the shared union that several files have: who has it and
 * why, and who doesn't, or should stand by but can't take over. It is only a note if it stands
 * by. Prefixes that the same files have are told in one line, with one example. Returns 0 or
 * -ENOMEM. */
MUST_CHECK int plan_equal(const struct plan *plan, struct diag *diag);

#endif
