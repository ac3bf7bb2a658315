/* src/demo/witness.c - packet(7) with a TPACKET_V2 ring. A slot belongs to the kernel
 * until it sets TP_STATUS_USER, and again after we write TP_STATUS_KERNEL. In front of
 * each packet is its virtio_net_hdr, which tells into how many datagrams the packet will
 * be segmented. */
#include "demo/witness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/iphdr.h"

#define SLOT_BYTES  256U
#define BLOCK_BYTES (64U << 10)
#define SLOTS       16384U
#define RING_BYTES  ((size_t)SLOTS * SLOT_BYTES)

/* TPACKET_ALIGN(sizeof(struct tpacket2_hdr)), which can't be used because it mixes
 * signs */
#define LINK_ADDRESS_AT                                                                  \
	((sizeof(struct tpacket2_hdr) + TPACKET_ALIGNMENT - 1U) / TPACKET_ALIGNMENT *    \
	 TPACKET_ALIGNMENT)

struct witness {
	struct loop_source source;
	struct loop *loop; /* borrowed */
	uint8_t *ring;     /* mapped, RING_BYTES */
	unsigned slot;     /* the next one to look at */
	struct witness_flow flows[WITNESS_FLOWS_MAX];
	size_t flow_count;
	uint64_t lost, strange;
};

/* The number of packets that will be sent for one that waits for segmentation. */
static uint64_t parts(const struct virtio_net_hdr *h, uint32_t total_bytes)
{
	if (h->gso_type == VIRTIO_NET_HDR_GSO_NONE || h->gso_size == 0 ||
	    h->hdr_len >= total_bytes)
		return 1;
	return (total_bytes - h->hdr_len + h->gso_size - 1U) / h->gso_size;
}

static struct witness_flow *flow_of(struct witness *w, const struct witness_flow *key)
{
	for (size_t i = 0; i < w->flow_count; i++) {
		struct witness_flow *f = &w->flows[i];

		if (ip_addr_equal(&f->src, &key->src) &&
		    ip_addr_equal(&f->dst, &key->dst) && f->protocol == key->protocol &&
		    f->src_port == key->src_port && f->dst_port == key->dst_port)
			return f;
	}
	if (w->flow_count == WITNESS_FLOWS_MAX)
		return NULL;
	w->flows[w->flow_count] = *key;
	return &w->flows[w->flow_count++];
}

/* The slot only has the beginning of the packet, so the parser for whole packets can't
 * be used: the header (RFC 791, RFC 8200) is read by hand, and the total is only a
 * number to count. */
static void count_ip(struct witness *w, const uint8_t *ip, uint32_t n,
                     uint32_t total_bytes, const struct virtio_net_hdr *gso)
{
	struct witness_flow key = { 0 }, *f;
	uint32_t at;

	if (n >= sizeof(struct ipv4_header) && ip[0] >> 4 == 4) {
		at = (ip[0] & 15U) * 4U;
		key.src =
			ip_addr_from_bytes(IP_V4, ip + offsetof(struct ipv4_header, src));
		key.dst =
			ip_addr_from_bytes(IP_V4, ip + offsetof(struct ipv4_header, dst));
		key.protocol = ip[offsetof(struct ipv4_header, protocol)];
	} else if (n >= sizeof(struct ipv6_header) && ip[0] >> 4 == 6) {
		at = sizeof(struct ipv6_header);
		key.src =
			ip_addr_from_bytes(IP_V6, ip + offsetof(struct ipv6_header, src));
		key.dst =
			ip_addr_from_bytes(IP_V6, ip + offsetof(struct ipv6_header, dst));
		key.protocol = ip[offsetof(struct ipv6_header, next_header)];
	} else {
		w->strange++;
		return;
	}
	if ((key.protocol == PROTO_UDP || key.protocol == PROTO_TCP) && n >= at + 4) {
		key.src_port = (uint16_t)(ip[at] << 8 | ip[at + 1]);
		key.dst_port = (uint16_t)(ip[at + 2] << 8 | ip[at + 3]);
	}
	f = flow_of(w, &key);
	if (!f) {
		w->lost++;
		return;
	}
	f->packets += parts(gso, total_bytes);
	f->bytes += total_bytes;
}

