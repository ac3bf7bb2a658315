/* src/plan/plan_shared.h - do files share something that only one of them should have?
 *
 * People keep two files for one server: one for a few networks, and one for everything.
 * Or they bring up a copy of a file, or the file that is for a client of the gate. */
#ifndef TUNION_PLAN_PLAN_SHARED_H
#define TUNION_PLAN_PLAN_SHARED_H

#include "base/diag.h"
#include "plan/plan.h"

/* Adds warnings about two files that have the same PrivateKey, an equal Address or the
 * same server (PublicKey and Endpoint), at the later file; and about carriers that are
 * passed over because they are at the same endpoint (design R13); and about a file whose
 * peer is another of the files. There is one line for each pair of files and each kind.
 * Returns 0 or -ENOMEM. */
MUST_CHECK int plan_shared(const struct plan *plan, struct diag *diag);

#endif
