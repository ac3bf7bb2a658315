/* src/io/tun.h - reads and writes IP packets on a tun device whose fd is given */
#ifndef TUNION_IO_TUN_H
#define TUNION_IO_TUN_H

#include "base/attr.h"
#include "base/link.h"
#include "io/buffers.h"

struct tun;

/* fd: IFF_TUN | IFF_NO_PI; owned from here on also when this fails; made non-blocking.
 * buffers is borrowed. 0 or -errno. */
MUST_CHECK int tun_new(struct tun **out, int fd, struct buffers *buffers);
/* Closes the fd. NULL is fine. */
void tun_free(struct tun *t);

int tun_fd(const struct tun *t);
struct tun_link *tun_as_link(struct tun *t);

/* One batch of what can be read now: the packets, in the buffers until the next read of
 * anything, are put in *packets; returns how many, 0 when there is nothing; -errno
 * (EBADFD: the device is gone). */
MUST_CHECK int tun_read(struct tun *t, struct packet ***packets);

#endif
