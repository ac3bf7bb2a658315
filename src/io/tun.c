/* src/io/tun.c - a read goes to the first slot of the buffers. The packets that are
 * made of it are laid out behind that slot, one after the other, each with headroom
 * and tailroom. */
#include "io/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/iphdr.h"
#include "io/coalesce.h"
#include "io/segment.h"
#include "io/tun_open.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define ALIGN_BYTES 64U

/* When a batch has so many packets, nothing more is read for it. One more read of 64
 * KiB can have 48 packets, and these would not fit; a batch that ends amid a read is
 * sent in odd pieces. */
#define BATCH_ENOUGH (BATCH_MAX - 48)

struct tun {
	struct tun_link link; /* first member */
	int fd;
	bool vnet;                   /* each packet has a vnet header in front */
	bool uso;                    /* UDP may be joined */
	bool is_device;              /* a tun, and not one of a pair of sockets */
	bool joins;                  /* without vnet: see tun_join */
	uint32_t largest_bytes;      /* joins: the largest packet before it was joined */
	bool has_end;                /* 0 bytes may mean that the peer is gone */
	int write_error;             /* see tun_write_error */
	struct buffers *buffers;     /* borrowed */
	struct coalescer *coalescer; /* owned; NULL if nothing is joined */
};

/* ---- writing */

/* Anything else concerns one packet only, or ends: a tun that is down, a full socket. */
static bool is_gone(int error)
{
	return error == EBADFD || error == EPIPE || error == ECONNREFUSED ||
	       error == ECONNRESET || error == ENOTCONN;
}

static bool write_slices(struct tun *t, const struct iovec *slices, size_t n)
{
	ssize_t written;

	do {
		written = writev(t->fd, slices, (int)n);
	} while (written < 0 && errno == EINTR);
	if (written < 0 && is_gone(errno))
		t->write_error = -errno;
	return written >= 0;
}

static size_t write_vnet(struct tun *t, struct packet *const *packets, size_t n)
{
	struct iovec slices[COALESCE_SLICES + 1];
	struct coalescer *c = t->coalescer;
	size_t written = 0;

	if (n > BATCH_MAX)
		n = BATCH_MAX;
	coalesce(c, packets, n, t->uso);
	for (size_t g = 0; g < c->group_count; g++)
		if (write_slices(t, slices, coalesce_slices(c, g, slices)))
			written += c->groups[g].count;
	return written;
}

static size_t write_joined(struct tun *t, struct packet *const *packets, size_t n)
{
	struct iovec slices[COALESCE_SLICES + 1];
	struct coalescer *c = t->coalescer;
	size_t written = 0;

	if (n > BATCH_MAX)
		n = BATCH_MAX;
	coalesce(c, packets, n, false);
	for (size_t g = 0; g < c->group_count; g++) {
		uint32_t first_bytes = packets[c->groups[g].first]->len_bytes;

		if (first_bytes > t->largest_bytes)
			t->largest_bytes = first_bytes;
		if (write_slices(t, slices, coalesce_slices_whole(c, g, slices)))
			written += c->groups[g].count;
	}
	return written;
}

static size_t tun_write(struct tun_link *link, struct packet *const *packets, size_t n)
{
	struct tun *t = CONTAINER_OF(link, struct tun, link);
	size_t written = 0;

	if (t->vnet)
		return write_vnet(t, packets, n);
	if (t->joins)
		return write_joined(t, packets, n);
	for (size_t i = 0; i < n; i++) {
		struct iovec slice = { packets[i]->data, packets[i]->len_bytes };

		written += write_slices(t, &slice, 1);
	}
	return written;
}

/* ---- reading */

#define ICMP_UNREACHABLE     3 /* RFC 792 */
#define ICMP_NEEDS_FRAGMENTS 4
#define ICMPV6_TOO_BIG       2 /* RFC 4443 3.2 */

/* Returns the length of the packet that was too big for a link of the host, if this is an
 * ICMP error about one; otherwise 0. */
