/* src/base/tcphdr.h - the TCP header, RFC 9293 3.1 */
#ifndef TUNION_BASE_TCPHDR_H
#define TUNION_BASE_TCPHDR_H

#include <stdint.h>

#include "base/wire.h"

struct tcp_header {
	struct be16 src_port;
	struct be16 dst_port;
	struct be32 seq;
	struct be32 ack;
	uint8_t data_offset; /* the upper four bits, in units of 4 bytes */
	uint8_t flags;
	struct be16 window;
	struct be16 checksum;
	struct be16 urgent;
};
_Static_assert(sizeof(struct tcp_header) == 20, "wire size");

enum {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
};

static inline uint32_t tcp_header_bytes(const struct tcp_header *tcp)
{
	return 4U * (tcp->data_offset >> 4);
}

#endif
