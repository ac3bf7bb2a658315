/* bench/socks_load.c - what does a proxy carry, and how fast?
 *
 *   socks_load serve IPV4 PORT
 *      the far end, until it is killed
 *   socks_load PROXY_PORT IPV4 PORT down|up|rate|first|hold COUNT MILLISECONDS
 *      connects to the far end at IPV4:PORT through a SOCKS5 proxy at 127.0.0.1:PROXY_PORT;
 *      IPV4 "-": the proxy forwards this one port, and nothing has to be asked for
 *
 * The first byte of a connection tells the far end what is wanted. Printed are, for
 *   down, up: BYTES SECONDS of COUNT streams together; only what has arrived counts, and
 *      `up` ends when the far end has confirmed all that was sent
 *   rate: CONNECTIONS SECONDS of COUNT threads that connect, send a byte, and read one
 *   first: MICROSECONDS from connect() to the first byte of the answer, the median of COUNT
 *   hold: "ready" when COUNT connections are open and have carried a byte; they stay open
 *      until it is killed */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_BYTES  ((size_t)256 << 10)
#define EVENTS       64
#define WAIT_SECONDS 20 /* for whatever must come */
#define STEP_MS      100
#define THREADS_MAX  1024
#define FILES_MAX    65536
#define LAST         1 /* all other bytes are 0; not every proxy can half-close */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct sockaddr_in address(const char *ipv4, const char *port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		                  .sin_port = htons((uint16_t)atoi(port)) };

	if (inet_pton(AF_INET, ipv4, &sa.sin_addr) != 1)
		die(ipv4);
	return sa;
}

static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* ---- the far end */

struct served {
	int fd;
	char wanted; /* 0: not known yet */
	uint64_t bytes;
};

static void watch(int epoll, struct served *c, int how, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = c };

	if (epoll_ctl(epoll, how, c->fd, &event) < 0)
		die("epoll_ctl");
}

/* `all` has a place for each file descriptor. */
static void take_connections(int epoll, int listener, struct served *all)
{
	int fd, one = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (fd >= FILES_MAX)
			die("too many connections");
		all[fd] = (struct served){ .fd = fd };
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		watch(epoll, &all[fd], EPOLL_CTL_ADD, EPOLLIN);
	}
}

/* Returns false when the connection has ended. */
static bool begin(int epoll, struct served *c)
{
	if (read(c->fd, &c->wanted, 1) != 1)
		return false;
	if (c->wanted == 'd')
		watch(epoll, c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
	else if (c->wanted != 'u' && write(c->fd, &c->wanted, 1) != 1)
		return false;
	return c->wanted != 'e';
}

static bool receive(struct served *c, uint8_t *block)
{
	ssize_t n = read(c->fd, block, BLOCK_BYTES);

	if (n > 0)
		c->bytes += (uint64_t)n;
	if (n > 0 && block[n - 1] == LAST)
		(void)!write(c->fd, &c->bytes, sizeof(c->bytes));
	if (n > 0)
		block[n - 1] = 0;
	return n > 0 || (n < 0 && errno == EAGAIN);
}

static bool serve_one(int epoll, struct served *c, uint32_t events, uint8_t *block)
{
	if (!c->wanted)
		return begin(epoll, c);
	if ((events & ~(uint32_t)EPOLLOUT) && !receive(c, block))
		return false;
	if (events & EPOLLOUT)
		return send(c->fd, block, BLOCK_BYTES, MSG_NOSIGNAL) > 0 ||
		       errno == EAGAIN;
	return true;
}

static _Noreturn void serve(const struct sockaddr_in *at)
{
	static struct served all[FILES_MAX];
	static uint8_t block[BLOCK_BYTES];
	struct epoll_event events[EVENTS];
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
	int epoll = epoll_create1(0);
	struct served self = { .fd = listener };

	(void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (const struct sockaddr *)at, sizeof(*at)) < 0 ||
	    listen(listener, 4096) < 0)
		die("listen");
	watch(epoll, &self, EPOLL_CTL_ADD, EPOLLIN);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct served *c = events[i].data.ptr;

			if (c == &self) {
				take_connections(epoll, listener, all);
			} else if (!serve_one(epoll, c, events[i].events, block)) {
				close(c->fd);
			}
		}
	}
}

/* ---- one connection */

struct job {
	struct sockaddr_in proxy, to;
	bool asks; /* in SOCKS5; otherwise the proxy forwards one port */
	char wanted;
	double seconds;
	pthread_barrier_t *begin; /* NULL: nobody waits for others */
	/* what came out */
	uint64_t count;
	double took;
};

static void read_all(int fd, void *out, size_t n)
{
	ssize_t got = recv(fd, out, n, MSG_WAITALL);

	if (got != (ssize_t)n) {
		if (got >= 0)
			errno = ECONNRESET;
		die("the connection ended too soon");
	}
}

