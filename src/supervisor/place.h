/* src/supervisor/place.h - the place of the tun for `exec`: see host/host_place.h */
#ifndef TUNION_SUPERVISOR_PLACE_H
#define TUNION_SUPERVISOR_PLACE_H

#include "host/host_place.h"
#include "inside/handover.h"

/* Borrowed. */
struct place_inside {
	const struct handover_fds *fds;
	int socket; /* see handover.h */
};
/* The result borrows `inside`. */
struct host_place place_inside(struct place_inside *inside);

#endif
