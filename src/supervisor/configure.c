/* src/supervisor/configure.c - turns devices of the plan into commands and UAPI text */
#include "supervisor/configure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel/outbuf.h"
#include "supervisor/outside.h"

/* ---- settings that only tunion has */

static int send_add(struct worker_child *worker, const struct tunnel *d)
{
	struct command m = command_of(COMMAND_DEVICE_ADD, d->plan->way.name);

	m.fds[0] = d->uapi_fd;
	m.fd_count = 1;
	return worker_child_send(worker, &m);
}

static void set_via(struct command *m, enum way_via via, const struct way_device *device)
{
	m->via = via;
	if (via == WAY_VIA_DEVICE && device)
		snprintf(m->via_name, sizeof(m->via_name), "%s", device->name);
}

static void print_domains(struct outbuf *o, const struct conf_texts *domains)
{
	for (size_t i = 0; i < domains->n; i++) {
		outbuf_add(o, domains->v[i].text, strlen(domains->v[i].text));
		outbuf_add(o, "\n", 1);
	}
}

static int send_settings(struct worker_child *worker, const struct plan_device *d)
{
	struct command m = command_of(COMMAND_DEVICE_SETTINGS, d->way.name);
	const struct conf *conf = d->conf;
	struct ip_addr *addresses = calloc(conf->addresses.n + 1, sizeof(*addresses));
	struct outbuf domains = { 0 };
	int err = -ENOMEM;

	print_domains(&domains, &conf->dns.domains);
	if (!addresses || domains.failed)
		goto out;
	for (size_t i = 0; i < conf->addresses.n; i++)
		addresses[i] = conf->addresses.v[i].prefix.addr;
	m.settings.mtu_bytes = d->mtu_bytes;
	m.settings.metric = d->way.metric;
	m.settings.has_metric = d->way.has_metric;
	m.settings.has_fwmark = d->way.has_fwmark;
	m.settings.table_off = d->way.table_off;
	m.settings.left_out = d->left_out;
	m.settings.own_tun = d->own_tun;
	m.settings.source_fix_off = conf->switches.source_fix_off;
	m.settings.source_check_off = conf->switches.source_check_off;
	m.settings.gate = conf->switches.gate;
	m.settings.isolate_off = conf->switches.isolate_off;
	m.addresses = addresses;
	m.address_count = conf->addresses.n;
	m.servers = conf->dns.servers.v;
	m.server_count = d->left_out ? 0 : conf->dns.servers.n;
	m.text = domains.bytes + domains.first;
	m.text_bytes = outbuf_bytes(&domains);
	set_via(&m, d->way.via, d->way.via_device);
	err = worker_child_send(worker, &m);
out:
	outbuf_clear(&domains);
	free(addresses);
	return err;
}

static int send_vias(struct worker_child *worker, const struct plan_device *d)
{
	int err = 0;

	for (size_t i = 0; i < d->peer_count && !err; i++) {
		const struct plan_peer *p = &d->peers[i];
		struct command m = command_of(COMMAND_PEER_VIA, d->way.name);

		if (p->way.via == WAY_VIA_UNION)
			continue;
		memcpy(m.key, p->conf->public_key, KEY_BYTES);
		set_via(&m, p->way.via, p->way.via_device);
		err = worker_child_send(worker, &m);
	}
	return err;
}

int configure_settings(struct worker_child *worker, const struct plan_device *d)
{
	int err = send_settings(worker, d);

	return err ? err : send_vias(worker, d);
}

static void put_domain(void *context, const char *domain)
{
	outbuf_print(context, "%s\n", domain);
}

