/* tests/sim/test_scenes.c - what should happen in some networks that were thought out */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define SECOND NS_PER_SEC
#define MANY   200000 /* events: a storm */

/* A client with a device per server, as a table says it. */
struct scene_device {
	const char *name;
	const char *allowed[4]; /* of its one peer */
	const char *endpoint;   /* NULL: the server's IPv4 address */
	const char *via;        /* a device, or "network" */
	uint16_t keepalive_s;
};

struct scene {
	struct world *w;
	struct node *client, *server[NODE_DEVICES];
	struct device *device[NODE_DEVICES], *server_device[NODE_DEVICES];
	struct wg_peer *peer[NODE_DEVICES];
	struct ip_addr address4[NODE_DEVICES], address6[NODE_DEVICES]; /* the devices' */
	struct ip_addr lan4[NODE_DEVICES],
		lan6[NODE_DEVICES]; /* a host behind each server */
	size_t n;
	uint16_t next_probe;
};

static struct ip_addr address(const char *format, size_t i)
{
	char text[IP_ADDR_STRLEN];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), format, i);
#pragma GCC diagnostic pop
	return sim_addr(text);
}

static void add_server(struct scene *s, size_t i)
{
	char public4[IP_ADDR_STRLEN], public6[IP_ADDR_STRLEN];
	struct device_settings settings = { .mtu_bytes = 1420, .port = 51820 };

	snprintf(public4, sizeof(public4), "100.64.%zu.1", i);
	snprintf(public6, sizeof(public6), "2001:db8:%zu::1", i);
	s->server[i] = world_node(s->w, public4, public6, true);
	s->server_device[i] = node_device(s->server[i], "wg0", &settings);
	s->lan4[i] = address("172.16.%zu.9", i);
	s->lan6[i] = address("fd16:%zu::9", i);
	node_own(s->server[i], &s->lan4[i]);
	node_own(s->server[i], &s->lan6[i]);
}

static void add_device(struct scene *s, const struct scene_device *from)
{
	size_t i = s->n++;
	char endpoint[ENDPOINT_STRLEN], text[IP_PREFIX_STRLEN];
	struct ip_addr addresses[2] = { address("10.%zu.0.2", i),
		                        address("fd10:%zu::2", i) };
	struct device_settings settings = {
		.addresses = addresses,
		.address_count = 2,
		.mtu_bytes = 1420,
		.port = (uint16_t)(20000 + i),
		.via_name = from->via,
	};
	struct wg_peer *back;

	if (from->via)
		settings.via = strcmp(from->via, "network") == 0 ? WAY_VIA_NETWORK
		                                                 : WAY_VIA_DEVICE;
	add_server(s, i);
	s->address4[i] = addresses[0];
	s->address6[i] = addresses[1];
	s->device[i] = node_device(s->client, from->name, &settings);
	snprintf(endpoint, sizeof(endpoint), "100.64.%zu.1:51820", i);
	s->peer[i] = world_peer(s->device[i], s->server_device[i],
	                        from->endpoint ? from->endpoint : endpoint);
	for (size_t k = 0; k < ARRAY_SIZE(from->allowed) && from->allowed[k]; k++)
		peer_allow(s->peer[i], from->allowed[k]);
	back = wg_device_first_peer(device_wg(s->server_device[i]));
	for (size_t k = 0; k < 2; k++) {
		node_behind_tun(s->server[i], &addresses[k]);
		snprintf(text, sizeof(text), "%s/%d",
		         ip_addr_format(&addresses[k], endpoint),
		         ip_addr_bits(&addresses[k]));
		peer_allow(back, text);
	}
	if (from->keepalive_s)
		wg_peer_set_keepalive(s->peer[i], from->keepalive_s, s->w->now_ns);
}

static void scene_start(struct scene *s, const struct scene_device *devices, size_t n)
{
	*s = (struct scene){ .w = world_new(unit_seed()) };
	s->client = world_node(s->w, "198.51.100.7", "2001:db8:c::7", false);
	for (size_t i = 0; i < n; i++)
		add_device(s, &devices[i]);
}

static void scene_end(struct scene *s)
{
	ck_assert_uint_eq(s->w->corrupt, 0);
	ck_assert_uint_eq(s->w->strays, 0);
	world_free(s->w);
}

static void run(struct scene *s, uint64_t ns)
{
	ck_assert_msg(world_run(s->w, s->w->now_ns + ns, MANY), "a packet storm");
}

/* From device i's address to dst. */
static uint16_t probe_from(struct scene *s, size_t i, const struct ip_addr *dst, size_t n)
{
	const struct ip_addr *src =
		dst->family == IP_V4 ? &s->address4[i] : &s->address6[i];

	node_probe(s->client, s->next_probe, src, dst, n, 0);
	return s->next_probe++;
}

/* The trail as text, "2>0>1". */
static const char *trail_text(const struct trail *t, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < t->n && n < size; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%u", i ? ">" : "",
		                      t->node[i]);
	return out;
}

static void check_trail(const struct trail *t, const char *expected)
{
	char text[100];

	ck_assert_str_eq(trail_text(t, text, sizeof(text)), expected);
}

/* There and back by these servers. Node 0 is the client; server i is node i + 1. */
static void check_way(struct scene *s, uint16_t probe, const char *there,
                      const char *back)
{
	const struct probe *p = &s->w->probes[probe];

	ck_assert_uint_eq(p->arrived, 1);
	ck_assert_uint_eq(p->returned, 1);
	check_trail(&p->there, there);
	check_trail(&p->back, back);
}

/* ---- */

static const struct scene_device vpn_and_home[] = {
	{ .name = "vpn", .allowed = { "0.0.0.0/0", "::/0" } },
	{ .name = "home", .allowed = { "172.16.1.0/24", "fd16:1::/64" } },
};

START_TEST(home_travels_inside_vpn)
{
	struct scene s;
	uint16_t to_home, to_home6, to_vpn;
	uint64_t direct;

	scene_start(&s, vpn_and_home, 2);
	to_home = probe_from(&s, 1, &s.lan4[1], 700);
	to_home6 = probe_from(&s, 1, &s.lan6[1], 700);
	to_vpn = probe_from(&s, 0, &s.lan4[0], 700);
	run(&s, SECOND);
	check_way(&s, to_home, "1>2", "2>1");
	check_way(&s, to_home6, "1>2", "2>1");
	check_way(&s, to_vpn, "1", "1");
	ck_assert_uint_gt(s.client->sent[1], 0);
	direct = s.client->sent[2];
	ck_assert_msg(direct == 0, "%u datagrams went to home directly",
	              (unsigned)direct);
	scene_end(&s);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("sim/scenes");

	tcase_add_test(tc, home_travels_inside_vpn);
	return tc;
}
