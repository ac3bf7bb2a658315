/* bench/small_packets.c - how many small packets arrive?
 *
 *   small_packets PORT
 *      receives, until it is killed
 *   small_packets IPV4 PORT RATE MILLISECONDS
 *      sends RATE packets/s of 64 bytes, in groups of a millisecond, and prints
 *      SENT RECEIVED
 *
 * The last packets ask for the count. There are several of them, because they may be lost
 * too. The receiver counts each run separately, so that late packets of one run are not
 * counted in the next. Its buffer is large, so that packets are only lost on the way, and
 * not because the machine let the receiver wait. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PACKET_BYTES 64
#define GROUP_MAX    1024
#define BUFFER_BYTES (64 << 20)

struct message {
	uint32_t run;   /* drawn by the sender */
	uint32_t asks;  /* 1: asks for an answer with the count */
	uint64_t count; /* of received packets, in an answer */
	uint8_t rest[PACKET_BYTES - 16];
};
_Static_assert(sizeof(struct message) == PACKET_BYTES, "size");

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_socket(uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), bytes = BUFFER_BYTES;

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		die("bind");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	return fd;
}

/* ---- receiving */

static _Noreturn void receive(uint16_t port)
{
	static struct message messages[GROUP_MAX];
	static struct mmsghdr headers[GROUP_MAX];
	static struct iovec iovecs[GROUP_MAX];
	static struct sockaddr_in from[GROUP_MAX];
	int fd = open_socket(port);
	uint32_t run = 0;
	uint64_t count = 0;

	for (;;) {
		int got;

		for (int i = 0; i < GROUP_MAX; i++) {
			iovecs[i] = (struct iovec){ &messages[i], sizeof(messages[i]) };
			headers[i].msg_hdr = (struct msghdr){
				.msg_name = &from[i],
				.msg_namelen = sizeof(from[i]),
				.msg_iov = &iovecs[i],
				.msg_iovlen = 1,
			};
		}
		got = recvmmsg(fd, headers, GROUP_MAX, MSG_WAITFORONE, NULL);
		for (int i = 0; i < got; i++) {
			struct message *m = &messages[i];

			if (m->run != run) {
				run = m->run;
				count = 0;
			}
			count += m->asks == 0;
			m->count = count;
			if (m->asks)
				(void)!sendto(fd, m, sizeof(*m), 0,
				              (struct sockaddr *)&from[i],
				              sizeof(from[i]));
		}
	}
}

/* ---- sending */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static size_t send_group(int fd, struct message *m, size_t n)
{
	static struct mmsghdr headers[GROUP_MAX];
	struct iovec iovec = { m, sizeof(*m) };
	int sent;

	for (size_t i = 0; i < n; i++)
		headers[i].msg_hdr =
			(struct msghdr){ .msg_iov = &iovec, .msg_iovlen = 1 };
	sent = sendmmsg(fd, headers, (unsigned)n, 0);
	return sent < 0 ? 0 : (size_t)sent;
}

/* Waits and asks for up to some seconds; returns the count, 0 if there was no answer. */
static uint64_t ask(int fd, struct message m)
{
	struct timeval second = { .tv_sec = 1 };
	struct message answer;

	m.asks = 1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	for (int tries = 0; tries < 5; tries++) {
		usleep(50000);
		if (send(fd, &m, sizeof(m), 0) > 0 &&
		    recv(fd, &answer, sizeof(answer), 0) == sizeof(answer) &&
		    answer.run == m.run)
			return answer.count;
	}
	return 0;
}

static int transmit(const char *address, uint16_t port, uint64_t rate, uint64_t ms)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct message m = { .run = (uint32_t)now_ns() | 1 };
	int fd = open_socket(0);
	uint64_t start, sent = 0, due, total = rate * ms / 1000;

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die(address);
	start = now_ns();
	while (sent < total) {
		due = (now_ns() - start) * rate / 1000000000U;
		if (due > total)
			due = total;
		if (due - sent > GROUP_MAX)
			due = sent + GROUP_MAX;
		sent += due > sent ? send_group(fd, &m, (size_t)(due - sent)) : 0;
		if (now_ns() - start > 2 * ms * 1000000U)
			break; /* the machine can't send so many */
		usleep(1000);
	}
	printf("%llu %llu\n", (unsigned long long)sent, (unsigned long long)ask(fd, m));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2)
		receive((uint16_t)atoi(argv[1]));
	if (argc == 5)
		return transmit(argv[1], (uint16_t)atoi(argv[2]),
		                strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
	fprintf(stderr, "usage: small_packets PORT | IPV4 PORT RATE MILLISECONDS\n");
	return 2;
}
