/* src/engine/source.h - does a packet bear the right device's address? (design section 5)
 *
 * Outbound, after the device is known; inbound, before the tun. The flows are in flow.h.
 */
#ifndef TUNION_ENGINE_SOURCE_H
#define TUNION_ENGINE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/core.h"

/* Is it an Address of any device? */
bool source_is_of_a_device(const struct engine *e, const struct ip_addr *addr);

/* A packet leaves through d: is its source another device's address (not one of d's, not
 * a stranger's that the host forwards)? The view needs no more than addresses. */
bool source_is_foreign(const struct device *d, const struct ip_view *view);

/* Then it becomes d's. The view is of ip_view_parse and not of a later fragment, and its
 * source is brought up to date. False: the packet has to be dropped. */
MUST_CHECK bool source_fix_out(struct device *d, struct packet *p, struct ip_view *view,
                               uint64_t now_ns);

/* A packet came in through d: an answer to a translated one gets the host's address back.
 */
void source_fix_in(struct device *d, struct packet *p, struct ip_view *view,
                   uint64_t now_ns);

#endif