int configure_resolver(struct worker_child *worker, const struct ip_addr *ipv4,
                       const struct ip_addr *ipv6, const struct plan *plan,
                       bool may_ask_outside)
{
	struct command m = command_of(COMMAND_RESOLVER, NULL);
	struct ip_addr addresses[2];
	struct outbuf domains = { 0 };
	int err;

	m.port = may_ask_outside ? OUTSIDE_DNS_PORT : 0;
	m.addresses = addresses;
	if (ipv4->family != IP_NONE)
		addresses[m.address_count++] = *ipv4;
	if (ipv6->family != IP_NONE)
		addresses[m.address_count++] = *ipv6;
	plan_walk_domains(plan, put_domain, &domains);
	m.text = domains.failed ? NULL : domains.bytes + domains.first;
	m.text_bytes = outbuf_bytes(&domains);
	err = domains.failed ? -ENOMEM : worker_child_send(worker, &m);
	outbuf_clear(&domains);
	return err;
}

int configure_host_networks(struct worker_child *worker, const struct ip_prefix *networks,
                            size_t n)
{
	struct command m = command_of(COMMAND_HOST_NETWORKS, NULL);
	char prefix[IP_PREFIX_STRLEN];
	struct outbuf text = { 0 };
	int err;

	for (size_t i = 0; i < n; i++)
		outbuf_print(&text, "%s\n", ip_prefix_format(&networks[i], prefix));
	m.text = text.bytes + text.first;
	m.text_bytes = outbuf_bytes(&text);
	err = text.failed ? -ENOMEM : worker_child_send(worker, &m);
	outbuf_clear(&text);
	return err;
}

int configure_tun(struct worker_child *worker, const char *device, int fd)
{
	struct command m = command_of(COMMAND_TUN, device);

	m.fds[0] = fd;
	m.fd_count = 1;
	return fd < 0 ? 0 : worker_child_send(worker, &m);
}

static int send_sockets(struct worker_child *worker, enum command_type type,
                        const struct tunnel *d, bool with_fds)
{
	struct command m = command_of(type, d->plan->way.name);

	if (worker->only_protected && !tunnel_is_protected(d))
		with_fds = false; /* the protector sends them as soon as they are */
	m.port = d->port;
	m.mark = d->fwmark;
	for (int f = 0; f < UDP_FAMILIES && with_fds; f++)
		if (d->udp_fds[f] >= 0)
			m.fds[m.fd_count++] = d->udp_fds[f];
	return worker_child_send(worker, &m);
}

int configure_sockets(struct worker_child *worker, const struct tunnel *d, bool with_fds)
{
	return send_sockets(worker, COMMAND_DEVICE_SOCKETS, d, with_fds);
}

int configure_answer(struct worker_child *worker, const struct tunnel *d, bool with_fds)
{
	return send_sockets(worker, COMMAND_SOCKETS_ANSWER, d, with_fds);
}

int configure_refuse(struct worker_child *worker, const char *device, int why)
{
	struct command m = command_of(COMMAND_SOCKETS_ANSWER, device);

	m.result = why;
	return worker_child_send(worker, &m);
}

/* ---- WireGuard's configuration: UAPI text */

/* A peer without Endpoint is answered by the way that it came (design R8). If that was
 * through a carrier, the next worker doesn't know which one, so it waits for the peer. */
void configure_print_endpoint(struct outbuf *o, const struct plan_peer *p)
{
	bool said = p->conf->has_endpoint, known = p->way.endpoint.addr.family != IP_NONE;
	char text[ENDPOINT_STRLEN];

	if (known && (said || p->way.endpoint.arrived_in == 0))
		outbuf_print(o, "endpoint=%s\n", endpoint_format(&p->way.endpoint, text));
	if (!said || !known)
		outbuf_print(o, "tunion_by_arrival=%s\n", said ? "false" : "true");
}

void configure_print_peer(struct outbuf *o, const struct plan_peer *p)
{
	const struct conf_peer *conf = p->conf;
	char text[IP_PREFIX_STRLEN];

	outbuf_print_key(o, "public_key", conf->public_key);
	if (sealed_is_set(&conf->preshared_key))
		outbuf_print_sealed(o, "preshared_key", &conf->preshared_key);
	configure_print_endpoint(o, p);
	if (conf->has_keepalive)
		outbuf_print(o, "persistent_keepalive_interval=%u\n",
		             (unsigned)conf->keepalive_s);
	for (size_t i = 0; i < conf->allowed_ips.n; i++)
		outbuf_print(o, "allowed_ip=%s\n",
		             ip_prefix_format(&conf->allowed_ips.v[i].prefix, text));
}

