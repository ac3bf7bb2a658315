/* src/demo/probe_ping.c - ICMP echo, RFC 792. The next request is sent when the last one
 * was answered or is overdue. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/iphdr.h"
#include "demo/probe.h"

#define OVERDUE_NS (NS_PER_SEC)
#define ECHO       8
#define ECHO_REPLY 0

struct echo {
	struct icmp_header h; /* rest: identifier, sequence number */
	uint8_t data[48];
};
_Static_assert(sizeof(struct echo) == 56, "wire size");

struct pinger {
	struct loop_source source;
	struct probe_ping *out;
	uint32_t identity; /* identifier and sequence number of the request under way */
	uint64_t sent_ns;
	bool waiting;
};

static int send_echo(struct pinger *p, uint64_t now_ns)
{
	struct echo e = { .h.type = ECHO };

	p->identity++;
	e.h.rest = be32_put(p->identity);
	e.h.checksum = be16_put(checksum_finish(checksum_add(0, &e, sizeof(e))));
	p->sent_ns = now_ns;
	p->waiting = true;
	p->out->sent++;
	if (send(p->source.fd, &e, sizeof(e), 0) < 0 && errno != ECONNREFUSED)
		return -errno;
	return 0;
}

static void answered(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct pinger *p = CONTAINER_OF(source, struct pinger, source);
	uint8_t bytes[256];
	ssize_t n = recv(source->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	struct ip_view ip;
	struct icmp_header h;

	(void)events;
	if (n < 0 || !ip_view_parse(&ip, bytes, (size_t)n) || ip.protocol != PROTO_ICMP ||
	    ip.payload_at + sizeof(h) > (size_t)n)
		return;
	memcpy(&h, bytes + ip.payload_at, sizeof(h));
	if (!p->waiting || h.type != ECHO_REPLY || be32_get(h.rest) != p->identity)
		return;
	p->waiting = false;
	p->out->answered++;
	if (p->out->best_ns == 0 || now_ns - p->sent_ns < p->out->best_ns)
		p->out->best_ns = now_ns - p->sent_ns;
}

static int open_icmp(const char *to)
{
	struct endpoint e = { 0 };
	struct sockaddr_storage sa;
	socklen_t n;
	int err, fd;

	if (!ip_addr_parse(&e.addr, to))
		return -EINVAL;
	n = endpoint_to_sockaddr(&e, &sa);
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sa, n) != 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

int probe_ping(const struct world *w, enum world_host from, const char *to,
               unsigned count, struct loop *loop, uint64_t deadline_ns, const bool *stop,
               struct probe_ping *out)
{
	struct pinger p = { .out = out, .identity = (uint32_t)getpid() << 16 };
	int err = world_enter(w, from);

	*out = (struct probe_ping){ 0 };
	if (err != 0)
		return err;
	p.source.fd = open_icmp(to);
	if (p.source.fd < 0)
		return p.source.fd;
	p.source.ready = answered;
	err = loop_add(loop, &p.source, EPOLLIN);
	while (err == 0 && !*stop && (out->sent < count || p.waiting)) {
		uint64_t now_ns = loop_now_ns();

		if (now_ns >= deadline_ns)
			break;
		if (p.waiting && now_ns - p.sent_ns >= OVERDUE_NS)
			p.waiting = false;
		else if (!p.waiting)
			err = send_echo(&p, now_ns);
		if (err == 0 && p.waiting)
			err = loop_wait(loop, p.sent_ns + OVERDUE_NS < deadline_ns
			                              ? p.sent_ns + OVERDUE_NS
			                              : deadline_ns);
	}
	loop_remove(loop, &p.source);
	close(p.source.fd);
	return err;
}
