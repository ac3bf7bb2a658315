/* src/io/udp.c */
#include "io/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cmsg.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define SOCKET_BUFFER_BYTES (4 << 20)
#define READ_MESSAGES       32 /* single datagrams for each recvmmsg */
#define READ_COALESCED      5  /* messages of up to 64 KiB, or 45 datagrams: one batch */
#define READ_DATAGRAMS      (READ_COALESCED * 45)
#define SEGMENTS_MAX        64 /* of one UDP_SEGMENT send, on any kernel that has it */
/* The UDP payload of one UDP_SEGMENT send. A device gets at most 64 KiB at once,
 * including its own header (14 bytes, or 22 with VLAN tags) and those of IPv6 and UDP.
 * The kernel would split up anything longer before that, and each datagram would pass its
 * stack alone. */
#define SEND_MAX_BYTES (65535 - 22 - 40 - 8)
#define PORT_TRIES     100

/* Has room for the destination address, TOS and UDP_GRO of a received message, or for the
 * source address, TOS and UDP_SEGMENT of a sent one. */
union control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)) +
	              CMSG_SPACE(sizeof(int))];
};

/* What recvmmsg fills, and what sendmmsg takes. There are two sets, because answers are
 * sent while what was read is still in use. */
struct udp_scratch {
	struct buffers *buffers; /* borrowed */
	bool offload;
	bool path_news; /* see udp_path_news */
	struct {
		struct mmsghdr messages[READ_MESSAGES];
		struct iovec iovecs[READ_MESSAGES];
		union control controls[READ_MESSAGES];
		struct sockaddr_storage names[READ_MESSAGES];
		struct endpoint senders[READ_MESSAGES];
	} in;
	struct {
		struct mmsghdr messages[BATCH_MAX];
		struct iovec iovecs[BATCH_MAX];
		union control controls[BATCH_MAX];
		size_t packets[BATCH_MAX]; /* in each message */
		struct sockaddr_storage name;
		socklen_t name_len;
	} out;
};

struct udp {
	struct udp_link link; /* first member */
	int fds[UDP_FAMILIES];
	bool segment;                /* true unless UDP_SEGMENT was refused */
	bool tos;                    /* true unless IP_TOS was refused */
	unsigned read_messages;      /* how many the next read asks for */
	struct udp_scratch *scratch; /* borrowed */
};

/* ---- opening */

static int option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static void enlarge(int fd, int force, int name)
{
	if (option(fd, SOL_SOCKET, force, SOCKET_BUFFER_BYTES) < 0)
		/* the kernel cuts it to rmem_max */
		(void)option(fd, SOL_SOCKET, name, SOCKET_BUFFER_BYTES);
}

/* IP_PMTUDISC_OMIT: there is no DF, as with the kernel's tunnel, and a smaller path MTU
 * does not make UDP_SEGMENT fail. The other options only give information; a system that
 * doesn't have one of them only loses this. */
static void tune(int fd, enum udp_family family)
{
	enlarge(fd, SO_RCVBUFFORCE, SO_RCVBUF);
	enlarge(fd, SO_SNDBUFFORCE, SO_SNDBUF);
	if (family == UDP_IPV4) {
		(void)option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
		(void)option(fd, IPPROTO_IP, IP_PKTINFO, 1);
		(void)option(fd, IPPROTO_IP, IP_RECVTOS, 1);
	} else {
		/* No router fragments IPv6. So the known path MTU must be respected: what
		 * is too big for it is fragmented here. */
		(void)option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
		(void)option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
		(void)option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
	}
}

static int bind_at(int fd, enum udp_family family, struct endpoint *at)
{
	struct endpoint here = *at;
	struct sockaddr_storage sa;
	socklen_t len;

	if (here.addr.family == IP_NONE)
		here.addr.family = family == UDP_IPV4 ? IP_V4 : IP_V6;
	len = endpoint_to_sockaddr(&here, &sa);
	if (bind(fd, (struct sockaddr *)&sa, len) < 0)
		return -errno;
	len = sizeof(sa);
	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0 ||
	    !endpoint_from_sockaddr(&here, (struct sockaddr *)&sa))
		return -errno;
	at->port = here.port;
	return 0;
}

/* What udp_open is asked for. */
struct wanted {
	struct endpoint *at;
	uint32_t mark;
	bool share; /* the port, with other sockets that also share it */
};

