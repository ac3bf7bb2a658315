/* src/proxy/lwip_stream.c - a stream over a TCP connection of lwIP
 *
 * The window that the peer is offered is how much more may be unread (lwip_unread.h). It
 * begins small, and grows if half of it was used within GROW_NS, as long as all windows
 * together keep within WINDOWS_BYTES. Half, because a sender that doubles what is on the way
 * in each round trip would wait for us otherwise. What is written goes into lwIP's queue,
 * which has twice what may be on the way.
 *
 * lwIP forgets a connection that is in TIME-WAIT without a word. So we leave a connection
 * to it as soon as both sides have ended, and don't touch it any more. */
#include "proxy/lwip_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/loop_clock.h"
#include "proxy/lwip_sender.h"
#include "proxy/lwip_unread.h"

#define WINDOW_FIRST  (64U << 10)
#define WINDOW_LEAST  (16U << 10)
#define WINDOW_MOST   ((size_t)TCP_WND)
#define WINDOWS_BYTES ((size_t)64 << 20)
#define GROW_NS       (250 * NS_PER_MS)

#define QUEUE_FIRST ((size_t)128 << 10)

#define UNREAD_LARGE ((size_t)1 << 20)

#define BACKLOG 255 /* that are not yet established; lwIP has 8 bits for it */

struct lwip_listener {
	struct lwip_listener *next;
	struct lwip_stack *stack;
	struct tcp_pcb *pcb; /* owned */
	void (*accepted)(void *context, struct stream *stream, uint64_t now_ns);
	void *context;
};

struct lwip_stream {
	struct stream stream;
	struct lwip_stack *stack; /* borrowed */
	/* in stack->streams while there is a pcb */
	struct lwip_stream *next, *previous;
	struct lwip_due due;
	struct tcp_pcb *pcb;               /* NULL: it has ended, or is left to lwIP */
	const struct lwip_listener *fresh; /* it must still be given to its user */
	struct endpoint local, remote;
	unsigned wanted;
	bool connecting, was_large; /* window_bytes was */
	bool ended;                 /* nothing more will come */
	bool shut;                  /* nothing more will be written */
	int err;                    /* -errno: it is broken */
	struct lwip_unread unread;
	size_t window_bytes; /* the most that may be unread */
	size_t window_used;  /* consumed since grown_ns */
	uint64_t grown_ns;
};

static struct lwip_stream *of(struct stream *s)
{
	return CONTAINER_OF(s, struct lwip_stream, stream);
}

/* ---- the list of streams with a pcb */

static void link_in(struct lwip_stream *t)
{
	struct lwip_stack *s = t->stack;

	t->next = s->streams;
	t->previous = NULL;
	if (t->next)
		t->next->previous = t;
	s->streams = t;
	s->window_bytes += t->window_bytes;
}

static void set_window(struct lwip_stream *t, size_t bytes)
{
	t->stack->window_bytes = t->stack->window_bytes - t->window_bytes + bytes;
	t->window_bytes = bytes;
	t->was_large |= bytes >= LWIP_CORE_LARGE;
}

/* It has no pcb any more; only what is unread still counts. */
static void link_out(struct lwip_stream *t)
{
	if (!t->pcb)
		return;
	if (t->next)
		t->next->previous = t->previous;
	if (t->previous)
		t->previous->next = t->next;
	else
		t->stack->streams = t->next;
	set_window(t, t->unread.bytes);
	t->pcb = NULL;
}

/* ---- readiness */

static size_t queue_limit(const struct lwip_stream *t)
{
	size_t limit = 2 * (size_t)lwip_sender_window(t->pcb),
	       most = lwip_core_queue_most();

	if (limit < QUEUE_FIRST)
		limit = QUEUE_FIRST;
	return limit < most ? limit : most;
}

static size_t queue_room(const struct lwip_stream *t)
{
	size_t used = TCP_SND_BUF - t->pcb->snd_buf, limit = queue_limit(t);

	if (t->pcb->snd_queuelen >= TCP_SND_QUEUELEN - 1024)
		return 0;
	return used < limit ? limit - used : 0;
}

