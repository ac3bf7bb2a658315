/* src/base/cmsg.h - the control messages of a message, for any C library */
#ifndef TUNION_BASE_CMSG_H
#define TUNION_BASE_CMSG_H

#include <sys/socket.h>

/* Lengths of control messages are size_t in glibc and socklen_t in musl, as in POSIX; ours
 * fit into both. CMSG_SPACE itself is still for the sizes of arrays. */
#define CMSG_BYTES(n)       ((socklen_t)CMSG_LEN(n))
#define CMSG_SPACE_BYTES(n) ((socklen_t)CMSG_SPACE(n))

/* Returns the control message after c, or NULL. musl's CMSG_NXTHDR changes a sign: the
 * compiler is to warn of ours, not of its. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
static inline struct cmsghdr *cmsg_next(struct msghdr *m, struct cmsghdr *c)
{
	return CMSG_NXTHDR(m, c);
}
#pragma GCC diagnostic pop

#endif
