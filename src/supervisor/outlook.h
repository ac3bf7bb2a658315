/* src/supervisor/outlook.h - has the network changed, where nobody tells us?
 *
 * Android doesn't let programs listen to the kernel's notifications. But which address our
 * datagrams would come from tells as much: after a change from WiFi to mobile data it is
 * another one. Looking costs a few system calls and sends nothing. So it is done when
 * there is a reason to doubt the network, not from time to time. */
#ifndef TUNION_SUPERVISOR_OUTLOOK_H
#define TUNION_SUPERVISOR_OUTLOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "io/outward.h"
#include "plan/plan.h"

#define OUTLOOK_MAX 16 /* endpoints; those of further peers are not looked at */

/* All zeroes: it was not looked yet. */
struct outlook {
	struct outlook_way {
		struct endpoint to;
		struct ip_addr source; /* IP_NONE: there was no way */
	} ways[OUTLOOK_MAX];
	size_t count;
};

/* Looks at the ways to the endpoints of all peers that are reached by the network, except
 * for clients of gates, who look for us themselves. Returns
 * whether one of those that were there at the last look has another source by now, or is
 * back. A way that is gone is no change yet: we can do nothing but wait. mark is that of
 * our datagrams; 0: none. For `by` see outward_look. */
bool outlook_changed(struct outlook *o, const struct plan *plan,
                     const struct outward_sockets *by, uint32_t mark);

#endif
