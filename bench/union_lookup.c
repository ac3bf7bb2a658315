/* bench/union_lookup.c - how long does a lookup in the union take? It prints the
 * median in ns, for random addresses of which half are in a prefix, on tables of
 * growing size. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "plan/union.h"
#include "plan/way.h"

#define LOOKUPS 4096
#define ROUNDS  101

static uint64_t random_u64(uint64_t *state) /* splitmix64 */
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* As on the internet, most IPv4 prefixes are /24 or near that, and most IPv6
 * prefixes /48. */
static struct ip_prefix random_prefix(uint64_t *seed, enum ip_family family)
{
	struct ip_prefix p = { .addr.family = (uint8_t)family };
	uint64_t r = random_u64(seed), kind = random_u64(seed) % 4;

	memcpy(p.addr.b, &r, family == IP_V4 ? 4 : 8);
	if (family == IP_V4) {
		p.len = (uint8_t)(kind ? 24 : 12 + random_u64(seed) % 21);
		return p;
	}
	p.addr.b[0] = 0x20;
	p.addr.b[1] = 0x01;
	p.len = (uint8_t)(kind ? 48 : 28 + random_u64(seed) % 37);
	return p;
}

static int compare(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec;
}

static double median_ns(const struct union_table *u, const struct ip_addr *addrs)
{
	static volatile uintptr_t sink;
	uint64_t took_ns[ROUNDS];

	for (size_t round = 0; round < ROUNDS; round++) {
		uintptr_t sum = 0;

		took_ns[round] = now_ns();
		for (size_t i = 0; i < LOOKUPS; i++)
			sum += (uintptr_t)union_lookup(u, &addrs[i]);
		took_ns[round] = now_ns() - took_ns[round];
		sink = sum;
	}
	(void)sink;
	qsort(took_ns, ROUNDS, sizeof(*took_ns), compare);
	return (double)took_ns[ROUNDS / 2] / LOOKUPS;
}

static int measure(size_t prefixes, enum ip_family family)
{
	struct way_device device = { .name = "bench" };
	struct way_peer peer = { .device = &device };
	struct union_table u;
	struct ip_addr addrs[LOOKUPS];
	uint64_t seed = 1;

	if (union_init(&u) != 0)
		return 1;
	while (union_count(&u) < prefixes) {
		struct ip_prefix p = random_prefix(&seed, family);

		if (union_add(&u, &p, &peer) != 0)
			return 1;
		if (random_u64(&seed) % 2)
			p = random_prefix(&seed, family);
		addrs[random_u64(&seed) % LOOKUPS] = p.addr;
		if (union_count(&u) == 1) {
			for (size_t i = 0; i < LOOKUPS; i++)
				addrs[i] = p.addr;
		}
	}
	printf("%7zu IPv%d prefixes: %6.1f ns\n", prefixes, (int)family,
	       median_ns(&u, addrs));
	union_clear(&u);
	return 0;
}

/* Runs in its own process, so that every table gets a fresh heap. */
static int measure_apart(size_t prefixes, enum ip_family family)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		exit(measure(prefixes, family));
	return child < 0 || waitpid(child, &status, 0) != child || status != 0;
}

int main(void)
{
	int failed = 0;

	for (size_t prefixes = 10; prefixes <= 100000; prefixes *= 10)
		failed |= measure_apart(prefixes, IP_V4) | measure_apart(prefixes, IP_V6);
	return failed;
}
