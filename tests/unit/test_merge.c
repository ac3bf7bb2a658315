/* tests/unit/test_merge.c - peers of random files, against a slow model of what wg does
 * with a fresh device: one section after the other, and a table of who has
 * which prefix */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/key.h"
#include "confprint.h"
#include "unit.h"

#define KEYS     4
#define PREFIXES 6
#define NOBODY   KEYS

static const char *const keys[KEYS] = {
	"EXAMPLE/peer/key/AAAAAAAAAAAAAAAAAAAAAAAAAA=",
	"EXAMPLE/peer/key/BBBBBBBBBBBBBBBBBBBBBBBBBA=",
	"EXAMPLE/peer/key/CCCCCCCCCCCCCCCCCCCCCCCCCA=",
	"EXAMPLE/peer/key/DDDDDDDDDDDDDDDDDDDDDDDDDA=",
};

static const char *const prefixes[PREFIXES] = {
	"10.0.0.0/8", "10.0.0.0/9", "10.1.2.3/32", "0.0.0.0/0", "::/0", "fd00::/8",
};

struct model {
	unsigned owner[PREFIXES]; /* key, or NOBODY */
	struct {
		bool there, has_secret;
		unsigned port, keepalive_s; /* 0: not given */
	} peers[KEYS];
};

static void name_prefix(struct model *m, unsigned key, unsigned prefix, char sign,
                        FILE *file)
{
	if (sign != '-')
		m->owner[prefix] = key;
	else if (m->owner[prefix] == key)
		m->owner[prefix] = NOBODY;
	fprintf(file, "AllowedIPs = %.1s%s\n", &sign, prefixes[prefix]);
}

/* Writes a section and does to the model what it says. */
static void add_section(struct model *m, uint64_t *random, FILE *file)
{
	unsigned key = (unsigned)(unit_random(random) % KEYS);
	uint64_t bits = unit_random(random);

	fprintf(file, "[Peer]\n");
	m->peers[key].there = true;
	for (unsigned i = 0; i < PREFIXES; i++)
		if (m->owner[i] == key)
			m->owner[i] = NOBODY;
	for (uint64_t n = unit_random(random) % 5; n > 0; n--)
		name_prefix(m, key, (unsigned)(unit_random(random) % PREFIXES),
		            "++-+"[unit_random(random) % 4], file);
	if (bits & 1) {
		m->peers[key].port = 1 + (unsigned)(bits >> 32) % 60000;
		fprintf(file, "Endpoint = 192.0.2.1:%u\n", m->peers[key].port);
	}
	if (bits & 2) {
		m->peers[key].keepalive_s = 1 + (unsigned)(bits >> 40) % 60000;
		fprintf(file, "PersistentKeepalive = %u\n", m->peers[key].keepalive_s);
	}
	if (bits & 4) {
		m->peers[key].has_secret = bits & 8;
		fprintf(file, "PresharedKey = %sAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		        bits & 8 ? "EXAMPLE" : "AAAAAAA");
	}
	fprintf(file, "PublicKey = %s\n", keys[key]);
}

static unsigned key_index(const struct conf_peer *peer)
{
	char text[KEY_BASE64_CHARS + 1];
	unsigned i = 0;

	key_to_base64(text, peer->public_key);
	while (i < KEYS && strcmp(keys[i], text) != 0)
		i++;
	ck_assert_uint_lt(i, KEYS);
	return i;
}

static unsigned prefix_index(const struct conf_prefix *prefix)
{
	char text[IP_PREFIX_STRLEN];
	unsigned i = 0;

	ip_prefix_format(&prefix->prefix, text);
	while (i < PREFIXES && strcmp(prefixes[i], text) != 0)
		i++;
	ck_assert_uint_lt(i, PREFIXES);
	return i;
}

static void check_peer(struct model *m, const struct conf_peer *peer)
{
	unsigned key = key_index(peer);

	ck_assert(m->peers[key].there);
	m->peers[key].there = false; /* once */
	for (size_t i = 0; i < peer->allowed_ips.n; i++) {
		unsigned prefix = prefix_index(&peer->allowed_ips.v[i]);

		ck_assert_uint_eq(m->owner[prefix], key);
		m->owner[prefix] = NOBODY;
	}
	ck_assert_uint_eq(peer->endpoint_port, m->peers[key].port);
	ck_assert_uint_eq(peer->keepalive_s, m->peers[key].keepalive_s);
	ck_assert(sealed_is_set(&peer->preshared_key) == m->peers[key].has_secret);
}

static void check_file(uint64_t *random)
{
	struct model m = { 0 };
	struct diag diag = { 0 };
	struct conf *conf;
	char *text = NULL;
	size_t n;
	FILE *file = open_memstream(&text, &n);

	for (unsigned i = 0; i < PREFIXES; i++)
		m.owner[i] = NOBODY;
	for (uint64_t sections = unit_random(random) % 12; sections > 0; sections--)
		add_section(&m, random, file);
	fclose(file);
	ck_assert_int_eq(confprint_read(&conf, text, n, "t.conf", &diag), 0);
	for (size_t i = 0; i < conf->peer_count; i++)
		check_peer(&m, &conf->peers[i]);
	for (unsigned i = 0; i < KEYS; i++)
		ck_assert_msg(!m.peers[i].there, "peer %u is missing:\n%s", i, text);
	for (unsigned i = 0; i < PREFIXES; i++)
		ck_assert_msg(m.owner[i] == NOBODY, "%s is missing:\n%s", prefixes[i],
		              text);
	conf_free(conf);
	diag_clear(&diag);
	free(text);
}

START_TEST(as_the_slow_model)
{
	uint64_t random = unit_seed();

	for (int i = 0; i < 1000; i++)
		check_file(&random);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("conf/merge");

	tcase_add_test(tc, as_the_slow_model);
	return tc;
}
