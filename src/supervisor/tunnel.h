/* src/supervisor/tunnel.h - what the supervisor holds of one tunnel besides its plan: sockets */
#ifndef TUNION_SUPERVISOR_TUNNEL_H
#define TUNION_SUPERVISOR_TUNNEL_H

#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "io/udp.h"
#include "plan/plan.h"

struct tunnel {
	const struct plan_device *plan; /* borrowed */
	int udp_fds[UDP_FAMILIES];      /* owned; -1: none */
	uint16_t port;
	uint32_t fwmark; /* of the file or the UAPI; 0: the instance's mark */
	int uapi_fd;     /* owned: the listening socket; -1: none */
};

/* One that has no sockets. */
struct tunnel tunnel_of(const struct plan_device *plan);
/* Sockets for the port of the file, or for any; they bear `mark`, the instance's. 0 or
 * -errno, the reason in diag. */
MUST_CHECK int tunnel_open_udp(struct tunnel *t, uint32_t mark, struct diag *diag);
void tunnel_close_udp(struct tunnel *t);
/* All its sockets. */
void tunnel_close(struct tunnel *t);

#endif
