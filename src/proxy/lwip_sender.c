/* src/proxy/lwip_sender.c - RFC 6675 and RFC 9438 around lwIP's TCP
 *
 * lwIP calls lwip_port_segment with each segment before it looks at it itself. There the
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

#include "base/memory.h"
#include "io/loop_clock.h"
#include "proxy/lwip_core.h"
#include "proxy/lwip_news.h"
#include "proxy/lwip_segment.h"
#include "proxy/lwip_window.h"

#include <lwip/sys.h>

#define SEGMENTS_LOST      3 /* RFC 6675: as many as this have arrived after a lost one */
#define WINDOW_MOST        (2U * TCP_SND_BUF)
#define WINDOW_FIRST       10U                        /* segments; RFC 6928 */
#define RTO_FIRST          (1000 / TCP_SLOW_INTERVAL) /* RFC 6298 2.1 */
#define MTU_LEAST_V4       576U
#define MTU_LEAST_V6       1280U
#define ROUND_TRIP_MOST_MS 60000U
#define MSS_LEAST          64U /* lwIP needs room for its options and some data */
#define LEFT_MOST_MS       300000U

/* Flags of a segment that lwIP doesn't use. */
#define SEGMENT_ARRIVED 0x40U
#define SEGMENT_AGAIN   0x80U /* it was sent again in this recovery */
#define SEGMENT_BEFORE  0x20U /* that was before what is behind again_end */
#define SEGMENTS_AGAIN  (SEGMENT_AGAIN | SEGMENT_BEFORE)

/* Owned by the connection, as its first extension. */
struct lwip_sender {
	struct lwip_window window;
	uint32_t given_bytes; /* what lwIP's window was set to */
	uint32_t recover;     /* when this is acknowledged, the recovery has ended */
	uint32_t again_end;   /* behind this is what is sent after SEGMENT_BEFORE */
	uint32_t arrived; /* the bytes before this number and those after it that have */
	bool recovering;
	bool shrunk; /* the window was, in this recovery */
	bool marked; /* there may be segments with flags */
	bool uncut;  /* there may be segments that are too large for the path */
	bool syn_lost;
	u8_t nrtx; /* how often lwIP's timer has run out, as far as that is noted */
	bool held; /* lwIP's window is 0 until the end of the batch */
	struct lwip_due due;
	struct tcp_pcb *pcb;  /* borrowed: whose sender it is */
	struct tcp_seg *last; /* borrowed: what was sent last; NULL: look for it */
	uint32_t last_end;    /* when this is acknowledged, it is freed */
};

/* What has arrived of the segments that wait to be acknowledged. */
struct arrived {
	uint32_t bytes, segments;
};

/* Of the segments that wait to be acknowledged; in bytes. */
struct flight {
	struct arrived arrived;
	uint32_t arrived_end; /* of the last one that has arrived */
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

/* ---- the list of segments that wait to be acknowledged */

static bool is_in(const struct lwip_news *news, const struct tcp_seg *seg)
{
	uint32_t seq = seq_of(seg), end = end_of(seg);

	for (size_t i = 0; i < news->count; i++)
		if (TCP_SEQ_GEQ(seq, news->blocks[i].left) &&
		    TCP_SEQ_LEQ(end, news->blocks[i].right))
			return true;
	return false;
}

/* Notes what has arrived, and counts it. */
static struct arrived mark_arrived(struct tcp_pcb *pcb, const struct lwip_news *news)
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
static struct flight look_at(struct tcp_pcb *pcb, const struct lwip_news *news)
{
	struct flight f = { .arrived = mark_arrived(pcb, news) };
	struct arrived after = f.arrived;