static void set_timeouts(int fd, long ms)
{
	struct timeval t = { ms / 1000, ms % 1000 * 1000 };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

/* An answer has 10 bytes, as ours is an IPv4 address. */
static void ask(int fd, const struct sockaddr_in *to)
{
	uint8_t hello[3] = { 5, 1, 0 }, request[10] = { 5, 1, 0, 1 }, answer[10];

	memcpy(request + 4, &to->sin_addr, 4);
	memcpy(request + 8, &to->sin_port, 2);
	if (send(fd, hello, sizeof(hello), MSG_NOSIGNAL) != sizeof(hello))
		die("send");
	read_all(fd, answer, 2);
	if (answer[0] != 5 || answer[1] != 0) {
		errno = EPROTO;
		die("the proxy wants a password");
	}
	if (send(fd, request, sizeof(request), MSG_NOSIGNAL) != sizeof(request))
		die("send");
	read_all(fd, answer, sizeof(answer));
	if (answer[1] != 0 || answer[3] != 1) {
		errno = EPROTO;
		die("the proxy refuses");
	}
}

static int open_connection(const struct job *job)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (fd < 0)
		die("socket");
	set_timeouts(fd, WAIT_SECONDS * 1000);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (const struct sockaddr *)&job->proxy, sizeof(job->proxy)) < 0)
		die("connect");
	if (job->asks)
		ask(fd, &job->to);
	return fd;
}

static void want(int fd, char wanted)
{
	if (send(fd, &wanted, 1, MSG_NOSIGNAL) != 1)
		die("send");
}

/* ---- what a thread does */

static void run_down(struct job *job, int fd, uint8_t *block)
{
	double began, end;

	want(fd, 'd');
	set_timeouts(fd, STEP_MS);
	began = now();
	end = began + job->seconds;
	while (now() < end) {
		ssize_t n = recv(fd, block, BLOCK_BYTES, 0);

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			die("down");
		if (n > 0)
			job->count += (uint64_t)n;
	}
	job->took = now() - began;
}

static void run_up(struct job *job, int fd, const uint8_t *block)
{
	const char last = LAST;
	double began, end;

	want(fd, 'u');
	set_timeouts(fd, STEP_MS);
	began = now();
	end = began + job->seconds;
	while (now() < end) {
		ssize_t n = send(fd, block, BLOCK_BYTES, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			die("up");
	}
	set_timeouts(fd, WAIT_SECONDS * 1000);
	if (send(fd, &last, 1, MSG_NOSIGNAL) != 1)
		die("send");
	read_all(fd, &job->count, sizeof(job->count));
	job->took = now() - began;
}

static void run_rate(struct job *job)
{
	double began = now(), end = began + job->seconds;
	char answer;

	for (; now() < end; job->count++) {
		int fd = open_connection(job);

		want(fd, 'e');
		read_all(fd, &answer, 1);
		close(fd);
	}
	job->took = now() - began;
}

static void *run(void *arg)
{
	struct job *job = arg;
	uint8_t *block = calloc(1, BLOCK_BYTES);
	int fd;

	if (!block)
		die("calloc");
	if (job->wanted == 'r') {
		(void)pthread_barrier_wait(job->begin);
		run_rate(job);
	} else {
		fd = open_connection(job);
		(void)pthread_barrier_wait(job->begin);
		if (job->wanted == 'd')
			run_down(job, fd, block);
		else
			run_up(job, fd, block);
		close(fd);
	}
	free(block);
	return NULL;
}

/* ---- the whole */

static void run_threads(const struct job *job, size_t count)
{
	static struct job jobs[THREADS_MAX];
	static pthread_t threads[THREADS_MAX];
	pthread_barrier_t barrier;
	uint64_t all = 0;
	double took = 0;

	if (count > THREADS_MAX || pthread_barrier_init(&barrier, NULL, (unsigned)count))
		die("threads");
	for (size_t i = 0; i < count; i++) {
		jobs[i] = *job;
		jobs[i].begin = &barrier;
		if (pthread_create(&threads[i], NULL, run, &jobs[i]))
			die("pthread_create");
	}
	for (size_t i = 0; i < count; i++) {
		pthread_join(threads[i], NULL);
		all += jobs[i].count;
		if (jobs[i].took > took)
			took = jobs[i].took;
	}
	printf("%llu %.6f\n", (unsigned long long)all, took);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void run_first(const struct job *job, size_t count)
{
	double *took = calloc(count, sizeof(*took));
	char answer;

	if (!took)
		die("calloc");
	for (size_t i = 0; i < count; i++) {
		double began = now();
		int fd = open_connection(job);

		want(fd, 'e');
		read_all(fd, &answer, 1);
		took[i] = now() - began;
		close(fd);
	}
	qsort(took, count, sizeof(*took), compare);
	printf("%.1f\n", 1e6 * took[count / 2]);
	free(took);
}

static _Noreturn void run_hold(const struct job *job, size_t count)
{
	char answer;

	for (size_t i = 0; i < count; i++) {
		int fd = open_connection(job);

		want(fd, 'h');
		read_all(fd, &answer, 1);
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	struct job job = { 0 };
	struct sockaddr_in at;
	size_t count;

	signal(SIGPIPE, SIG_IGN);
	allow_many_files();
	if (argc == 4 && strcmp(argv[1], "serve") == 0) {
		at = address(argv[2], argv[3]);
		serve(&at);
	}
	if (argc != 7 || atoi(argv[5]) < 1) {
		fputs("usage: socks_load serve IPV4 PORT\n"
		      "       socks_load PROXY_PORT IPV4|- PORT down|up|rate|first|hold COUNT MILLISECONDS\n",
		      stderr);
		return 1;
	}
	job.asks = strcmp(argv[2], "-") != 0;
	job.proxy = address("127.0.0.1", argv[1]);
	job.to = address(job.asks ? argv[2] : "127.0.0.1", argv[3]);
	job.wanted = argv[4][0];
	job.seconds = atof(argv[6]) / 1000;
	count = (size_t)atoi(argv[5]);
	if (job.wanted == 'f')
		run_first(&job, count);
	else if (job.wanted == 'h')
		run_hold(&job, count);
	else
		run_threads(&job, count);
	return 0;
}
