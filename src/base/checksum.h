/* src/base/checksum.h - the Internet checksum, RFC 1071, and its incremental update, RFC 1624 */
#ifndef TUNION_BASE_CHECKSUM_H
#define TUNION_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"

/* One's complement sum of n bytes added to `sum`, not folded. Only the last piece of a sum
 * may have an odd length. Any alignment. Start with 0. */
uint64_t checksum_add(uint64_t sum, const void *bytes, size_t n);
/* Folded and complemented, as a host-order number to be stored big-endian. */
uint16_t checksum_finish(uint64_t sum);
/* The sum of a TCP/UDP/ICMPv6 pseudo header, RFC 793 and RFC 8200 8.1; same family. */
uint64_t checksum_pseudo(const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol,
                         uint32_t len_bytes);
/* RFC 1624: the new checksum after `from` (n bytes, even) was replaced by `to`; host order. */
uint16_t checksum_replace(uint16_t checksum, const void *from, const void *to, size_t n);

#endif
