/* tests/unit/confprint.c */
#include "confprint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/key.h"
#include "conf/load.h"

static void print_key(const char *name, const uint8_t *key, FILE *out)
{
	char text[KEY_BASE64_CHARS + 1];

	key_to_base64(text, key);
	fprintf(out, "%s = %s\n", name, text);
}

static void print_sealed(const char *name, const struct sealed_key *sealed, FILE *out)
{
	uint8_t key[KEY_BYTES];

	if (!sealed_is_set(sealed))
		return;
	if (!sealed_open(sealed, key))
		abort();
	print_key(name, key, out);
}

static void print_carrier(const struct conf_carrier *via, FILE *out)
{
	if (via->kind == CONF_VIA_NETWORK)
		fprintf(out, "# tunion: Via = network\n");
	else if (via->kind == CONF_VIA_DEVICE)
		fprintf(out, "# tunion: Via = %s\n", via->name);
}

static void print_prefixes(const char *name, const struct conf_prefixes *list, FILE *out)
{
	char text[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < list->n; i++)
		fprintf(out, "%s = %s\n", name,
		        ip_prefix_format(&list->v[i].prefix, text));
}

static void print_texts(const char *name, const struct conf_texts *list, FILE *out)
{
	for (size_t i = 0; i < list->n; i++)
		fprintf(out, "%s = %s\n", name, list->v[i].text);
}

static void print_dns(const struct conf *conf, FILE *out)
{
	char text[IP_ADDR_STRLEN];

	for (size_t i = 0; i < conf->dns.servers.n; i++)
		fprintf(out, "DNS = %s\n", ip_addr_format(&conf->dns.servers.v[i], text));
	print_texts("DNS", &conf->dns.domains, out);
}

static void print_quick(const struct conf *conf, FILE *out)
{
	static const char *const hook_names[] = {
		[CONF_PRE_UP] = "PreUp",
		[CONF_POST_UP] = "PostUp",
		[CONF_PRE_DOWN] = "PreDown",
		[CONF_POST_DOWN] = "PostDown",
	};

	print_prefixes("Address", &conf->addresses, out);
	print_dns(conf, out);
	if (conf->mtu_bytes != 0)
		fprintf(out, "MTU = %u\n", conf->mtu_bytes);
	if (conf->table.kind == CONF_TABLE_OFF)
		fprintf(out, "Table = off\n");
	else if (conf->table.kind == CONF_TABLE_NUMBER)
		fprintf(out, "Table = %u\n", conf->table.number);
	if (conf->save_config)
		fprintf(out, "SaveConfig = true\n");
	for (size_t hook = 0; hook < CONF_HOOK_COUNT; hook++)
		print_texts(hook_names[hook], &conf->hooks[hook], out);
	print_texts("IncludedApplications", &conf->applications.included, out);
	print_texts("ExcludedApplications", &conf->applications.excluded, out);
}

static void print_peer(const struct conf_peer *peer, FILE *out)
{
	fprintf(out, "[Peer]\n");
	print_key("PublicKey", peer->public_key, out);
	print_sealed("PresharedKey", &peer->preshared_key, out);
	print_prefixes("AllowedIPs", &peer->allowed_ips, out);
	if (peer->has_endpoint && strchr(peer->endpoint_host, ':'))
		fprintf(out, "Endpoint = [%s]:%u\n", peer->endpoint_host,
		        peer->endpoint_port);
	else if (peer->has_endpoint)
		fprintf(out, "Endpoint = %s:%u\n", peer->endpoint_host,
		        peer->endpoint_port);
	if (peer->has_keepalive)
		fprintf(out, "PersistentKeepalive = %u\n", peer->keepalive_s);
	print_carrier(&peer->via, out);
}

void confprint(const struct conf *conf, FILE *out)
{
	char address[IP_ADDR_STRLEN];

	fprintf(out, "[Interface]\n");
	print_sealed("PrivateKey", &conf->identity.private_key, out);
	if (conf->listen_port)
		fprintf(out, "ListenPort = %u\n", conf->listen_port);
	if (conf->fwmark)
		fprintf(out, "FwMark = 0x%x\n", conf->fwmark);
	print_quick(conf, out);
	print_carrier(&conf->via, out);
	if (conf->has_metric)
		fprintf(out, "# tunion: Metric = %d\n", conf->metric);
	if (conf->switches.gate)
		fprintf(out, "# tunion: Gate = on\n");
	if (conf->switches.isolate_off)
		fprintf(out, "# tunion: Isolate = off\n");
	if (conf->switches.own_tun)
		fprintf(out, "# tunion: Tun = own\n");
	if (conf->listen.family != IP_NONE)
		fprintf(out, "# tunion: Listen = %s\n",
		        ip_addr_format(&conf->listen, address));
	if (conf->switches.source_fix_off)
		fprintf(out, "# tunion: SourceFix = off\n");
	if (conf->switches.source_check_off)
		fprintf(out, "# tunion: SourceCheck = off\n");
	if (conf->switches.resolve_off)
		fprintf(out, "# tunion: Resolve = off\n");
	for (size_t i = 0; i < conf->peer_count; i++)
		print_peer(&conf->peers[i], out);
}

char *confprint_text(const struct conf *conf)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return NULL;
	confprint(conf, out);
	fclose(out);
	return text;
}

int confprint_read(struct conf **out, const char *text, size_t n, const char *path,
                   struct diag *diag)
{
	/* fmemopen refuses zero bytes on some systems */
	FILE *f = n > 0 ? fmemopen((void *)(uintptr_t)text, n, "r")
	                : fopen("/dev/null", "r");
	int r;

	*out = NULL;
	if (!f)
		return -errno;
	r = conf_read_stream(out, f, path, diag);
	fclose(f);
	return r;
}

char *confprint_diag(const struct diag *diag)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return NULL;
	diag_print(diag, out);
	fclose(out);
	return text;
}
