/* src/host/host_refusal.h - why has the kernel refused an address, a route or a rule? */
#ifndef TUNION_HOST_HOST_REFUSAL_H
#define TUNION_HOST_HOST_REFUSAL_H

#include "base/diag.h"
#include "netlink/netlink.h"
#include "plan/plan.h"

/* Adds an error with FILE:LINE of what has asked for the item, and a hint. `why` is what the
 * kernel says of this error. */
void host_refusal_report(const struct plan *plan, const struct netlink_item *item,
                         int error, const char *why, struct diag *diag);

#endif
