/* bench/slow_link.c - a network that takes its time, where the kernel has no netem
 *
 *   slow_link TUN DELAY_MICROSECONDS LOST_PER_MILLION
 *
 * Makes the interface TUN. Each packet that the host sends into it comes out of it again
 * after the delay, unless it is one of those that get lost, which are drawn by a generator
 * that begins with the same number each time. Both directions of a path go through it, so a
 * round trip takes twice the delay. Packets keep their order, and have no other limit than a
 * queue of QUEUE_MAX packets and QUEUE_BYTES; what finds it full is lost. Prints "ready".
 *
 * Where nothing is to be lost, datagrams that were sent as one (UDP_SEGMENT) pass as one, if
 * the kernel can do that: otherwise the work for each of them is most of what is measured. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define QUEUE_MAX    (1U << 15) /* 50 ms of 650,000 packets/s */
#define QUEUE_BYTES  ((size_t)64 << 20)
#define PACKET_BYTES ((size_t)65536 + 64) /* the most that is read at once */
#define TURN         64                   /* packets in, then those that are due */

struct waiting {
	uint64_t due_ns;
	size_t n, at; /* in the bytes of the queue */
};

/* The bytes of all packets are in a ring, in their order, and none goes over its end. */
struct queue {
	struct waiting *all;
	size_t first, count;
	uint8_t *bytes;
	size_t end; /* behind the last one */
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static int open_tun(const char *name, bool whole)
{
	const unsigned offloads =
		TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_USO4 | TUN_F_USO6;
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	if (fd < 0)
		die("/dev/net/tun");
	if (whole)
		request.ifr_flags |= IFF_VNET_HDR;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		die("TUNSETIFF");
	if (whole)
		(void)ioctl(fd, TUNSETOFFLOAD, offloads);
	return fd;
}

static uint64_t next_random(uint64_t *state) /* xorshift64* */
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

/* Where the next packet may be read to; NULL: the queue is full. */
static uint8_t *room(struct queue *q)
{
	size_t begin = q->all[q->first].at;

	if (q->count == QUEUE_MAX)
		return NULL;
	if (q->count == 0)
		begin = q->end = 0;
	if (q->end >= begin && QUEUE_BYTES - q->end < PACKET_BYTES)
		q->end = 0;
	if (q->count > 0 && q->end <= begin && begin - q->end < PACKET_BYTES)
		return NULL;
	return q->bytes + q->end;
}

/* Returns false if there is nothing to read. */
static bool take_in(int fd, struct queue *q, uint64_t delay_ns, bool lost)
{
	static uint8_t dropped[PACKET_BYTES];
	struct waiting *w = &q->all[(q->first + q->count) % QUEUE_MAX];
	uint8_t *to = lost ? NULL : room(q);
	ssize_t n = read(fd, to ? to : dropped, PACKET_BYTES);

	if (n <= 0)
		return false;
	if (to) {
		*w = (struct waiting){ now_ns() + delay_ns, (size_t)n, q->end };
		q->end += (size_t)n;
		q->count++;
	}
	return true;
}

static void give_out(int fd, struct queue *q)
{
	uint64_t now = now_ns();

	while (q->count > 0 && q->all[q->first].due_ns <= now) {
		const struct waiting *w = &q->all[q->first];

		(void)!write(fd, q->bytes + w->at, w->n);
		q->first = (q->first + 1) % QUEUE_MAX;
		q->count--;
	}
}

static void wait_for_work(int fd, const struct queue *q)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct timespec rest = { 0 }, *limit = NULL;
	uint64_t now = now_ns(), due = q->count ? q->all[q->first].due_ns : 0;

	if (q->count > 0) {
		limit = &rest;
		if (due > now) {
			rest.tv_sec = (time_t)((due - now) / 1000000000U);
			rest.tv_nsec = (long)((due - now) % 1000000000U);
		}
	}
	if (ppoll(&p, 1, limit, NULL) < 0 && errno != EINTR)
		die("ppoll");
}

int main(int argc, char **argv)
{
	struct queue q = { 0 };
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15), delay_ns, lost_per_million;
	int fd;

	if (argc != 4) {
		fputs("usage: slow_link TUN DELAY_MICROSECONDS LOST_PER_MILLION\n",
		      stderr);
		return 1;
	}
	q.all = calloc(QUEUE_MAX, sizeof(*q.all));
	q.bytes = malloc(QUEUE_BYTES);
	if (!q.all || !q.bytes)
		die("malloc");
	(void)prctl(PR_SET_TIMERSLACK, 1UL);
	(void)setpriority(PRIO_PROCESS, 0, -15); /* a real network needs no CPU */
	delay_ns = strtoull(argv[2], NULL, 10) * 1000;
	lost_per_million = strtoull(argv[3], NULL, 10);
	fd = open_tun(argv[1], lost_per_million == 0);
	puts("ready");
	fflush(stdout);
	for (;;) {
		bool more = true;

		for (int i = 0; i < TURN && more; i++) {
			bool lost = next_random(&state) % 1000000 < lost_per_million;

			more = take_in(fd, &q, delay_ns, lost);
		}
		give_out(fd, &q);
		if (!more)
			wait_for_work(fd, &q);
	}
}
