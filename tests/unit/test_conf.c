/* tests/unit/test_conf.c - an ordinary file, all of it */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/load.h"
#include "unit.h"

#define KEY_A "EXAMPLEprivatekeyofhomeAAAAAAAAAAAAAAAAAAAA="
#define KEY_B "EXAMPLEpublickeyofofficeBBBBBBBBBBBBBBBBBBA="
#define KEY_C "EXAMPLEpresharedkeyCCCCCCCCCCCCCCCCCCCCCCCA="

static const char ordinary[] = "# home, by hand\n"
			       "[Interface]\n"
			       "# tunion: Via = vpn\n"
			       "PrivateKey = " KEY_A "\n"
			       "ListenPort = 51820\n"
			       "FwMark = 0xca6c\n"
			       "Address = 10.8.0.2/24, fd00::2/64\n"
			       "DNS = 10.8.0.1, home.lan\n"
			       "MTU = 1400\n"
			       "Table = off # ours\n"
			       "PostUp = echo \"#%i\"; echo x ; echo y # done\n"
			       "# tunion: Metric = -5\n"
			       "# tunion: SourceFix = off\n"
			       "\n"
			       "[Peer] # tunion: Via = network\n"
			       "PublicKey = " KEY_B "\n"
			       "PresharedKey = " KEY_C "\n"
			       "AllowedIPs = 192.168.1.0/24, fd01::/48\n"
			       "AllowedIPs = 10.8.0.0/24\n"
			       "Endpoint = [2001:db8::1]:51821\n"
			       "PersistentKeepalive = 25\n"
			       "# tunion: is only text\n";

static int read_text(struct conf **out, const char *text, size_t n, struct diag *diag)
{
	FILE *f = fmemopen((void *)(uintptr_t)text, n, "r");
	int r;

	ck_assert_ptr_nonnull(f);
	r = conf_read_stream(out, f, "dir/home.conf", diag);
	fclose(f);
	return r;
}

static void check_interface(const struct conf *conf)
{
	char text[IP_PREFIX_STRLEN];

	ck_assert_str_eq(conf->name, "home");
	ck_assert_str_eq(conf->path, "dir/home.conf");
	ck_assert(sealed_is_set(&conf->identity.private_key));
	ck_assert_uint_eq(conf->listen_port, 51820);
	ck_assert_uint_eq(conf->lines.listen_port, 5);
	ck_assert_uint_eq(conf->fwmark, 0xca6c);
	ck_assert_uint_eq(conf->addresses.n, 2);
	ck_assert_str_eq(ip_prefix_format(&conf->addresses.v[0].prefix, text),
	                 "10.8.0.2/24");
	ck_assert_str_eq(ip_prefix_format(&conf->addresses.v[1].prefix, text),
	                 "fd00::2/64");
	ck_assert_uint_eq(conf->addresses.v[1].line, 7);
	ck_assert_uint_eq(conf->dns.servers.n, 1);
	ck_assert_uint_eq(conf->dns.domains.n, 1);
	ck_assert_str_eq(conf->dns.domains.v[0].text, "home.lan");
	ck_assert_uint_eq(conf->mtu_bytes, 1400);
	ck_assert_int_eq(conf->table.kind, CONF_TABLE_OFF);
	ck_assert_uint_eq(conf->hooks[CONF_POST_UP].n, 1);
	ck_assert_str_eq(conf->hooks[CONF_POST_UP].v[0].text,
	                 "echo \"#%i\"; echo x ; echo y # done");
	ck_assert_int_eq(conf->via.kind, CONF_VIA_DEVICE);
	ck_assert_str_eq(conf->via.name, "vpn");
	ck_assert_int_eq(conf->metric, -5);
	ck_assert(conf->switches.source_fix_off);
	ck_assert(!conf->switches.resolve_off);
}

START_TEST(an_ordinary_file)
{
	struct diag diag = { 0 };
	struct conf *conf;
	const struct conf_peer *peer;
	char text[ENDPOINT_STRLEN];
	/* without the last line, which is an error */
	size_t n = (size_t)(strstr(ordinary, "# tunion: is only") - ordinary);

	ck_assert_int_eq(read_text(&conf, ordinary, n, &diag), 0);
	diag_print(&diag, stdout);
	ck_assert_uint_eq(diag.count, 0);
	check_interface(conf);
	ck_assert_uint_eq(conf->peer_count, 1);
	peer = &conf->peers[0];
	ck_assert_uint_eq(peer->line, 15);
	ck_assert(sealed_is_set(&peer->preshared_key) && peer->has_endpoint);
	ck_assert_uint_eq(peer->allowed_ips.n, 3);
	ck_assert_uint_eq(peer->allowed_ips.v[2].line, 19);
	ck_assert_str_eq(endpoint_format(&peer->endpoint, text), "[2001:db8::1]:51821");
	ck_assert_str_eq(peer->endpoint_host, "2001:db8::1");
	ck_assert_uint_eq(peer->keepalive_s, 25);
	ck_assert_int_eq(peer->via.kind, CONF_VIA_NETWORK);
	conf_free(conf);

	ck_assert_int_eq(read_text(&conf, ordinary, sizeof(ordinary) - 1, &diag),
	                 -EINVAL);
	ck_assert_ptr_null(conf);
	ck_assert_uint_eq(diag.errors, 1);
	ck_assert_uint_eq(diag.entries[0].line, 22);
	diag_clear(&diag);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("conf/conf");

	tcase_add_test(tc, an_ordinary_file);
	return tc;
}