static int prepare_socket(int fd, enum udp_family family, const struct wanted *w)
{
	int err = 0;

	if (family == UDP_IPV6)
		err = option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (!err && w->mark)
		err = option(fd, SOL_SOCKET, SO_MARK, (int)w->mark);
	if (!err && w->share)
		err = option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!err)
		err = bind_at(fd, family, w->at);
	if (!err && w->share)
		err = option(fd, SOL_SOCKET, SO_REUSEADDR, 0);
	return err;
}

/* Returns 0 with *fd set to -1 if this family isn't wanted, or the system doesn't have
 * it. */
static int open_family(int *fd, enum udp_family family, const struct wanted *w)
{
	const enum ip_family only = w->at->addr.family;
	int err;

	if (only == (family == UDP_IPV4 ? IP_V6 : IP_V4))
		return 0;
	*fd = socket(family == UDP_IPV4 ? AF_INET : AF_INET6,
	             SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return errno == EAFNOSUPPORT ? 0 : -errno;
	err = prepare_socket(*fd, family, w);
	if (!err) {
		tune(*fd, family);
		return 0;
	}
	close(*fd);
	*fd = -1;
	/* no such address can be had where IPv6 is disabled */
	return err == -EADDRNOTAVAIL && family == UDP_IPV6 && only == IP_NONE ? 0 : err;
}

static int open_both(int fds[static UDP_FAMILIES], const struct wanted *w)
{
	int err = open_family(&fds[UDP_IPV4], UDP_IPV4, w);

	if (err)
		return err;
	err = open_family(&fds[UDP_IPV6], UDP_IPV6, w);
	if (!err && fds[UDP_IPV4] < 0 && fds[UDP_IPV6] < 0)
		err = -EAFNOSUPPORT;
	if (err && fds[UDP_IPV4] >= 0) {
		close(fds[UDP_IPV4]);
		fds[UDP_IPV4] = -1;
	}
	return err;
}

static int open_wanted(int fds[static UDP_FAMILIES], const struct wanted *w)
{
	uint16_t port = w->at->port;
	int err, tries = port ? 1 : PORT_TRIES;

	fds[UDP_IPV4] = fds[UDP_IPV6] = -1;
	do { /* a port that is free for IPv4 may be taken for IPv6 */
		w->at->port = port;
		err = open_both(fds, w);
	} while (err == -EADDRINUSE && --tries > 0);
	return err;
}

int udp_open(int fds[static UDP_FAMILIES], struct endpoint *at, uint32_t mark)
{
	const struct wanted w = { .at = at, .mark = mark };

	return open_wanted(fds, &w);
}

static int share_port(const int fds[static UDP_FAMILIES], int share)
{
	int err = 0;

	for (int f = 0; f < UDP_FAMILIES && !err; f++)
		if (fds[f] >= 0)
			err = option(fds[f], SOL_SOCKET, SO_REUSEADDR, share);
	return err;
}

int udp_open_beside(int fds[static UDP_FAMILIES], struct endpoint *at, uint32_t mark,
                    const int others[static UDP_FAMILIES])
{
	const struct wanted w = { .at = at, .mark = mark, .share = true };
	int err = share_port(others, 1);

	if (!err)
		err = open_wanted(fds, &w);
	/* nobody else may have this port, too */
	(void)!share_port(others, 0);
	return err;
}

int udp_set_mark(const int fds[static UDP_FAMILIES], uint32_t mark)
{
	int err = 0;

	for (int f = 0; f < UDP_FAMILIES && !err; f++)
		if (fds[f] >= 0)
			err = option(fds[f], SOL_SOCKET, SO_MARK, (int)mark);
	return err;
}

/* ---- sending */

static void *control_add(struct msghdr *m, int level, int type, const void *value,
                         size_t n)
{
	struct cmsghdr *c = (void *)((uint8_t *)m->msg_control + m->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_BYTES(n);
	memcpy(CMSG_DATA(c), value, n);
	m->msg_controllen += CMSG_SPACE_BYTES(n);
	return c;
}

/* The "sticky source" is only the address, because the route may lead through another
 * interface by now, unless it has to be the same interface (design R8). But a link-local
 * address means nothing without its interface. */
static void add_source(struct msghdr *m, const struct endpoint *to, bool link)
{
	if (to->local.family == IP_V4) {
		struct in_pktinfo info = { 0 };

		info.ipi_ifindex = link ? (int)to->ifindex : 0;
		memcpy(&info.ipi_spec_dst, to->local.b, 4);
		control_add(m, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	} else if (to->local.family == IP_V6) {
		struct in6_pktinfo info = { .ipi6_ifindex = to->scope_id || link
			                                            ? to->ifindex
			                                            : 0 };

		memcpy(&info.ipi6_addr, to->local.b, 16);
		control_add(m, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
}

static void add_tos(struct msghdr *m, const struct endpoint *to, uint8_t tos)
{
	int value = tos;

	if (tos == 0)
		return;
	if (to->addr.family == IP_V4)
		control_add(m, IPPROTO_IP, IP_TOS, &value, sizeof(value));
	else
		control_add(m, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof(value));
}

/* What is asked for beside sending. */
struct extras {
	bool segment, tos, source;
	bool link; /* as a part of the source: the interface */
};

/* How many packets from the first one on can be sent as segments of one message?
 * All must have the length of the first, but the last may be shorter; all must have
 * the same tos. */
static size_t segments(struct packet *const *packets, size_t n)
{
	uint32_t len = packets[0]->len_bytes, total = len;
	size_t i;

	for (i = 1; i < n && i < SEGMENTS_MAX; i++) {
		total += packets[i]->len_bytes;
		if (packets[i]->len_bytes > len || packets[i]->tos != packets[0]->tos ||
		    total > SEND_MAX_BYTES)
			break;
		if (packets[i]->len_bytes < len)
			return i + 1;
	}
	return i;
}

/* Makes slices of the packets of one message, and returns their number. Those that a gate
 * has opened and sealed again lie one behind the other, as they have come: they make one
 * slice, which is copied at once. */
static size_t slice(struct iovec *out, struct packet *const *packets, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		const struct packet *p = packets[i];

		if (i > 0 && packets[i - 1]->data + packets[i - 1]->len_bytes == p->data)
			out[count - 1].iov_len += p->len_bytes;
		else
			out[count++] = (struct iovec){ p->data, p->len_bytes };
	}
	return count;
}

/* Makes messages of all packets; returns the number of messages. */
static size_t fill(struct udp *u, const struct endpoint *to, const struct extras *extras,
                   struct packet *const *packets, size_t n)
{
	size_t count = 0;

	for (size_t i = 0, run; i < n; i += run, count++) {
		struct msghdr *m = &u->scratch->out.messages[count].msg_hdr;
		uint16_t size = (uint16_t)packets[i]->len_bytes;

		run = extras->segment ? segments(packets + i, n - i) : 1;
		*m = (struct msghdr){ .msg_name = &u->scratch->out.name,
			              .msg_namelen = u->scratch->out.name_len,
			              .msg_iov = &u->scratch->out.iovecs[i],
			              .msg_control =
			                      u->scratch->out.controls[count].bytes };
		m->msg_iovlen =
			(uint16_t)slice(m->msg_iov, packets + i, run); /* musl: int */
		u->scratch->out.packets[count] = run;
		if (extras->source)
			add_source(m, to, extras->link);
		if (extras->tos)
			add_tos(m, to, packets[i]->tos);
		if (run > 1)
			control_add(m, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size));
		if (m->msg_controllen == 0)
			m->msg_control = NULL;
	}
	return count;
}

static size_t packets_in(const struct udp *u, size_t messages)
{
	size_t n = 0;

	for (size_t i = 0; i < messages; i++)
		n += u->scratch->out.packets[i];
	return n;
}

/* Sends until an error occurs. Returns the number of packets sent; *err is the error, 0
 * if there was none. */
static size_t send_some(struct udp *u, const struct endpoint *to,
                        const struct extras *extras, struct packet *const *packets,
                        size_t n, int *err)
{
	int fd = u->fds[to->addr.family == IP_V4 ? UDP_IPV4 : UDP_IPV6];
	size_t count, done = 0;

	*err = 0;
	if (fd < 0) {
		*err = EAFNOSUPPORT;
		return 0;
	}
	u->scratch->out.name_len = endpoint_to_sockaddr(to, &u->scratch->out.name);
	count = fill(u, to, extras, packets, n);
	while (done < count) {
		int sent = sendmmsg(fd, u->scratch->out.messages + done,
		                    (unsigned)(count - done), 0);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0) {
			*err = errno;
			break;
		}
		done += (size_t)sent;
	}
	return packets_in(u, done);
}

static bool give_up(bool *extra)
{
	bool had = *extra;

	*extra = false;
	return had;
}

/* Can the same packets be sent if we ask for less? NICs without checksum offload refuse
 * UDP_SEGMENT with EIO; routes with a smaller MTU refuse it with EMSGSIZE or EINVAL. On
 * phones it is EIO as soon as the way is that of mobile data, sometimes also for IP_TOS.
 * If the source address went away with its interface, the error is EINVAL or
 * "unreachable"; or the route leads through another interface. ECONNREFUSED is old news
 * (the ICMP error for an earlier datagram) and is gone after it was reported. */
static bool ask_less(struct udp *u, struct extras *extras, int err)
{
	switch (err) {
	case ECONNREFUSED:
		return true;
	case EMSGSIZE:
		u->scratch->path_news = true;
		return give_up(&extras->segment) || give_up(&extras->tos);
	case EIO:
		return give_up(&extras->segment) || give_up(&extras->tos) ||
		       give_up(&extras->source);
	case EINVAL:
		return give_up(&extras->link) || give_up(&extras->source) ||
		       give_up(&extras->segment) || give_up(&extras->tos);
	case EADDRNOTAVAIL:
	case ENETUNREACH:
	case EHOSTUNREACH:
		return give_up(&extras->link) || give_up(&extras->source);
	default:
		return false;
	}
}

/* What was refused isn't asked for again before the network changes, if that has helped.
 * The source belongs to this endpoint only, so it is asked for each time. */
static void remember(struct udp *u, const struct extras *extras, bool source)
{
	u->segment = extras->segment;
	u->tos = extras->tos;
	if (source && !extras->source)
		u->scratch->path_news = true;
}

static size_t udp_send(struct udp_link *link, const struct endpoint *to,
                       struct packet *const *packets, size_t n)
{
	struct udp *u = CONTAINER_OF(link, struct udp, link);
	const bool source = to->local.family != IP_NONE;
	struct extras extras = { u->segment, u->tos, source, source && to->by_link };
	size_t sent = 0;
	int err = 0, tries = 1 + 4 + 1; /* one for each extra, one for ECONNREFUSED */

	if (n > BATCH_MAX)
		n = BATCH_MAX;
	do {
		sent += send_some(u, to, &extras, packets + sent, n - sent, &err);
	} while (err && --tries > 0 && ask_less(u, &extras, err));
	if (!err)
		remember(u, &extras, source);
	return sent;
}

/* ---- receiving */

struct received {
	struct endpoint *from;
	uint8_t tos;
	size_t segment_bytes; /* 0 if it was not coalesced */
};

static int control_int(struct cmsghdr *c)
{
	int value = 0;

	memcpy(&value, CMSG_DATA(c),
	       c->cmsg_len - CMSG_LEN(0) < sizeof(value) ? 1 : sizeof(value));
	return value;
}

static void read_control(struct msghdr *m, struct received *r)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = cmsg_next(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			r->tos = *(uint8_t *)CMSG_DATA(c);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			r->tos = (uint8_t)control_int(c);
		} else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			r->segment_bytes = (size_t)control_int(c);
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			r->from->local = ip_addr_from_bytes(IP_V4, &info.ipi_spec_dst);
			r->from->ifindex = (uint32_t)info.ipi_ifindex;
		} else if (c->cmsg_level == IPPROTO_IPV6 &&
		           c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			r->from->local = ip_addr_from_bytes(IP_V6, &info.ipi6_addr);
			r->from->ifindex = info.ipi6_ifindex;
		}
	}
}

