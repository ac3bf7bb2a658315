/* tests/sim/expected.c */
#include "expected.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_host.h"
#include "fake_worker.h"
#include "host/host_difference.h"
#include "story.h"

/* ---- the worker */

static const char *find_device(const struct answers *a, const char *name)
{
	char line[40];

	snprintf(line, sizeof(line), "\ndevice %s ", name);
	return strstr(a->dump, line);
}

static const char *end_of(const char *device)
{
	const char *next = strstr(device + 1, "\ndevice ");

	return next ? next : device + strlen(device);
}

unsigned expected_port(const struct answers *a, const char *name)
{
	const char *at = find_device(a, name);

	at = at ? strstr(at, "\nlisten_port=") : NULL;
	return at ? (unsigned)strtoul(at + strlen("\nlisten_port="), NULL, 10) : 0;
}

const struct endpoint *expected_endpoint(void *context, const struct conf *conf,
                                         const struct conf_peer *peer, bool *by_arrival)
{
	struct answers *a = context;
	const char *device = find_device(a, conf->name), *at, *next;
	char line[100] = "\npublic_key=", text[ENDPOINT_STRLEN] = "";

	(void)by_arrival; /* no answer says it */
	key_to_hex(line + strlen(line), peer->public_key);
	at = device ? strstr(device, line) : NULL;
	if (!at || at > end_of(device))
		return NULL;
	next = strstr(at + 1, "\npublic_key=");
	at = strstr(at, "\nendpoint=");
	if (!at || at > end_of(device) || (next && at > next))
		return NULL;
	(void)!sscanf(at, "\nendpoint=%63s", text);
	return endpoint_parse(&a->endpoint, text) ? &a->endpoint : NULL;
}

static void expect_peer(struct fake_peer *out, const struct plan_peer *p)
{
	const struct conf_peer *conf = p->conf;

	*out = (struct fake_peer){ .endpoint = p->way.endpoint };
	memcpy(out->key, conf->public_key, KEY_BYTES);
	(void)!sealed_open(&conf->preshared_key, out->preshared);
	out->keepalive_s = conf->has_keepalive ? conf->keepalive_s : 0;
	fake_via(out->via, p->way.via, p->way.via_device ? p->way.via_device->name : "");
	for (size_t i = 0; i < conf->allowed_ips.n; i++)
		out->allowed[out->allowed_count++] = conf->allowed_ips.v[i].prefix;
}

static void expect_device(struct fake_device *out, const struct plan_device *d,
                          const struct answers *a, bool (*port_moved)(const char *name))
{
	const struct conf *conf = d->conf;

	*out = (struct fake_device){ .mtu_bytes = d->mtu_bytes,
		                     .metric = d->way.metric,
		                     .has_metric = d->way.has_metric,
		                     .has_fwmark = conf->fwmark != 0,
		                     .table_off = d->way.table_off,
		                     .left_out = d->left_out,
		                     .own_tun = d->own_tun,
		                     .source_fix_off = conf->switches.source_fix_off,
		                     .source_check_off = conf->switches.source_check_off,
		                     .gate = conf->switches.gate,
		                     .isolate_off = conf->switches.isolate_off,
		                     .started = true,
		                     .port = conf->listen_port,
		                     .peer_count = d->peer_count };
	snprintf(out->name, sizeof(out->name), "%s", conf->name);
	(void)!sealed_open(&conf->identity.private_key, out->private_key);
	if (!conf->listen_port || port_moved(conf->name))
		out->port = (uint16_t)expected_port(a, conf->name);
	fake_via(out->via, d->way.via, d->way.via_device ? d->way.via_device->name : "");
	for (size_t i = 0; i < conf->addresses.n; i++)
		fake_add_address(out->addresses, sizeof(out->addresses),
		                 &conf->addresses.v[i].prefix.addr);
	for (size_t i = 0; i < conf->dns.servers.n; i++)
		fake_add_address(out->servers, sizeof(out->servers),
		                 &conf->dns.servers.v[i]);
	for (size_t i = 0; i < conf->dns.domains.n; i++)
		snprintf(out->domains + strlen(out->domains),
		         sizeof(out->domains) - strlen(out->domains), "%s ",
		         conf->dns.domains.v[i].text);
	for (size_t i = 0; i < d->peer_count; i++)
		expect_peer(&out->peers[i], &d->peers[i]);
}

