/* The vectors come from a script written from the paper over Python's hashlib and the
 * package `cryptography` (XChaCha: HChaCha20 by hand, checked with the vector of
 * draft-irtf-cfrg-xchacha A.3.1). The same script, as initiator, completed a handshake
 * with preshared key with wireguard-go 0.0.20220316 and exchanged pings with it. Keys: 32
 * equal bytes each, initiator's static 0x11, responder's 0x22, ephemeral 0x33 and 0x44,
 * preshared 0x55; sender indices 0x01020304 and 0x0a0b0c0d; 1700000000 s since 1970. */
#include "unit.h"

#include <string.h>

#include <sodium.h>

#include "wg/cookie.h"
#include "wg/noise.h"

static const char initiation[] =
	"01000000040302017b0d47d93427f8311160781c7c733fd89f88970aef490d8aa0ee19a4"
	"cb8a1b1481e498317da959fba46669572516a5e6c021bfa620bb6c56ca0082e1feae1498"
	"8c2c64d024c617734a263f76a008df04d0f94bad8ee75ec8fcc26955822044b2d7331053"
	"ca37046285bfbc84484f9e51ab888f740717d97bef7d694f000000000000000000000000"
	"00000000";
static const char response[] =
	"020000000d0c0b0a04030201ff2ee45601ec1b67310c7790404585ae697331eee1c1f8cf"
	"2419731c1fff3e6bf24675d8e9426f202cf69a0d865b210f21f9308defcc25a88ba51412"
	"90efda1200000000000000000000000000000000";
static const char response_without_psk[] =
	"020000000d0c0b0a04030201ff2ee45601ec1b67310c7790404585ae697331eee1c1f8cf"
	"2419731c1fff3e6b6a1ecf41511921e68a5a2d163fdd5815a8779cd1e241ab9344e22397"
	"68031cd100000000000000000000000000000000";
static const char initiator_sends[] =
	"a007faf842d83f5bd3be20a14e0ffcec34c84867b78b051980602713205922de";
static const char responder_sends[] =
	"d982d5cd10d34a7802b6c19fa441cd9164d70e4f4d62007ab416879ee8bd1b99";

#define INITIATOR_INDEX 0x01020304U
#define RESPONDER_INDEX 0x0a0b0c0dU
#define WALL_NS         (UINT64_C(1700000000) * NS_PER_SEC + 500000000)
#define NOW_NS          (5 * NS_PER_SEC)

static void from_hex(void *out, size_t n, const char *hex)
{
	size_t got;

	ck_assert_int_eq(sodium_hex2bin(out, n, hex, strlen(hex), NULL, &got, NULL), 0);
	ck_assert_uint_eq(got, n);
}

static void check_hex(const void *bytes, size_t n, const char *hex)
{
	uint8_t want[256];

	from_hex(want, n, hex);
	ck_assert_mem_eq(bytes, want, n);
}

/* Gives the same byte always. */
static void fill(void *context, void *bytes, size_t n)
{
	memset(bytes, *(const uint8_t *)context, n);
}

struct side {
	struct noise_identity id;
	struct noise_handshake handshake;
	struct cookie_maker maker;
	uint8_t ephemeral;
	struct rng rng;
};

static struct side initiator, responder;
static struct secrets secrets;

static void set_up_side(struct side *s, uint8_t key, uint8_t ephemeral)
{
	uint8_t private_key[NOISE_KEY_BYTES];

	memset(private_key, key, sizeof(private_key));
	s->ephemeral = ephemeral;
	s->rng = (struct rng){ .fill = fill, .context = &s->ephemeral };
	ck_assert_int_eq(noise_identity_init(&s->id, &secrets), 0);
	noise_identity_set(&s->id, private_key);
}

static void meet(struct side *s, const struct side *other, uint8_t psk)
{
	ck_assert_int_eq(
		noise_handshake_init(&s->handshake, &secrets, other->id.public_key), 0);
	noise_handshake_set_identity(&s->handshake, &s->id);
	memset(s->handshake.preshared_key, psk, NOISE_KEY_BYTES);
	cookie_maker_init(&s->maker, other->id.public_key);
}