/* A third has to be free, so that it isn't filled in small pieces. */
static bool has_room(const struct lwip_stream *t)
{
	return queue_room(t) >= queue_limit(t) / 3;
}

static unsigned readiness(const struct lwip_stream *t)
{
	bool over = t->err != 0;
	unsigned ready = 0;

	if (!t->connecting && (t->unread.bytes > 0 || t->ended || over))
		ready |= STREAM_READ;
	if (over || t->shut || (!t->connecting && (!t->pcb || has_room(t))))
		ready |= STREAM_WRITE;
	return ready;
}

static void note(struct lwip_stream *t)
{
	if (t->fresh || (readiness(t) & t->wanted))
		lwip_core_add_due(t->stack, &t->due);
}

static void due_run(struct lwip_due *due, uint64_t now_ns)
{
	struct lwip_stream *t = CONTAINER_OF(due, struct lwip_stream, due);
	const struct lwip_listener *l = t->fresh;
	unsigned ready = readiness(t) & t->wanted;

	if (l) {
		t->fresh = NULL;
		l->accepted(l->context, &t->stream, now_ns);
		return;
	}
	if (!ready)
		return;
	lwip_core_add_due(t->stack, due); /* as long as it is ready */
	t->stream.ready(&t->stream, ready, now_ns);
}

/* ---- what is unread */

static bool keep(struct lwip_stream *t, const struct pbuf *p)
{
	struct lwip_stack *s = t->stack;
	size_t before = t->unread.bytes;
	bool kept = true;

	for (; p && kept; p = p->next)
		kept = lwip_unread_add(&t->unread, p->payload, p->len);
	s->unread_bytes += t->unread.bytes - before;
	if (s->most_unread_bytes < s->unread_bytes)
		s->most_unread_bytes = s->unread_bytes;
	return kept;
}

static size_t drop(struct lwip_stream *t, size_t n)
{
	size_t dropped = lwip_unread_drop(&t->unread, n);

	t->stack->unread_bytes -= dropped;
	return dropped;
}

/* At the end of a stream. Many small ones that weren't read are much, too. */
static void give_back(const struct lwip_stream *t)
{
	struct lwip_stack *s = t->stack;

	if (!t->was_large && s->most_unread_bytes - s->unread_bytes < UNREAD_LARGE)
		return;
	s->most_unread_bytes = s->unread_bytes;
	memory_give_back();
}

/* ---- what lwIP tells */

static void forget_pcb(struct lwip_stream *t)
{
	struct tcp_pcb *pcb = t->pcb;

	link_out(t);
	tcp_arg(pcb, NULL);
	tcp_recv(pcb, NULL);
	tcp_sent(pcb, NULL);
	tcp_err(pcb, NULL);
}

/* The rest is lwIP's. */
static void leave(struct lwip_stream *t, bool reset)
{
	struct tcp_pcb *pcb = t->pcb;

	forget_pcb(t);
	lwip_sender_leave(pcb);
	if (reset || tcp_close(pcb) != ERR_OK)
		tcp_abort(pcb);
}

static void leave_if_over(struct lwip_stream *t)
{
	if (t->pcb && t->ended && t->shut)
		leave(t, false);
}

static void on_error(void *arg, err_t err)
{
	struct lwip_stream *t = arg;

	link_out(t); /* it is freed already */
	t->err = lwip_core_errno(err);
	if (t->connecting && err == ERR_RST)
		t->err = -ECONNREFUSED;
	if (!t->err && !t->ended)
		t->err = -ECONNRESET;
	t->connecting = false;
	note(t);
}

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct lwip_stream *t = arg;
	bool kept;

	(void)err;
	if (!p) {
		t->ended = true;
		leave_if_over(t);
		note(t);
		return ERR_OK;
	}
	kept = keep(t, p);
	pbuf_free(p);
	if (!kept) { /* a hole in the stream can't be mended */
		forget_pcb(t);
		tcp_abort(pcb);
		t->err = -ENOMEM;
	}
	note(t);
	return kept ? ERR_OK : ERR_ABRT;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t n)
{
	(void)pcb;
	(void)n;
	note(arg);
	return ERR_OK;
}