static uint32_t too_big_bytes(const uint8_t *bytes, size_t n)
{
	struct ip_view view;
	struct icmp_header icmp;
	const uint8_t *inner;

	if (!ip_view_parse(&view, bytes, n) ||
	    view.total_bytes - view.payload_at <
	            sizeof(icmp) + sizeof(struct ipv6_header))
		return 0;
	memcpy(&icmp, bytes + view.payload_at, sizeof(icmp));
	inner = bytes + view.payload_at + sizeof(icmp);
	if (view.protocol == PROTO_ICMP && icmp.type == ICMP_UNREACHABLE &&
	    icmp.code == ICMP_NEEDS_FRAGMENTS)
		return (uint32_t)inner[2] << 8 | inner[3];
	if (view.protocol == PROTO_ICMPV6 && icmp.type == ICMPV6_TOO_BIG)
		return ((uint32_t)inner[4] << 8 | inner[5]) +
		       (uint32_t)sizeof(struct ipv6_header);
	return 0;
}

static bool is_icmp(const uint8_t *bytes, size_t n)
{
	return n > 20 &&
	       (bytes[0] >> 4 == 4 ? bytes[9] == PROTO_ICMP : bytes[6] == PROTO_ICMPV6);
}

/* Does the host say that a packet was too big which only we have made so large? */
static void look_for_errors(struct tun *t, const uint8_t *bytes, size_t n)
{
	if (is_icmp(bytes, n) && too_big_bytes(bytes, n) > t->largest_bytes)
		t->joins = false;
}

/* The place of the next packet of a batch. */
struct layout {
	struct buffers *buffers;
	uint8_t *at;
	size_t n;
};

static uint8_t *place(struct layout *l, uint32_t bytes)
{
	size_t room = PACKET_HEADROOM_BYTES + bytes + PACKET_TAILROOM_BYTES;
	/* An odd number: 2048 bytes apart, all packets would share a few cache sets. */
	size_t lines = (room + ALIGN_BYTES - 1) / ALIGN_BYTES | 1;
	uint8_t *data = l->at + PACKET_HEADROOM_BYTES;

	l->buffers->packets[l->n] = (struct packet){
		.data = data,
		.len_bytes = bytes,
		.headroom_bytes = PACKET_HEADROOM_BYTES,
		.tailroom_bytes = PACKET_TAILROOM_BYTES,
	};
	l->buffers->order[l->n] = &l->buffers->packets[l->n];
	l->n++;
	l->at += lines * ALIGN_BYTES;
	return data;
}

static void layout_reset(struct layout *l)
{
	l->at = buffers_slot(l->buffers, 1);
	l->n = 0;
}

/* Reads into slot 0. Returns the bytes of the packet, 0 when there is none, or -errno. */
static ssize_t read_one(struct tun *t, struct vnet_header *header, uint8_t *data)
{
	struct iovec slices[2] = { { header, sizeof(*header) },
		                   { data, PACKET_MAX_BYTES } };
	size_t skip = t->vnet ? 0 : 1;
	ssize_t got;

	*header = (struct vnet_header){ 0 };
	do {
		got = readv(t->fd, slices + skip, (int)(2 - skip));
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (got == 0 && t->has_end)
		return -ENOTCONN;
	if (!t->vnet)
		return got;
	return got > (ssize_t)sizeof(*header) ? got - (ssize_t)sizeof(*header) : -EIO;
}

int tun_read(struct tun *t,
             void (*sink)(void *context, struct packet **packets, size_t n),
             void *context)
{
	struct layout l = { .buffers = t->buffers };
	uint8_t *data = buffers_slot(t->buffers, 0);
	struct segmenter s;
	struct vnet_header header;
	ssize_t got = 0;
	uint32_t bytes;
	bool full = false;

	layout_reset(&l);
	while (!full && (got = read_one(t, &header, data)) > 0) {
		if (t->joins)
			look_for_errors(t, data, (size_t)got);
		if (!segmenter_start(&s, &header, data, (size_t)got))
			continue;
		while ((bytes = segmenter_next_bytes(&s)) > 0) {
			segmenter_next(&s, place(&l, bytes));
			if (l.n == BATCH_MAX) {
				sink(context, t->buffers->order, l.n);
				layout_reset(&l);
				full = true; /* other sources have waited long enough */
			}
		}
		full = full || l.n >= BATCH_ENOUGH;
	}
	if (l.n > 0)
		sink(context, t->buffers->order, l.n);
	return got < 0 ? (int)got : 0;
}

/* ---- the object */

/* Offers the host to compute checksums and to segment for it: TCP on any kernel, UDP on
 * Linux 6.2 and later. */
static void offer_offloads(struct tun *t)
{
	unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;

	t->uso = ioctl(t->fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) == 0;
	if (!t->uso) /* if even this fails, there are single packets, as before */
		(void)ioctl(t->fd, TUNSETOFFLOAD, tcp);
}

/* Returns its type, or -1 if it is no socket of the Unix domain. */
static int socket_type(int fd)
{
	int domain = 0, type = -1;
	socklen_t len = sizeof(domain);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 || domain != AF_UNIX)
		return -1;
	len = sizeof(type);
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ? -1 : type;
}