	for (const struct tcp_seg *seg = pcb->unacked; seg; seg = seg->next) {
		uint32_t n = TCP_TCPLEN(seg);
		bool lost = is_lost(pcb, seg, &after);

		if (TCP_SEQ_LEQ(end_of(seg), news->first))
			continue;
		if (seg->flags & SEGMENT_ARRIVED) {
			leave_out(&after, seg);
			f.arrived_end = end_of(seg);
		} else if (!lost || (seg->flags & SEGMENT_AGAIN)) {
			f.pipe += n;
		}
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

/* There is congestion: once in a recovery the window is for it. */
static void shrink(struct lwip_sender *s, const struct tcp_pcb *pcb)
{
	if (s->shrunk)
		return;
	lwip_window_shrink(&s->window, pcb->mss);
	s->window.bytes = s->window.slow_start_bytes;
	s->shrunk = true;
}

/* What was sent again is lost again, if three segments have arrived that were sent later. So
 * it needn't wait for the timer. */
static void note_lost_again(struct lwip_sender *s, struct tcp_pcb *pcb,
                            const struct lwip_news *news, struct flight *f)
{
	uint32_t end = s->again_end + SEGMENTS_LOST * (uint32_t)pcb->mss;

	if (f->arrived.segments == 0 || TCP_SEQ_LT(f->arrived_end, end))
		return;
	for (struct tcp_seg *seg = pcb->unacked; seg; seg = seg->next) {
		if (seg->flags & SEGMENT_BEFORE) {
			seg->flags &= (uint8_t)~SEGMENTS_AGAIN;
			if (!(seg->flags & SEGMENT_ARRIVED) &&
			    TCP_SEQ_GT(end_of(seg), news->first))
				f->pipe -= TCP_TCPLEN(seg);
		} else if (seg->flags & SEGMENT_AGAIN) {
			seg->flags |= SEGMENT_BEFORE;
		}
	}
	s->again_end = pcb->snd_nxt;
}

/* At least one, if `first` is set; otherwise what the window allows. */
static void send_lost(struct tcp_pcb *pcb, struct lwip_sender *s,
                      const struct lwip_news *news, struct flight *f, bool first)
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
		if (!first && f->pipe + n > s->window.bytes)
			return;
		if (!lwip_window_can_lose(&s->window, n))
			shrink(s, pcb);
		first = false;
		f->pipe += n;
		send_again(pcb, at, &to);
		s->last = NULL;
		if (s->again_end == pcb->snd_nxt)
			seg->flags |= SEGMENT_BEFORE;
	}
}

/* ---- an acknowledgement */

/* lwIP's timer has run out: everything is to be sent again, one segment at first. Until
 * that was done, lwIP's window and ours are the same. */
static void note_timeout(struct lwip_sender *s, struct tcp_pcb *pcb,
                         const struct lwip_news *news)
{
	bool is_new = (pcb->flags & TF_RTO) && pcb->nrtx > s->nrtx;

	s->nrtx = news->bytes > 0 ? 0 : pcb->nrtx;
	if (!is_new)
		return;
	lwip_window_shrink(&s->window, pcb->mss);
	s->window.bytes = pcb->mss;
	s->recovering = s->marked = false;
	s->last = NULL;
	unmark(pcb->unacked, SEGMENT_ARRIVED | SEGMENTS_AGAIN);
	unmark(pcb->unsent, SEGMENT_ARRIVED | SEGMENTS_AGAIN);
}

static void end_recovery(struct lwip_sender *s, struct tcp_pcb *pcb,
                         const struct lwip_news *news)
{
	if (!s->recovering || TCP_SEQ_LT(news->first, s->recover))
		return;
	s->recovering = false;
	unmark(pcb->unacked, SEGMENTS_AGAIN);
	unmark(pcb->unsent, SEGMENTS_AGAIN);
}

static void begin_recovery(struct lwip_sender *s, const struct tcp_pcb *pcb)
{
	s->recovering = true;
	s->shrunk = false;
	s->recover = s->again_end = pcb->snd_nxt;
	if (lwip_window_is_queued(&s->window))
		shrink(s, pcb);
}

static struct flight mend(struct lwip_sender *s, struct tcp_pcb *pcb,
                          const struct lwip_news *news)
{
	struct flight f = { .pipe = pcb->snd_nxt - news->first };
	bool begins;

	if ((!s->marked && news->count == 0) || (pcb->flags & TF_RTO))
		return f;
	f = look_at(pcb, news);
	s->marked = f.arrived.segments > 0 || s->recovering;
	begins = f.lost > 0 && !s->recovering;
	if (begins)
		begin_recovery(s, pcb);
	if (s->recovering) {
		note_lost_again(s, pcb, news, &f);
		send_lost(pcb, s, news, &f, begins);
	}
	return f;
}

/* A round trip is measured by what acknowledges something new: RFC 7323 4.1. */
static void measure(struct lwip_sender *s, const struct tcp_pcb *pcb,
                    const struct lwip_news *news)
{
	uint32_t ms = sys_now() - news->sent_ms;

	if (news->has_time && (pcb->flags & TF_TIMESTAMP) && news->bytes > 0 &&
	    ms <= ROUND_TRIP_MOST_MS)
		lwip_window_round_trip(&s->window, ms, news->first, pcb->snd_nxt);
}

static void grow(struct lwip_sender *s, const struct tcp_pcb *pcb,
                 const struct lwip_news *news, const struct flight *f)
{
	uint32_t arrived = news->first + f->arrived.bytes;
	const struct lwip_window_use use = { .arrived_bytes = arrived - s->arrived,
		                             .on_the_way_bytes =
		                                     pcb->snd_nxt - pcb->lastack,
		                             .after_timeout = pcb->flags & TF_RTO };
	bool more = TCP_SEQ_GT(arrived, s->arrived);

	s->arrived = arrived;
	if (more && !(s->recovering && s->shrunk))
		lwip_window_grow(&s->window, &use, WINDOW_MOST, pcb->mss, loop_now_ns());
}

/* So that lwIP sends what may be added to what is on the way, and has no ideas of its own. It
 * sends when the whole batch has been seen; until then its window is 0. */
static void give_window(struct lwip_sender *s, struct tcp_pcb *pcb,
                        const struct lwip_news *news, const struct flight *f)
{
	s->given_bytes = pcb->snd_nxt - news->first;
	if (pcb->flags & TF_RTO)
		s->given_bytes = s->window.bytes;
	else if (f->pipe < s->window.bytes)
		s->given_bytes += s->window.bytes - f->pipe;
	pcb->cwnd = 0;
	pcb->ssthresh = 0;
	pcb->bytes_acked = 0;
	pcb->dupacks = 0;
}

/* RFC 6928 2. lwIP has no option for that. */
static uint32_t first_window(const struct lwip_sender *s, const struct tcp_pcb *pcb)
{
	if (pcb->flags & TF_RTO)
		return pcb->cwnd;
	return (s->syn_lost ? 1 : WINDOW_FIRST) * (uint32_t)pcb->mss;
}

static bool may_send(const struct tcp_pcb *pcb)
{
	return pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT ||
	       pcb->state == FIN_WAIT_1 || pcb->state == CLOSING ||
	       pcb->state == LAST_ACK;
}

/* The time of a connection that was left to lwIP begins again: lwIP itself would end it also
 * while what it has to say is on its way. */
static void note_progress(struct tcp_pcb *pcb, const struct tcp_hdr *hdr)
{
	if ((pcb->flags & TF_RXCLOSED) && (TCPH_FLAGS(hdr) & TCP_ACK) &&
	    TCP_SEQ_GT(hdr->ackno, pcb->lastack) && TCP_SEQ_LEQ(hdr->ackno, pcb->snd_nxt))
		pcb->tmr = tcp_ticks;
}

/* The header is in the host's byte order, except for its flags. Returns ERR_VAL for a
 * segment that lwIP mustn't see: RFC 9293 3.7.1 allows the size in a SYN only, but lwIP
 * obeys it in each segment, and aborts if it becomes smaller than what waits to be sent. */
int8_t lwip_port_segment(struct tcp_pcb *pcb, const struct tcp_hdr *hdr, uint16_t n,
                         uint16_t first_n, const uint8_t *second, uint16_t data_bytes)
{
	struct lwip_sender *s = pcb->ext_args[0].data;
	struct lwip_news news = { .first = hdr->ackno };
	struct flight f;

	if (!(TCPH_FLAGS(hdr) & TCP_SYN) &&
	    lwip_news_sets_mss((const uint8_t *)(hdr + 1), first_n, second, n))
		return ERR_VAL;
	if (!lwip_segment_may_see(pcb, hdr, data_bytes)) {
		if (pcb->state != SYN_RCVD)
			(void)tcp_send_empty_ack(pcb);
		return ERR_VAL;
	}
	/* Of several that came as one, at least each second one is to be acknowledged at once
	 * (RFC 9293 3.8.6.3); lwIP counts them as one. */
	if (pcb->state >= ESTABLISHED && data_bytes > pcb->mss)
		tcp_set_flags(pcb, TF_ACK_DELAY);
	if (may_send(pcb))
		note_progress(pcb, hdr);
	if (!may_send(pcb) || !s || !(pcb->flags & TF_SACK) ||
	    !(TCPH_FLAGS(hdr) & TCP_ACK) || TCP_SEQ_LT(hdr->ackno, pcb->lastack) ||
	    TCP_SEQ_GT(hdr->ackno, pcb->snd_nxt))
		return ERR_OK;
	if (s->window.bytes == 0) {
		lwip_window_begin(&s->window, first_window(s, pcb), WINDOW_MOST,
		                  pcb->mss);
		s->given_bytes = pcb->cwnd;
		s->arrived = pcb->lastack;
	}
	news.bytes = news.first - pcb->lastack;
	if (!second && n == first_n) /* otherwise it was cut in two by somebody */
		lwip_news_read(&news, (const uint8_t *)(hdr + 1), n, pcb->snd_nxt);
	note_timeout(s, pcb, &news);
	end_recovery(s, pcb, &news);
	measure(s, pcb, &news);
	f = mend(s, pcb, &news);
	grow(s, pcb, &news, &f);
	give_window(s, pcb, &news, &f);
	s->held = true;
	lwip_core_add_due(ip_current_input_netif()->state, &s->due);
	return ERR_OK;
}

static void destroy(u8_t id, void *data)
{
	struct lwip_sender *s = data;

	(void)id;
	lwip_core_remove_due(&s->due);
	if (s->window.bytes >= LWIP_CORE_LARGE) /* its queue was freed before */
		memory_give_back();
	free(s);
}

static void send_due(struct lwip_due *due, uint64_t now_ns)
{
	(void)now_ns;
	lwip_sender_output(CONTAINER_OF(due, struct lwip_sender, due)->pcb);
}

int lwip_sender_add(struct tcp_pcb *pcb)
{
	static const struct tcp_ext_arg_callbacks callbacks = { .destroy = destroy };
	struct lwip_sender *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->pcb = pcb;
	s->due.run = send_due;
	tcp_ext_arg_set_callbacks(pcb, 0, &callbacks);
	tcp_ext_arg_set(pcb, 0, s);
	pcb->rto = pcb->sv = RTO_FIRST; /* lwIP has 3 s */
	return 0;
}

/* lwIP makes segments of at most half the largest window that was offered, and aborts if
 * that leaves no room for data beside its options. */
void lwip_sender_begin(struct tcp_pcb *pcb)
{
	const struct lwip_sender *s = pcb->ext_args[0].data;

	if (pcb->mss < MSS_LEAST)
		pcb->mss = MSS_LEAST;
	if (s && (pcb->flags & TF_SACK))
		pcb->cwnd = first_window(s, pcb);
	if (pcb->snd_wnd_max < 2 * MSS_LEAST)
		pcb->snd_wnd_max = 2 * MSS_LEAST;
}

/* ---- sending */

static struct tcp_seg *last_of(const struct lwip_sender *s, const struct tcp_pcb *pcb)
{
	struct tcp_seg *seg =
		s->last && TCP_SEQ_LT(pcb->lastack, s->last_end) ? s->last : pcb->unacked;

