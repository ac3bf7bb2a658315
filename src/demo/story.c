/* src/demo/story.c - each part prints what it saw, and then whether this is as it must
 * be */
#include "demo/story.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "base/iphdr.h"

const struct story_target story_targets[STORY_TARGETS] = {
	{ .host = WORLD_INTERNET,
	  .address = WORLD_INTERNET_ADDRESS,
	  .chain = "vpn > network",
	  .seen = WORLD_VPN_CLIENT },
	{ .host = WORLD_LAN,
	  .address = WORLD_LAN_ADDRESS,
	  .chain = "home > vpn > network",
	  .seen = WORLD_HOME_CLIENT },
};

void story_opening(const struct show *s)
{
	show_heading(s, "five hosts, each a network namespace");
	show_line(s, "client %s --- internet --- provider %s", WORLD_CLIENT_ADDRESS,
	          WORLD_PROVIDER_ADDRESS);
	show_line(s, "                        %s  \\", WORLD_INTERNET_ADDRESS);
	show_line(s, "                                      --- home %s --- lan %s",
	          WORLD_HOME_ADDRESS, WORLD_LAN_ADDRESS);
	show_heading(s, "the client's two wg-quick files, one `tunion up`");
	show_line(s, "%-10s %-12s AllowedIPs %-30s Endpoint %s", "vpn.conf",
	          WORLD_VPN_CLIENT, "0.0.0.0/0",
	          WORLD_PROVIDER_ADDRESS ":" WORLD_VPN_PORT);
	show_line(s, "%-10s %-12s AllowedIPs %-30s Endpoint %s", "home.conf",
	          WORLD_HOME_CLIENT, WORLD_HOME_NET ", " WORLD_HOME_LAN,
	          WORLD_HOME_ADDRESS ":" WORLD_HOME_PORT);
}

static bool show_node(void *context, const struct union_node *node)
{
	const struct show *s = context;
	char prefix[IP_PREFIX_STRLEN];

	show_line(s, "%-18s %s", ip_prefix_format(&node->trie.prefix, prefix),
	          node->first->peer->device->name);
	return true;
}

void story_plan(struct show *s, const struct plan *plan)
{
	show_heading(s, "the union: which tunnel has what");
	union_walk(&plan->table, show_node, s);
	show_heading(s, "the chains");
	for (size_t i = 0; i < STORY_TARGETS; i++) {
		const struct story_target *t = &story_targets[i];
		const struct way_peer *peer = NULL;
		char chain[128] = "none";
		struct ip_addr a;

		if (ip_addr_parse(&a, t->address))
			peer = union_lookup(&plan->table, &a);
		if (peer)
			way_format(peer, chain, sizeof(chain));
		show_check(s, strcmp(chain, t->chain) == 0, "%-9s %-15s by %s",
		           world_host_name(t->host), t->address, chain);
	}
}

void story_target(struct show *s, const struct story_target *t)
{
	const char *name = world_host_name(t->host);
	char bytes[SHOW_NUMBER_STRLEN], seen[IP_ADDR_STRLEN];
	double seconds = (double)t->transfer.duration_ns / 1e9;

	show_check(s, t->ping.answered == t->ping.sent && t->ping.sent > 0,
	           "%-9s %u of %u pings answered, the fastest in %.2f ms", name,
	           t->ping.answered, t->ping.sent, (double)t->ping.best_ns / 1e6);
	if (t->transfer_result == 0)
		show_check(s, true, "%-9s TCP: %s each way, intact, %.0f Mbit/s", name,
		           show_bytes(t->transfer.bytes, bytes),
		           2 * 8 * (double)t->transfer.bytes / 1e6 /
		                   (seconds > 0 ? seconds : 1));
	else
		show_check(s, false, "%-9s TCP: %s arrived, then: %s", name,
		           show_bytes(t->transfer.bytes, bytes),
		           strerror(-t->transfer_result));
	ip_addr_format(&t->transfer.seen, seen);
	show_check(s, strcmp(seen, t->seen) == 0, "%-9s saw the client as %s", name,
	           seen);
}

static bool between(const struct witness_flow *f, const char *a, const char *b)
{
	char src[IP_ADDR_STRLEN], dst[IP_ADDR_STRLEN];

	ip_addr_format(&f->src, src);
	ip_addr_format(&f->dst, dst);
	return (strcmp(src, a) == 0 && strcmp(dst, b) == 0) ||
	       (strcmp(src, b) == 0 && strcmp(dst, a) == 0);
}

/* True for datagrams between a host and the WireGuard port of a server. */
static bool wireguard_between(const struct witness_flow *f, const char *client,
                              const char *server, const char *port)
{
	char src[IP_ADDR_STRLEN], text[8];
	bool from_server = strcmp(ip_addr_format(&f->src, src), server) == 0;

	snprintf(text, sizeof(text), "%u", from_server ? f->src_port : f->dst_port);
	return f->protocol == PROTO_UDP && between(f, client, server) &&
	       strcmp(text, port) == 0;
}

