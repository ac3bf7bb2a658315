/* src/resolver/resolve.h - the process that asks name servers for the supervisor
 *
 * It reads what they answer, so it has no rights, no files and no keys, and can't make a
 * socket: those that it is given are connected to the name servers. */
#ifndef TUNION_RESOLVER_RESOLVE_H
#define TUNION_RESOLVER_RESOLVE_H

#include <sys/types.h>

#include "names/resolver_entry.h"

/* A `run` of struct resolver_entry. */
int resolve_run(int channel_fd, int socket_fd, pid_t supervisor,
                const struct resolver_options *options);

#endif
