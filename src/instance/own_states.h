/* src/instance/own_states.h - which files have left something of a tun of their own?
 *
 * The shared tun has the state file RUNDIR/TUN.state, and the tun of the file NAME.conf has
 * RUNDIR/TUN:NAME.state next to it. */
#ifndef TUNION_INSTANCE_OWN_STATES_H
#define TUNION_INSTANCE_OWN_STATES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/ifname.h"

struct own_state {
	char name[IFNAME_MAX + 1]; /* of the file */
};

/* Returns RUNDIR/TUN:NAME.state for RUNDIR/TUN.state, to be freed; NULL if out of memory. */
char *own_states_path(const char *state_path, const char *name);
/* Finds the state files of files' own tuns, also those that were not written to their end. *out
 * is an array, to be freed. Returns 0 or -ENOMEM. */
MUST_CHECK int own_states_find(const char *state_path, struct own_state **out, size_t *n);
/* Is something left on the host: of the shared tun, or of a file's own one? If that can't be
 * found out, yes. */
bool own_states_any_left(const char *state_path);

#endif
