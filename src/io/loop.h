/* src/io/loop.h - waits until a file descriptor is ready or a deadline has come
 *
 * There is one epoll set and one timer (loop_clock.h). It is armed for the earliest
 * deadline only, and not at all if there is none: an idle process is never woken. */
#ifndef TUNION_IO_LOOP_H
#define TUNION_IO_LOOP_H

#include <stdint.h>

#include "base/attr.h"
#include "io/loop_clock.h"

struct loop;

/* Embedded by the owner of the fd. Events are level-triggered. */
struct loop_source {
	int fd;
	/* events: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR. The function may add and remove
	 * sources, also its own. */
	void (*ready)(struct loop_source *source, uint32_t events, uint64_t now_ns);
};

MUST_CHECK int loop_new(struct loop **out);
/* Does not close the fds of the sources. NULL is fine. */
void loop_free(struct loop *loop);

/* The source is borrowed until loop_remove; its fd and ready must be set before.
 * 0 or -errno. */
MUST_CHECK int loop_add(struct loop *loop, struct loop_source *source, uint32_t events);
MUST_CHECK int loop_modify(struct loop *loop, struct loop_source *source,
                           uint32_t events);
/* To be called before the fd is closed. Events that were already fetched for it
 * are dropped. */
void loop_remove(struct loop *loop, struct loop_source *source);

/* Waits until something is ready or deadline_ns has come (NEVER_NS: no deadline), and
 * calls the `ready` functions. Returns 0, also after a signal; or -errno. */
MUST_CHECK int loop_wait(struct loop *loop, uint64_t deadline_ns);

/* Readable while a source is ready: so that one loop can be a source of another. */
int loop_fd(const struct loop *loop);

#endif
