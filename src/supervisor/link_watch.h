/* src/supervisor/link_watch.h - what becomes of a link of ours that others configure?
 *
 * They set its MTU, set it up and down, and remove it. Also tells if the network around it
 * has changed. Supervisor process. */
#ifndef TUNION_SUPERVISOR_LINK_WATCH_H
#define TUNION_SUPERVISOR_LINK_WATCH_H

#include <stdint.h>

#include "base/attr.h"
#include "io/loop.h"
#include "netlink/netlink.h"

struct link_watch_events {
	void (*changed)(void *context); /* its MTU, or whether it is up */
	void (*gone)(void *context);
	void (*network_changed)(void *context); /* at most once a second */
	void *context;                          /* borrowed */
};

/* Embedded. */
struct link_watch {
	struct loop_source monitor; /* fd owned; -1: there is none */
	struct loop *loop;          /* borrowed */
	struct netlink *nl;         /* owned */
	struct netlink_link link;   /* as it was seen last */
	struct link_watch_events events;
	uint64_t due_ns;  /* when to tell that the network has changed; NEVER_NS: never */
	uint64_t told_ns; /* when that was told last */
};

/* Nothing is watched yet; link_watch_end may be called. */
void link_watch_init(struct link_watch *w, const struct link_watch_events *events);
/* Finds the link of this name. Before, events must be complete. If the system doesn't tell of
 * changes, none are noticed. Returns 0 or -errno: -ENODEV, -ENOMEM and others. */
MUST_CHECK int link_watch_begin(struct link_watch *w, const char *name,
                                struct loop *loop);
void link_watch_end(struct link_watch *w);

/* Before each wait of the loop, and after it. */
uint64_t link_watch_deadline_ns(const struct link_watch *w);
void link_watch_run(struct link_watch *w, uint64_t now_ns);

#endif
