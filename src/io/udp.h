/* src/io/udp.h - the UDP identity of one device: a socket for each family, on one port
 *
 * Sending: datagrams of one size to one endpoint leave with one system call and pass the
 * kernel once (UDP_SEGMENT). Receiving: what the kernel has coalesced (UDP_GRO) is split
 * up here, without a copy. Both are tried at run time and given up where they are
 * refused; udp_scratch_new can turn both off. */
#ifndef TUNION_IO_UDP_H
#define TUNION_IO_UDP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/link.h"
#include "io/buffers.h"

enum udp_family {
	UDP_IPV4,
	UDP_IPV6,
	UDP_FAMILIES,
};

/* Opens both sockets at *at. They are not connected, non-blocking, and have the mark (0
 * for none). If the port is 0, a port that is free for both families is chosen and
 * stored. With an address, there is only a socket of its family, which hears nothing that
 * is sent to another address. fds[f] is -1 for a family that isn't wanted, or that the
 * system does not have. 0 or -errno: EADDRINUSE, EADDRNOTAVAIL (it is not an address of
 * this host), or EPERM if a mark needs rights that we don't have. */
MUST_CHECK int udp_open(int fds[static UDP_FAMILIES], struct endpoint *at, uint32_t mark);
/* Does the same, while other sockets of ours, which will be closed, may have this port on
 * another address. */
MUST_CHECK int udp_open_beside(int fds[static UDP_FAMILIES], struct endpoint *at,
                               uint32_t mark, const int others[static UDP_FAMILIES]);
/* Changes the mark of open sockets. */
MUST_CHECK int udp_set_mark(const int fds[static UDP_FAMILIES], uint32_t mark);

/* The working memory of reads and sends. All devices share it, because only one of them
 * reads or sends at a time. */
struct udp_scratch;

/* buffers is borrowed. `offload` says whether many datagrams may be exchanged with the
 * kernel as one. 0 or -ENOMEM. */
MUST_CHECK int udp_scratch_new(struct udp_scratch **out, struct buffers *buffers,
                               bool offload);
/* To be called after everything that uses it is freed. NULL is fine. */
void udp_scratch_free(struct udp_scratch *scratch);

struct udp;

/* fds are as udp_open returns them; one of them may be -1. They belong to the struct udp
 * from here on, even if this fails. scratch is borrowed. 0 or -ENOMEM. */
MUST_CHECK int udp_new(struct udp **out, const int fds[static UDP_FAMILIES],
                       struct udp_scratch *scratch);
/* Closes the fds. NULL is fine. */
void udp_free(struct udp *u);

int udp_fd(const struct udp *u, enum udp_family family); /* -1 if there is none */
struct udp_link *udp_as_link(struct udp *u);

/* The network has changed, so what the system has refused to send with datagrams
 * (UDP_SEGMENT, TOS) is tried again. */
void udp_network_changed(struct udp *u);

/* True, once, after a path has turned out to be another than before: it has a smaller MTU
 * than what was sent, or our address on it can't be used any more. */
bool udp_path_news(struct udp_scratch *scratch);

/* Reads what there is, up to a bound, and gives it to sink in batches of at most
 * BATCH_MAX datagrams with `from` and `tos` set. They are in the buffers until sink
 * returns. Returns 0, or -errno if the socket is broken. */
MUST_CHECK int udp_read(struct udp *u, enum udp_family family,
                        void (*sink)(void *context, struct packet **packets, size_t n),
                        void *context);

#endif
