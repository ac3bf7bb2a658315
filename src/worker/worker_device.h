/* src/worker/worker_device.h - what is a device of the engine connected to? Its UDP
 * sockets, its own tun if it has one, and the clients of its UAPI
 *
 * If a UAPI client wants something from the host (new sockets, a mark), the supervisor is
 * asked, and the client waits for the answer, but not for ever. For each device there is
 * at most one such question without an answer, even if the client that has asked is gone,
 * because otherwise the next one would take the answer for its own. Worker process and
 * thread. */
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
#include "worker/worker_tun.h"

/* A UAPI client waits for the supervisor for this time, and then gets -ETIMEDOUT. */
#define WORKER_DEVICE_ANSWER_NS (30 * NS_PER_SEC)

struct owed_answer;

/* On the heap, from worker_device_add until worker_device_remove. */
struct worker_device {
	struct worker_device *next;
	struct worker_devices *all; /* borrowed */
	struct device *device;      /* owned by the engine */
	struct udp *udp;            /* owned; NULL: there is none yet */
	struct loop_source udp_sources[UDP_FAMILIES];
	struct worker_tun tun; /* without a tun if it shares one */
	uint32_t mark;
	struct uapi_server uapi_server;
	struct uapi uapi;         /* the supervisor's own conversation */
	bool asked;               /* the supervisor owes an answer */
	struct owed_answer *owed; /* owned: goes into the list of all if one is owed */
	uint64_t deadline_ns;     /* when the client that has asked stops waiting */
};

/* Embedded in the worker. */
struct worker_devices {
	struct loop *loop;           /* borrowed */
	struct engine *engine;       /* borrowed */
	struct buffers *buffers;     /* borrowed */
	struct udp_scratch *scratch; /* borrowed */
	const struct log *log;       /* borrowed */
	struct report *report;       /* borrowed */
	struct uapi_host uapi_host, uapi_host_supervisor;
	struct worker_device *first; /* owned list */
	struct owed_answer *owed;    /* owned list: for devices that are gone */
	int spare_fd;                /* owned: see uapi_server.h; -1: none yet */
	uint64_t since_ns;           /* when the engine was made */
	uint64_t now_ns;             /* the time of the present event; set by the owner */
};

/* Sets uapi_host, uapi_host_supervisor and spare_fd; the caller sets the borrowed pointers. From
 * here on the struct must not be moved. */
void worker_device_init(struct worker_devices *all);
/* Removes all devices. */
void worker_device_clear(struct worker_devices *all);

/* Makes the device in the engine. uapi_fd is a listening stream socket; it is taken over,
 * even if this fails. Returns 0, -EEXIST or another -errno. */
MUST_CHECK int worker_device_add(struct worker_devices *all, const char *name,
                                 int uapi_fd);
/* Hangs up on its UAPI clients, closes its sockets, removes it from the engine, and frees
 * it. */
void worker_device_remove(struct worker_device *d);
/* Returns NULL if there is no device with this name. */
struct worker_device *worker_device_find(const struct worker_devices *all,
                                         const char *name);

/* Replaces its sockets by the fds, which are as udp_open returns them. Returns 0 or
 * -errno; then it has no sockets. */
MUST_CHECK int worker_device_use_udp(struct worker_device *d,
                                     const int fds[static UDP_FAMILIES]);
/* Is the next answer for a device with this name owed to one that has been removed? Then
 * it is nobody's: another device may have the name by now, and a question of its own. The
 * answer is no longer owed. */
bool worker_device_takes_owed(struct worker_devices *all, const char *name);
/* Tells the supervisor's answer to the UAPI client that has asked. May be called even if
 * nothing was asked, or if the client is gone. */
void worker_device_answered(struct worker_device *d, int result);

/* When has a client waited long enough? NEVER_NS if none waits. */
uint64_t worker_device_next_deadline_ns(const struct worker_devices *all);
/* Tells these clients so. Uses now_ns. */
void worker_device_run_timers(struct worker_devices *all);

#endif
