/* src/supervisor/vpn_app.h - the app whose VPN this instance serves: it makes the tun, and
 * keeps our sockets out of it
 *
 * Puts given_tun.h and protector.h together. Supervisor process. */
#ifndef TUNION_SUPERVISOR_VPN_APP_H
#define TUNION_SUPERVISOR_VPN_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "host/host_place.h"
#include "supervisor/given_tun.h"
#include "supervisor/outside.h"
#include "supervisor/protector.h"
#include "supervisor/underlay.h"

/* What the user says of it; all borrowed, except the fd. */
struct vpn_app_wanted {
	int tun_fd;               /* -1: none, or it comes by tun_path */
	const char *tun_path;     /* see unix_socket.h; NULL: there is no such socket */
	const char *protect_path; /* NULL: sockets need no protection */
};

/* Embedded. All zeroes: there is no app, and the functions do nothing. */
struct vpn_app {
	struct given_tun tun;
	struct protector protector;
	struct underlay *underlay; /* borrowed: is told when we can look */
};

/* All borrowed. */
struct vpn_app_env {
	const struct log *log;
	struct ending *ending;
	struct tunnels *tunnels;
	struct worker_child *worker;
	struct underlay *underlay;
	struct outside_budget *outside;
};

/* Sets *place, to which it points from then on. Does nothing if nothing is wanted (NULL). */
void vpn_app_connect(struct vpn_app *a, const struct vpn_app_wanted *wanted,
                     const struct vpn_app_env *env, struct host_place *place);
/* Takes the descriptor, and makes our socket. Returns 0 or -errno, with the reason in
 * diag. */
MUST_CHECK int vpn_app_prepare(struct vpn_app *a, const struct vpn_app_wanted *wanted,
                               struct diag *diag);
/* Before the first plan is made; sets what the underlay needs for the questions that it asks
 * the network. */
void vpn_app_begin(struct vpn_app *a, struct underlay_env *env);
/* Everything is up: hears the app from now on. Returns 0 or -errno. */
MUST_CHECK int vpn_app_start(struct vpn_app *a, struct loop *loop);
/* The time at which vpn_app_run is due; NEVER_NS: it isn't. */
uint64_t vpn_app_deadline_ns(const struct vpn_app *a);
/* To be called in each round of the loop. Returns 0 or -ENOMEM. */
MUST_CHECK int vpn_app_run(struct vpn_app *a, uint64_t now_ns);
void vpn_app_end(struct vpn_app *a);

#endif
