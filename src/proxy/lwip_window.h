/* src/proxy/lwip_window.h - how much may a connection of lwIP have on the way?
 *
 * As RFC 9438 (CUBIC) says, except that not every loss is a sign of congestion. On a radio
 * link packets are lost by chance: one of 1,000 at a round trip of 20 ms would keep CUBIC at
 * 20 Mbit/s, however fast the link is. A loss shrinks the window only if
 *   - round trips take half as long again as the shortest one, so packets wait in a queue, or
 *   - more than 2 % of what was sent lately got lost, as BBR has it (draft-ietf-ccwg-bbr,
 *     LossThresh).
 * Without timestamps nothing is known about round trips; then every loss counts. */
#ifndef TUNION_PROXY_LWIP_WINDOW_H
#define TUNION_PROXY_LWIP_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* Embedded in a connection's sender. */
struct lwip_window {
	uint32_t bytes;            /* that may be on the way; 0: not known yet */
	uint32_t slow_start_bytes; /* up to here it grows with each acknowledgement */
	uint64_t epoch_ns;         /* since when it grows by CUBIC; 0: it doesn't */
	/* in segments: the window before the last loss, the one that CUBIC returns to, and
	 * that of a connection without CUBIC; and after how many seconds it is there again */
	double most, origin, estimate, k;
	/* the shortest round trip of all, of the one before, and of this one; 0: not known */
	uint32_t least_ms, before_ms, round_ms;
	uint32_t
		round_end; /* what is acknowledged behind this is of the next round trip */
	int32_t spare_bytes; /* so many more may get lost by chance */
};

/* What has arrived since it was asked last. */
struct lwip_window_use {
	uint32_t arrived_bytes;
	uint32_t on_the_way_bytes; /* before; a window that isn't used doesn't grow */
	bool after_timeout;
};

void lwip_window_begin(struct lwip_window *w, uint32_t bytes, uint32_t most_bytes,
                       uint32_t mss);
/* An acknowledgement of everything before `acked` came so long after what it acknowledges was
 * sent. `next` is the first byte that wasn't sent yet. */
void lwip_window_round_trip(struct lwip_window *w, uint32_t ms, uint32_t acked,
                            uint32_t next);
/* Packets wait in a queue on the way. */
bool lwip_window_is_queued(const struct lwip_window *w);
/* Takes note of lost bytes. Returns false if that were too many lately. */
bool lwip_window_can_lose(struct lwip_window *w, uint32_t bytes);
/* There is congestion: sets slow_start_bytes to what the window should be. */
void lwip_window_shrink(struct lwip_window *w, uint32_t mss);
/* Grows by what has arrived, to at most `most_bytes`. */
void lwip_window_grow(struct lwip_window *w, const struct lwip_window_use *use,
                      uint32_t most_bytes, uint32_t mss, uint64_t now_ns);

#endif
