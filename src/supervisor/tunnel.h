/* src/supervisor/tunnel.h - what the supervisor has for one tunnel besides its plan:
 * sockets */
#ifndef TUNION_SUPERVISOR_TUNNEL_H
#define TUNION_SUPERVISOR_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "io/udp.h"
#include "plan/plan.h"
#include "supervisor/hook_keys.h"

struct tunnel {
	const struct plan_device *plan; /* borrowed */
	int udp_fds[UDP_FAMILIES];      /* owned; -1: there is none */
	/* Has the app said that this socket stays out of its VPN? See protector.h. False for
	 * each new one, and of no use where there is no such app. */
	bool is_protected[UDP_FAMILIES];
	uint16_t port;
	bool drawn;      /* nobody has asked for this port */
	uint32_t fwmark; /* that is shown; from the file or the UAPI; 0: the instance's */
	int uapi_fd;     /* owned: the listening socket; -1: there is none */
	struct hook_keys *hook_keys; /* owned; NULL: there are none */
	struct tunnel *next_beside;  /* borrowed; see tunnels.h */
	bool complete; /* beside the plan: it has keys and peers, and runs */
};

/* Returns a tunnel without sockets. */
struct tunnel tunnel_of(const struct plan_device *plan);
/* Opens sockets on the address and the port of the file, or on any. Their mark is `mark`.
 * `leaving` may have this port on another address; it is a tunnel
 * whose sockets will be closed, or NULL. Returns 0 or -errno, with the reason in diag. */
MUST_CHECK int tunnel_open_udp(struct tunnel *t, uint32_t mark,
                               const struct tunnel *leaving, struct diag *diag);
/* Gives the sockets this mark. A failure is an error in diag. */
void tunnel_set_mark(struct tunnel *t, uint32_t mark, struct diag *diag);
/* The same sockets under descriptors of its own, instead of opening some. 0 or -errno. */
MUST_CHECK int tunnel_share_udp(struct tunnel *t, const struct tunnel *from);
void tunnel_close_udp(struct tunnel *t);
/* Are all sockets that there are protected? */
static inline bool tunnel_is_protected(const struct tunnel *t)
{
	for (int f = 0; f < UDP_FAMILIES; f++)
		if (t->udp_fds[f] >= 0 && !t->is_protected[f])
			return false;
	return true;
}
/* Closes all its sockets, and wipes the keys of hooks. */
void tunnel_close(struct tunnel *t);

/* Is its address on the network the one that the file wants? */
static inline bool tunnel_listens_at(const struct tunnel *t, const struct conf *conf)
{
	return ip_addr_equal(&t->plan->conf->listen, &conf->listen);
}

#endif
