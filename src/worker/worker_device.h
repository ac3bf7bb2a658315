/* src/worker/worker_device.h - what is a device of the engine connected to? Its UDP
 * sockets, and the clients of its UAPI
 *
 * What a UAPI client wants of the host (new sockets, a mark) is asked of the supervisor,
 * and the client waits for the answer, but not for ever. For each device there is at most
 * one such question without an answer, even if the client that asked is gone: the next
 * one would otherwise take the answer for its own. Worker process and thread. */
#ifndef TUNION_WORKER_WORKER_DEVICE_H
#define TUNION_WORKER_WORKER_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/log.h"
#include "engine/engine.h"
#include "io/loop.h"
#include "io/udp.h"
#include "worker/report.h"
#include "worker/uapi_server.h"

/* So long a UAPI client waits for the supervisor, then it is told -ETIMEDOUT. */
#define WORKER_DEVICE_ANSWER_NS (30 * NS_PER_SEC)

/* On the heap, from worker_device_add until worker_device_remove. */
struct worker_device {
	struct worker_device *next;
	struct worker_devices *all; /* borrowed */
	struct device *device;      /* owned by the engine */
	struct udp *udp;            /* owned; NULL: none yet */
	struct loop_source udp_sources[UDP_FAMILIES];
	uint32_t mark;
	struct uapi_server uapi_server;
	struct uapi uapi;     /* the supervisor's own conversation */
	bool asked;           /* the supervisor owes an answer */
	uint64_t deadline_ns; /* then the client that asked waits no longer */
};

/* Embedded in the worker. */
struct worker_devices {
	struct loop *loop;           /* borrowed */
	struct engine *engine;       /* borrowed */
	struct udp_scratch *scratch; /* borrowed */
	const struct log *log;       /* borrowed */
	struct report *report;       /* borrowed */
	struct uapi_host uapi_host, uapi_host_supervisor;
	struct worker_device *first; /* owned list */
	uint64_t now_ns; /* of the event being handled: the owner keeps it true */
};

/* Sets uapi_host and uapi_host_supervisor; the borrowed pointers are the caller's to
 * set. The struct must not be moved from here on. */
void worker_device_init(struct worker_devices *all);
/* Removes all. */
void worker_device_clear(struct worker_devices *all);

/* Makes the device in the engine. uapi_fd is a listening stream socket and is taken, also
 * if this fails. 0, -EEXIST, -errno. */
MUST_CHECK int worker_device_add(struct worker_devices *all, const char *name,
                                 int uapi_fd);
/* Hangs up on its UAPI clients, closes its sockets, removes it from the engine, frees. */
void worker_device_remove(struct worker_device *d);
/* NULL if there is none of this name. */
struct worker_device *worker_device_find(const struct worker_devices *all,
                                         const char *name);

/* Takes the fds (as udp_open returns them) in place of those it had. 0 or -errno: then it
 * has none. */
MUST_CHECK int worker_device_use_udp(struct worker_device *d,
                                     const int fds[static UDP_FAMILIES]);
/* The supervisor's answer to what a UAPI client has asked for. Fine if there was no
 * question, or if the client is gone. */
void worker_device_answered(struct worker_device *d, int result);

/* When a client has waited long enough; NEVER_NS: nobody waits. */
uint64_t worker_device_next_deadline_ns(const struct worker_devices *all);
/* Tells those clients so. Uses now_ns. */
void worker_device_run_timers(struct worker_devices *all);

#endif
