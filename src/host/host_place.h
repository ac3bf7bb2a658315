/* src/host/host_place.h - where else can the tun be than in our own network namespace?
 *
 * In another one, where it is the only way out: see inside/inside.h. Our sockets are not
 * in it. So routes can't send our datagrams back to us, and everything that keeps them
 * apart on a host (mark, private tables, rules, guard) isn't needed. Whoever lives there
 * looks up names as a file says that we write. Hooks aren't run, because they mean the
 * host. Nothing is left when the last process in there has ended. */
#ifndef TUNION_HOST_HOST_PLACE_H
#define TUNION_HOST_HOST_PLACE_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/diag.h"

struct host_place {
	/* Makes a tun there, which the caller owns. Returns its fd, or -errno after the
	 * reason was told. */
	int (*make_tun)(void *context, const char *name, bool vnet_hdr);
	/* Makes this the resolv.conf there. Returns 0 or -errno. */
	int (*set_resolv_conf)(void *context, const char *text);
	void *context;  /* borrowed */
	int netlink_fd; /* of that namespace; borrowed */
};

#endif
