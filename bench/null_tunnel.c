/* bench/null_tunnel.c - the limit for every tunnel: a tunnel that only copies
 *
 *   null_tunnel TUN LOCAL-PORT PEER-IPV4 PEER-PORT
 *
 * What the tun's TSO hands over, up to 64 KiB with its vnet header, goes to the other end
 * as one UDP_SEGMENT message, arrives there as one message by UDP_GRO, and is written to
 * its tun as it is. There is no encryption, no segmentation and no coalescing: only the
 * system calls and the kernel cost time. A message that the network has split up is
 * dropped. There is one thread. */
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

#define SEGMENT_BYTES 1440
#define BURST         16 /* reads from one side before it is the other side's turn */
#define VNET_BYTES    10

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_tun(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
		die(name);
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

int main(int argc, char **argv)
{
	struct pollfd fds[2];

	if (argc != 5) {
		fprintf(stderr,
		        "usage: null_tunnel TUN LOCAL-PORT PEER-IPV4 PEER-PORT\n");
		return 2;
	}
	fds[0] = (struct pollfd){ .fd = open_tun(argv[1]), .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = open_udp(argv[2], argv[3], argv[4]),
		                  .events = POLLIN };
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			die("poll");
		if (fds[0].revents)
			forward(fds[0].fd, fds[1].fd, false);
		if (fds[1].revents)
			forward(fds[1].fd, fds[0].fd, true);
	}
}
