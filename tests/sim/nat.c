/* tests/sim/nat.c */
#include "nat.h"

#include "ipbytes.h"

/* Makes c the same datagram with other addresses. */
static void readdress(struct craft *c, const uint8_t *ip, size_t n,
                      const struct ip_addr *src, uint16_t src_port,
                      const struct ip_addr *dst, uint16_t dst_port)
{
	char from[IP_ADDR_STRLEN], to[IP_ADDR_STRLEN];
	size_t header = header_of(ip) + 8;

	craft_udp(c, ip_addr_format(src, from), src_port, ip_addr_format(dst, to),
	          dst_port, ip + header, n - header);
	craft_set_tos(c, tos_of(ip));
}

void nat_out(struct node *node, struct craft *c, const uint8_t *ip, size_t n)
{
	struct ip_addr src = address_at(ip, false), dst = address_at(ip, true);
	uint16_t port = port_of(ip, 0);
	size_t i = 0;

	while (i < node->nat_count &&
	       (node->nats[i].port != port || !ip_addr_equal(&node->nats[i].addr, &src)))
		i++;
	must(i < NAT_MAX);
	if (i == node->nat_count)
		node->nats[node->nat_count++] = (struct nat){ src, port };
	readdress(c, ip, n, src.family == IP_V4 ? &node->public4 : &node->public6,
	          (uint16_t)(NAT_PORT + i), &dst, port_of(ip, 2));
}

bool nat_in(struct node *node, struct craft *c, const uint8_t *ip, size_t n)
{
	struct ip_addr src = address_at(ip, false), dst = address_at(ip, true);
	size_t i = (size_t)port_of(ip, 2) - NAT_PORT;

	if (i >= node->nat_count ||
	    !ip_addr_equal(&dst, dst.family == IP_V4 ? &node->public4 : &node->public6))
		return false;
	readdress(c, ip, n, &src, port_of(ip, 0), &node->nats[i].addr,
	          node->nats[i].port);
	return true;
}