	while (seg && seg->next)
		seg = seg->next;
	return seg;
}

/* Is there nothing but new data to be sent? */
static bool sends_new(const struct tcp_pcb *pcb)
{
	return pcb->unacked && pcb->unsent && !(pcb->flags & TF_RTO) &&
	       TCP_SEQ_GEQ(seq_of(pcb->unsent), pcb->snd_nxt);
}

/* lwIP looks for the end of the list of those that wait to be acknowledged each time, and it
 * has thousands if much is on the way. New data is put behind the last one, so it is all
 * that lwIP has to see. */
void lwip_sender_output(struct tcp_pcb *pcb)
{
	struct lwip_sender *s = pcb->ext_args[0].data;
	struct tcp_seg *all = pcb->unacked, *last;

	if (s && s->held) {
		pcb->cwnd = s->given_bytes;
		s->held = false;
	}
	if (!s || !sends_new(pcb)) {
		(void)tcp_output(pcb); /* what can't be sent now is sent later */
		if (s)
			s->last = NULL;
		return;
	}
	last = last_of(s, pcb);
	pcb->unacked = last;
	(void)tcp_output(pcb);
	pcb->unacked = all;
	while (last->next)
		last = last->next;
	s->last = last;
	s->last_end = end_of(last);
}

uint32_t lwip_sender_window(const struct tcp_pcb *pcb)
{
	const struct lwip_sender *s = pcb->ext_args[0].data;

	return s && s->held ? s->given_bytes : pcb->cwnd;
}

/* ---- before lwIP does something by itself */

/* If that leaves some unsent, lwIP adds new data and FIN to the last one of them, as if it
 * were the last one of all; and its timer puts all that wait before them. */
void lwip_sender_put_back(struct tcp_pcb *pcb)
{
	const struct lwip_sender *s = pcb->ext_args[0].data;
	struct tcp_seg **at = &pcb->unacked, *last, *seg;

	if (s && s->held)
		lwip_sender_output(pcb);
	last = pcb->unacked;
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
		seg->flags &= (uint8_t)~SEGMENTS_AGAIN;
	}
	if (!pcb->unsent)
		pcb->unsent_oversize = 0;
}

