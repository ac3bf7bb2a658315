/* src/io/loop.h - what is ready, and is it time? One epoll set and one timer
 *
 * The timer counts on CLOCK_BOOTTIME, so that time spent in suspend counts; it is armed
 * for the one earliest deadline and not at all when there is none: an idle process is not
 * woken. */
#ifndef TUNION_IO_LOOP_H
#define TUNION_IO_LOOP_H

#include <stdint.h>

#include "base/attr.h"

struct loop;

/* Embedded by what owns the fd; level-triggered. */
struct loop_source {
	int fd;
	/* events: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR. May add and remove sources,
	 * itself too. */
	void (*ready)(struct loop_source *source, uint32_t events, uint64_t now_ns);
};

MUST_CHECK int loop_new(struct loop **out);
/* Closes no source's fd. NULL is fine. */
void loop_free(struct loop *loop);

/* The source is borrowed until loop_remove; fd and ready are set before. 0 or -errno. */
MUST_CHECK int loop_add(struct loop *loop, struct loop_source *source, uint32_t events);
MUST_CHECK int loop_modify(struct loop *loop, struct loop_source *source,
                           uint32_t events);
/* Before its fd is closed. Events already fetched for it are forgotten. */
void loop_remove(struct loop *loop, struct loop_source *source);

/* Waits until something is ready or deadline_ns (NEVER_NS: no deadline) has come, and
 * dispatches. 0, also after a signal; or -errno. */
MUST_CHECK int loop_wait(struct loop *loop, uint64_t deadline_ns);

/* CLOCK_BOOTTIME, nanoseconds. */
uint64_t loop_now_ns(void);
/* CLOCK_REALTIME, nanoseconds since 1970. */
uint64_t loop_wall_clock_ns(void);

#endif