/* A read changes a message. This makes it ready for the next read. */
static void prepare(struct udp_scratch *scratch, size_t i)
{
	scratch->in.messages[i].msg_hdr = (struct msghdr){
		.msg_name = &scratch->in.names[i],
		.msg_namelen = sizeof(scratch->in.names[i]),
		.msg_iov = &scratch->in.iovecs[i],
		.msg_iovlen = 1,
		.msg_control = scratch->in.controls[i].bytes,
		.msg_controllen = sizeof(scratch->in.controls[i].bytes),
	};
}

struct collector {
	struct buffers *buffers;
	size_t n;         /* in the batch */
	size_t datagrams; /* of all batches */
	void (*sink)(void *context, struct packet **packets, size_t n);
	void *context;
};

static void flush(struct collector *c)
{
	if (c->n > 0)
		c->sink(c->context, c->buffers->order, c->n);
	c->n = 0;
}

/* Only the last datagram of a message has tailroom. */
static void collect(struct collector *c, const struct received *r, uint8_t *data,
                    size_t bytes)
{
	size_t step = r->segment_bytes ? r->segment_bytes : bytes;
	size_t at = 0;

	/* it is better not to split one message over two batches */
	if (c->n > 0 && bytes > (BATCH_MAX - c->n) * step)
		flush(c);
	while (at < bytes) {
		size_t len = bytes - at < step ? bytes - at : step;

		c->buffers->packets[c->n] = (struct packet){
			.data = data + at,
			.len_bytes = (uint32_t)len,
			.from = r->from,
			.tos = r->tos,
		};
		c->buffers->order[c->n] = &c->buffers->packets[c->n];
		c->datagrams++;
		if (++c->n == BATCH_MAX)
			flush(c);
		at += len;
	}
}

