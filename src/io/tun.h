/* src/io/tun.h - reads and writes IP packets on a tun device whose fd is given
 *
 * If the device has a vnet header (IFF_VNET_HDR), the host's stack and we exchange up to
 * 64 KiB at once: see segment.h and coalesce.h. Without one, as on Android, each read is one
 * packet. But packets of a TCP connection that have arrived together can be written as one
 * that is larger than any MTU, which the host's TCP takes like any other: tun_join. */
#ifndef TUNION_IO_TUN_H
#define TUNION_IO_TUN_H

#include "base/attr.h"
#include "base/link.h"
#include "io/buffers.h"

struct tun;

/* The fd has IFF_TUN | IFF_NO_PI, with IFF_VNET_HDR or without; or it is one of a pair of
 * sockets that keep packets apart. It belongs to the tun from here on, even if this fails,
 * and is made non-blocking. buffers is borrowed. 0 or -errno. */
MUST_CHECK int tun_new(struct tun **out, int fd, struct buffers *buffers);
/* Closes the fd. NULL is fine. */
void tun_free(struct tun *t);

/* From now on packets of TCP may be written as one, if this is a tun without vnet header.
 * A host that forwards them would have to send packets that no link takes. It says so by
 * ICMP, and then this is given up. */
void tun_join(struct tun *t);

/* Does nobody have the other end of this fd any more? Also true where that can't be seen. */
MUST_CHECK bool tun_is_gone(int fd);

int tun_fd(const struct tun *t);
struct tun_link *tun_as_link(struct tun *t);

/* Reads what there is, up to a bound, and gives it to sink in batches of at most
 * BATCH_MAX packets with full headroom and tailroom. They are in the buffers until sink
 * returns. Returns 0, or -errno (EBADFD: the device is gone; ENOTCONN: the other end of
 * the pair is closed, or an empty packet has come: only poll can tell the one from the
 * other). */
MUST_CHECK int tun_read(struct tun *t,
                        void (*sink)(void *context, struct packet **packets, size_t n),
                        void *context);
/* Returns 0, or -errno if a write has shown that nobody has the other end any more, which
 * a read of datagram sockets doesn't show. */
int tun_write_error(const struct tun *t);

/* Can the fd, which somebody has given us, be that of a tun? Returns NULL if so, or a
 * static text: what is wrong with it, and what is expected. */
const char *tun_unfit(int fd);

#endif
