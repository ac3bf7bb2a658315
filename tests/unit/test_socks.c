#include "proxy/socks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

/* The bytes of a text without its final NUL. */
#define BYTES(text) text, sizeof(text) - 1

/* What is to be taken, what is left for the destination, what is answered on the way, and
 * where the client wants to go. to NULL: refused. */
static const struct {
	const char *in;
	size_t in_n;
	const char *answers;
	size_t answers_n;
	const char *to;
	size_t left_n;
	bool with_users, udp;
} cases[] = {
	{ BYTES("\5\1\0\5\1\0\1\300\0\2\1\0P"), BYTES("\5\0"), "192.0.2.1:80", 0, false,
	  false },
	{ BYTES("\5\2\2\0\5\1\0\4\375\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\1\273GET"),
	  BYTES("\5\0"), "[fd00::1]:443", 3, false, false },
	{ BYTES("\5\1\0\5\1\0\3\4home\0P"), BYTES("\5\0"), "home:80", 0, false, false },
	{ BYTES("\5\1\0\5\1\0\3\t192.0.2.1\0P"), BYTES("\5\0"), "192.0.2.1:80", 0, false,
	  false },
	{ BYTES("\5\1\0\5\3\0\1\0\0\0\0\0\0"), BYTES("\5\0"), "0.0.0.0:0", 0, false,
	  true },
	/* BIND, an unknown command, an unknown type of address */
	{ BYTES("\5\1\0\5\2\0\1\300\0\2\1\0P"), BYTES("\5\0\5\7\0\1\0\0\0\0\0\0"), NULL,
	  6, false, false },
	{ BYTES("\5\1\0\5\11\0\1"), BYTES("\5\0\5\7\0\1\0\0\0\0\0\0"), NULL, 0, false,
	  false },
	{ BYTES("\5\1\0\5\1\0\2"), BYTES("\5\0\5\10\0\1\0\0\0\0\0\0"), NULL, 0, false,
	  false },
	/* no method that is accepted; no methods; another version in the request */
	{ BYTES("\5\1\2"), BYTES("\5\377"), NULL, 0, false, false },
	{ BYTES("\5\0"), BYTES(""), NULL, 0, false, false },
	{ BYTES("\5\1\0\4\1\0\1"), BYTES("\5\0"), NULL, 0, false, false },
	/* names: empty, with a NUL, with a blank; port 0 */
	{ BYTES("\5\1\0\5\1\0\3\0\0P"), BYTES("\5\0\5\4\0\1\0\0\0\0\0\0"), NULL, 0, false,
	  false },
	{ BYTES("\5\1\0\5\1\0\3\3a\0b\0P"), BYTES("\5\0\5\4\0\1\0\0\0\0\0\0"), NULL, 0,
	  false, false },
	{ BYTES("\5\1\0\5\1\0\3\3a b\0P"), BYTES("\5\0\5\4\0\1\0\0\0\0\0\0"), NULL, 0,
	  false, false },
	{ BYTES("\5\1\0\5\1\0\1\300\0\2\1\0\0"), BYTES("\5\0\5\5\0\1\0\0\0\0\0\0"), NULL,
	  0, false, false },
	/* user and password */
	{ BYTES("\5\2\0\2\1\2me\6secret\5\1\0\3\1h\0P"), BYTES("\5\2\1\0"), "h:80", 0,
	  true, false },
	{ BYTES("\5\1\2\1\2me\6secreT\5\1\0"), BYTES("\5\2\1\1"), NULL, 3, true, false },
	{ BYTES("\5\1\2\1\0\0"), BYTES("\5\2\1\1"), NULL, 0, true, false },
	{ BYTES("\5\1\2\2\2me"), BYTES("\5\2"), NULL, 2, true, false },
	{ BYTES("\5\1\0"), BYTES("\5\377"), NULL, 0, true, false },
	/* SOCKS4, 4a */
	{ BYTES("\4\1\0P\300\0\2\1me\0x"), BYTES(""), "192.0.2.1:80", 1, false, false },
	{ BYTES("\4\1\0P\0\0\0\1\0home.lan\0"), BYTES(""), "home.lan:80", 0, false,
	  false },
	{ BYTES("\4\1\0P\0\0\0\1\0\0"), BYTES("\0[\0\0\0\0\0\0"), NULL, 0, false, false },
	{ BYTES("\4\2\0P\300\0\2\1"), BYTES("\0[\0\0\0\0\0\0"), NULL, 0, false, false },
	{ BYTES("\4\1\0P\300\0\2\1"), BYTES("\0[\0\0\0\0\0\0"), NULL, 0, true, false },
	{ BYTES("\7"), BYTES(""), NULL, 0, false, false },
};

static struct users *make_users(void)
{
	char text[] = "other:x\nme:secret\n";
	FILE *in = fmemopen(text, strlen(text), "r");
	struct diag diag = { 0 };
	struct users *users;
	int err = users_read(&users, in, "users", &diag);

	ck_assert_int_eq(err, 0);
	fclose(in);
	return users;
}

