/* src/proxy/lwip_sender.c - RFC 6675 and RFC 9438 around lwIP's TCP
 *
 * lwIP calls lwip_sender_input with each segment before it looks at it itself. There the
 * blocks of its SACK option are noted in the flags of the segments that wait to be
 * acknowledged, those that are lost are moved to the queue of those to be sent, and lwIP's
 * congestion window is set. lwIP sends what is in that queue as long as
 *
 *   (sequence number - first unacknowledged) + length <= its congestion window
 *
 * So what was moved there is sent at once, because it has low numbers; and new data is sent
 * if the window is what is on the way by its numbers, plus what may be added to it. lwIP's
 * own ideas about losses and the window never come to anything: its count of duplicates is
 * reset each time, and so is the state of its window. Only its timer is used: it empties
 * the list of those that wait, and sets the window to one segment. */
#include "proxy/lwip_sender.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/loop_clock.h"
#include "proxy/lwip_core.h"

#define SEGMENTS_LOST 3 /* RFC 6675: as many as this have arrived after a lost one */
#define BLOCKS_MAX    4
#define WINDOW_MOST   (2U * TCP_SND_BUF)
#define CUBIC_C       0.4 /* segments per second, cubed */
#define CUBIC_BETA    0.7
#define CUBIC_ALPHA   (3 * (1 - CUBIC_BETA) / (1 + CUBIC_BETA))
#define MTU_LEAST_V4  576U
#define MTU_LEAST_V6  1280U
#define MSS_LEAST     64U /* lwIP needs room for its options and some data */

/* Flags of a segment that lwIP doesn't use. */
#define SEGMENT_ARRIVED 0x40U
#define SEGMENT_AGAIN   0x80U /* it was sent again in this recovery */

#define OPTION_END  0
#define OPTION_NOP  1
#define OPTION_MSS  2
#define OPTION_SACK 5

/* Owned by the connection, as its first extension. */
struct lwip_sender {
	uint32_t window_bytes;     /* that may be on the way; 0: not known yet */
	uint32_t slow_start_bytes; /* up to here it grows with each acknowledgement */
	uint32_t given_bytes;      /* what lwIP's window was set to */
	uint32_t recover;          /* when this is acknowledged, the recovery has ended */
	bool recovering;
	bool marked;       /* there may be segments with flags */
	bool uncut;        /* there may be segments that are too large for the path */
	uint64_t epoch_ns; /* since when the window grows by CUBIC; 0: it doesn't */
	/* in segments: the window before the last loss, the one that CUBIC returns to, and
	 * that of a connection without CUBIC; and after how many seconds it is there again */
	double most, origin, estimate, k;
};

struct block {
	uint32_t left, right;
};

/* What an acknowledgement says. */
struct news {
	uint32_t first; /* byte that isn't acknowledged */
	uint32_t bytes; /* that it acknowledges */
	struct block blocks[BLOCKS_MAX];
	size_t count;
};

/* What has arrived of the segments that wait to be acknowledged. */
struct arrived {
	uint32_t bytes, segments;
};

/* Of the segments that wait to be acknowledged; in bytes. */
struct flight {
	struct arrived arrived;
	uint32_t lost;
	uint32_t pipe; /* neither arrived nor lost, or sent again */
};

static uint32_t seq_of(const struct tcp_seg *seg)
{
	return lwip_ntohl(seg->tcphdr->seqno);
}

static uint32_t end_of(const struct tcp_seg *seg)
{
	return seq_of(seg) + TCP_TCPLEN(seg);
}

/* ---- the option */

static uint32_t get32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* A block of what isn't on the way is left out: it reports a duplicate, or is wrong. */
static void read_blocks(struct news *news, const struct tcp_pcb *pcb,
                        const uint8_t *option, size_t n)
{
	for (size_t at = 2; at + 8 <= n && news->count < BLOCKS_MAX; at += 8) {
		struct block b = { get32(option + at), get32(option + at + 4) };

		if (TCP_SEQ_LT(b.left, b.right) && TCP_SEQ_GT(b.left, news->first) &&
		    TCP_SEQ_LEQ(b.right, pcb->snd_nxt))
			news->blocks[news->count++] = b;
	}
}

static void read_options(struct news *news, const struct tcp_pcb *pcb,
                         const uint8_t *options, size_t n)
{
	size_t at = 0;

	while (at < n && options[at] != OPTION_END) {
		if (options[at] == OPTION_NOP) {
			at++;
			continue;
		}
		if (at + 2 > n || options[at + 1] < 2 || at + options[at + 1] > n)
			return;
		if (options[at] == OPTION_SACK)
			read_blocks(news, pcb, options + at, options[at + 1]);
		at += options[at + 1];
	}
}

