/* src/gate/gate_net.c */
#include "gate/gate_net.h"

#include <string.h>

#define NET4_BITS  24
#define NET6_BITS  64
#define TRIES      32 /* in each of the blocks */
#define LARGE_BITS 7  /* so large prefixes are parts of a default route */

/* Parts of private networks (RFC 1918, RFC 6598) that are seldom used. */
static const uint8_t blocks[][2] = {
	{ 10, 213 },
	{ 172, 27 },
	{ 192, 168 },
	{ 100, 115 },
};

static unsigned overlap_with(const struct ip_prefix *net, const struct ip_prefix *other)
{
	if (other->len <= LARGE_BITS || !ip_prefix_overlaps(net, other))
		return 0;
	return other->len;
}

static unsigned larger(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

/* Returns the length of the longest prefix in the files that has an address in common with
 * the network, or 0. */
static unsigned overlap(const struct plan *plan, const struct ip_addr *addr)
{
	const struct ip_prefix net = { *addr,
		                       addr->family == IP_V4 ? NET4_BITS : NET6_BITS };
	unsigned most = 0;

	for (size_t i = 0; i < plan->device_count; i++) {
		const struct plan_device *d = &plan->devices[i];
		const struct conf *conf = d->conf;

		for (size_t j = 0; j < d->prefix_count; j++)
			most = larger(most,
			              overlap_with(&net, &d->prefixes[j].trie.prefix));
		for (size_t j = 0; j < conf->addresses.n; j++)
			most = larger(most,
			              overlap_with(&net, &conf->addresses.v[j].prefix));
		for (size_t j = 0; j < conf->dns.servers.n; j++) {
			const struct ip_addr *server = &conf->dns.servers.v[j];
			const struct ip_prefix one = { *server, ip_addr_bits(server) };

			most = larger(most, overlap_with(&net, &one));
		}
	}
	return most;
}

static struct ip_addr draw(const uint8_t *block, const struct rng *rng)
{
	struct ip_addr net = { .family = IP_V4, .b = { block[0], block[1] } };

	rng_fill(rng, &net.b[2], 1);
	return net;
}

/* If all overlap, takes one that only overlaps with a large network. */
static struct ip_addr choose_ipv4(const struct plan *plan, const struct rng *rng)
{
	struct ip_addr best = { 0 };
	unsigned least = 0;

	for (size_t i = 0; i < ARRAY_SIZE(blocks) * TRIES; i++) {
		struct ip_addr net = draw(blocks[i / TRIES], rng);
		unsigned here = overlap(plan, &net);

		if (best.family == IP_NONE || here < least) {
			best = net;
			least = here;
		}
		if (least == 0)
			break;
	}
	return best;
}

/* RFC 4193: 40 random bits, so nobody else has them. */
static struct ip_addr choose_ipv6(const struct rng *rng)
{
	struct ip_addr net = { .family = IP_V6, .b = { 0xfd } };

	rng_fill(rng, &net.b[1], 5);
	return net;
}

void gate_net_choose(struct gate_net *out, const struct plan *plan, const struct rng *rng)
{
	out->ipv4 = choose_ipv4(plan, rng);
	out->ipv6 = choose_ipv6(rng);
}

bool gate_net_collides(const struct gate_net *net, const struct plan *plan)
{
	/* a random /64 only overlaps with all that is private */
	return overlap(plan, &net->ipv4) > 0;
}

bool gate_net_of(struct gate_net *out, const struct conf *gate)
{
	*out = (struct gate_net){ 0 };
	for (size_t i = 0; i < gate->addresses.n; i++) {
		struct ip_prefix p = gate->addresses.v[i].prefix;

		p.len = p.addr.family == IP_V4 ? NET4_BITS : NET6_BITS;
		p = ip_prefix_mask(p);
		if (p.addr.family == IP_V4)
			out->ipv4 = p.addr;
		else
			out->ipv6 = p.addr;
	}
	return out->ipv4.family == IP_V4 && out->ipv6.family == IP_V6;
}

void gate_net_prefixes(const struct gate_net *net, struct ip_prefix out[static 2])
{
	out[0] = (struct ip_prefix){ net->ipv4, NET4_BITS };
	out[1] = (struct ip_prefix){ net->ipv6, NET6_BITS };
}

struct ip_addr gate_net_host(const struct ip_addr *net, unsigned host)
{
	struct ip_addr a = *net;

	a.b[ip_addr_bytes(net) - 1] = (uint8_t)host;
	return a;
}

unsigned gate_net_number(const struct conf *client)
{
	for (size_t i = 0; i < client->addresses.n; i++) {
		const struct ip_addr *a = &client->addresses.v[i].prefix.addr;

		if (a->family == IP_V4)
			return a->b[3];
	}
	return 0;
}