static void set_up(void)
{
	ck_assert_int_ge(sodium_init(), 0);
	set_up_side(&initiator, 0x11, 0x33);
	set_up_side(&responder, 0x22, 0x44);
	meet(&initiator, &responder, 0x55);
	meet(&responder, &initiator, 0x55);
}

static void tear_down(void)
{
	noise_handshake_clear(&initiator.handshake);
	noise_handshake_clear(&responder.handshake);
	noise_identity_clear(&initiator.id);
	noise_identity_clear(&responder.id);
	secrets_clear(&secrets);
}

static void initiate(struct message_initiation *m, uint64_t wall_ns)
{
	uint8_t timestamp[TAI64N_BYTES];

	noise_timestamp(timestamp, wall_ns);
	ck_assert(noise_create_initiation(&initiator.handshake, &initiator.id,
	                                  INITIATOR_INDEX, timestamp, &initiator.rng, m));
	cookie_maker_sign(&initiator.maker, m, sizeof(*m), NOW_NS);
}

static struct noise_handshake *find(void *context, const uint8_t *public_key)
{
	(void)context;
	if (memcmp(public_key, responder.handshake.remote_static, NOISE_KEY_BYTES) != 0)
		return NULL;
	return &responder.handshake;
}

static enum drop consume(const struct message_initiation *m, uint64_t now_ns)
{
	struct noise_handshake *h;
	enum drop drop =
		noise_consume_initiation(&responder.id, m, now_ns, find, NULL, &h);

	ck_assert_ptr_eq(h, drop == DROP_NONE ? &responder.handshake : NULL);
	return drop;
}

static void respond(struct message_response *m)
{
	ck_assert(noise_create_response(&responder.handshake, RESPONDER_INDEX,
	                                &responder.rng, m));
	cookie_maker_sign(&responder.maker, m, sizeof(*m), NOW_NS);
}

START_TEST(a_handshake_gives_the_bytes_of_the_vectors)
{
	struct message_initiation i;
	struct message_response r;
	struct noise_session a, b;

	initiate(&i, WALL_NS);
	check_hex(&i, sizeof(i), initiation);
	ck_assert_int_eq(consume(&i, NOW_NS), DROP_NONE);
	respond(&r);
	memset(r.macs.mac1, 0,
	       sizeof(r.macs.mac1)); /* not in the vector's first 60 bytes */
	ck_assert(noise_consume_response(&initiator.handshake, &initiator.id, &r));
	cookie_maker_sign(&responder.maker, &r, sizeof(r), NOW_NS);
	check_hex(&r, sizeof(r), response);
	ck_assert(noise_begin_session(&initiator.handshake, &a));
	ck_assert(noise_begin_session(&responder.handshake, &b));
	check_hex(a.send_key, sizeof(a.send_key), initiator_sends);
	check_hex(a.receive_key, sizeof(a.receive_key), responder_sends);
	check_hex(b.send_key, sizeof(b.send_key), responder_sends);
	check_hex(b.receive_key, sizeof(b.receive_key), initiator_sends);
	ck_assert(a.initiator && !b.initiator);
	ck_assert_uint_eq(a.remote_index, RESPONDER_INDEX);
	ck_assert_uint_eq(b.remote_index, INITIATOR_INDEX);
}
END_TEST

START_TEST(each_role_accepts_the_vectors)
{
	struct message_initiation i, own;
	struct message_response r;

	from_hex(&i, sizeof(i), initiation);
	ck_assert_int_eq(consume(&i, NOW_NS), DROP_NONE);
	ck_assert_uint_eq(responder.handshake.remote_index, INITIATOR_INDEX);
	initiate(&own, WALL_NS);
	from_hex(&r, sizeof(r), response);
	ck_assert(noise_consume_response(&initiator.handshake, &initiator.id, &r));
	memset(initiator.handshake.preshared_key, 0, NOISE_KEY_BYTES);
	initiate(&own, WALL_NS);
	ck_assert(!noise_consume_response(&initiator.handshake, &initiator.id, &r));
	from_hex(&r, sizeof(r), response_without_psk);
	ck_assert(noise_consume_response(&initiator.handshake, &initiator.id, &r));
}
END_TEST

/* All bytes but the MACs, which are wg/cookie's, and the sender index, which only the
 * MACs cover. Nothing may change the handshake. */
