/* src/worker/worker_tun.h - a tun in the worker: packets from the host go to the engine
 *
 * It is the shared one, or that of a device (design R14). Worker process and thread. */
#ifndef TUNION_WORKER_WORKER_TUN_H
#define TUNION_WORKER_WORKER_TUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "io/buffers.h"
#include "io/loop.h"
#include "io/tun.h"

struct device;
struct engine;
struct report;

/* Embedded in the worker, or in the worker_device. The borrowed pointers must be set before
 * worker_tun_start. */
struct worker_tun {
	struct loop *loop;       /* borrowed */
	struct buffers *buffers; /* borrowed */
	struct engine *engine;   /* borrowed */
	struct device *device;   /* borrowed: whose tun it is; NULL: the shared one */
	struct report *report;   /* borrowed: is told if the tun is lost */
	bool join;               /* see tun_join */
	struct tun *tun;         /* owned; NULL: there is none yet */
	struct loop_source source;
	bool in_loop;
	uint64_t now_ns; /* the time of the present event */
};

/* Takes over the fd, even if this fails. It replaces a tun that is there already, which is
 * then closed. Returns 0 or -errno. */
MUST_CHECK int worker_tun_start(struct worker_tun *t, int fd);
/* To be called in each round of the loop: tells the supervisor if a write has shown that
 * the tun is gone. May be called if there is none. */
void worker_tun_check(struct worker_tun *t);
/* Closes it. To be called after the engine was freed, or before the device is. May be
 * called if there is none. */
void worker_tun_clear(struct worker_tun *t);

#endif
