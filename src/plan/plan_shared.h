/* src/plan/plan_shared.h - which files have something that only one can have?
 *
 * People keep two files for one server, split and full, or bring up a copy. */
#ifndef TUNION_PLAN_PLAN_SHARED_H
#define TUNION_PLAN_PLAN_SHARED_H

#include "base/diag.h"
#include "plan/plan.h"

/* Warnings, at the later of the two files: the same PrivateKey, an equal Address, the
 * same server (PublicKey and Endpoint); and carriers that are passed over because they
 * are at the very endpoint (design R13). One line per pair of files and kind. 0 or
 * -ENOMEM. */
MUST_CHECK int plan_shared(const struct plan *plan, struct diag *diag);

#endif
