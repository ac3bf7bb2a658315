/* src/inside/mounts.h - which files does a command inside see differently, so that
 * its name look-ups stay inside?
 *
 * A network namespace doesn't keep look-ups inside. The C library and other programs ask
 * resolvers of the host through sockets that are files: systemd-resolved's, nscd's,
 * avahi's, and systemd-resolved's and avahi's again through the system's D-Bus. So in the
 * caller's mount namespace, which must be his own,
 *  - /run is another directory, with everything that is in the real one except these. The
 *    files in it are the same, but such a service that starts later doesn't appear. The
 *    same for /var/run, where it isn't the same directory;
 *  - /etc/nsswitch.conf says `hosts: files dns`;
 *  - /etc/resolv.conf is a file that the supervisor writes from outside. */
#ifndef TUNION_INSIDE_MOUNTS_H
#define TUNION_INSIDE_MOUNTS_H

#include <stddef.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/diag.h"

/* *resolv_conf can be written, and the caller owns it. It is -1 if there is no
 * /etc/resolv.conf in whose place the file could be; this is a warning. Returns 0 or
 * -errno, with the reason in diag. */
MUST_CHECK int inside_mounts(int *resolv_conf, struct diag *diag);

/* In these mounts, later: mounts again what has been removed because the file below was
 * replaced from outside. Returns 0 or -errno. */
MUST_CHECK int inside_mounts_mend(void);

/* Copies nsswitch.conf, with the line for hosts changed. */
void inside_mounts_nsswitch(FILE *in, FILE *out);

#endif
