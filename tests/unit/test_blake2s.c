/* tests/unit/test_blake2s.c - against RFC 7693, the reference's keyed answers, and RFC
 * 2104 and 5869 as Python's hmac and hashlib compute them */
#include "unit.h"

#include <string.h>

#include <sodium.h>

#include "crypto/blake2s.h"

static void expect_hex(const uint8_t *bytes, size_t n, const char *hex)
{
	char got[2 * 64 + 1];

	sodium_bin2hex(got, sizeof(got), bytes, n);
	ck_assert_str_eq(got, hex);
}

/* 0, 1, 2, ... */
static void fill_counting(uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)i;
}

START_TEST(rfc7693_appendix_b)
{
	uint8_t out[32];

	blake2s(out, 32, "abc", 3, NULL, 0);
	expect_hex(out, 32,
	           "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
}
END_TEST

/* RFC 7693 appendix E: a Fibonacci generator makes inputs and keys; one hash over all
 * hashes */
static void fill_fibonacci(uint8_t *out, size_t n, uint32_t seed)
{
	uint32_t a = UINT32_C(0xdead4bad) * seed, b = 1;

	for (size_t i = 0; i < n; i++) {
		uint32_t t = a + b;

		a = b;
		b = t;
		out[i] = (uint8_t)(t >> 24);
	}
}

START_TEST(rfc7693_appendix_e)
{
	static const size_t out_bytes[] = { 16, 20, 28, 32 };
	static const size_t in_bytes[] = { 0, 3, 64, 65, 255, 1024 };
	uint8_t in[1024], out[32], key[32];
	struct blake2s all;

	blake2s_init(&all, 32, NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(out_bytes); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(in_bytes); j++) {
			fill_fibonacci(in, in_bytes[j], (uint32_t)in_bytes[j]);
			blake2s(out, out_bytes[i], in, in_bytes[j], NULL, 0);
			blake2s_update(&all, out, out_bytes[i]);
			fill_fibonacci(key, out_bytes[i], (uint32_t)out_bytes[i]);
			blake2s(out, out_bytes[i], in, in_bytes[j], key, out_bytes[i]);
			blake2s_update(&all, out, out_bytes[i]);
		}
	}
	blake2s_final(&all, out);
	expect_hex(out, 32,
	           "6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe");
}
END_TEST

/* BLAKE2's testvectors/blake2s-kat.txt: key 00..1f, input 00, 01, ... */
static const struct {
	size_t in_bytes;
	const char *hash;
} keyed[] = {
	{ 0, "48a8997da407876b3d79c0d92325ad3b89cbb754d86ab71aee047ad345fd2c49" },
	{ 1, "40d15fee7c328830166ac3f918650f807e7e01e177258cdc0a39b11f598066f1" },
	{ 2, "6bb71300644cd3991b26ccd4d274acd1adeab8b1d7914546c1198bbe9fc9d803" },
	{ 63, "c65382513f07460da39833cb666c5ed82e61b9e998f4b0c4287cee56c3cc9bcd" },
	{ 64, "8975b0577fd35566d750b362b0897a26c399136df07bababbde6203ff2954ed4" },
	{ 65, "21fe0ceb0052be7fb0f004187cacd7de67fa6eb0938d927677f2398c132317a8" },
	{ 127, "ddbfea75cc467882eb3483ce5e2e756a4f4701b76b445519e89f22d60fa86e06" },
	{ 128, "0c311f38c35a4fb90d651c289d486856cd1413df9b0677f53ece2cd9e477c60a" },
	{ 129, "46a73a8dd3e70f59d3942c01df599def783c9da82fd83222cd662b53dce7dbdf" },
	{ 255, "3fb735061abc519dfe979e54c1ee5bfad0a9d858b3315bad34bde999efd724dd" },
};

START_TEST(keyed_reference_answers)
{
	uint8_t in[256], key[32], out[32];

	fill_counting(in, sizeof(in));
	fill_counting(key, sizeof(key));
	for (size_t i = 0; i < ARRAY_SIZE(keyed); i++) {
		blake2s(out, 32, in, keyed[i].in_bytes, key, 32);
		expect_hex(out, 32, keyed[i].hash);
	}
}
END_TEST

