/* bench/slow_link.c - a network that takes its time, where the kernel has no netem
 *
 *   slow_link TUN DELAY_MICROSECONDS LOST_PER_MILLION
 *
 * Makes the interface TUN. Each packet that the host sends into it comes out of it again
 * after the delay, unless it is one of those that get lost, which are drawn by a generator
 * that begins with the same number each time. Both directions of a path go through it, so a
 * round trip takes twice the delay. Packets keep their order, and have no other limit than a
 * queue of QUEUE_MAX; what finds it full is lost. Prints "ready". */
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

#define QUEUE_MAX    (1U << 15) /* 50 ms of 650,000 packets/s */
#define PACKET_BYTES 2048
#define TURN         64 /* packets in, then those that are due */

struct waiting {
	uint64_t due_ns;
	size_t n;
	uint8_t bytes[PACKET_BYTES];
};

struct queue {
	struct waiting *all;
	size_t first, count;
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

static int open_tun(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	if (fd < 0)
		die("/dev/net/tun");
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		die("TUNSETIFF");
	return fd;
}

static uint64_t next_random(uint64_t *state) /* xorshift64* */
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

/* Returns false if there is nothing to read. */
static bool take_in(int fd, struct queue *q, uint64_t delay_ns, bool lost)
{
	static uint8_t dropped[PACKET_BYTES];
	struct waiting *w = &q->all[(q->first + q->count) % QUEUE_MAX];
	bool full = q->count == QUEUE_MAX;
	ssize_t n = read(fd, full || lost ? dropped : w->bytes, PACKET_BYTES);

	if (n <= 0)
		return false;
	if (!full && !lost) {
		w->n = (size_t)n;
		w->due_ns = now_ns() + delay_ns;
		q->count++;
	}
	return true;
}

static void give_out(int fd, struct queue *q)
{
	uint64_t now = now_ns();

	while (q->count > 0 && q->all[q->first].due_ns <= now) {
		const struct waiting *w = &q->all[q->first];

		(void)!write(fd, w->bytes, w->n);
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
	if (!q.all)
		die("calloc");
	(void)prctl(PR_SET_TIMERSLACK, 1UL);
	(void)setpriority(PRIO_PROCESS, 0, -15); /* a real network needs no CPU */
	delay_ns = strtoull(argv[2], NULL, 10) * 1000;
	lost_per_million = strtoull(argv[3], NULL, 10);
	fd = open_tun(argv[1]);
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