/* Returns how many messages the next read asks for, so that they make about one batch if
 * they are like those of this read. Single datagrams may be mixed with coalesced ones: a
 * flood of them, of which many have to be read quickly, comes in between other traffic. */
static unsigned next_messages(unsigned messages, size_t datagrams)
{
	size_t n = datagrams ? READ_DATAGRAMS * messages / datagrams : READ_MESSAGES;

	if (n < READ_COALESCED)
		return READ_COALESCED;
	return n < READ_MESSAGES ? (unsigned)n : READ_MESSAGES;
}

int udp_read(struct udp *u, enum udp_family family,
             void (*sink)(void *context, struct packet **packets, size_t n),
             void *context)
{
	struct udp_scratch *scratch = u->scratch;
	struct collector c = { .buffers = scratch->buffers,
		               .sink = sink,
		               .context = context };
	int got;

	got = recvmmsg(u->fds[family], scratch->in.messages, u->read_messages, 0, NULL);
	if (got < 0)
		return errno == EBADF || errno == ENOTSOCK ? -errno : 0;
	for (int i = 0; i < got; i++) {
		struct msghdr *m = &scratch->in.messages[i].msg_hdr;
		struct received r = { .from = &scratch->in.senders[i] };

		if (!endpoint_from_sockaddr(r.from, m->msg_name) ||
		    (m->msg_flags & MSG_TRUNC))
			continue;
		read_control(m, &r);
		collect(&c, &r, m->msg_iov->iov_base, scratch->in.messages[i].msg_len);
	}
	u->read_messages = next_messages((unsigned)got, c.datagrams);
	for (int i = 0; i < got; i++)
		prepare(scratch, (size_t)i);
	flush(&c);
	return 0;
}