/* The first line that is another, and what stands around it. */
static void tell_difference(const char *is, const char *should_be)
{
	size_t i = 0, line = 0;

	for (; is[i] && is[i] == should_be[i]; i++)
		if (is[i] == '\n')
			line = i + 1;
	if (!is[i] && !should_be[i])
		return;
	line -= line > 200 ? 200 : line;
	tell("expected: ...%.*s...\nthe worker has: ...%.*s...", 500, should_be + line,
	     500, is + line);
}

void expected_check_worker(const struct plan *plan, const struct answers *a,
                           bool (*port_moved)(const char *name))
{
	struct outbuf expected = { 0 };
	struct plan shared = plan_of_shared_tun(plan);
	struct ip_addr resolver = fake_host_resolver(&shared);
	char text[IP_ADDR_STRLEN] = "";
	struct plan_walk walk = { 0 };
	const struct plan_device *next;

	if (resolver.family != IP_NONE)
		ip_addr_format(&resolver, text);
	outbuf_print(&expected, "descriptors %zu\nresolver %s\n",
	             EXPECTED_WORKER_FDS + EXPECTED_DEVICE_FDS * plan->device_count +
	                     plan->device_count - plan->shared_count,
	             text);
	while ((next = plan_next(plan, &walk))) {
		struct fake_device d;

		expect_device(&d, next, a, port_moved);
		fake_device_print(&expected, &d);
	}
	outbuf_add(&expected, "", 1);
	REQUIRE(!expected.failed);
	tell_difference(a->dump, (char *)expected.bytes);
	REQUIRE(strcmp(a->dump, (char *)expected.bytes) == 0);
	outbuf_clear(&expected);
}

/* ---- the host */

static void check_tun(struct fake_tun *tun, const struct plan *part)
{
	struct host_config config;
	struct host_difference d;

	REQUIRE(tun && tun->is_up && tun->is_prepared);
	REQUIRE(fake_host_config(tun, &config, part) == 0);
	REQUIRE(host_config_compare(&d, &tun->config, &config) == 0);
	if (d.add.n + d.replace.n + d.remove.n > 0) {
		char text[NETLINK_ITEM_STRLEN];

		for (size_t i = 0; i < d.add.n; i++)
			tell("missing: %s", netlink_item_format(&d.add.v[i], text));
		for (size_t i = 0; i < d.replace.n; i++)
			tell("other: %s", netlink_item_format(&d.replace.v[i], text));
		for (size_t i = 0; i < d.remove.n; i++)
			tell("too much: %s", netlink_item_format(&d.remove.v[i], text));
	}
	REQUIRE(d.add.n + d.replace.n + d.remove.n == 0);
	REQUIRE(tun->config.mtu_bytes == config.mtu_bytes);
	host_difference_clear(&d);
	host_config_clear(&config);
	for (size_t i = 0; i < tun->file_count; i++)
		REQUIRE(!tun->files[i].pre_down);
}

void expected_check_host(const struct plan *plan)
{
	struct plan shared = plan_of_shared_tun(plan);

	REQUIRE(fake_host.missing == 0);
	check_tun(&fake_host.shared, &shared);
	REQUIRE((size_t)fake_host_own_count() == plan->device_count - plan->shared_count);
	for (size_t i = plan->shared_count; i < plan->device_count; i++) {
		struct plan part = plan_of_own_tun(plan, i);

		check_tun(fake_host_own(plan->devices[i].way.name), &part);
	}
}
