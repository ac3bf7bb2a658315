/* src/worker/uapi_server.h - who speaks UAPI with a device? The connections on its
 * socket
 *
 * A client that does not read its answers is not read from either; there is a bound to
 * how many may be connected. Engine process and thread. */
#ifndef TUNION_WORKER_UAPI_SERVER_H
#define TUNION_WORKER_UAPI_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "io/loop.h"
#include "worker/uapi.h"

#define UAPI_CLIENTS_MAX 16 /* of one device */

struct uapi_client;

/* Embedded per device. */
struct uapi_server {
	struct loop *loop;            /* borrowed */
	struct device *device;        /* borrowed */
	const struct uapi_host *host; /* borrowed */
	struct loop_source listener;  /* its fd is owned; -1: not started */
	struct uapi_client *clients;  /* owned list */
	size_t client_count;
	struct uapi_client *waiting; /* for the answer to set_port or set_fwmark */
};

/* fd: a listening stream socket, owned from here on, also on failure. 0 or -errno. */
MUST_CHECK int uapi_server_start(struct uapi_server *s, struct loop *loop, int fd,
                                 struct device *device, const struct uapi_host *host);
/* Hangs up on all. Fine for one that was not started: listener.fd -1. */
void uapi_server_stop(struct uapi_server *s);

/* Is somebody waiting for uapi_server_resume? Then nobody else may be made to. */
static inline bool uapi_server_waits(const struct uapi_server *s)
{
	return s->waiting != NULL;
}
/* What host->set_port or set_fwmark, which had returned -EINPROGRESS, came to. Fine if
 * the client is gone. */
void uapi_server_resume(struct uapi_server *s, int result, uint64_t now_ns);

#endif
