/* bench/null_tunnel.c - the limit for every tunnel: a tunnel that only copies
 *
 *   null_tunnel [--plain] TUN LOCAL-PORT PEER-IPV4 PEER-PORT
 *
 * What the tun's TSO hands over, up to 64 KiB with its vnet header, goes to the other end
 * as one UDP_SEGMENT message, arrives there as one message by UDP_GRO, and is written to
 * its tun as it is. There is no encryption, no segmentation and no coalescing: only the
 * system calls and the kernel cost time. A message that the network has split up is
 * dropped. There is one thread.
 *
 * With --plain the tun has no vnet header, as that of a VpnService: a packet for each read
 * and write. Packets of one size that are there at the same time still are one UDP_SEGMENT
 * message. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define SEGMENT_BYTES  1440
#define BURST          16 /* reads from one side before it is the other side's turn */
#define VNET_BYTES     10
#define PLAIN_BURST    256
#define PLAIN_SEGMENTS 64 /* in one message */
#define PLAIN_BYTES    65000

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_tun(const char *name, bool plain)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	if (!plain)
		request.ifr_flags |= IFF_VNET_HDR;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
		die(name);
	if (plain)
		return fd;
	if (ioctl(fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) < 0 &&
	    ioctl(fd, TUNSETOFFLOAD, tcp) < 0)
		die("TUNSETOFFLOAD");
	return fd;
}

static int open_udp(const char *port, const char *peer, const char *peer_port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		                  .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int segment = SEGMENT_BYTES, on = 1, buffer = 4 << 20;

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		die("bind");
	sa.sin_port = htons((uint16_t)atoi(peer_port));
	if (inet_pton(AF_INET, peer, &sa.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		die(peer);
	if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)) < 0 ||
	    setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)) < 0)
		die("UDP_SEGMENT, UDP_GRO");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer));
	return fd;
}

/* Is the length in the IP header behind the vnet header the length that has arrived? */
static bool whole(const uint8_t *message, size_t n)
{
	const uint8_t *ip = message + VNET_BYTES;
	size_t left = n - VNET_BYTES;

	if (n < VNET_BYTES + 20)
		return false;
	if (ip[0] >> 4 == 4)
		return left == (size_t)(ip[2] << 8 | ip[3]);
	return left == (size_t)(ip[4] << 8 | ip[5]) + 40;
}

static bool interrupted(ssize_t n)
{
	return n < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED &&
	       errno != EMSGSIZE && errno != EINVAL && errno != EIO;
}

static void forward(int from, int to, bool check)
{
	static uint8_t message[VNET_BYTES + 65536];

	for (int i = 0; i < BURST; i++) {
		ssize_t n = read(from, message, sizeof(message));

		if (interrupted(n))
			die("read");
		if (n <= 0)
			return;
		if (!check || whole(message, (size_t)n))
			n = write(to, message, (size_t)n);
		if (interrupted(n))
			die("write");
	}
}

/* ---- --plain */

/* Room for one control message with the size of the segments. */
union control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(sizeof(int))];
};

static void send_segments(int udp, uint8_t *bytes, size_t n, uint16_t segment_bytes)
{
	union control control = { 0 };
	struct iovec slice = { bytes, n };
	struct msghdr message = { .msg_iov = &slice, .msg_iovlen = 1 };
	struct cmsghdr *c = &control.align;

	if (n > segment_bytes) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(segment_bytes));
		*c = (struct cmsghdr){ .cmsg_level = IPPROTO_UDP,
			               .cmsg_type = UDP_SEGMENT,
			               .cmsg_len = CMSG_LEN(sizeof(segment_bytes)) };
		memcpy(CMSG_DATA(c), &segment_bytes, sizeof(segment_bytes));
	}
	if (n > 0 && interrupted(sendmsg(udp, &message, 0)))
		die("sendmsg");
}

/* The last segment of a message may be shorter than the others, none may be longer. */
static void send_what_is_there(int tun, int udp)
{
	static uint8_t bytes[PLAIN_BYTES + 65536];
	size_t used = 0, segment = 0, count = 0;

	for (int i = 0; i < PLAIN_BURST; i++) {
		ssize_t got = read(tun, bytes + used, 65536);
		size_t n = got > 0 ? (size_t)got : 0;

		if (interrupted(got))
			die("read");
		if (n == 0)
			break;
		if (count > 0 && (n > segment || used + n > PLAIN_BYTES)) {
			send_segments(udp, bytes, used, (uint16_t)segment);
			memmove(bytes, bytes + used, n);
			used = count = 0;
		}
		if (count++ == 0)
			segment = n;
		used += n;
		if (n < segment || count == PLAIN_SEGMENTS) {
			send_segments(udp, bytes, used, (uint16_t)segment);
			used = count = 0;
		}
	}
	send_segments(udp, bytes, used, (uint16_t)segment);
}

/* Returns the bytes of the message, and of each segment. */
static ssize_t receive(int udp, uint8_t *bytes, size_t size, size_t *segment_bytes)
{
	union control control;
	struct iovec slice = { bytes, size };
	struct msghdr message = { .msg_iov = &slice,
		                  .msg_iovlen = 1,
		                  .msg_control = control.bytes,
		                  .msg_controllen = sizeof(control.bytes) };
	ssize_t got = recvmsg(udp, &message, 0);
	struct cmsghdr *c = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	int segment = 0;

	if (c && c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO)
		memcpy(&segment, CMSG_DATA(c), sizeof(segment));
	*segment_bytes = segment > 0 ? (size_t)segment : (size_t)(got > 0 ? got : 0);
	return got;
}

static void write_what_is_there(int udp, int tun)
{
	static uint8_t bytes[65536];

	for (int i = 0; i < BURST; i++) {
		size_t segment, at = 0;
		ssize_t got = receive(udp, bytes, sizeof(bytes), &segment);

		if (interrupted(got))
			die("recvmsg");
		if (got <= 0)
			return;
		for (size_t n = (size_t)got; at < n; at += segment) {
			size_t left = n - at;

			if (interrupted(write(tun, bytes + at,
			                      left < segment ? left : segment)))
				die("write");
		}
	}
}

static void move(int tun, int udp, const struct pollfd *ready, bool plain)
{
	if (ready[0].revents && plain)
		send_what_is_there(tun, udp);
	else if (ready[0].revents)
		forward(tun, udp, false);
	if (ready[1].revents && plain)
		write_what_is_there(udp, tun);
	else if (ready[1].revents)
		forward(udp, tun, true);
}

int main(int argc, char **argv)
{
	bool plain = argc > 1 && strcmp(argv[1], "--plain") == 0;
	struct pollfd fds[2];

	argv += plain;
	if (argc - plain != 5) {
		fprintf(stderr,
		        "usage: null_tunnel [--plain] TUN LOCAL-PORT PEER-IPV4 PEER-PORT\n");
		return 2;
	}
	fds[0] = (struct pollfd){ .fd = open_tun(argv[1], plain), .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = open_udp(argv[2], argv[3], argv[4]),
		                  .events = POLLIN };
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			die("poll");
		move(fds[0].fd, fds[1].fd, fds, plain);
	}
}
