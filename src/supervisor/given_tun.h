/* src/supervisor/given_tun.h - a tun that an app makes and gives us, such as Android's
 * VpnService
 *
 * It is a descriptor that we have inherited, or that comes later by a stream socket of
 * ours: whoever connects to it sends one byte with a descriptor, and gets one byte back,
 * which is 0 if the descriptor is used from now on. Each one replaces the one before,
 * because an app gets another one whenever it changes its VPN; what is in the worker stays
 * as it is. When the tun is gone because the VPN was revoked, that is the end of the
 * instance, which its caller can tell by `revoked`. Supervisor process. */
#ifndef TUNION_SUPERVISOR_GIVEN_TUN_H
#define TUNION_SUPERVISOR_GIVEN_TUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/ending.h"
#include "base/log.h"
#include "io/loop.h"
#include "supervisor/worker_child.h"

/* An app that re-establishes its VPN may lose the old tun before it can send the new one. */
#define GIVEN_TUN_GRACE_NS (3 * NS_PER_SEC)

/* Embedded. All zeroes: no tun is given, and the functions do nothing. */
struct given_tun {
	bool wanted; /* set by the user: there is one, or one will come */
	const char *
		name; /* borrowed: of our socket, see unix_socket.h; NULL: there is none */
	int *fd; /* borrowed place: of the present tun, owned; -1: there is none yet */
	struct loop *loop;           /* borrowed; from given_tun_start on */
	const struct log *log;       /* borrowed */
	struct ending *ending;       /* borrowed */
	struct worker_child *worker; /* borrowed */

	struct loop_source listener; /* fd owned; -1: none */
	struct loop_source client;   /* fd owned; -1: none. The last that has connected */
	bool is_bound;               /* our socket has its name */
	bool revoked;
	uint64_t end_ns; /* the tun is gone; when to end if there is no other one; or 0 */
	struct log_limit limit;
};

/* To be called before all others, but given_tun_end may be called on a struct of zeroes.
 * Takes the fd over; -1: it will come. Returns 0 or -errno, with the reason in diag. */
MUST_CHECK int given_tun_init(struct given_tun *g, int fd, struct diag *diag);
/* Listens from now on. Returns 0 or -errno. */
MUST_CHECK int given_tun_start(struct given_tun *g, struct loop *loop);
/* The worker can't use it any more; err is -errno. Returns false if it isn't a given one. */
bool given_tun_lost(struct given_tun *g, int err);
/* The time at which given_tun_run is due; NEVER_NS: it isn't. */
uint64_t given_tun_deadline_ns(const struct given_tun *g);
void given_tun_run(struct given_tun *g, uint64_t now_ns);
/* Closes all that it has, and removes our socket. */
void given_tun_end(struct given_tun *g);

#endif
