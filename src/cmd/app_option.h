/* src/cmd/app_option.h - the options of `up` for the VPN of an app: --tun-fd, --tun-path and
 * --protect-path */
#ifndef TUNION_CMD_APP_OPTION_H
#define TUNION_CMD_APP_OPTION_H

#include <stdbool.h>

#include "supervisor/vpn_app.h"

struct service;

/* Begins with .wanted.tun_fd = -1. Must not be moved after the first option was taken. */
struct app_option {
	struct vpn_app_wanted wanted;
	char *tun_path, *protect_path; /* owned */
};

/* Takes 'T' --tun-fd, 'P' --tun-path or 'V' --protect-path into the service. Returns false
 * after the reason was printed if its argument is wrong. */
bool app_option_take(struct app_option *a, struct service *service, int option,
                     const char *argument);
/* Do the options go together? Otherwise the reason was printed. */
bool app_option_complete(const struct app_option *a);
void app_option_clear(struct app_option *a);

#endif
