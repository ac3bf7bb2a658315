/* src/inside/handover.h - what does the process that will be the command inside say to the
 * supervisor outside, and the supervisor to it?
 *
 * `exec` begins as one process. It forks the supervisor, which stays outside, and moves
 * itself into namespaces of its own. Then they talk over a socket pair: first the process
 * inside hands over what the supervisor needs to work in there (struct handover_fds),
 * then it makes the tun as soon as the supervisor has chosen a name, and when everything
 * is up, it becomes the command. All calls block; whoever waits for a process that has
 * ended gets -ENOTCONN. */
#ifndef TUNION_INSIDE_HANDOVER_H
#define TUNION_INSIDE_HANDOVER_H

#include <net/if.h>
#include <stdbool.h>

#include "base/attr.h"

/* All owned by the process that has them; -1: there is none. */
struct handover_fds {
	int user, net, mount; /* the namespaces, for setns(2) */
	int netlink;          /* an rtnetlink socket that was made in there */
	int resolv_conf;      /* the command's /etc/resolv.conf, to be written */
	int mountinfo;        /* its /proc/PID/mountinfo: POLLPRI when mounts change */
};

#define HANDOVER_NO_FDS ((struct handover_fds){ -1, -1, -1, -1, -1, -1 })

void handover_close(struct handover_fds *fds);

/* A pair of sockets, both closed by exec. Returns 0 or -errno. */
MUST_CHECK int handover_pair(int fds[2]);

/* ---- the process inside */

/* Tells what there is; fds are only borrowed. Returns 0 or -errno. */
MUST_CHECK int handover_give(int socket, const struct handover_fds *fds);

enum handover_request {
	HANDOVER_TUN, /* make a tun, and call handover_give_tun */
	HANDOVER_GO,  /* everything is up: become the command */
};

struct handover_wanted {
	enum handover_request request;
	char tun[IF_NAMESIZE]; /* for HANDOVER_TUN */
	bool vnet_hdr;
};
/* Returns 0 or -errno; -ECANCELED: the supervisor can't bring everything up, and has said why. */
MUST_CHECK int handover_wait(int socket, struct handover_wanted *out);
/* Answers HANDOVER_TUN: with a tun, which is only borrowed, or with -errno. */
MUST_CHECK int handover_give_tun(int socket, int tun_fd_or_error);

/* ---- the supervisor */

/* Returns 0 or -errno; the fds are the caller's. */
MUST_CHECK int handover_take(int socket, struct handover_fds *out);
/* Has a tun made, which the caller owns. Returns its fd or -errno; then the other process
 * has said why. */
MUST_CHECK int handover_take_tun(int socket, const char *name, bool vnet_hdr);
MUST_CHECK int handover_go(int socket);
/* Without it, the other process doesn't know whether the reason was told. */
void handover_fail(int socket);

#endif
