/* src/host/remains.h - what a killed instance has left stays until the next one holds the
 * same
 *
 * Design section 4, fail closed. `up` may take long, or fail. Until then the barriers
 * (barrier.h) of the killed instance, and the rules that lead to them, keep packets from
 * leaving in the clear. So the journal of the killed instance is set aside, and its file
 * stays as it is. The new instance has the same mark and tables where that is possible. At
 * last its journal gets the entries of the old one, as if they were its own. host_change adds
 * what is wanted now, and only when everything is up, the PostUp hooks too, the rest goes. */
#ifndef TUNION_HOST_REMAINS_H
#define TUNION_HOST_REMAINS_H

#include <stdbool.h>

#include "base/attr.h"
#include "host/host_change.h"

/* Reads the journal into h, whose own one must be empty. If there is one, runs and forgets
 * its hooks, and sets it aside with `keep` if its instance was killed, or undoes all of it.
 * Returns 0 or -errno, with the reason in diag. */
MUST_CHECK int remains_find(struct host_state *h, bool keep, struct diag *diag);
bool remains_exist(const struct host_state *h);

/* Before a mark is chosen for this plan: forgets those numbers that it uses otherwise. */
void remains_review_numbers(struct host_state *h, const struct plan *plan);

/* Before closing_add or host_change: takes over the entries. Returns 0 or -errno, with the
 * reason in diag. */
MUST_CHECK int remains_take_over(struct host_state *h, struct diag *diag);
/* From now on, or no longer, is everything left closed that fails? See host_options. */
void remains_stay_closed(struct host_state *h, bool stay);
/* After host_up, on all tuns: removes what this plan doesn't need. Returns 0 or -errno, with the
 * reason in diag. */
MUST_CHECK int remains_let_go(struct host_state *h, const struct plan *plan,
                              struct diag *diag);

#endif
