/* tests/sim/scene.c */
#include "scene.h"

#include <stdio.h>
#include <string.h>

#include "probe.h"
#include "unit.h"

#define MANY 200000 /* so many events are a storm */

const struct scene_device scene_vpn_and_home[2] = {
	{ .name = "vpn", .allowed = { "0.0.0.0/0", "::/0" } },
	{ .name = "home", .allowed = { "172.16.1.0/24", "fd16:1::/64" } },
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
		.metric = from->metric,
		.has_metric = from->metric != 0,
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
	                        from->calls      ? NULL
	                        : from->endpoint ? from->endpoint
	                                         : endpoint);
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
	if (from->calls) {
		wg_peer_set_endpoint(back, &(struct endpoint){ .addr = s->client->public4,
		                                               .port = settings.port });
		wg_peer_set_keepalive(back, 25, s->w->now_ns);
	}
}

void scene_start(struct scene *s, const struct scene_device *devices, size_t n)
{
	*s = (struct scene){ .w = world_new(unit_seed()) };
	s->client = world_node(s->w, "198.51.100.7", "2001:db8:c::7", false);
	for (size_t i = 0; i < n; i++)
		add_device(s, &devices[i]);
	for (size_t i = 0; i < n; i++)
		wg_peer_set_keepalive(s->peer[i], devices[i].keepalive_s, s->w->now_ns);
}

void scene_end(struct scene *s)
{
	ck_assert_uint_eq(s->w->corrupt, 0);
	ck_assert_uint_eq(s->w->strays, 0);
	world_free(s->w);
}

void scene_run(struct scene *s, uint64_t ns)
{
	ck_assert_msg(world_run(s->w, s->w->now_ns + ns, MANY), "a packet storm");
}

uint16_t scene_probe(struct scene *s, size_t i, const struct ip_addr *dst, size_t n)
{
	const struct ip_addr *src =
		dst->family == IP_V4 ? &s->address4[i] : &s->address6[i];

	node_probe(s->client, s->next_probe, src, dst, n, 0);
	return s->next_probe++;
}

const char *scene_trail_text(const struct trail *t, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < t->n && n < size; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%u", i ? ">" : "",
		                      t->node[i]);
	return out;
}

void scene_check_trail(const struct trail *t, const char *expected)
{
	char text[100];

	ck_assert_str_eq(scene_trail_text(t, text, sizeof(text)), expected);
}

void scene_check_way(struct scene *s, uint16_t probe, const char *there, const char *back)
{
	const struct probe *p = &s->w->probes[probe];

	ck_assert_uint_eq(p->arrived, 1);
	ck_assert_uint_eq(p->returned, 1);
	scene_check_trail(&p->there, there);
	scene_check_trail(&p->back, back);
}