/* Only a window of this size is offered, until it grows. */
static void begin_window(struct lwip_stream *t)
{
	struct tcp_pcb *pcb = t->pcb;
	size_t bytes =
		t->stack->window_bytes > WINDOWS_BYTES ? WINDOW_LEAST : WINDOW_FIRST;

	if (bytes > TCP_WND_MAX(pcb))
		bytes = TCP_WND_MAX(pcb);
	lwip_sender_begin(pcb);
	set_window(t, bytes);
	pcb->rcv_wnd = pcb->rcv_ann_wnd = (tcpwnd_size_t)bytes;
	/* otherwise it would go on offering what it meant to offer */
	pcb->rcv_ann_right_edge = pcb->rcv_nxt + pcb->rcv_ann_wnd;
	t->grown_ns = loop_now_ns();
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct lwip_stream *t = arg;

	(void)pcb;
	(void)err; /* always ERR_OK */
	t->connecting = false;
	begin_window(t);
	note(t);
	return ERR_OK;
}

/* ---- struct stream_ops */

static ssize_t stream_peek(struct stream *s, void *out, size_t n)
{
	const struct lwip_stream *t = of(s);

	if (t->unread.bytes == 0)
		return t->err ? t->err : t->ended ? 0 : -EAGAIN;
	return (ssize_t)lwip_unread_peek(&t->unread, out, n);
}

static void offer(struct tcp_pcb *pcb, size_t n)
{
	while (n > 0) {
		u16_t some = n < 0xffff ? (u16_t)n : 0xffff;

		tcp_recved(pcb, some);
		n -= some;
	}
}

/* So many bytes were consumed: how many more may come? */
static size_t next_window(struct lwip_stream *t, size_t n)
{
	struct lwip_stack *s = t->stack;
	uint64_t now_ns;
	size_t more;

	if (s->window_bytes > WINDOWS_BYTES && t->window_bytes > WINDOW_FIRST) {
		more = t->window_bytes - WINDOW_FIRST;
		if (more > n)
			more = n;
		set_window(t, t->window_bytes - more);
		return n - more;
	}
	t->window_used += n;
	if (t->window_used < t->window_bytes / 2)
		return n;
	t->window_used = 0;
	now_ns = loop_now_ns();
	more = t->window_bytes;
	if (more > TCP_WND_MAX(t->pcb) - t->window_bytes)
		more = TCP_WND_MAX(t->pcb) - t->window_bytes;
	if (now_ns - t->grown_ns > GROW_NS || s->window_bytes + more > WINDOWS_BYTES)
		more = 0;
	t->grown_ns = now_ns;
	set_window(t, t->window_bytes + more);
	return n + more;
}

static void stream_consume(struct stream *s, size_t n)
{
	struct lwip_stream *t = of(s);
	size_t dropped = drop(t, n);

	if (!t->pcb)
		set_window(t, t->unread.bytes);
	if (!t->pcb || t->ended || dropped == 0)
		return;
	lwip_core_wake(t->stack);
	offer(t->pcb, next_window(t, dropped));
}

/* lwIP takes 16 bits of length. */
static size_t write_some(struct lwip_stream *t, const uint8_t *bytes, size_t n)
{
	size_t at = 0;

	while (at < n) {
		size_t some = n - at < 0x8000 ? n - at : 0x8000;
		u8_t flags = TCP_WRITE_FLAG_COPY;

		if (at + some < n)
			flags |= TCP_WRITE_FLAG_MORE;
		if (tcp_write(t->pcb, bytes + at, (u16_t)some, flags) != ERR_OK)
			break;
		at += some;
	}
	return at;
}

