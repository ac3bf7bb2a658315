/* src/host/host_difference.h - what has to be changed from one configuration to the
 * next? */
#ifndef TUNION_HOST_HOST_DIFFERENCE_H
#define TUNION_HOST_HOST_DIFFERENCE_H

#include "base/attr.h"
#include "host/host_config.h"

struct host_difference {
	/* in order; replace: routes with new values, addresses with another metric */
	struct host_items add, replace;
	struct host_items remove; /* in reverse order */
};

MUST_CHECK int host_config_compare(struct host_difference *out,
                                   const struct host_config *from,
                                   const struct host_config *to);
void host_difference_clear(struct host_difference *d);

#endif