/* Gives the bytes in pieces of this size; the rest is as in cases. */
static void run(size_t i, size_t piece, const struct users *users)
{
	const uint8_t *in = (const uint8_t *)cases[i].in;
	size_t at = 0, answers_n = 0, taken;
	enum socks_step step = SOCKS_MORE;
	char to[DESTINATION_STRLEN];
	uint8_t answers[64];
	struct socks s;

	socks_init(&s, cases[i].with_users ? users : NULL);
	while (at < cases[i].in_n && (step == SOCKS_MORE || step == SOCKS_ANSWER)) {
		size_t n = cases[i].in_n - at;

		step = socks_feed(&s, in + at, n < piece ? n : piece, &taken);
		at += taken;
		memcpy(answers + answers_n, s.reply, s.reply_n);
		answers_n += s.reply_n;
	}
	ck_assert_msg((step == SOCKS_REQUEST) == (cases[i].to != NULL), "case %zu", i);
	ck_assert_msg(cases[i].to || step == SOCKS_END, "case %zu", i);
	ck_assert_msg(cases[i].in_n - at == cases[i].left_n, "case %zu: %zu left", i,
	              cases[i].in_n - at);
	ck_assert_uint_eq(answers_n, cases[i].answers_n);
	ck_assert_mem_eq(answers, cases[i].answers, answers_n);
	if (cases[i].to) {
		ck_assert_str_eq(destination_format(&s.destination, to), cases[i].to);
		ck_assert((s.command == SOCKS_UDP_ASSOCIATE) == cases[i].udp);
	}
	socks_clear(&s);
}

START_TEST(conversations)
{
	struct users *users = make_users();

	for (size_t piece = 1; piece < 40; piece++)
		run((size_t)_i, piece, users);
	users_free(users);
}
END_TEST

START_TEST(long_texts_of_socks4)
{
	uint8_t in[600] = "\4\1\0P\0\0\0\1";
	struct socks s;
	size_t taken;

	memset(in + 8, 'a', sizeof(in) - 8);
	socks_init(&s, NULL);
	ck_assert_int_eq(socks_feed(&s, in, sizeof(in), &taken), SOCKS_END);
	in[8] = 0; /* the user is empty, the name too long */
	socks_init(&s, NULL);
	ck_assert_int_eq(socks_feed(&s, in, sizeof(in), &taken), SOCKS_END);
	ck_assert_uint_eq(s.reply_n, 8);
	/* and nothing more is taken */
	ck_assert_int_eq(socks_feed(&s, in, sizeof(in), &taken), SOCKS_END);
	ck_assert_uint_eq(taken, 0);
}
END_TEST

START_TEST(answers)
{
	const struct endpoint bound = { .addr = { IP_V6, { 0xfd, [15] = 1 } },
		                        .port = 258 };
	struct socks s = { .version = SOCKS5_VERSION };

	socks_answer(&s, SOCKS_SUCCEEDED, &bound);
	ck_assert_uint_eq(s.reply_n, 22);
	ck_assert_mem_eq(s.reply, "\5\0\0\4\375", 5);
	ck_assert_mem_eq(s.reply + 19, "\1\1\2", 3);
	socks_answer(&s, SOCKS_NETWORK_UNREACHABLE, NULL);
	ck_assert_uint_eq(s.reply_n, 10);
	ck_assert_mem_eq(s.reply, "\5\3\0\1\0\0\0\0\0\0", 10);
	s.version = SOCKS4_VERSION;
	socks_answer(&s, SOCKS_SUCCEEDED, NULL);
	ck_assert_mem_eq(s.reply, "\0Z\0\0\0\0\0\0", 8);
	ck_assert_int_eq(socks_code_of(-ENETUNREACH), SOCKS_NETWORK_UNREACHABLE);
	ck_assert_int_eq(socks_code_of(-ECONNREFUSED), SOCKS_REFUSED);
	ck_assert_int_eq(socks_code_of(-ETIMEDOUT), SOCKS_HOST_UNREACHABLE);
	ck_assert_int_eq(socks_code_of(-EIO), SOCKS_FAILURE);
}
END_TEST

static const struct {
	const char *in;
	size_t in_n, header_n;
	const char *to;
} datagrams[] = {
	{ BYTES("\0\0\0\1\300\0\2\1\0\65hello"), 10, "192.0.2.1:53" },
	{ BYTES("\0\0\0\3\1h\0\65"), 8, "h:53" },
	{ BYTES("\0\0\0\4\375\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\65"), 22, "[fd00::1]:53" },
	{ BYTES("\0\0\1\1\300\0\2\1\0\65hello"), 0, NULL }, /* a fragment */
	{ BYTES("\0\0\0\1\300\0\2\1\0"), 0, NULL },
	{ BYTES("\0\0\0\1\300\0\2\1\0\0"), 0, NULL },
	{ BYTES("\0\0\0\3\377h\0\65"), 0, NULL },
	{ BYTES("\0\0\0\3"), 0, NULL },
	{ BYTES("\0\0\0\2\1\1\1\1\1\1\1"), 0, NULL },
	{ BYTES(""), 0, NULL },
};

START_TEST(headers_of_datagrams)
{
	uint8_t header[SOCKS_UDP_HEADER_MAX];
	char to[DESTINATION_STRLEN];
	struct destination d;
	size_t n =
		socks_udp_read(&d, (const uint8_t *)datagrams[_i].in, datagrams[_i].in_n);

	ck_assert_uint_eq(n, datagrams[_i].header_n);
	if (n == 0)
		return;
	ck_assert_str_eq(destination_format(&d, to), datagrams[_i].to);
	if (d.addr.family != IP_NONE) {
		const struct endpoint e = { .addr = d.addr, .port = d.port };

		ck_assert_uint_eq(socks_udp_write(header, &e), n);
		ck_assert_mem_eq(header, datagrams[_i].in, n);
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/socks");

	tcase_add_loop_test(tc, conversations, 0, ARRAY_SIZE(cases));
	tcase_add_test(tc, long_texts_of_socks4);
	tcase_add_test(tc, answers);
	tcase_add_loop_test(tc, headers_of_datagrams, 0, ARRAY_SIZE(datagrams));
	return tc;
}
