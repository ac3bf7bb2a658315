/* src/host/host_env.h - asks the kernel what host_config.h wants to know */
#ifndef TUNION_HOST_HOST_ENV_H
#define TUNION_HOST_HOST_ENV_H

#include <stdbool.h>

#include "host/host_config.h"
#include "netlink/netlink.h"

/* All borrowed. */
struct host_asker {
	struct netlink *nl;
	struct host_config *config; /* what is in force */
};

/* Fills in the functions and the context, which borrows the asker. */
struct host_config_env host_env(struct host_asker *asker);

/* Forgets rules in the asker's configuration that the kernel doesn't have. */
void host_env_forget_missing(struct host_asker *asker);

/* Forgets the places that are not right any more, because somebody has added rules or removed
 * ours, so that they will be chosen again. *renew4 and *renew6 become true where this has
 * happened; rules that the kernel doesn't have are then no longer in the asker's
 * configuration. known: nobody else has changed any rules since the last time. */
void host_env_review_places(struct host_asker *asker, struct host_numbers *numbers,
                            bool known, bool *renew4, bool *renew6);

#endif