/* Does the segment set the maximum segment size? The options may be in two places. */
static bool sets_mss(const uint8_t *first, size_t first_n, const uint8_t *second,
                     size_t n)
{
	uint8_t options[40];
	size_t at = 0;

	if (n > sizeof(options) || first_n > n || (first_n < n && !second))
		return false;
	memcpy(options, first, first_n);
	if (first_n < n)
		memcpy(options + first_n, second, n - first_n);
	while (at < n && options[at] != OPTION_END) {
		if (options[at] == OPTION_MSS)
			return true;
		if (options[at] != OPTION_NOP && (at + 1 == n || options[at + 1] < 2))
			return false;
		at += options[at] == OPTION_NOP ? 1 : options[at + 1];
	}
	return false;
}

/* ---- the list of segments that wait to be acknowledged */

static bool is_in(const struct news *news, const struct tcp_seg *seg)
{
	uint32_t seq = seq_of(seg), end = end_of(seg);

	for (size_t i = 0; i < news->count; i++)
		if (TCP_SEQ_GEQ(seq, news->blocks[i].left) &&
		    TCP_SEQ_LEQ(end, news->blocks[i].right))
			return true;
	return false;
}

/* Notes what has arrived, and counts it. */
static struct arrived mark_arrived(struct tcp_pcb *pcb, const struct news *news)
{
	struct arrived sum = { 0 };

	for (struct tcp_seg *seg = pcb->unacked; seg; seg = seg->next) {
		if (TCP_SEQ_LEQ(end_of(seg), news->first))
			continue;
		if (!(seg->flags & SEGMENT_ARRIVED) && is_in(news, seg))
			seg->flags |= SEGMENT_ARRIVED;
		if (seg->flags & SEGMENT_ARRIVED) {
			sum.bytes += TCP_TCPLEN(seg);
			sum.segments++;
		}
	}
	return sum;
}

static void leave_out(struct arrived *sum, const struct tcp_seg *seg)
{
	sum->bytes -= TCP_TCPLEN(seg);
	sum->segments--;
}

/* RFC 6675 4, IsLost. Small segments are counted, as the duplicates of RFC 5681 are. */
static bool is_lost(const struct tcp_pcb *pcb, const struct tcp_seg *seg,
                    const struct arrived *after)
{
	return !(seg->flags & SEGMENT_ARRIVED) &&
	       (after->segments >= SEGMENTS_LOST ||
	        after->bytes > (SEGMENTS_LOST - 1) * (uint32_t)pcb->mss);
}

/* RFC 6675 4, SetPipe. */
static struct flight look_at(struct tcp_pcb *pcb, const struct news *news)
{
	struct flight f = { .arrived = mark_arrived(pcb, news) };
	struct arrived after = f.arrived;

	for (const struct tcp_seg *seg = pcb->unacked; seg; seg = seg->next) {
		uint32_t n = TCP_TCPLEN(seg);
		bool lost = is_lost(pcb, seg, &after);

		if (TCP_SEQ_LEQ(end_of(seg), news->first))
			continue;
		if (seg->flags & SEGMENT_ARRIVED)
			leave_out(&after, seg);
		else if (!lost || (seg->flags & SEGMENT_AGAIN))
			f.pipe += n;
		if (lost)
			f.lost += n;
	}
	for (const struct tcp_seg *seg = pcb->unsent;
	     seg && TCP_SEQ_LT(seq_of(seg), pcb->snd_nxt); seg = seg->next)
		f.pipe += TCP_TCPLEN(
			seg); /* it was moved there, and couldn't be sent yet */
	return f;
}

static void unmark(struct tcp_seg *list, uint8_t flags)
{
	for (struct tcp_seg *seg = list; seg; seg = seg->next)
		seg->flags &= (uint8_t)~flags;
}

/* Moves *at to the queue of what is to be sent, which is sorted. *to is a place in it before
 * which there is nothing later, and becomes the one after this segment: who moves many in
 * their order doesn't begin at the front each time. */
static void send_again(struct tcp_pcb *pcb, struct tcp_seg **at, struct tcp_seg ***to)
{
	struct tcp_seg *seg = *at;

	*at = seg->next;
	while (**to && TCP_SEQ_LT(seq_of(**to), seq_of(seg)))
		*to = &(**to)->next;
	seg->next = **to;
	**to = seg;
	*to = &seg->next;
	if (!seg->next)
		pcb->unsent_oversize = 0;
	seg->flags |= SEGMENT_AGAIN;
	pcb->rttest = 0; /* Karn: who knows which of them is acknowledged? */
}

