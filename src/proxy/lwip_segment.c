/* src/proxy/lwip_segment.c */
#include "proxy/lwip_segment.h"

#include "proxy/lwip_core.h"

#define FAR_BYTES (1U << 30) /* no window is so large */

static bool is_far(const struct tcp_pcb *pcb, uint32_t seq)
{
	return seq - pcb->rcv_nxt + FAR_BYTES > 2 * FAR_BYTES;
}

/* Data that came too early waits for what is before it, as long as the sender wants it to. */
static bool may_wait(const struct tcp_pcb *pcb, uint16_t data_bytes)
{
	if (pcb->state == SYN_RCVD)
		return false;
	return data_bytes == 0 ||
	       (!lwip_core_is_crowded() && !(pcb->flags & TF_RXCLOSED));
}

/* lwIP keeps nothing behind an end that came too early, so that is the last one. */
static bool keeps_end(const struct tcp_pcb *pcb)
{
	const struct tcp_seg *seg = pcb->ooseq;

	while (seg && seg->next)
		seg = seg->next;
	return seg && (TCPH_FLAGS(seg->tcphdr) & TCP_FIN);
}

bool lwip_segment_may_see(const struct tcp_pcb *pcb, const struct tcp_hdr *hdr,
                          uint16_t data_bytes)
{
	uint32_t fin = TCPH_FLAGS(hdr) & TCP_FIN ? 1 : 0, end = hdr->seqno + data_bytes;
	const uint8_t syn_ack = TCP_SYN | TCP_ACK;
	uint32_t edge;

	if (pcb->state == SYN_RCVD && (TCPH_FLAGS(hdr) & syn_ack) == syn_ack)
		return false;
	if (pcb->state < SYN_RCVD || pcb->state >= CLOSE_WAIT || data_bytes + fin == 0)
		return true;
	if (is_far(pcb, hdr->seqno))
		return false;
	edge = pcb->rcv_nxt + pcb->rcv_wnd; /* one that listens has none */
	if (TCP_SEQ_GEQ(hdr->seqno, edge))
		return true;
	if (TCP_SEQ_GT(hdr->seqno, pcb->rcv_nxt) &&
	    (!may_wait(pcb, data_bytes) || TCP_SEQ_GT(end + fin, edge)))
		return false;
	return TCP_SEQ_LT(end, edge) || !keeps_end(pcb);
}