/* Sends the text as one set, which has one reply however many messages it takes. */
static int send_text(struct worker_child *worker, const char *name,
                     const struct outbuf *text)
{
	struct command m = command_of(COMMAND_DEVICE_UAPI, name);
	const uint8_t *at = text->bytes + text->first;
	size_t left = outbuf_bytes(text);
	int err = 0;

	for (; left > 0 && !err; left -= m.text_bytes, at += m.text_bytes) {
		m.text = at;
		m.text_bytes = left < COMMAND_TEXT_MAX ? left : COMMAND_TEXT_MAX;
		err = left > COMMAND_TEXT_MAX ? worker_child_ask(worker, &m)
		                              : worker_child_send(worker, &m);
	}
	return err;
}

int configure_wireguard(struct worker_child *worker, const char *name,
                        const struct outbuf *lines)
{
	struct outbuf text = { 0 };
	int err;

	outbuf_print(&text, "set=1\n");
	outbuf_add(&text, lines->bytes + lines->first, outbuf_bytes(lines));
	outbuf_print(&text, "\n");
	err = text.failed || lines->failed ? -ENOMEM : send_text(worker, name, &text);
	outbuf_clear(&text);
	return err;
}

int configure_addconf(struct worker_child *worker, const struct tunnel *tunnel)
{
	const struct plan_device *d = tunnel->plan;
	struct outbuf lines = { 0 };
	int err;

	if (sealed_is_set(&d->conf->identity.private_key))
		outbuf_print_sealed(&lines, "private_key",
		                    &d->conf->identity.private_key);
	hook_keys_print_device(&lines, tunnel->hook_keys, d->conf);
	for (size_t i = 0; i < d->peer_count; i++)
		configure_print_peer(&lines, &d->peers[i]);
	hook_keys_print_peers(&lines, tunnel->hook_keys, d->conf);
	err = configure_wireguard(worker, d->way.name, &lines);
	outbuf_clear(&lines);
	return err;
}

int configure_device(struct worker_child *worker, const struct tunnel *d)
{
	int err = send_add(worker, d);

	if (!err)
		err = configure_settings(worker, d->plan);
	return err ? err : configure_sockets(worker, d, true);
}

/* How many carriers there are below the device, at most. */
static unsigned depth_of(const struct plan_device *d)
{
	unsigned depth = 0;

	for (size_t i = 0; i < d->peer_count; i++) {
		const struct way_peer *p = &d->peers[i].way;

		if (p->state == WAY_OK && p->hops > depth)
			depth = p->hops;
	}
	return depth;
}

int configure_start(struct worker_child *worker, const struct plan *plan,
                    const struct plan *running)
{
	int err = 0;

	for (unsigned depth = 0; depth <= WAY_MAX && !err; depth++) {
		for (size_t i = 0; i < plan->device_count && !err; i++) {
			const struct plan_device *d = &plan->devices[i];
			struct command m = command_of(COMMAND_DEVICE_START, d->way.name);

			if (depth_of(d) == depth &&
			    !(running && plan_find(running, d->way.name)))
				err = worker_child_send(worker, &m);
		}
	}
	return err;
}

int configure_endpoint(struct worker_child *worker, const char *device,
                       const uint8_t public_key[static KEY_BYTES],
                       const struct endpoint *endpoint)
{
	struct command try = command_of(COMMAND_PEER_TRY, device);
	struct outbuf text = { 0 };
	char where[ENDPOINT_STRLEN];
	int err;

	outbuf_print(&text, "set=1\n");
	outbuf_print_key(&text, "public_key", public_key);
	outbuf_print(&text, "update_only=true\nendpoint=%s\n\n",
	             endpoint_format(endpoint, where));
	err = text.failed ? -ENOMEM : send_text(worker, device, &text);
	outbuf_clear(&text);
	memcpy(try.key, public_key, KEY_BYTES);
	return err ? err : worker_child_send(worker, &try);
}
