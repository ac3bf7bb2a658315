/* src/cmd/service.h - runs a supervisor in this process or in the background */
#ifndef TUNION_CMD_SERVICE_H
#define TUNION_CMD_SERVICE_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/ip.h"
#include "base/log.h"
#include "supervisor/supervisor.h"

#define SERVICE_NAME_SERVERS_MAX 4
/* The exit status if the end came because the app's tun was revoked. */
#define SERVICE_TUN_REVOKED 3

/* All borrowed. */
struct service {
	/* Its log is set by service_run, and its paths are made absolute. */
	struct supervisor_options options;
	enum log_level log_level;
	bool syslog; /* also in the foreground */
	/* A descriptor that goes along to the background, where it may get another number.
	 * NULL: there is none. */
	int *kept_fd;
	struct ip_addr name_servers[SERVICE_NAME_SERVERS_MAX]; /* options points to it */
	/* Called in the process of the supervisor before it starts, when options.paths
	 * are absolute and options.log is set; may change options. Returns 0, or -errno
	 * with the reason in diag. NULL: nothing to do. */
	int (*prepare)(void *context, struct supervisor_options *options,
	               struct diag *diag);
	/* Called before it goes down, after it was up. Returns 0, or -errno if something
	 * went wrong meanwhile that makes the exit status 1. NULL: nothing to do. */
	int (*before_down)(void *context);
	/* Called when it is up, before it goes to the background. NULL: nothing to do. */
	void (*tell_up)(void *context, const char *tun);
	void *context;
};

/* Takes the argument of --resolver, ADDRESS[,ADDRESS...], into the options. Returns false
 * after the reason was printed. The struct must not be moved afterwards. */
bool service_take_resolver(struct service *service, const char *argument);
/* Takes an option that all services have: 'f' --foreground, 'l' --log-level, 'O'
 * --no-offload, 'r' --run-dir, 'w' --no-watch. Returns false if it is none of these, or
 * after the reason was printed if its argument is wrong. */
bool service_take_option(struct service *service, int option, const char *argument);

/* Without options.foreground, returns when it is up and in the background, or has failed.
 * Until then errors go to stderr, and afterwards to syslog; in the foreground to syslog
 * only if this was asked for. Otherwise returns when it is down. Returns the exit
 * status. */
int service_run(const struct service *service);
/* Are the words without a slash there? Otherwise says, on stderr, where a NAME was looked for: as an
 * absolute path it could no longer be told from other paths. */
bool service_names_exist(const struct supervisor_options *options);

#endif