static ssize_t stream_write(struct stream *s, const void *bytes, size_t n)
{
	struct lwip_stream *t = of(s);
	size_t room, taken;

	if (t->err)
		return t->err;
	if (t->connecting)
		return -EAGAIN;
	if (!t->pcb || t->shut)
		return -EPIPE;
	room = queue_room(t);
	if (room == 0)
		return -EAGAIN;
	lwip_core_wake(t->stack);
	lwip_sender_put_back(t->pcb);
	taken = lwip_sender_can_add(t->pcb) ? write_some(t, bytes, n < room ? n : room)
	                                    : 0;
	lwip_sender_output(t->pcb);
	if (taken == 0)
		return t->pcb->unacked || t->pcb->unsent ? -EAGAIN : -ENOBUFS;
	return (ssize_t)taken;
}

static void stream_shut_down(struct stream *s)
{
	struct lwip_stream *t = of(s);

	t->shut = true;
	if (!t->pcb)
		return;
	lwip_core_wake(t->stack);
	lwip_sender_put_back(t->pcb);
	if (t->ended)
		leave_if_over(t);
	else
		(void)tcp_shutdown(t->pcb, 0, 1); /* without memory, lwIP tries again */
}

static int stream_connected(struct stream *s)
{
	return of(s)->err;
}

static int stream_want(struct stream *s, unsigned wanted)
{
	of(s)->wanted = wanted;
	note(of(s));
	return 0;
}

static void stream_close(struct stream *s, bool reset)
{
	struct lwip_stream *t = of(s);

	lwip_core_wake(t->stack);
	if (t->pcb)
		leave(t, reset || t->unread.bytes > 0);
	(void)drop(t, t->unread.bytes);
	set_window(t, 0);
	lwip_core_remove_due(&t->due);
	give_back(t);
	free(t);
}

static void stream_ends(const struct stream *s, struct endpoint *local,
                        struct endpoint *remote)
{
	const struct lwip_stream *t = (const struct lwip_stream *)s;

	*local = t->local;
	*remote = t->remote;
}

static const struct stream_ops stream_ops = {
	stream_peek,      stream_consume, stream_write, stream_shut_down,
	stream_connected, stream_want,    stream_close, stream_ends,
};

/* ---- beginning */

/* Becomes the pcb's user. */
static struct lwip_stream *stream_new(struct lwip_stack *s, struct tcp_pcb *pcb)
{
	struct lwip_stream *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	if (lwip_sender_add(pcb)) {
		free(t);
		return NULL;
	}
	t->stream.ops = &stream_ops;
	t->stack = s;
	t->due.run = due_run;
	t->pcb = pcb;
	link_in(t);
	tcp_arg(pcb, t);
	tcp_err(pcb, on_error);
	tcp_recv(pcb, on_received);
	tcp_sent(pcb, on_sent);
	tcp_nagle_disable(pcb);
	return t;
}

static void note_ends(struct lwip_stream *t)
{
	lwip_core_from_lwip(&t->local.addr, &t->pcb->local_ip);
	lwip_core_from_lwip(&t->remote.addr, &t->pcb->remote_ip);
	t->local.port = t->pcb->local_port;
	t->remote.port = t->pcb->remote_port;
}

int lwip_stream_connect(struct lwip_stack *s, const struct endpoint *to,
                        struct stream **out)
{
	struct lwip_stream *t;
	struct tcp_pcb *pcb;
	ip_addr_t local, remote;
	struct ip_addr from;
	uint32_t mtu_bytes;
	err_t err;
	int ret = s->env.route(s->env.context, &to->addr, &from, &mtu_bytes);

	*out = NULL;
	if (ret)
		return ret;
	lwip_core_wake(s);
	lwip_core_to_lwip(&local, &from);
	lwip_core_to_lwip(&remote, &to->addr);
	pcb = tcp_new_ip_type(IP_GET_TYPE(&remote));
	if (!pcb)
		return -ENOBUFS;
	t = stream_new(s, pcb);
	if (!t) {
		tcp_abort(pcb);
		return -ENOMEM;
	}
	t->connecting = true;
	err = tcp_bind(pcb, &local, 0);
	if (err == ERR_OK)
		err = tcp_connect(pcb, &remote, to->port, on_connected);
	if (err != ERR_OK) {
		stream_close(&t->stream, true);
		return err == ERR_USE || err == ERR_BUF ? -EADDRNOTAVAIL
		                                        : lwip_core_errno(err);
	}
	note_ends(t);
	*out = &t->stream;
	return 0;
}

