/* src/channel/frame.h - how do supervisor and engine exchange messages and file
 * descriptors?
 *
 * Over a stream socket pair: frames with a length in front, whose descriptors travel
 * beside the first byte (SCM_RIGHTS). Both ends are non-blocking: what can't be written
 * yet waits in the channel; what has come in part is kept until the rest is there. */
#ifndef TUNION_CHANNEL_FRAME_H
#define TUNION_CHANNEL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/wire.h"
#include "channel/outbuf.h"

#define FRAME_FDS_MAX   4
#define FRAME_BODY_MAX  (64U * 1024)
#define CHANNEL_FDS_MAX 64 /* received and not yet taken */

struct frame_header {
	struct be32 body_bytes;
	struct be16 type;
	struct be16 fds;
};
_Static_assert(sizeof(struct frame_header) == 8, "wire size");

/* A received frame; body and descriptors are the receiver's until the next channel_next.
 */
struct frame {
	uint16_t type;
	uint8_t *body; /* borrowed from the channel; wiped by the next channel_next */
	size_t body_bytes;
	int fds[FRAME_FDS_MAX]; /* owned by whoever took the frame: use or close each */
	size_t fd_count;
};

struct pending_fds; /* descriptors that wait to be sent with a byte of `out` */

struct channel {
	int fd; /* owned; -1: closed */
	struct outbuf out;
	struct pending_fds *first_fds, *last_fds; /* owned */
	uint64_t added_bytes, sent_bytes;         /* positions in the stream */
	uint8_t *in;                              /* owned: one frame */
	size_t in_bytes;
	size_t wipe_bytes; /* of the frame handed out last */
	int fds[CHANNEL_FDS_MAX];
	size_t fd_count;
};

/* fd is owned from here on, also on failure, and made non-blocking. 0 or -ENOMEM. */
MUST_CHECK int channel_init(struct channel *c, int fd);
/* Closes, wipes, frees; also the descriptors that nobody took. A zeroed channel whose fd
 * is -1 is fine. */
void channel_clear(struct channel *c);

/* Adds a frame. Descriptors are borrowed: they are duplicated until they have been sent.
 * 0, -ENOMEM, -EMSGSIZE, -errno of dup. Does not write: see channel_write. */
MUST_CHECK int channel_send(struct channel *c, uint16_t type, const void *body,
                            size_t body_bytes, const int *fds, size_t fd_count);
/* Writes what goes without waiting. 0, also when something is left (channel_pending); or
 * -errno. */
MUST_CHECK int channel_write(struct channel *c);
static inline bool channel_pending(const struct channel *c)
{
	return outbuf_bytes(&c->out) > 0;
}

/* The next complete frame, reading what is there: 1; 0: none yet; -ENOTCONN: the other
 * side has closed; -EPROTO: no frame of ours; -errno. */
MUST_CHECK int channel_next(struct channel *c, struct frame *out);
/* Closes what is left in frame->fds (taken ones set to -1 by the taker). */
void frame_close_fds(struct frame *frame);

#endif
