/* src/base/checksum.h - the Internet checksum, RFC 1071, and its incremental
 * update, RFC 1624 */
#ifndef TUNION_BASE_CHECKSUM_H
#define TUNION_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"

/* Returns `sum` plus the one's complement sum of n bytes, not folded. The first call
 * starts with a sum of 0. Only the last piece of a sum may have an odd length. The bytes
 * may have any alignment. */
uint64_t checksum_add(uint64_t sum, const void *bytes, size_t n);
/* Folds and complements the sum: a number in host order, to be stored big-endian. */
uint16_t checksum_finish(uint64_t sum);
/* The sum of the pseudo header of TCP, UDP or ICMPv6, RFC 793 and RFC 8200 8.1. Both
 * addresses have the same family. */
uint64_t checksum_pseudo(const struct ip_addr *src, const struct ip_addr *dst,
                         uint8_t protocol, uint32_t len_bytes);
/* RFC 1624: the new checksum after the n bytes `from` were replaced by the n bytes `to`.
 * n is even. The checksums are numbers in host order. */
uint16_t checksum_replace(uint16_t checksum, const void *from, const void *to, size_t n);

#endif