static void look_at(struct witness *w, const struct tpacket2_hdr *slot)
{
	const uint8_t *base = (const uint8_t *)slot;
	uint32_t before_ip = (uint32_t)slot->tp_net - slot->tp_mac;
	struct virtio_net_hdr gso;
	struct sockaddr_ll from;

	memcpy(&from, base + LINK_ADDRESS_AT, sizeof(from));
	memcpy(&gso, base + slot->tp_mac - sizeof(gso), sizeof(gso));
	switch (ntohs(from.sll_protocol)) {
	case ETH_P_IP:
	case ETH_P_IPV6:
		if (slot->tp_snaplen >= before_ip)
			count_ip(w, base + slot->tp_net, slot->tp_snaplen - before_ip,
			         slot->tp_len - before_ip, &gso);
		break;
	case ETH_P_ARP:
		break;
	default:
		w->strange++;
	}
}

void witness_drain(struct witness *w)
{
	for (;;) {
		struct tpacket2_hdr *slot =
			(struct tpacket2_hdr *)(void *)(w->ring +
		                                        (size_t)w->slot * SLOT_BYTES);

		if (!(__atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE) &
		      TP_STATUS_USER))
			return;
		look_at(w, slot);
		__atomic_store_n(&slot->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		w->slot = (w->slot + 1) % SLOTS;
	}
}

static void ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	(void)events;
	(void)now_ns;
	witness_drain(CONTAINER_OF(source, struct witness, source));
}

static int set_up(struct witness *w, const char *interface)
{
	struct tpacket_req ring = {
		.tp_block_size = BLOCK_BYTES,
		.tp_block_nr = (unsigned)(RING_BYTES / BLOCK_BYTES),
		.tp_frame_size = SLOT_BYTES,
		.tp_frame_nr = SLOTS,
	};
	struct sockaddr_ll where = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	int version = TPACKET_V2, one = 1;
	void *p;

	if (where.sll_ifindex == 0)
		return -ENODEV;
	w->source.fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (w->source.fd < 0 ||
	    setsockopt(w->source.fd, SOL_PACKET, PACKET_VERSION, &version,
	               sizeof(version)) != 0 ||
	    setsockopt(w->source.fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) !=
	            0 ||
	    setsockopt(w->source.fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)) !=
	            0)
		return -errno;
	p = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, w->source.fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	w->ring = p;
	if (bind(w->source.fd, (struct sockaddr *)&where, sizeof(where)) != 0)
		return -errno;
	w->source.ready = ready;
	return 0;
}

int witness_new(struct witness **out, struct loop *loop, const char *interface)
{
	struct witness *w = calloc(1, sizeof(*w));
	int err;

	*out = NULL;
	if (!w)
		return -ENOMEM;
	w->source.fd = -1;
	err = set_up(w, interface);
	if (err == 0)
		err = loop_add(loop, &w->source, EPOLLIN);
	if (err != 0) {
		witness_free(w);
		return err;
	}
	w->loop = loop;
	*out = w;
	return 0;
}

void witness_free(struct witness *w)
{
	if (!w)
		return;
	if (w->loop)
		loop_remove(w->loop, &w->source);
	if (w->ring)
		munmap(w->ring, RING_BYTES);
	if (w->source.fd >= 0)
		close(w->source.fd);
	free(w);
}

const struct witness_flow *witness_flows(const struct witness *w, size_t *n)
{
	*n = w->flow_count;
	return w->flows;
}

uint64_t witness_lost(struct witness *w)
{
	struct tpacket_stats stats = { 0 };
	socklen_t n = sizeof(stats);

	/* Reading this sets the kernel's count back to zero. */
	if (getsockopt(w->source.fd, SOL_PACKET, PACKET_STATISTICS, &stats, &n) == 0)
		w->lost += stats.tp_drops;
	return w->lost;
}

uint64_t witness_strange(const struct witness *w)
{
	return w->strange;
}
