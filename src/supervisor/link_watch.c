/* src/supervisor/link_watch.c - a notification is only a reason to ask for the link's state
 *
 * So it doesn't matter if some are lost, and two changes that follow each other at once are
 * one. */
#include "supervisor/link_watch.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "netlink/monitor.h"

/* Changes of the network often come many at a time. */
#define SETTLE_NS   (200 * NS_PER_MS)
#define DISTANCE_NS NS_PER_SEC

void link_watch_init(struct link_watch *w, const struct link_watch_events *events)
{
	*w = (struct link_watch){ .monitor.fd = -1,
		                  .events = *events,
		                  .due_ns = NEVER_NS };
}

static bool is_ours(const void *context, uint32_t ifindex)
{
	const struct link_watch *w = context;

	return ifindex == w->link.ifindex;
}

static void look(struct link_watch *w)
{
	struct netlink_link now;
	int err = netlink_link_get(w->nl, w->link.ifindex, &now);

	if (err == -ENODEV)
		w->events.gone(w->events.context);
	if (err || (now.mtu_bytes == w->link.mtu_bytes && now.up == w->link.up))
		return;
	w->link = now;
	w->events.changed(w->events.context);
}

static void note_network(struct link_watch *w, uint64_t now_ns)
{
	uint64_t due_ns = now_ns + SETTLE_NS;

	if (w->told_ns && due_ns < w->told_ns + DISTANCE_NS)
		due_ns = w->told_ns + DISTANCE_NS;
	if (due_ns < w->due_ns)
		w->due_ns = due_ns;
}

static void monitor_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct link_watch *w = CONTAINER_OF(source, struct link_watch, monitor);
	const struct monitor_tuns ours = { is_ours, w };
	unsigned bits = monitor_read(source->fd, &ours);

	(void)events;
	if (bits & MONITOR_OURS)
		look(w);
	if (bits & MONITOR_SOURCES)
		note_network(w, now_ns);
}

int link_watch_begin(struct link_watch *w, const char *name, struct loop *loop)
{
	int err = netlink_open(&w->nl);

	w->loop = loop;
	w->monitor.ready = monitor_ready;
	/* first this, so that no change is missed */
	if (!err && monitor_open(&w->monitor.fd) == 0)
		err = loop_add(loop, &w->monitor, EPOLLIN);
	return err ? err : netlink_link_find(w->nl, name, &w->link);
}

void link_watch_end(struct link_watch *w)
{
	if (w->monitor.fd >= 0) {
		loop_remove(w->loop, &w->monitor);
		close(w->monitor.fd);
	}
	w->monitor.fd = -1;
	netlink_free(w->nl);
	w->nl = NULL;
}

uint64_t link_watch_deadline_ns(const struct link_watch *w)
{
	return w->due_ns;
}

void link_watch_run(struct link_watch *w, uint64_t now_ns)
{
	if (now_ns < w->due_ns)
		return;
	w->due_ns = NEVER_NS;
	w->told_ns = now_ns;
	w->events.network_changed(w->events.context);
}
