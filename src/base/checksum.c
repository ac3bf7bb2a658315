/* src/base/checksum.c - sums 32-bit words as they lie in memory. A one's complement
 * sum does not depend on the byte order (RFC 1071 2B), so the order is corrected
 * once, at the end. */
#include "base/checksum.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/attr.h"

#define WIDE_BYTES 32U

/* Each lane holds two 32-bit words; the compiler chooses the vector instructions. */
typedef uint64_t wide __attribute__((vector_size(WIDE_BYTES)));

/* Adds whole blocks of WIDE_BYTES. A lane has room for the sum of 2^32 words. */
static ALWAYS_INLINE uint64_t add_blocks(const uint8_t *at, size_t blocks)
{
	wide even = { 0 }, odd = { 0 }, block;

	for (; blocks > 0; blocks--, at += WIDE_BYTES) {
		memcpy(&block, at, sizeof(block));
		even += block & UINT32_MAX;
		odd += block >> 32;
	}
	even += odd;
	return even[0] + even[1] + even[2] + even[3];
}

static uint64_t add_any(const uint8_t *at, size_t blocks)
{
	return add_blocks(at, blocks);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static uint64_t add_avx2(const uint8_t *at, size_t blocks)
{
	return add_blocks(at, blocks);
}

static uint64_t add_long(const uint8_t *at, size_t blocks)
{
	return __builtin_cpu_supports("avx2") ? add_avx2(at, blocks)
	                                      : add_any(at, blocks);
}
#else
static uint64_t add_long(const uint8_t *at, size_t blocks)
{
	return add_any(at, blocks);
}
#endif

uint64_t checksum_add(uint64_t sum, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	uint32_t word;

	if (n >= 2 * WIDE_BYTES) { /* vectors don't pay for a short header */
		size_t blocks = n / WIDE_BYTES;

		sum += add_long(at, blocks);
		at += blocks * WIDE_BYTES;
		n %= WIDE_BYTES;
	}
	for (; n >= 4; n -= 4, at += 4) {
		memcpy(&word, at, 4);
		sum += word;
	}
	word = 0;
	memcpy(&word, at, n);
	return sum + word;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint16_t checksum_finish(uint64_t sum)
{
	return (uint16_t)~ntohs(fold(sum));
}

uint64_t checksum_pseudo(const struct ip_addr *src, const struct ip_addr *dst,
                         uint8_t protocol, uint32_t len_bytes)
{
	uint32_t tail[2] = { htonl(len_bytes), htonl(protocol) };
	uint64_t sum = checksum_add(0, src->b, ip_addr_bytes(src));

	sum = checksum_add(sum, dst->b, ip_addr_bytes(dst));
	return checksum_add(sum, tail, sizeof(tail));
}

uint16_t checksum_replace(uint16_t checksum, const void *from, const void *to, size_t n)
{
	/* RFC 1624 eqn. 3: HC' = ~(~HC + ~m + m') */
	uint64_t sum = (uint16_t)~htons(checksum);
	uint16_t removed = fold(checksum_add(0, from, n));

	sum += (uint16_t)~removed;
	return checksum_finish(checksum_add(sum, to, n));
}
