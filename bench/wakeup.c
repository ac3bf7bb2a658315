/* bench/wakeup.c - what does it cost to wake up a sleeping process?
 *
 *   wakeup [TIMES, default 200]
 *
 * There are two processes with a pipe in each direction. Both rest for 10 ms, like a
 * tunnel and ping between two idle round trips. Then a byte goes to the other process and
 * comes back, which wakes up each of them once. It prints the median in microseconds,
 * with both processes pinned on one CPU and on two. No tunnel whose processes sleep while
 * idle can answer faster. */
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TIMES_MAX 10000
#define REST_NS   10000000L

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void pin(size_t cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("sched_setaffinity");
}

/* Sends back each byte, until the other end is closed. */
static _Noreturn void answer(int in, int out)
{
	char byte;

	while (read(in, &byte, 1) == 1)
		if (write(out, &byte, 1) != 1)
			_exit(1);
	_exit(0);
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double ask(int out, int in, size_t times)
{
	static double us[TIMES_MAX];
	const struct timespec rest = { .tv_nsec = REST_NS };

	for (size_t i = 0; i < times; i++) {
		double start;
		char byte = 0;

		nanosleep(&rest, NULL);
		start = now_us();
		if (write(out, &byte, 1) != 1 || read(in, &byte, 1) != 1)
			die("pipe");
		us[i] = now_us() - start;
	}
	qsort(us, times, sizeof(*us), compare);
	return us[times / 2];
}

static double round_trip(size_t asker_cpu, size_t answerer_cpu, size_t times)
{
	int there[2], back[2];
	double us;
	pid_t child;

	if (pipe2(there, O_CLOEXEC) < 0 || pipe2(back, O_CLOEXEC) < 0)
		die("pipe");
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		close(there[1]);
		close(back[0]);
		pin(answerer_cpu);
		answer(there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	pin(asker_cpu);
	us = ask(there[1], back[0], times);
	close(there[1]);
	close(back[0]);
	waitpid(child, NULL, 0);
	return us;
}

/* Finds the first two CPUs that we may use; returns how many of them there are. */
static size_t find_cpus(size_t cpus[2])
{
	cpu_set_t set;
	size_t found = 0;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		die("sched_getaffinity");
	for (size_t cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[found++] = cpu;
	return found;
}

int main(int argc, char **argv)
{
	unsigned long times = argc > 1 ? strtoul(argv[1], NULL, 10) : 200;
	size_t cpus[2], n = find_cpus(cpus);

	if (times == 0 || times > TIMES_MAX) {
		fprintf(stderr, "usage: wakeup [TIMES, at most %d]\n", TIMES_MAX);
		return 2;
	}
	printf("one CPU: %.1f us\n", round_trip(cpus[0], cpus[0], times));
	fflush(stdout); /* so that the next child does not print this again */
	if (n == 2)
		printf("two CPUs: %.1f us\n", round_trip(cpus[0], cpus[1], times));
	return 0;
}
