/* tests/fuzz/wrap.h - makes valid IP packets of a payload: datagrams, and fragments of
 * them */
#ifndef TUNION_FUZZ_WRAP_H
#define TUNION_FUZZ_WRAP_H

#include "base/ip.h"
#include "script.h"

/* b contains the payload of the protocol; an IP header is put in front of it. */
void wrap_ip(struct buffer *b, const struct ip_addr *src, const struct ip_addr *dst,
             uint8_t protocol);
/* b contains the payload; IP and UDP headers are put in front of it. */
void wrap_udp(struct buffer *b, const struct endpoint *from, const struct endpoint *to);
/* Makes a fragment of n bytes of an IP packet's payload, from `at` on. It has the packet's
 * addresses. */
void wrap_piece(struct buffer *out, const struct buffer *whole, uint32_t at, uint32_t n,
                uint32_t id);

#endif