/* ---- the object */

int udp_scratch_new(struct udp_scratch **out, struct buffers *buffers, bool offload)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->buffers = buffers;
	(*out)->offload = offload;
	for (size_t i = 0; i < READ_MESSAGES; i++) {
		(*out)->in.iovecs[i] =
			(struct iovec){ buffers_slot(buffers, i) + PACKET_HEADROOM_BYTES,
			                PACKET_MAX_BYTES };
		prepare(*out, i);
	}
	return 0;
}

void udp_scratch_free(struct udp_scratch *scratch)
{
	free(scratch);
}

int udp_new(struct udp **out, const int fds[static UDP_FAMILIES],
            struct udp_scratch *scratch)
{
	struct udp *u = calloc(1, sizeof(*u));

	*out = u;
	if (!u) {
		for (int f = 0; f < UDP_FAMILIES; f++)
			if (fds[f] >= 0)
				close(fds[f]);
		return -ENOMEM;
	}
	u->link.send = udp_send;
	u->fds[UDP_IPV4] = fds[UDP_IPV4];
	u->fds[UDP_IPV6] = fds[UDP_IPV6];
	u->segment = scratch->offload;
	u->tos = true;
	u->read_messages = READ_MESSAGES;
	u->scratch = scratch;
	for (int f = 0; f < UDP_FAMILIES; f++)
		if (fds[f] >= 0)
			(void)option(fds[f], IPPROTO_UDP, UDP_GRO, scratch->offload);
	return 0;
}

void udp_free(struct udp *u)
{
	if (!u)
		return;
	for (int f = 0; f < UDP_FAMILIES; f++)
		if (u->fds[f] >= 0)
			close(u->fds[f]);
	free(u);
}

int udp_fd(const struct udp *u, enum udp_family family)
{
	return u->fds[family];
}

struct udp_link *udp_as_link(struct udp *u)
{
	return &u->link;
}

bool udp_path_news(struct udp_scratch *scratch)
{
	bool news = scratch->path_news;

	scratch->path_news = false;
	return news;
}

void udp_network_changed(struct udp *u)
{
	u->segment = u->scratch->offload;
	u->tos = true;
}