START_TEST(a_changed_byte_changes_nothing)
{
	struct message_initiation i, changed;
	struct message_response r, changed_r;
	struct noise_handshake before;

	initiate(&i, WALL_NS);
	for (size_t at = 8; at < offsetof(struct message_initiation, macs); at++) {
		changed = i;
		((uint8_t *)&changed)[at] ^= 1;
		before = responder.handshake;
		ck_assert_msg(consume(&changed, NOW_NS) == DROP_BAD_HANDSHAKE, "byte %zu",
		              at);
		ck_assert_mem_eq(&responder.handshake, &before, sizeof(before));
	}
	ck_assert_int_eq(consume(&i, NOW_NS), DROP_NONE);
	respond(&r);
	for (size_t at = 12; at < offsetof(struct message_response, macs); at++) {
		changed_r = r;
		((uint8_t *)&changed_r)[at] ^= 1;
		before = initiator.handshake;
		ck_assert(!noise_consume_response(&initiator.handshake, &initiator.id,
		                                  &changed_r));
		ck_assert_mem_eq(&initiator.handshake, &before, sizeof(before));
	}
	ck_assert(noise_consume_response(&initiator.handshake, &initiator.id, &r));
}
END_TEST

START_TEST(a_timestamp_counts_once_and_not_backwards)
{
	struct message_initiation first, second;
	uint64_t now_ns = NOW_NS;

	initiate(&first, WALL_NS);
	initiate(&second, WALL_NS + NS_PER_SEC);
	ck_assert_int_eq(consume(&second, now_ns), DROP_NONE);
	now_ns += NS_PER_SEC;
	ck_assert_int_eq(consume(&second, now_ns), DROP_REPLAYED_HANDSHAKE);
	ck_assert_int_eq(consume(&first, now_ns), DROP_REPLAYED_HANDSHAKE);
	noise_handshake_reset(&responder.handshake);
	ck_assert_int_eq(consume(&second, now_ns), DROP_REPLAYED_HANDSHAKE);
}
END_TEST

START_TEST(at_most_fifty_initiations_a_second)
{
	struct message_initiation m;

	initiate(&m, WALL_NS);
	ck_assert_int_eq(consume(&m, NOW_NS), DROP_NONE);
	initiate(&m, WALL_NS + NS_PER_SEC);
	ck_assert_int_eq(consume(&m, NOW_NS + NS_PER_SEC / 50 - 1), DROP_HANDSHAKE_FLOOD);
	ck_assert_int_eq(consume(&m, NOW_NS + NS_PER_SEC / 50), DROP_NONE);
}
END_TEST

START_TEST(strangers_and_states)
{
	struct message_initiation i;
	struct message_response r;
	struct noise_session s;
	uint8_t timestamp[TAI64N_BYTES] = { 0 };

	/* The responder knows somebody else. */
	initiate(&i, WALL_NS);
	responder.handshake.remote_static[0] ^= 1;
	ck_assert_int_eq(consume(&i, NOW_NS), DROP_BAD_HANDSHAKE);
	responder.handshake.remote_static[0] ^= 1;
	/* Or has no key that fits his own. */
	memset(responder.handshake.static_static, 0, NOISE_KEY_BYTES);
	ck_assert_int_eq(consume(&i, NOW_NS), DROP_BAD_HANDSHAKE);
	noise_handshake_set_identity(&responder.handshake, &responder.id);
	/* Nothing consumed: no response; nothing done: no session. */
	ck_assert(!noise_create_response(&responder.handshake, 1, &responder.rng, &r));
	ck_assert(!noise_begin_session(&responder.handshake, &s));
	ck_assert(!noise_begin_session(&initiator.handshake, &s));
	/* A response counts once. */
	ck_assert_int_eq(consume(&i, NOW_NS), DROP_NONE);
	respond(&r);
	ck_assert(noise_consume_response(&initiator.handshake, &initiator.id, &r));
	ck_assert(!noise_consume_response(&initiator.handshake, &initiator.id, &r));
	/* No DH of the static keys. */
	memset(initiator.handshake.static_static, 0, NOISE_KEY_BYTES);
	ck_assert(!noise_create_initiation(&initiator.handshake, &initiator.id, 1,
	                                   timestamp, &initiator.rng, &i));
	/* No private key. */
	noise_identity_set(&responder.id, NULL);
	ck_assert_int_eq(consume(&i, NOW_NS), DROP_NO_KEY);
	ck_assert(!noise_create_initiation(&responder.handshake, &responder.id, 1,
	                                   timestamp, &responder.rng, &i));
}
END_TEST

