/* src/io/udp.h - the UDP identity of one device: a socket per family, one port
 *
 * Sending: datagrams of one size to one place leave in one system call and one walk
 * through the kernel (UDP_SEGMENT); receiving: what the kernel has coalesced (UDP_GRO) is
 * taken apart here, without a copy. Both are tried at run time and given up where
 * refused; or not tried at all, see udp_scratch_new. */
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

/* Opens both sockets on *port (host order; 0: one that is free in both families is chosen
 * and stored), not connected, non-blocking, with the mark (0: none). fds[f] is -1 for a
 * family the system does not have. 0 or -errno: EADDRINUSE, or EPERM when a mark needs
 * rights we lack. */
MUST_CHECK int udp_open(int fds[static UDP_FAMILIES], uint16_t *port, uint32_t mark);
/* Sets the mark of open sockets anew. */
MUST_CHECK int udp_set_mark(const int fds[static UDP_FAMILIES], uint32_t mark);

/* The working memory of reads and sends, shared by all devices: one is busy at a time. */
struct udp_scratch;

/* buffers is borrowed. offload: may the kernel be given many datagrams as one, and give
 * them so? 0 or -ENOMEM. */
MUST_CHECK int udp_scratch_new(struct udp_scratch **out, struct buffers *buffers,
                               bool offload);
/* After all that use it. NULL is fine. */
void udp_scratch_free(struct udp_scratch *scratch);

struct udp;

/* fds: as udp_open gives them, one may be -1; owned from here on also on failure. scratch
 * is borrowed. 0 or -ENOMEM. */
MUST_CHECK int udp_new(struct udp **out, const int fds[static UDP_FAMILIES],
                       struct udp_scratch *scratch);
/* Closes the fds. NULL is fine. */
void udp_free(struct udp *u);

int udp_fd(const struct udp *u, enum udp_family family); /* -1: none */
struct udp_link *udp_as_link(struct udp *u);

/* What was refused may be possible now: it is tried again. */
void udp_network_changed(struct udp *u);

/* True once after a path has turned out to take less than what was sent. */
bool udp_path_news(struct udp_scratch *scratch);

/* Reads what is there, up to a bound, and hands it to sink in batches of at most
 * BATCH_MAX datagrams, with `from` and `tos` set; they lie in the buffers until sink
 * returns. Returns 0, or -errno when the socket is broken. */
MUST_CHECK int udp_read(struct udp *u, enum udp_family family,
                        void (*sink)(void *context, struct packet **packets, size_t n),
                        void *context);

#endif