START_TEST(updates_in_any_pieces_give_the_same)
{
	uint64_t seed = unit_seed();
	uint8_t in[300], whole[32], pieces[32];

	fill_counting(in, sizeof(in));
	for (int round = 0; round < 500; round++) {
		size_t n = unit_below(&seed, sizeof(in) + 1), done = 0;
		struct blake2s s;

		blake2s(whole, 32, in, n, NULL, 0);
		blake2s_init(&s, 32, NULL, 0);
		while (done < n) {
			size_t take = unit_below(&seed, 70) % (n - done + 1);

			blake2s_update(&s, in + done, take);
			done += take;
		}
		blake2s_final(&s, pieces);
		ck_assert_mem_eq(whole, pieces, 32);
	}
}
END_TEST

START_TEST(final_wipes_the_state)
{
	static const struct blake2s wiped;
	uint8_t key[32], out[16];
	struct blake2s s;

	fill_counting(key, sizeof(key));
	blake2s_init(&s, sizeof(out), key, sizeof(key));
	blake2s_update(&s, "text", 4);
	blake2s_final(&s, out);
	ck_assert_mem_eq(&s, &wiped, sizeof(s));
}
END_TEST

/* key 00, 01, ...; byte i of the input is 7i+1 */
static const struct {
	size_t key_bytes, in_bytes;
	const char *hash;
} hmacs[] = {
	{ 0, 0, "eaf4bb25938f4d20e72656bbbc7a9bf63c0c18537333c35bdb67db1402661acd" },
	{ 1, 3, "6a16fbca446ec641bd1304fb0b2a887ff52c1311293ed4777596eb59a9627527" },
	{ 32, 32, "73630bebb6757544aafd55dcf83f75c993f13ce0a2fbee37f8413c1318ba4fff" },
	{ 64, 64, "aa9cd2d4f17c8721f102f21411c391fed87075fc0212254eb482f0d59f9e7a6e" },
	{ 65, 1, "577ce1b863943ab2dd19bb15b77218fe380225a3a6d6f794afb764235c3f5a26" },
	{ 200, 131, "a4b63daa712d325051948a7a7d503343321bee1a124105f75ae4a2968ad027d0" },
};

START_TEST(hmac_answers)
{
	uint8_t key[200], in[131], out[32];

	fill_counting(key, sizeof(key));
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(7 * i + 1);
	for (size_t i = 0; i < ARRAY_SIZE(hmacs); i++) {
		hmac_blake2s(out, key, hmacs[i].key_bytes, in, hmacs[i].in_bytes);
		expect_hex(out, 32, hmacs[i].hash);
	}
}
END_TEST

/* key 00..1f, input 100, 101, ... */
static const struct {
	size_t in_bytes;
	const char *out[3];
} kdfs[] = {
	{ 0,
	  { "7a38c34bf2b8738d7374ca77c44ecb309a11d2b2528304fa86052c365e722624",
	    "1a17621f346abdc520746a9fb64d8eb03231d674fc15687537b0780fd9c060fd",
	    "4eaf02809ac4b930ef63479de62275f1c55656e61f78a3cc653c18a2223d6c5f" } },
	{ 32,
	  { "e3b7e038799447459d13f6cc03b71555c0b32ee93354ebe4526ec98bc53b20a4",
	    "ca06d8e46b509266c7c0594805ffb9c256348a33c642381348f047e452d239e2",
	    "5ee952936bec1473c13db1cc92b8d8ba5ad2df7c77f07478731d48aa5530a000" } },
};

START_TEST(kdf_answers)
{
	uint8_t key[32], in[32], out[3][32];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(100 + i);
	for (size_t i = 0; i < ARRAY_SIZE(kdfs); i++) {
		fill_counting(key, sizeof(key));
		kdf(out[0], out[1], out[2], key, in, kdfs[i].in_bytes);
		for (size_t j = 0; j < 3; j++)
			expect_hex(out[j], 32, kdfs[i].out[j]);
		kdf(out[0], NULL, NULL, key, in, kdfs[i].in_bytes);
		expect_hex(out[0], 32, kdfs[i].out[0]);
		kdf(key, out[1], NULL, key, in,
		    kdfs[i].in_bytes); /* out may be the key */
		expect_hex(key, 32, kdfs[i].out[0]);
		expect_hex(out[1], 32, kdfs[i].out[1]);
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("crypto/blake2s");

	tcase_add_test(tc, rfc7693_appendix_b);
	tcase_add_test(tc, rfc7693_appendix_e);
	tcase_add_test(tc, keyed_reference_answers);
	tcase_add_test(tc, updates_in_any_pieces_give_the_same);
	tcase_add_test(tc, final_wipes_the_state);
	tcase_add_test(tc, hmac_answers);
	tcase_add_test(tc, kdf_answers);
	return tc;
}
