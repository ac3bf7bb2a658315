/* src/channel/frame.h - how do supervisor and worker exchange messages and descriptors?
 *
 * Over a SOCK_SEQPACKET socket pair: the kernel keeps the boundaries of a message, and its
 * descriptors (SCM_RIGHTS) stay with it. So a frame is sent whole or not at all, and is
 * received whole. Both ends are non-blocking: a frame that the socket has no room for
 * waits in the channel. */
#ifndef TUNION_CHANNEL_FRAME_H
#define TUNION_CHANNEL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/wire.h"

#define FRAME_FDS_MAX  4
#define FRAME_BODY_MAX (64U * 1024)

/* What stands before the body. */
struct frame_header {
	struct be16 type;
	struct be16 fds; /* how many descriptors came with it */
};
_Static_assert(sizeof(struct frame_header) == 4, "wire size");

/* A received frame; body and descriptors are the receiver's until the next channel_next.
 */
struct frame {
	uint16_t type;
	uint8_t *body; /* borrowed from the channel; wiped by the next channel_next */
	size_t body_bytes;
	int fds[FRAME_FDS_MAX]; /* owned by whoever took the frame: use or close each */
	size_t fd_count;
};

struct waiting_frame; /* to be sent when the socket has room */

struct channel {
	int fd;                             /* owned; -1: closed */
	struct waiting_frame *first, *last; /* owned */
	size_t waiting_bytes;
	uint8_t *in;       /* owned: room for one frame */
	size_t wipe_bytes; /* of the frame handed out last */
};

/* A pair of connected sockets for two channels; both are closed by exec. 0 or -errno. */
MUST_CHECK int channel_pair(int fds[2]);
/* fd is owned from here on, also on failure, and made non-blocking. 0 or -errno. */
MUST_CHECK int channel_init(struct channel *c, int fd);
/* Closes, wipes, frees, also the frames that were not sent. May be called for a zeroed
 * channel whose fd is -1. */
void channel_clear(struct channel *c);

/* Adds a frame. Descriptors are borrowed: they are duplicated until they have been sent.
 * 0, -ENOMEM, -EMSGSIZE (more than the bounds above), -errno of dup. Does not write: see
 * channel_write. */
MUST_CHECK int channel_send(struct channel *c, uint16_t type, const void *body,
                            size_t body_bytes, const int *fds, size_t fd_count);
/* Writes what goes without waiting. 0, also when something is left (channel_pending); or
 * -errno. */
MUST_CHECK int channel_write(struct channel *c);
static inline bool channel_pending(const struct channel *c)
{
	return c->first != NULL;
}

/* The next frame: 1; 0: there is none now; -ENOTCONN: the other side has closed; -EPROTO:
 * it is no frame of ours, or its descriptors are not those it speaks of; -errno. */
MUST_CHECK int channel_next(struct channel *c, struct frame *out);
/* Closes what is left in frame->fds (taken ones set to -1 by the taker). */
void frame_close_fds(struct frame *frame);

#endif