static int prepare(struct tun *t)
{
	int flags = fcntl(t->fd, F_GETFL);
	struct ifreq request = { 0 };

	if (flags < 0 || fcntl(t->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	t->has_end = socket_type(t->fd) == SOCK_SEQPACKET;
	/* An fd that is no tun (one of a socket pair) has no vnet header either. */
	t->is_device = tun_flags(t->fd, &request);
	t->vnet = t->is_device && (request.ifr_flags & IFF_VNET_HDR);
	if (!t->vnet)
		return 0;
	t->coalescer = calloc(1, sizeof(*t->coalescer));
	if (!t->coalescer)
		return -ENOMEM;
	offer_offloads(t);
	return 0;
}

int tun_new(struct tun **out, int fd, struct buffers *buffers)
{
	struct tun *t = calloc(1, sizeof(*t));
	int err;

	*out = NULL;
	if (!t) {
		close(fd);
		return -ENOMEM;
	}
	*t = (struct tun){ .link.write = tun_write, .fd = fd, .buffers = buffers };
	err = prepare(t);
	if (err) {
		tun_free(t);
		return err;
	}
	*out = t;
	return 0;
}

void tun_free(struct tun *t)
{
	if (!t)
		return;
	close(t->fd);
	free(t->coalescer);
	free(t);
}

void tun_join(struct tun *t)
{
	if (t->vnet || !t->is_device || t->coalescer)
		return;
	t->coalescer = calloc(1, sizeof(*t->coalescer));
	t->joins = t->coalescer != NULL; /* it isn't needed */
}

bool tun_is_gone(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	if (fd < 0 || socket_type(fd) == SOCK_DGRAM)
		return true;
	return poll(&p, 1, 0) > 0 && p.revents != 0;
}

int tun_fd(const struct tun *t)
{
	return t->fd;
}

struct tun_link *tun_as_link(struct tun *t)
{
	return &t->link;
}

int tun_write_error(const struct tun *t)
{
	return t->write_error;
}

/* On Android an app may ask a tun for its flags, but this is not promised. */
static const char *unfit_device(int fd, int error)
{
	struct stat st;

	if (error == EBADFD)
		return "it is not attached to a tun device; expected one after TUNSETIFF, or what VpnService.Builder.establish() returns";
	if ((error == EACCES || error == EPERM) && fstat(fd, &st) == 0 &&
	    S_ISCHR(st.st_mode))
		return NULL;
	return "it is neither a tun nor one of a pair of sockets of type SOCK_SEQPACKET or SOCK_DGRAM";
}

const char *tun_unfit(int fd)
{
	int flags = fcntl(fd, F_GETFL), type;
	struct ifreq request = { 0 };

	if (flags < 0)
		return "it is not open in this process; expected a descriptor that is inherited, so one without FD_CLOEXEC";
	if ((flags & O_ACCMODE) != O_RDWR)
		return "it must be open for reading and writing";
	type = socket_type(fd);
	if (type == SOCK_SEQPACKET || type == SOCK_DGRAM)
		return NULL;
	if (type == SOCK_STREAM)
		return "a stream socket doesn't keep packets apart; expected one of type SOCK_SEQPACKET or SOCK_DGRAM";
	if (!tun_flags(fd, &request))
		return unfit_device(fd, errno);
	if (!(request.ifr_flags & IFF_TUN))
		return "it is a tap, whose packets have Ethernet headers; expected a tun (IFF_TUN)";
	if (!(request.ifr_flags & IFF_NO_PI))
		return "each of its packets has a header of 4 bytes; expected a tun with IFF_NO_PI";
	return NULL;
}
