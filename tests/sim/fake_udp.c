/* tests/sim/fake_udp.c */
#include "fake_udp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/udp.h"

#define FIRST_DRAWN 50000

struct fake_udp fake_udp;

static int open_one(int family, uint16_t port)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int n = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1,
	                 "tunion-sim-%d-%d-%u", fake_udp.owner, family, (unsigned)port);
	socklen_t size = (socklen_t)(sizeof(sa_family_t) + 1 + (size_t)n);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&name, size) < 0) {
		int err = errno;

		close(fd);
		return -err;
	}
	return fd < 0 ? -errno : fd;
}

static bool fails(void)
{
	if (fake_udp.failures == 0)
		return false;
	fake_udp.failures--;
	return true;
}

int udp_open(int fds[static UDP_FAMILIES], struct endpoint *at, uint32_t mark)
{
	uint16_t wanted = at->port;

	(void)mark;
	fds[UDP_IPV4] = fds[UDP_IPV6] = -1;
	if (fails())
		return -EMFILE;
	if (!wanted)
		wanted = fake_udp.last_drawn =
			(uint16_t)(fake_udp.last_drawn ? fake_udp.last_drawn + 1
		                                       : FIRST_DRAWN);
	for (int f = 0; f < UDP_FAMILIES; f++) {
		int fd = open_one(f, wanted);

		if (fd < 0 && f > 0)
			close(fds[0]);
		if (fd < 0) {
			fds[UDP_IPV4] = fds[UDP_IPV6] = -1;
			return fd;
		}
		fds[f] = fd;
	}
	at->port = wanted;
	return 0;
}

/* No file of the simulation has an address to listen on. */
int udp_open_beside(int fds[static UDP_FAMILIES], struct endpoint *at, uint32_t mark,
                    const int others[static UDP_FAMILIES])
{
	(void)others;
	return udp_open(fds, at, mark);
}

int udp_set_mark(const int fds[static UDP_FAMILIES], uint32_t mark)
{
	(void)fds;
	(void)mark;
	return fails() ? -EPERM : 0;
}