/* At least one, if `first` is set; otherwise what the window allows. */
static void send_lost(struct tcp_pcb *pcb, const struct lwip_sender *s,
                      const struct news *news, struct flight *f, bool first)
{
	struct tcp_seg **at = &pcb->unacked, **to = &pcb->unsent;
	struct arrived after = f->arrived;

	while (*at && after.segments > 0) {
		struct tcp_seg *seg = *at;
		uint32_t n = TCP_TCPLEN(seg);
		bool old = TCP_SEQ_LEQ(end_of(seg), news->first);

		if (!old && (seg->flags & SEGMENT_ARRIVED))
			leave_out(&after, seg);
		if (old || (seg->flags & SEGMENT_AGAIN) || !is_lost(pcb, seg, &after)) {
			at = &seg->next;
			continue;
		}
		if (!first && f->pipe + n > s->window_bytes)
			return;
		first = false;
		f->pipe += n;
		send_again(pcb, at, &to);
	}
}

/* ---- the window: RFC 9438 */

static double cube_root(double x)
{
	double r = x > 1 ? x : 1;

	for (int i = 0; i < 60; i++)
		r -= (r * r * r - x) / (3 * r * r);
	return r;
}

/* Something was lost: 4.6 and 4.7. */
static void shrink(struct lwip_sender *s, uint32_t mss)
{
	double window = (double)s->window_bytes / mss;

	s->most = window < s->most ? window * (1 + CUBIC_BETA) / 2 : window;
	s->slow_start_bytes = (uint32_t)(s->window_bytes * CUBIC_BETA);
	if (s->slow_start_bytes < 2 * mss)
		s->slow_start_bytes = 2 * mss;
	s->epoch_ns = 0;
}

static void begin_epoch(struct lwip_sender *s, double window, uint64_t now_ns)
{
	s->epoch_ns = now_ns;
	s->estimate = window;
	s->origin = window < s->most ? s->most : window;
	s->k = window < s->most ? cube_root((s->most - window) / CUBIC_C) : 0;
}

/* 4.2 to 4.5; in segments. */
static double grown(struct lwip_sender *s, double window, double acknowledged)
{
	uint64_t now_ns = loop_now_ns();
	double t, target;

	if (s->epoch_ns == 0)
		begin_epoch(s, window, now_ns);
	t = (double)(now_ns - s->epoch_ns) / (double)NS_PER_SEC - s->k;
	target = s->origin + CUBIC_C * t * t * t;
	if (target > 1.5 * window)
		target = 1.5 * window;
	s->estimate += (s->estimate < s->most ? CUBIC_ALPHA : 1) * acknowledged / window;
	if (target > window)
		window += (target - window) / window * acknowledged;
	return window < s->estimate ? s->estimate : window;
}

/* By how much does it grow in slow start? After a timeout, RFC 3465 2.3 allows one segment
 * for each acknowledgement: the first one may be of all that had arrived long before. */
static uint32_t slow_start(const struct lwip_sender *s, const struct tcp_pcb *pcb,
                           uint32_t acknowledged)
{
	uint32_t most = s->slow_start_bytes - s->window_bytes;

	if ((pcb->flags & TF_RTO) && acknowledged > pcb->mss)
		acknowledged = pcb->mss;
	return acknowledged < most ? acknowledged : most;
}

/* It grows only if it was used. */
static void grow(struct lwip_sender *s, const struct tcp_pcb *pcb, uint32_t acknowledged)
{
	double mss = pcb->mss, window;

	if ((pcb->snd_nxt - pcb->lastack) < s->window_bytes / 2)
		return;
	if (s->window_bytes < s->slow_start_bytes) {
		s->window_bytes += slow_start(s, pcb, acknowledged);
	} else {
		window = grown(s, s->window_bytes / mss, acknowledged / mss);
		s->window_bytes = window * mss < WINDOW_MOST ? (uint32_t)(window * mss)
		                                             : WINDOW_MOST;
	}
	if (s->window_bytes > WINDOW_MOST)
		s->window_bytes = WINDOW_MOST;
}

/* ---- an acknowledgement */

/* lwIP's timer has run out: everything is to be sent again, one segment at first. Until
 * that was done, lwIP's window and ours are the same. */
static void note_timeout(struct lwip_sender *s, struct tcp_pcb *pcb)
{
	if (!(pcb->flags & TF_RTO) || pcb->cwnd >= s->given_bytes)
		return;
	shrink(s, pcb->mss);
	s->window_bytes = pcb->cwnd;
	s->recovering = s->marked = false;
	unmark(pcb->unacked, SEGMENT_ARRIVED | SEGMENT_AGAIN);
	unmark(pcb->unsent, SEGMENT_ARRIVED | SEGMENT_AGAIN);
}