static void show_flow(const struct show *s, const struct witness_flow *f)
{
	char src[IP_ADDR_STRLEN], dst[IP_ADDR_STRLEN];

	show_line(s, "       protocol %u, %s port %u to %s port %u: %" PRIu64,
	          f->protocol, ip_addr_format(&f->src, src), f->src_port,
	          ip_addr_format(&f->dst, dst), f->dst_port, f->packets);
}

void story_uplink(struct show *s, struct witness *uplink)
{
	uint64_t mine = 0, bytes = 0, others = 0;
	char number[SHOW_NUMBER_STRLEN], size[SHOW_NUMBER_STRLEN];
	const struct witness_flow *f;
	size_t n;

	witness_drain(uplink);
	f = witness_flows(uplink, &n);
	show_heading(s, "what the client's uplink carried, from before `up` on");
	for (size_t i = 0; i < n; i++)
		if (wireguard_between(&f[i], WORLD_CLIENT_ADDRESS, WORLD_PROVIDER_ADDRESS,
		                      WORLD_VPN_PORT)) {
			mine += f[i].packets;
			bytes += f[i].bytes;
		} else {
			others += f[i].packets;
		}
	show_check(s, mine > 0, "%10s datagrams, %s, between the client and the provider",
	           show_number(mine, number), show_bytes(bytes, size));
	show_check(s, others == 0 && witness_strange(uplink) == 0,
	           "%10s packets to or from anybody else",
	           show_number(others + witness_strange(uplink), number));
	for (size_t i = 0; others > 0 && i < n; i++)
		if (!wireguard_between(&f[i], WORLD_CLIENT_ADDRESS,
		                       WORLD_PROVIDER_ADDRESS, WORLD_VPN_PORT))
			show_flow(s, &f[i]);
	others = witness_lost(uplink);
	show_check(s, others == 0, "%10s packets that the capture missed",
	           show_number(others, number));
}

void story_inside(struct show *s, struct witness *provider, struct witness *home)
{
	uint64_t carried = 0, internet = 0, lan = 0;
	char number[SHOW_NUMBER_STRLEN];
	const struct witness_flow *f;
	size_t n;

	witness_drain(provider);
	witness_drain(home);
	show_heading(s, "what came out of the tunnels");
	f = witness_flows(provider, &n);
	for (size_t i = 0; i < n; i++) {
		if (wireguard_between(&f[i], WORLD_VPN_CLIENT, WORLD_HOME_ADDRESS,
		                      WORLD_HOME_PORT))
			carried += f[i].packets;
		if (between(&f[i], WORLD_VPN_CLIENT, WORLD_INTERNET_ADDRESS))
			internet += f[i].packets;
	}
	f = witness_flows(home, &n);
	for (size_t i = 0; i < n; i++)
		if (between(&f[i], WORLD_HOME_CLIENT, WORLD_LAN_ADDRESS))
			lan += f[i].packets;
	show_check(s, internet > 0,
	           "%10s packets    at the provider: %s with %s, the internet",
	           show_number(internet, number), WORLD_VPN_CLIENT,
	           WORLD_INTERNET_ADDRESS);
	show_check(s, carried > 0,
	           "%10s datagrams  at the provider: %s with %s, home's tunnel",
	           show_number(carried, number), WORLD_VPN_CLIENT,
	           WORLD_HOME_ADDRESS ":" WORLD_HOME_PORT);
	show_check(s, lan > 0,
	           "%10s packets    at home, out of those: %s with %s, the LAN",
	           show_number(lan, number), WORLD_HOME_CLIENT, WORLD_LAN_ADDRESS);
}

static void show_device(struct show *s, const json_t *device)
{
	const json_t *peer = json_array_get(json_object_get(device, "peers"), 0);
	const char *name = json_string_value(json_object_get(device, "name"));
	json_int_t handshake =
		json_integer_value(json_object_get(peer, "latest_handshake"));
	json_int_t rx = json_integer_value(json_object_get(peer, "rx_bytes"));
	json_int_t tx = json_integer_value(json_object_get(peer, "tx_bytes"));
	char received[SHOW_NUMBER_STRLEN], sent[SHOW_NUMBER_STRLEN];

	show_check(s, handshake > 0 && rx > 0 && tx > 0,
	           "%-5s handshake %2lld s ago, %9s received, %9s sent",
	           name ? name : "?",
	           handshake > 0 ? (long long)time(NULL) - (long long)handshake : -1LL,
	           show_bytes((uint64_t)rx, received), show_bytes((uint64_t)tx, sent));
}

void story_devices(struct show *s, const char *json)
{
	json_t *root = json_loads(json, 0, NULL);
	const json_t *devices = json_object_get(root, "devices");

	show_heading(s, "the client's devices");
	show_check(s, json_array_size(devices) == STORY_TARGETS, "%zu devices on one tun",
	           json_array_size(devices));
	for (size_t i = 0; i < json_array_size(devices); i++)
		show_device(s, json_array_get(devices, i));
	json_decref(root);
}
