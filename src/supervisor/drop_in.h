/* src/supervisor/drop_in.h - one ordinary WireGuard interface, as wireguard-go makes it
 *
 * There is no tunnel file: wg(8) configures the interface by its UAPI socket, and others give
 * it addresses, routes and an MTU, and set it up. It has a worker like any other instance, but
 * is none itself: no command of tunion finds it. It ends at SIGTERM, SIGINT or SIGHUP, and when
 * the interface or the socket was removed. While the interface is down, nothing is sent. */
#ifndef TUNION_SUPERVISOR_DROP_IN_H
#define TUNION_SUPERVISOR_DROP_IN_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/log.h"
#include "channel/worker_entry.h"

struct drop_in;

struct drop_in_options {
	const char *name; /* of the interface, if there is no tun_fd */
	int tun_fd;  /* owned from here on: its tun; -1: one is made, which is down */
	int uapi_fd; /* the same: its listening socket; -1: one is made */
	const struct log *log; /* borrowed as long as it lives */
	struct worker_entry worker;
	bool foreground; /* the worker may keep our stderr, too */
};

/* All or nothing. Returns 0 when wg(8) can use it, or -errno with the reason in diag. */
MUST_CHECK int drop_in_up(struct drop_in **out, const struct drop_in_options *options,
                          struct diag *diag);
/* Returns when it has to end: 0, or -errno if that is because of an error. */
MUST_CHECK int drop_in_serve(struct drop_in *d);
/* Removes the socket and, unless others have it, the interface. d may be NULL. */
void drop_in_down(struct drop_in *d);
/* The name of the interface; valid until drop_in_down. */
const char *drop_in_name(const struct drop_in *d);

#endif