static void end_recovery(struct lwip_sender *s, struct tcp_pcb *pcb,
                         const struct news *news)
{
	if (!s->recovering || TCP_SEQ_LT(news->first, s->recover))
		return;
	s->recovering = false;
	unmark(pcb->unacked, SEGMENT_AGAIN);
	unmark(pcb->unsent, SEGMENT_AGAIN);
}

static struct flight mend(struct lwip_sender *s, struct tcp_pcb *pcb,
                          const struct news *news)
{
	struct flight f = { .pipe = pcb->snd_nxt - news->first };
	bool begins;

	if ((!s->marked && news->count == 0) || (pcb->flags & TF_RTO))
		return f;
	f = look_at(pcb, news);
	s->marked = f.arrived.segments > 0 || s->recovering;
	begins = f.lost > 0 && !s->recovering;
	if (begins) {
		shrink(s, pcb->mss);
		s->window_bytes = s->slow_start_bytes;
		s->recovering = true;
		s->recover = pcb->snd_nxt;
	}
	if (s->recovering)
		send_lost(pcb, s, news, &f, begins);
	return f;
}

/* So that lwIP sends what may be added to what is on the way, and has no ideas of its own. */
static void give_window(struct lwip_sender *s, struct tcp_pcb *pcb,
                        const struct news *news, const struct flight *f)
{
	s->given_bytes = pcb->snd_nxt - news->first;
	if (pcb->flags & TF_RTO)
		s->given_bytes = s->window_bytes;
	else if (f->pipe < s->window_bytes)
		s->given_bytes += s->window_bytes - f->pipe;
	pcb->cwnd = s->given_bytes;
	pcb->ssthresh = 0;
	pcb->bytes_acked = 0;
	pcb->dupacks = 0;
}

static bool may_send(const struct tcp_pcb *pcb)
{
	return pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT ||
	       pcb->state == FIN_WAIT_1 || pcb->state == CLOSING ||
	       pcb->state == LAST_ACK;
}

/* The header is in the host's byte order, except for its flags. Returns ERR_VAL for a
 * segment that lwIP mustn't see: RFC 9293 3.7.1 allows the size in a SYN only, but lwIP
 * obeys it in each segment, and aborts if it becomes smaller than what waits to be sent. */
int8_t lwip_port_segment(struct tcp_pcb *pcb, const struct tcp_hdr *hdr, uint16_t n,
                         uint16_t first_n, const uint8_t *second)
{
	struct lwip_sender *s = pcb->ext_args[0].data;
	struct news news = { .first = hdr->ackno };
	struct flight f;

	if (!(TCPH_FLAGS(hdr) & TCP_SYN) &&
	    sets_mss((const uint8_t *)(hdr + 1), first_n, second, n))
		return ERR_VAL;
	if (!may_send(pcb) || !s || !(pcb->flags & TF_SACK) ||
	    !(TCPH_FLAGS(hdr) & TCP_ACK) || TCP_SEQ_LT(hdr->ackno, pcb->lastack) ||
	    TCP_SEQ_GT(hdr->ackno, pcb->snd_nxt))
		return ERR_OK;
	if (s->window_bytes == 0) {
		s->window_bytes = s->given_bytes = pcb->cwnd;
		s->slow_start_bytes = WINDOW_MOST;
	}
	news.bytes = news.first - pcb->lastack;
	if (!second && n == first_n) /* otherwise it was cut in two by somebody */
		read_options(&news, pcb, (const uint8_t *)(hdr + 1), n);
	note_timeout(s, pcb);
	end_recovery(s, pcb, &news);
	if (news.bytes > 0 && !s->recovering)
		grow(s, pcb, news.bytes);
	f = mend(s, pcb, &news);
	give_window(s, pcb, &news, &f);
	return ERR_OK;
}

static void destroy(u8_t id, void *data)
{
	(void)id;
	free(data);
}

int lwip_sender_add(struct tcp_pcb *pcb)
{
	static const struct tcp_ext_arg_callbacks callbacks = { .destroy = destroy };
	struct lwip_sender *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	tcp_ext_arg_set_callbacks(pcb, 0, &callbacks);
	tcp_ext_arg_set(pcb, 0, s);
	return 0;
}

/* lwIP makes segments of at most half the largest window that was offered, and aborts if
 * that leaves no room for data beside its options. */
