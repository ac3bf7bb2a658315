/* tests/unit/test_conf_random.c - files put together of pieces that mean something, good
 * and bad, whole and torn; the fuzz target judges what comes of them */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define RUNS     3000
#define TEXT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n); /* tests/fuzz/conf.c */

static const char *const lines[] = {
	"[Interface]",
	"[Peer]",
	"[ peer ]",
	"[ Interface ]",
	"[Foo]",
	"[Interface",
	"[]",
	"# tunion: ",
	"# ",
	"#",
	"",
	"PrivateKey",
	"ListenPort",
	"FwMark",
	"Address",
	"DNS",
	"MTU",
	"Table",
	"SaveConfig",
	"PreUp",
	"PostUp",
	"PreDown",
	"PostDown",
	"PublicKey",
	"PresharedKey",
	"AllowedIPs",
	"Endpoint",
	"PersistentKeepalive",
	"Via",
	"Metric",
	"SourceFix",
	"SourceCheck",
	"Resolve",
	"Gate",
	"Isolate",
	"Listen",
	"# tunion: Via",
	"# tunion: Metric",
	"# tunion: SourceFix",
	"# tunion: SourceCheck",
	"Public Key",
	"Adress",
};

static const char *const values[] = {
	"EXAMPLE/private/key/AAAAAAAAAAAAAAAAAAAAAAA=",
	"EXAMPLE/peer/key/BBBBBBBBBBBBBBBBBBBBBBBBBA=",
	"EXAMPLE/peer/key/CCCCCCCCCCCCCCCCCCCCCCCCCA=",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	"0",
	"1",
	"51820",
	"65535",
	"65536",
	"0x10",
	"010",
	"off",
	"on",
	"auto",
	"true",
	"false",
	"main",
	"network",
	"vpn",
	"10.8.0.2/24",
	"10.8/16",
	"10.0.0.0/8",
	"10.1.2.3",
	"0.0.0.0/0",
	"::/0",
	"fd00::1/64",
	"2001:db8::1",
	"[2001:db8::1]:51820",
	"192.0.2.1:51820",
	"vpn.example.net:51820",
	"10.1:1",
	"home.lan",
	"echo %i",
	"/",
	",",
	":",
	"[",
	"]",
	"%",
	"+",
	"-",
	"=",
	"#",
	"\"",
	";",
	" ",
	"\t",
	"\r",
	"\n",
	"\xc2\xa0",
	"\xef\xbb\xbf",
	"\xff",
};

static const char *const good_interface[] = {
	"PrivateKey = EXAMPLE/private/key/AAAAAAAAAAAAAAAAAAAAAAA=",
	"ListenPort = +51820",
	"FwMark = 0xca6c",
	"DNS = 10.8.0.1, home.lan fd00::1",
	"MTU = 0x500",
	"Table = off",
	"SaveConfig = true",
	"PreUp = echo '#%i' # ; x",
	"PostDown = a=b",
	"# tunion: Via = vpn",
	"# tunion: Metric = -1",
	"# tunion: SourceFix = off",
	"# tunion: SourceCheck = off",
	"# tunion: Resolve = off",
	"# tunion: Gate = on",
	"# tunion: Isolate = off",
	"# tunion: Listen = 127.0.0.1",
	"[Interface]",
	"[Peer]\nPublicKey = EXAMPLE/peer/key/BBBBBBBBBBBBBBBBBBBBBBBBBA=",
	"[Peer]\nPublicKey = EXAMPLE/peer/key/CCCCCCCCCCCCCCCCCCCCCCCCCA=",
};

static const char *const good_peer[] = {
	"PresharedKey = EXAMPLE/preshared/key/AAAAAAAAAAAAAAAAAAAAA=",
	"PresharedKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	"AllowedIPs = 10.0.0.0/8, fd00::1/8",
	"AllowedIPs = 10.1.2.3/16, +0.0.0.0/0, -10.0.0.0/8",
	"Endpoint = 192.0.2.1:51820",
	"Endpoint = [2001:db8::1]:51820",
	"Endpoint = vpn.example.net:1 # tunion: Via = network",
	"Endpoint = 10.1:1",
	"PersistentKeepalive = 25",
	"# tunion: Via = home",
	"[Peer]\nPublicKey = EXAMPLE/peer/key/BBBBBBBBBBBBBBBBBBBBBBBBBA=",
	"[Peer]\nPublicKey = EXAMPLE/peer/key/CCCCCCCCCCCCCCCCCCCCCCCCCA=",
	"[Interface]\nPrivateKey = EXAMPLE/private/key/AAAAAAAAAAAAAAAAAAAAAAA=",
};

struct text {
	char bytes[TEXT_MAX];
	size_t n;
	bool in_peer; /* of the good lines */
};

static void add(struct text *t, const char *piece)
{
	size_t n = strlen(piece);

	if (n > sizeof(t->bytes) - t->n)
		return;
	memcpy(t->bytes + t->n, piece, n);
	t->n += n;
}

static size_t below(uint64_t *random, size_t n)
{
	return (size_t)(unit_random(random) % n);
}

static void add_good_line(struct text *t, uint64_t *random)
{
	const char *line =
		t->in_peer ? good_peer[below(random, ARRAY_SIZE(good_peer))]
			   : good_interface[below(random, ARRAY_SIZE(good_interface))];

	if (line[0] == '[')
		t->in_peer = line[1] == 'P';
	add(t, line);
	add(t, "\n");
}

static void add_line(struct text *t, uint64_t *random)
{
	add(t, lines[below(random, ARRAY_SIZE(lines))]);
	if (below(random, 8) != 0)
		add(t, below(random, 2) ? "=" : " = ");
	for (size_t pieces = below(random, 4); pieces > 0; pieces--) {
		add(t, values[below(random, ARRAY_SIZE(values))]);
		if (below(random, 4) == 0)
			add(t, ", ");
	}
	add(t, below(random, 16) ? "\n" : "\r\n");
}

/* A byte changed, a NUL, a piece cut out, the end cut off. */
static void tear(struct text *t, uint64_t *random)
{
	size_t at = t->n ? below(random, t->n) : 0, n;

	if (t->n == 0)
		return;
	switch (below(random, 6)) {
	case 0:
		t->bytes[at] = (char)unit_random(random);
		break;
	case 1:
		t->bytes[at] = '\0';
		break;
	case 2:
		n = below(random, t->n - at);
		memmove(t->bytes + at, t->bytes + at + n, t->n - at - n);
		t->n -= n;
		break;
	case 3:
		t->n = at;
		break;
	default: /* whole */
		break;
	}
}

/* A copy of its size: a sanitizer sees a read beyond it. */
static void judge(const struct text *t)
{
	uint8_t *copy = malloc(t->n + (t->n == 0));

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, t->bytes, t->n);
	LLVMFuzzerTestOneInput(copy, t->n);
	free(copy);
}

START_TEST(nothing_breaks_the_parser)
{
	uint64_t random = unit_seed();

	for (int i = 0; i < RUNS; i++) {
		struct text t = { .n = 0 };
		size_t wildness = below(&random, 4);

		add(&t, below(&random, 16) ? "[Interface]\n" : "");
		for (size_t n = below(&random, 32); n > 0; n--) {
			if (below(&random, 16) < wildness)
				add_line(&t, &random);
			else
				add_good_line(&t, &random);
		}
		if (below(&random, 2))
			tear(&t, &random);
		judge(&t);
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("conf, random files");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, nothing_breaks_the_parser);
	return tc;
}
