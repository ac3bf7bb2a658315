/* src/base/checksum.c - summed as 32-bit words in memory order: one's complement sums don't
 * care about the byte order (RFC 1071 2B), so it is put right once, at the end. */
#include "base/checksum.h"

#include <arpa/inet.h>
#include <string.h>

uint64_t checksum_add(uint64_t sum, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	uint32_t word;

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

uint64_t checksum_pseudo(const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol,
                         uint32_t len_bytes)
{
	uint32_t tail[2] = { htonl(len_bytes), htonl(protocol) };
	uint64_t sum = checksum_add(0, src->b, ip_addr_bytes(src));

	sum = checksum_add(sum, dst->b, ip_addr_bytes(dst));
	return checksum_add(sum, tail, sizeof(tail));
}

uint16_t checksum_replace(uint16_t checksum, const void *from, const void *to, size_t n)
{
	uint64_t sum = (uint16_t)~htons(checksum); /* RFC 1624 eqn. 3: HC' = ~(~HC + ~m + m') */
	uint16_t removed = fold(checksum_add(0, from, n));

	sum += (uint16_t)~removed;
	return checksum_finish(checksum_add(sum, to, n));
}