static err_t on_accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
	const struct lwip_listener *l = arg;
	struct lwip_stream *t;

	if (!pcb)
		return err;
	t = stream_new(l->stack, pcb);
	if (!t) {
		tcp_abort(pcb);
		return ERR_ABRT;
	}
	note_ends(t);
	begin_window(t);
	t->fresh = l;
	note(t);
	return ERR_OK;
}

static int listen_at(const ip_addr_t *at, uint16_t port, struct tcp_pcb **out)
{
	struct tcp_pcb *pcb = tcp_new_ip_type(IP_GET_TYPE(at));
	err_t err = pcb ? tcp_bind(pcb, at, port) : ERR_MEM;

	*out = err == ERR_OK ? tcp_listen_with_backlog(pcb, BACKLOG) : NULL;
	if (*out)
		return 0;
	if (pcb)
		tcp_abort(pcb);
	return err == ERR_USE ? -EADDRINUSE : -ENOBUFS;
}

int lwip_stream_listen(struct lwip_stack *s, const struct endpoint *at,
                       void (*accepted)(void *context, struct stream *stream,
                                        uint64_t now_ns),
                       void *context)
{
	struct lwip_listener *l;
	ip_addr_t where = { .type = IPADDR_TYPE_ANY }; /* of both families */
	struct tcp_pcb *pcb;
	int err;

	if (at->addr.family != IP_NONE)
		lwip_core_to_lwip(&where, &at->addr);
	err = listen_at(&where, at->port, &pcb);
	if (err)
		return err;
	l = malloc(sizeof(*l));
	if (!l) {
		(void)tcp_close(pcb);
		return -ENOMEM;
	}
	*l = (struct lwip_listener){ s->listeners, s, pcb, accepted, context };
	s->listeners = l;
	tcp_arg(pcb, l);
	tcp_accept(pcb, on_accepted);
	return 0;
}

void lwip_stream_listen_no_more(struct lwip_stack *s)
{
	struct lwip_listener *l;

	while ((l = s->listeners)) {
		s->listeners = l->next;
		(void)tcp_close(l->pcb); /* of one that listens, this can't fail */
		free(l);
	}
}

/* ---- ICMP */

static struct tcp_pcb *find(const struct lwip_wire_error *e)
{
	struct tcp_pcb *pcb = tcp_active_pcbs;
	ip_addr_t from, to;

	lwip_core_to_lwip(&from, &e->from);
	lwip_core_to_lwip(&to, &e->to);
	while (pcb &&
	       (pcb->local_port != e->from_port || pcb->remote_port != e->to_port ||
	        !ip_addr_cmp(&pcb->local_ip, &from) ||
	        !ip_addr_cmp(&pcb->remote_ip, &to)))
		pcb = pcb->next;
	return pcb;
}

/* RFC 5927: only somebody on the way knows which bytes are on the way. */
static bool is_on_the_way(const struct tcp_pcb *pcb, uint32_t seq)
{
	return TCP_SEQ_GEQ(seq, pcb->lastack) && TCP_SEQ_LEQ(seq, pcb->snd_nxt);
}

/* RFC 1122 4.2.3.9: only a connection that isn't established ends at once. */
void lwip_stream_error(struct lwip_stack *s, const struct lwip_wire_error *error)
{
	struct tcp_pcb *pcb = error->protocol == IP_PROTO_TCP ? find(error) : NULL;
	struct lwip_stream *t; /* of one that connects it is the argument */

	if (!pcb || !is_on_the_way(pcb, error->seq))
		return;
	if (error->err == 0) {
		lwip_core_wake(s);
		lwip_sender_fit(pcb, error->mtu_bytes);
		lwip_sender_output(pcb);
		return;
	}
	if (pcb->state != SYN_SENT || !pcb->callback_arg)
		return;
	t = pcb->callback_arg;
	forget_pcb(t);
	tcp_abort(pcb);
	t->connecting = false;
	t->err = error->err;
	note(t);
}
