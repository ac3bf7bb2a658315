/* tests/sim/fake_device.c */
#include "fake_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fake_via(char out[static 16], enum way_via via, const char *name)
{
	snprintf(out, 16, "%s",
	         via == WAY_VIA_UNION     ? "union"
	         : via == WAY_VIA_NETWORK ? "network"
	                                  : name);
}

void fake_add_address(char *text, size_t size, const struct ip_addr *addr)
{
	char one[IP_PREFIX_STRLEN];
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%s", used ? "," : "",
	         ip_addr_format(addr, one));
}

static void print_key(struct outbuf *o, const char *name, const uint8_t *key)
{
	char hex[KEY_HEX_CHARS + 1];

	key_to_hex(hex, key);
	outbuf_print(o, "%s=%s\n", name, hex);
}

static int compare_prefix(const void *a, const void *b)
{
	const struct ip_prefix *x = a, *y = b;
	int c = ip_addr_compare(&x->addr, &y->addr);

	return c ? c : (int)x->len - (int)y->len;
}

static int compare_peer(const void *a, const void *b)
{
	return memcmp(((const struct fake_peer *)a)->key,
	              ((const struct fake_peer *)b)->key, KEY_BYTES);
}

static void print_peer(struct outbuf *o, const struct fake_peer *peer, bool uapi)
{
	struct fake_peer p = *peer;
	char text[ENDPOINT_STRLEN];

	qsort(p.allowed, p.allowed_count, sizeof(p.allowed[0]), compare_prefix);
	print_key(o, "public_key", p.key);
	print_key(o, "preshared_key", p.preshared);
	if (p.endpoint.addr.family != IP_NONE)
		outbuf_print(o, "endpoint=%s\n", endpoint_format(&p.endpoint, text));
	outbuf_print(o, "persistent_keepalive_interval=%u\n", p.keepalive_s);
	for (size_t i = 0; i < p.allowed_count; i++)
		outbuf_print(o, "allowed_ip=%s\n", ip_prefix_format(&p.allowed[i], text));
	if (!uapi)
		outbuf_print(o, "via=%s\n", p.via);
}

static void print_device(struct outbuf *o, const struct fake_device *device, bool uapi)
{
	struct fake_device d = *device;

	qsort(d.peers, d.peer_count, sizeof(d.peers[0]), compare_peer);
	if (!uapi)
		outbuf_print(
			o,
			"device %s mtu=%u metric=%d/%d fwmark=%d table_off=%d left_out=%d own_tun=%d source_fix_off=%d source_check_off=%d gate=%d "
			"isolate_off=%d started=%d via=%s addresses=%s servers=%s domains=%s\n",
			d.name, (unsigned)d.mtu_bytes, (int)d.metric, d.has_metric,
			d.has_fwmark, d.table_off, d.left_out, d.own_tun,
			d.source_fix_off, d.source_check_off, d.gate, d.isolate_off,
			d.started, d.via, d.addresses, d.servers, d.domains);
	print_key(o, "private_key", d.private_key);
	outbuf_print(o, "listen_port=%u\n", (unsigned)d.port);
	for (size_t i = 0; i < d.peer_count; i++)
		print_peer(o, &d.peers[i], uapi);
}

void fake_device_print(struct outbuf *o, const struct fake_device *d)
{
	print_device(o, d, false);
}

void fake_device_print_uapi(struct outbuf *o, const struct fake_device *d)
{
	print_device(o, d, true);
}
