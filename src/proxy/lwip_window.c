/* src/proxy/lwip_window.c
 *
 * What may get lost by chance is kept as an account: each byte that arrives adds the 50th
 * part of a byte, and each one that is lost takes one. The account begins with some segments,
 * because a connection can lose its first ones by chance, too, and has a limit, so that a
 * long time without losses doesn't excuse many at once. */
#include "proxy/lwip_window.h"

#include "base/attr.h"

#define CUBIC_C        0.4 /* segments per second, cubed */
#define CUBIC_BETA     0.7
#define CUBIC_ALPHA    (3 * (1 - CUBIC_BETA) / (1 + CUBIC_BETA))
#define CHANCE         50 /* of so many bytes one may get lost */
#define CHANCE_FIRST   2  /* segments */
#define CHANCE_LEAST   4  /* segments: the account's limit is at least this */
#define QUEUE_LEAST_MS 4U /* less is noise; RFC 9406 4.2 has the same */

/* ---- losses by chance */

void lwip_window_begin(struct lwip_window *w, uint32_t bytes, uint32_t most_bytes,
                       uint32_t mss)
{
	*w = (struct lwip_window){ .bytes = bytes,
		                   .slow_start_bytes = most_bytes,
		                   .spare_bytes = (int32_t)(CHANCE_FIRST * mss) };
}

static uint32_t shorter(uint32_t a, uint32_t b)
{
	return a == 0 || (b > 0 && b < a) ? b : a;
}

void lwip_window_round_trip(struct lwip_window *w, uint32_t ms, uint32_t acked,
                            uint32_t next)
{
	if (ms == 0)
		ms = 1;
	if (w->round_ms == 0 || (int32_t)(acked - w->round_end) > 0) {
		w->before_ms = w->round_ms;
		w->round_ms = 0;
		w->round_end = next;
	}
	w->round_ms = shorter(w->round_ms, ms);
	w->least_ms = shorter(w->least_ms, ms);
}

bool lwip_window_is_queued(const struct lwip_window *w)
{
	uint32_t now_ms = shorter(w->before_ms, w->round_ms);

	return w->least_ms == 0 ||
	       now_ms - w->least_ms > w->least_ms / 2 + QUEUE_LEAST_MS;
}

bool lwip_window_can_lose(struct lwip_window *w, uint32_t bytes)
{
	if (w->spare_bytes >= 0 || (uint32_t)-w->spare_bytes < w->bytes)
		w->spare_bytes -= (int32_t)bytes;
	return w->spare_bytes >= 0;
}

static void earn(struct lwip_window *w, uint32_t arrived_bytes, uint32_t mss)
{
	int32_t most = (int32_t)(w->bytes / CHANCE);

	if (most < (int32_t)(CHANCE_LEAST * mss))
		most = (int32_t)(CHANCE_LEAST * mss);
	w->spare_bytes += (int32_t)(arrived_bytes / CHANCE);
	if (w->spare_bytes > most)
		w->spare_bytes = most;
}

/* ---- RFC 9438 */

static double cube_root(double x)
{
	double r = x > 1 ? x : 1;

	for (int i = 0; i < 60; i++)
		r -= (r * r * r - x) / (3 * r * r);
	return r;
}

/* 4.6 and 4.7. */
void lwip_window_shrink(struct lwip_window *w, uint32_t mss)
{
	double window = (double)w->bytes / mss;

	w->most = window < w->most ? window * (1 + CUBIC_BETA) / 2 : window;
	w->slow_start_bytes = (uint32_t)(w->bytes * CUBIC_BETA);
	if (w->slow_start_bytes < 2 * mss)
		w->slow_start_bytes = 2 * mss;
	w->epoch_ns = 0;
	if (w->spare_bytes < 0) /* that is settled now */
		w->spare_bytes = 0;
}

static void begin_epoch(struct lwip_window *w, double window, uint64_t now_ns)
{
	w->epoch_ns = now_ns;
	w->estimate = window;
	w->origin = window < w->most ? w->most : window;
	w->k = window < w->most ? cube_root((w->most - window) / CUBIC_C) : 0;
}

/* 4.2 to 4.5; in segments. */
static double grown(struct lwip_window *w, double window, double arrived, uint64_t now_ns)
{
	double t, target;

	if (w->epoch_ns == 0)
		begin_epoch(w, window, now_ns);
	t = (double)(now_ns - w->epoch_ns) / (double)NS_PER_SEC - w->k;
	target = w->origin + CUBIC_C * t * t * t;
	if (target > 1.5 * window)
		target = 1.5 * window;
	w->estimate += (w->estimate < w->most ? CUBIC_ALPHA : 1) * arrived / window;
	if (target > window)
		window += (target - window) / window * arrived;
	return window < w->estimate ? w->estimate : window;
}

/* By how much does it grow in slow start? After a timeout, RFC 3465 2.3 allows one segment
 * for each acknowledgement: the first one may be of all that had arrived long before. */
static uint32_t slow_start(const struct lwip_window *w, const struct lwip_window_use *use,
                           uint32_t mss)
{
	uint32_t most = w->slow_start_bytes - w->bytes, bytes = use->arrived_bytes;

	if (use->after_timeout && bytes > mss)
		bytes = mss;
	return bytes < most ? bytes : most;
}

void lwip_window_grow(struct lwip_window *w, const struct lwip_window_use *use,
                      uint32_t most_bytes, uint32_t mss, uint64_t now_ns)
{
	double window;

	earn(w, use->arrived_bytes, mss);
	if (use->on_the_way_bytes < w->bytes / 2)
		return;
	if (w->bytes < w->slow_start_bytes) {
		w->bytes += slow_start(w, use, mss);
	} else {
		window = mss * grown(w, (double)w->bytes / mss,
		                     (double)use->arrived_bytes / mss, now_ns);
		w->bytes = window < most_bytes ? (uint32_t)window : most_bytes;
	}
	if (w->bytes > most_bytes)
		w->bytes = most_bytes;
}