void lwip_sender_begin(struct tcp_pcb *pcb)
{
	if (pcb->mss < MSS_LEAST) {
		pcb->mss = MSS_LEAST;
		pcb->cwnd = LWIP_TCP_CALC_INITIAL_CWND(pcb->mss);
	}
	if (pcb->snd_wnd_max < 2 * MSS_LEAST)
		pcb->snd_wnd_max = 2 * MSS_LEAST;
}

/* ---- before lwIP does something by itself */

/* If that leaves some unsent, lwIP adds new data and FIN to the last one of them, as if it
 * were the last one of all; and its timer puts all that wait before them. */
void lwip_sender_put_back(struct tcp_pcb *pcb)
{
	struct tcp_seg **at = &pcb->unacked, *last = pcb->unacked, *seg;

	if (!last || !pcb->unsent || TCP_SEQ_GEQ(seq_of(pcb->unsent), pcb->snd_nxt))
		return;
	while (last->next)
		last = last->next;
	while ((seg = pcb->unsent) && TCP_SEQ_LT(seq_of(seg), seq_of(last))) {
		pcb->unsent = seg->next;
		while (TCP_SEQ_LT(seq_of(*at), seq_of(seg)))
			at = &(*at)->next;
		seg->next = *at;
		*at = seg;
		seg->flags &= (uint8_t)~SEGMENT_AGAIN;
	}
	if (!pcb->unsent)
		pcb->unsent_oversize = 0;
}

/* lwIP starts to probe a window into which nothing fits, and ends that only when it sends
 * something: if instead all was acknowledged, its timer aborts. It also does if it has to cut
 * off what fits into a window that is larger than a segment may be, or has more than 16 bits. */
static void end_probes(struct tcp_pcb *pcb)
{
	if (pcb->unsent && !pcb->unacked && pcb->snd_wnd <= pcb->mss)
		return;
	pcb->persist_backoff = 0;
	if (!pcb->unacked)
		(void)tcp_output(pcb);
}

void lwip_sender_before_tick(void)
{
	for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next) {
		lwip_sender_put_back(pcb);
		if (pcb->persist_backoff > 0)
			end_probes(pcb);
	}
}

/* ---- a smaller path */

/* The most data that fits into this segment. */
static u16_t most_of(const struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
	u32_t options = (u32_t)(LWIP_TCP_OPT_LENGTH(seg->flags));

	return (u16_t)(pcb->mss - options);
}

/* Cuts a segment of either list into one that fits and the rest, which is the next one then.
 * Without memory it stays as it is. */
static void cut(struct tcp_pcb *pcb, struct tcp_seg *seg)
{
	struct lwip_sender *s = pcb->ext_args[0].data;
	struct tcp_seg *all = pcb->unsent;

	if (seg->len <= most_of(pcb, seg))
		return;
	pcb->unsent = seg; /* lwIP cuts the first one */
	if (tcp_split_unsent_seg(pcb, most_of(pcb, seg)) != ERR_OK && s)
		s->uncut = true;
	pcb->unsent = all;
}

void lwip_sender_fit(struct tcp_pcb *pcb, uint32_t mtu_bytes)
{
	struct lwip_sender *s = pcb->ext_args[0].data;
	bool v6 = IP_IS_V6_VAL(pcb->remote_ip);
	uint32_t headers = (v6 ? IP6_HLEN : IP_HLEN) + TCP_HLEN;
	uint32_t least = v6 ? MTU_LEAST_V6 : MTU_LEAST_V4;

	if (mtu_bytes < least)
		mtu_bytes = least;
	if (!s || mtu_bytes - headers > pcb->mss ||
	    (mtu_bytes - headers == pcb->mss && !s->uncut))
		return;
	pcb->mss = (u16_t)(mtu_bytes - headers);
	pcb->unsent_oversize = 0; /* there is less room at the end of the last one */
	s->uncut = false;
	for (struct tcp_seg **at = &pcb->unacked, **to = &pcb->unsent; *at;) {
		if ((*at)->len > most_of(pcb, *at) && !((*at)->flags & SEGMENT_ARRIVED)) {
			send_again(pcb, at, &to);
			continue;
		}
		cut(pcb, *at); /* after a timeout it is sent again, too */
		at = &(*at)->next;
	}
	for (struct tcp_seg *seg = pcb->unsent; seg; seg = seg->next)
		cut(pcb, seg);
}

bool lwip_sender_can_add(struct tcp_pcb *pcb)
{
	const struct lwip_sender *s = pcb->ext_args[0].data;
	struct tcp_seg *last = pcb->unsent;

	if (!s || !s->uncut || !last)
		return true;
	while (last->next)
		last = last->next;
	return last->len <= most_of(pcb, last);
}
