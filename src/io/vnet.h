/* src/io/vnet.h - the header that a tun with IFF_VNET_HDR puts in front of each packet
 *
 * It is that of virtio 1.1, 5.1.6, in host byte order as the kernel's tun has it. It is
 * defined here because the headers of the systems we build on lack the newer names. */
#ifndef TUNION_IO_VNET_H
#define TUNION_IO_VNET_H

#include <stdint.h>

struct vnet_header {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t header_bytes; /* a hint that can't be trusted */
	uint16_t gso_bytes;    /* payload of each segment but the last */
	uint16_t csum_start;   /* the checksum covers everything from here to the end */
	uint16_t csum_offset;  /* where the checksum belongs, counted from csum_start */
};
_Static_assert(sizeof(struct vnet_header) == 10, "wire size");

#define VNET_NEEDS_CSUM 1

enum vnet_gso {
	VNET_GSO_NONE = 0,
	VNET_GSO_TCPV4 = 1,
	VNET_GSO_TCPV6 = 4,
	VNET_GSO_UDP_L4 = 5,
	VNET_GSO_ECN = 0x80, /* a flag: only the first segment has CWR */
};

#endif
