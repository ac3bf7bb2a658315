/* src/worker/uapi_server.h - who uses the UAPI of a device? The connections on its socket
 *
 * If a client doesn't read its answers, nothing more is read from it. The number of
 * clients is limited. Worker process and thread. */
#ifndef TUNION_WORKER_UAPI_SERVER_H
#define TUNION_WORKER_UAPI_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "io/loop.h"
#include "worker/uapi.h"

#define UAPI_CLIENTS_MAX 16 /* of one device */

struct uapi_client;

/* Embedded in each device. */
struct uapi_server {
	struct loop *loop;            /* borrowed */
	struct device *device;        /* borrowed */
	const struct uapi_host *host; /* borrowed */
	struct loop_source listener;  /* its fd is owned; -1: it isn't started */
	struct uapi_client *clients;  /* owned list */
	size_t client_count;
	struct uapi_client *waiting; /* waits for the answer to set_port or set_fwmark */
	/* Borrowed: a descriptor that many servers have in common, which is given up for
	 * a moment if there is no other one, to hang up on a client. NULL: there is none;
	 * -1: it couldn't be had. Set after the start. */
	int *spare_fd;
};

/* fd is a listening stream socket; it is owned from here on, even if this fails. Returns
 * 0 or -errno. */
MUST_CHECK int uapi_server_start(struct uapi_server *s, struct loop *loop, int fd,
                                 struct device *device, const struct uapi_host *host);
/* Hangs up on all clients. May be called if it wasn't started and listener.fd is -1. */
void uapi_server_stop(struct uapi_server *s);

/* Does a client wait for uapi_server_resume? Then no other one may begin to wait. */
static inline bool uapi_server_waits(const struct uapi_server *s)
{
	return s->waiting != NULL;
}
/* Tells the result of host->set_port or set_fwmark after it has returned -EINPROGRESS.
 * May be called even if the client is gone. */
void uapi_server_resume(struct uapi_server *s, int result, uint64_t now_ns);

#endif