void lwip_sender_leave(struct tcp_pcb *pcb)
{
	lwip_sender_put_back(pcb);
	pcb->rcv_wnd = TCP_WND_MAX(pcb);
	pcb->tmr = tcp_ticks;
}

/* Cuts the first segment of the queue after n bytes, unless there are as many as lwIP can count
 * already. lwIP gives the end of the connection to the rest, and leaves it to the first part, too:
 * the peer would take that for the end. */
static err_t split(struct tcp_pcb *pcb, u16_t n)
{
	struct tcp_seg *seg = pcb->unsent;
	bool is_longer = seg && seg->len > n;
	err_t err;

	if (is_longer && pcb->snd_queuelen >= TCP_SND_QUEUELEN)
		return ERR_MEM;
	err = tcp_split_unsent_seg(pcb, n);
	if (is_longer && err == ERR_OK)
		TCPH_UNSET_FLAG(seg->tcphdr, TCP_FIN);
	return err;
}

/* lwIP starts to probe a window into which nothing fits, and ends that only when it sends
 * something: if instead all was acknowledged, its timer aborts. It also does if it has to cut
 * off what fits into a window that is larger than a segment may be, or has more than 16 bits.
 * What fits into a small one is cut off here, so that lwIP needn't. */
static void end_probes(struct tcp_pcb *pcb)
{
	if (pcb->unsent && !pcb->unacked && pcb->snd_wnd <= pcb->mss) {
		if (pcb->snd_wnd > 0 && TCPH_FLAGS(pcb->unsent->tcphdr) & TCP_FIN)
			(void)split(pcb, (u16_t)pcb->snd_wnd);
		return;
	}
	pcb->persist_backoff = 0;
	if (!pcb->unacked)
		lwip_sender_output(pcb);
}

