/* src/host/closing.h - what a plan will hold is closed before the plan is carried out
 *
 * A prefix may go from one tun of an instance to another. The kernel has each route only
 * once, so the old tun gives it up before the new one gets it. For this moment the new tun
 * has its barriers (barrier.h) already, and the rules that lead to them. Packets are refused
 * then, and don't leave in the clear. */
#ifndef TUNION_HOST_CLOSING_H
#define TUNION_HOST_CLOSING_H

#include "base/attr.h"
#include "host/host_change.h"

/* To be followed by host_change with the same plan, which adds all else. Returns 0 or the
 * first error; host_change tries it again, and reports it. */
MUST_CHECK int closing_add(struct host_state *h, const struct plan *plan);

#endif
