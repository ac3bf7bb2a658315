/* src/host/host_place.h - where else can the tun be than in our own network namespace?
 *
 * Nowhere: then a gate (design R15) stands in for it, or it is a descriptor that was given
 * to us, and others configure it: an app (supervisor/vpn_app.h), or whoever has started a
 * drop-in (supervisor/drop_in.h). Nothing is changed on the host, and
 * of all that host.h does, only questions are left: path MTUs, name servers, and what the
 * virtual resolver's addresses are.
 *
 * Or in another one, where it is the only way out: see inside/inside.h. Our sockets are
 * not in it. So routes can't send our datagrams back to us, and everything that keeps them
 * apart on a host (mark, private tables, rules, guard) isn't needed. Whoever lives there
 * looks up names as a file says that we write. Hooks aren't run, because they mean the
 * host. Nothing is left when the last process in there has ended. */
#ifndef TUNION_HOST_HOST_PLACE_H
#define TUNION_HOST_HOST_PLACE_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/diag.h"
#include "io/outward.h"

struct host_place {
	bool nowhere; /* the functions below aren't called, and there is no netlink_fd */
	int tun_fd; /* nowhere: borrowed; what we were given, which may change; -1: none */
	/* Nowhere: borrowed; what questions about the network are asked with, or NULL. */
	const struct outward_sockets *outward;
	const char *no_marks; /* why sockets can't be marked; NULL: they can */
	/* Why something that a file wants isn't done here. */
	const char *no_hooks, *no_table;
	/* Makes a tun there, which the caller owns. Returns its fd, or -errno after the
	 * reason was told. */
	int (*make_tun)(void *context, const char *name, bool vnet_hdr);
	/* Makes this the resolv.conf there. Returns 0 or -errno. */
	int (*set_resolv_conf)(void *context, const char *text);
	void *context;  /* borrowed */
	int netlink_fd; /* of that namespace; borrowed */
};

/* The place of `gate`. */
struct host_place host_place_nowhere(void);
/* That of an app's descriptor, which isn't there yet. Does the app protect our sockets, so
 * that nobody else may mark them? */
struct host_place host_place_given(bool protects);

#endif
