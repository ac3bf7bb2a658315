/* src/channel/frame.h - how do supervisor and worker exchange messages and descriptors?
 *
 * Through a SOCK_SEQPACKET socket pair: the kernel keeps the boundaries of a message, and
 * its descriptors (SCM_RIGHTS) stay with it. So a frame is sent completely or not at all,
 * and is received completely. Both ends are non-blocking. If the socket has no room for a
 * frame, it waits in the channel. */
#ifndef TUNION_CHANNEL_FRAME_H
#define TUNION_CHANNEL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/wire.h"

#define FRAME_FDS_MAX  4
#define FRAME_BODY_MAX (64U * 1024)

/* The header in front of the body. */
struct frame_header {
	struct be16 type;
	struct be16 fds; /* how many descriptors came with it */
};
_Static_assert(sizeof(struct frame_header) == 4, "wire size");

/* A received frame. Its body and descriptors may be used until the next channel_next. */
struct frame {
	uint16_t type;
	uint8_t *body; /* borrowed from the channel; wiped by the next channel_next */
	size_t body_bytes;
	int fds[FRAME_FDS_MAX]; /* owned by the receiver, who has to use or close each */
	size_t fd_count;
};

struct waiting_frame; /* is sent when the socket has room */

struct channel {
	int fd;                             /* owned; -1: closed */
	struct waiting_frame *first, *last; /* owned */
	size_t waiting_bytes;
	size_t most_waiting_bytes; /* since the last time when none waited */
	uint8_t *in;               /* owned: room for one frame */
	size_t wipe_bytes;         /* the length of the frame that was received last */
};

/* A pair of connected sockets for two channels; both are closed by exec. 0 or -errno. */
MUST_CHECK int channel_pair(int fds[2]);
/* Makes fd non-blocking and owns it, even after a failure. Returns 0 or -errno. */
MUST_CHECK int channel_init(struct channel *c, int fd);
/* Closes, wipes and frees everything, also frames that were not sent. May be called for a
 * channel that is all zeroes except for fd, which is -1. */
void channel_clear(struct channel *c);

/* Adds a frame, but doesn't write it: see channel_write. The descriptors are borrowed;
 * the channel keeps copies of them until they are sent. Returns 0, -ENOMEM, -EMSGSIZE
 * (above the limits at the top), or -errno of dup. */
MUST_CHECK int channel_send(struct channel *c, uint16_t type, const void *body,
                            size_t body_bytes, const int *fds, size_t fd_count);
/* Writes what can be written without waiting. Returns 0, even if something is left (see
 * channel_pending), or -errno. */
MUST_CHECK int channel_write(struct channel *c);
static inline bool channel_pending(const struct channel *c)
{
	return c->first != NULL;
}

/* Receives the next frame. Returns
 *   1           if there is one;
 *   0           if there is none now;
 *   -ENOTCONN   if the other side has closed the channel;
 *   -EPROTO     if it is no valid frame, or has other descriptors than its header says;
 *   -errno      after another failure. */
MUST_CHECK int channel_next(struct channel *c, struct frame *out);
/* Closes the descriptors that are left in frame->fds. (A taken one was set to -1.) */
void frame_close_fds(struct frame *frame);

#endif