/* RFC 7748 6.1: points of small order, whose DH with any key is zero. */
static const char *const small_order[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

START_TEST(points_of_small_order_are_refused)
{
	struct message_initiation i, changed;
	struct message_response r;
	uint8_t point[NOISE_KEY_BYTES], timestamp[TAI64N_BYTES];

	noise_timestamp(timestamp, WALL_NS);
	for (size_t at = 0; at < ARRAY_SIZE(small_order); at++) {
		struct noise_handshake h;

		from_hex(point, sizeof(point), small_order[at]);
		ck_assert_int_eq(noise_handshake_init(&h, &secrets, point), 0);
		noise_handshake_set_identity(&h, &initiator.id);
		ck_assert(sodium_is_zero(h.static_static, NOISE_KEY_BYTES));
		ck_assert(!noise_create_initiation(&h, &initiator.id, 1, timestamp,
		                                   &initiator.rng, &changed));
		initiate(&i, WALL_NS);
		memcpy(i.ephemeral, point, sizeof(point));
		ck_assert_int_eq(consume(&i, NOW_NS), DROP_BAD_HANDSHAKE);
		memset(&r, 0, sizeof(r));
		memcpy(r.ephemeral, point, sizeof(point));
		ck_assert(
			!noise_consume_response(&initiator.handshake, &initiator.id, &r));
		noise_handshake_clear(&h);
	}
}
END_TEST

static const struct {
	uint64_t wall_ns;
	const char *hex;
} timestamps[] = {
	{ 0, "400000000000000a00000000" },
	{ NS_PER_SEC + (1U << 24) - 1, "400000000000000b00000000" },
	{ NS_PER_SEC + (1U << 24), "400000000000000b01000000" },
	{ NS_PER_SEC - 1, "400000000000000a3b000000" },
	{ WALL_NS, "400000006553f10a1d000000" },
};

START_TEST(timestamps_are_whitened)
{
	uint8_t out[TAI64N_BYTES];

	for (size_t i = 0; i < ARRAY_SIZE(timestamps); i++) {
		noise_timestamp(out, timestamps[i].wall_ns);
		check_hex(out, sizeof(out), timestamps[i].hex);
	}
}
END_TEST

START_TEST(a_session_leaves_no_secret_in_the_handshake)
{
	static const uint8_t zero[NOISE_KEY_BYTES];
	struct message_initiation i;
	struct message_response r;
	struct noise_session s;

	initiate(&i, WALL_NS);
	ck_assert_int_eq(consume(&i, NOW_NS), DROP_NONE);
	respond(&r);
	ck_assert(noise_begin_session(&responder.handshake, &s));
	ck_assert_int_eq(responder.handshake.state, NOISE_ZEROED);
	ck_assert_mem_eq(responder.handshake.chaining_key, zero, NOISE_HASH_BYTES);
	ck_assert_mem_eq(responder.handshake.hash, zero, NOISE_HASH_BYTES);
	ck_assert_mem_eq(responder.handshake.ephemeral_private, zero, NOISE_KEY_BYTES);
	ck_assert_mem_eq(responder.handshake.remote_ephemeral, zero, NOISE_KEY_BYTES);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("wg/noise");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_handshake_gives_the_bytes_of_the_vectors);
	tcase_add_test(tc, each_role_accepts_the_vectors);
	tcase_add_test(tc, a_changed_byte_changes_nothing);
	tcase_add_test(tc, a_timestamp_counts_once_and_not_backwards);
	tcase_add_test(tc, at_most_fifty_initiations_a_second);
	tcase_add_test(tc, strangers_and_states);
	tcase_add_test(tc, points_of_small_order_are_refused);
	tcase_add_test(tc, timestamps_are_whitened);
	tcase_add_test(tc, a_session_leaves_no_secret_in_the_handshake);
	return tc;
}