/* lwIP sends all of them in the same time. Six of them take 23 s, then it gives up. */
static void pace_syn(struct tcp_pcb *pcb)
{
	struct lwip_sender *s = pcb->ext_args[0].data;

	if (!s)
		return;
	s->syn_lost = pcb->nrtx > 0;
	pcb->rto = (s16_t)(RTO_FIRST << (pcb->nrtx < 2 ? pcb->nrtx : 2));
}

/* Nobody is there any more who waits for it. lwIP alone would wait for ever for a peer that says
 * again and again that it has no window. */
static bool is_given_up(const struct tcp_pcb *pcb)
{
	return (pcb->flags & TF_RXCLOSED) &&
	       tcp_ticks - pcb->tmr > LEFT_MOST_MS / TCP_SLOW_INTERVAL;
}

void lwip_sender_before_tick(void)
{
	for (struct tcp_pcb *pcb = tcp_active_pcbs, *next; pcb; pcb = next) {
		next = pcb->next;
		if (pcb->state == SYN_SENT)
			pace_syn(pcb);
		lwip_sender_put_back(pcb);
		if (is_given_up(pcb))
			tcp_abort(pcb);
		else if (pcb->persist_backoff > 0)
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
	if (split(pcb, most_of(pcb, seg)) != ERR_OK && s)
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
	s->last = NULL;
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
