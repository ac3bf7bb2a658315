/* tests/unit/test_constant_time.c - does a secret decide where the code jumps to, or which
 * memory it reads? As in Langley's ctgrind, secrets are marked as undefined memory, and
 * valgrind reports what depends on them.
 *
 * The program runs itself again under valgrind. What is public, although it was computed
 * from secrets, is marked as defined at the place where it becomes public: messages, and
 * the answers of comparisons, which the linker leads through this file. */
#include "unit.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "base/key.h"
#include "crypto/aead.h"
#include "wg/cookie.h"
#include "wg/keypair.h"
#include "wg/noise.h"

#if defined __has_include
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif
#endif

#ifdef RUNNING_ON_VALGRIND

#define NOW_NS  (1000 * NS_PER_SEC)
#define WALL_NS (1700000000 * NS_PER_SEC)
#define JOBS    19U /* more than the lanes of every implementation, and odd */
#define MARK    "on valgrind\n"

static const uint8_t *secret_bytes(const void *bytes, size_t n)
{
	VALGRIND_MAKE_MEM_UNDEFINED(bytes, n);
	return bytes;
}

static void publish(const void *bytes, size_t n)
{
	VALGRIND_MAKE_MEM_DEFINED(bytes, n);
}

/* ---- what the linker leads here */

int __wrap_sodium_memcmp(const void *a, const void *b, size_t n);
int __real_sodium_memcmp(const void *a, const void *b, size_t n);
int __wrap_sodium_is_zero(const unsigned char *bytes, size_t n);
int __real_sodium_is_zero(const unsigned char *bytes, size_t n);
int __wrap_crypto_verify_16(const unsigned char *a, const unsigned char *b);
int __real_crypto_verify_16(const unsigned char *a, const unsigned char *b);
int __wrap_crypto_scalarmult_curve25519(unsigned char *q, const unsigned char *n,
                                        const unsigned char *p);
int __real_crypto_scalarmult_curve25519(unsigned char *q, const unsigned char *n,
                                        const unsigned char *p);
int __wrap_crypto_aead_chacha20poly1305_ietf_decrypt(
	unsigned char *text, unsigned long long *text_bytes, unsigned char *nsec,
	const unsigned char *sealed, unsigned long long sealed_bytes,
	const unsigned char *ad, unsigned long long ad_bytes, const unsigned char *nonce,
	const unsigned char *key);
int __real_crypto_aead_chacha20poly1305_ietf_decrypt(
	unsigned char *text, unsigned long long *text_bytes, unsigned char *nsec,
	const unsigned char *sealed, unsigned long long sealed_bytes,
	const unsigned char *ad, unsigned long long ad_bytes, const unsigned char *nonce,
	const unsigned char *key);
int __wrap_crypto_aead_xchacha20poly1305_ietf_decrypt(
	unsigned char *text, unsigned long long *text_bytes, unsigned char *nsec,
	const unsigned char *sealed, unsigned long long sealed_bytes,
	const unsigned char *ad, unsigned long long ad_bytes, const unsigned char *nonce,
	const unsigned char *key);
int __real_crypto_aead_xchacha20poly1305_ietf_decrypt(
	unsigned char *text, unsigned long long *text_bytes, unsigned char *nsec,
	const unsigned char *sealed, unsigned long long sealed_bytes,
	const unsigned char *ad, unsigned long long ad_bytes, const unsigned char *nonce,
	const unsigned char *key);

int __wrap_sodium_memcmp(const void *a, const void *b, size_t n)
{
	int result = __real_sodium_memcmp(a, b, n);

	publish(&result, sizeof(result));
	return result;
}

int __wrap_sodium_is_zero(const unsigned char *bytes, size_t n)
{
	int result = __real_sodium_is_zero(bytes, n);

	publish(&result, sizeof(result));
	return result;
}

int __wrap_crypto_verify_16(const unsigned char *a, const unsigned char *b)
{
	int result = __real_crypto_verify_16(a, b);

	publish(&result, sizeof(result));
	return result;
}

/* It says whether the result is zero, which is so for invalid points only. */
int __wrap_crypto_scalarmult_curve25519(unsigned char *q, const unsigned char *n,
                                        const unsigned char *p)
{
	int result = __real_crypto_scalarmult_curve25519(q, n, p);

	publish(&result, sizeof(result));
	return result;
}

/* libsodium itself tests whether the tag is right, before it decrypts. What a handshake
 * message contains, a public key and a time, is no secret to who could open it. */
int __wrap_crypto_aead_chacha20poly1305_ietf_decrypt(
	unsigned char *text, unsigned long long *text_bytes, unsigned char *nsec,
	const unsigned char *sealed, unsigned long long sealed_bytes,
	const unsigned char *ad, unsigned long long ad_bytes, const unsigned char *nonce,
	const unsigned char *key)
{
	int result;

	VALGRIND_DISABLE_ERROR_REPORTING;
	result = __real_crypto_aead_chacha20poly1305_ietf_decrypt(
		text, text_bytes, nsec, sealed, sealed_bytes, ad, ad_bytes, nonce, key);
	VALGRIND_ENABLE_ERROR_REPORTING;
	publish(&result, sizeof(result));
	publish(text, sealed_bytes - AEAD_TAG_BYTES);
	return result;
}

/* A cookie stays secret. */
int __wrap_crypto_aead_xchacha20poly1305_ietf_decrypt(
	unsigned char *text, unsigned long long *text_bytes, unsigned char *nsec,
	const unsigned char *sealed, unsigned long long sealed_bytes,
	const unsigned char *ad, unsigned long long ad_bytes, const unsigned char *nonce,
	const unsigned char *key)
{
	int result;

	VALGRIND_DISABLE_ERROR_REPORTING;
	result = __real_crypto_aead_xchacha20poly1305_ietf_decrypt(
		text, text_bytes, nsec, sealed, sealed_bytes, ad, ad_bytes, nonce, key);
	VALGRIND_ENABLE_ERROR_REPORTING;
	publish(&result, sizeof(result));
	return result;
}

/* ---- what runs under valgrind */

static void fill(void *context, void *bytes, size_t n)
{
	uint8_t *next = context;

	memset(bytes, (*next)++, n);
	secret_bytes(bytes, n);
}

static void set_up(void)
{
	ck_assert_int_ge(sodium_init(), 0);
}

struct side {
	struct noise_identity id;
	struct noise_handshake handshake;
	struct cookie_maker maker;
	struct cookie_checker checker;
	uint8_t next;
	struct rng rng;
};

static struct side near, far;
static struct secrets secrets;

static void set_up_side(struct side *s, uint8_t key)
{
	uint8_t private_key[NOISE_KEY_BYTES];

	memset(private_key, key, sizeof(private_key));
	s->next = (uint8_t)(key + 1);
	s->rng = (struct rng){ .fill = fill, .context = &s->next };
	ck_assert_int_eq(noise_identity_init(&s->id, &secrets), 0);
	noise_identity_set(&s->id, secret_bytes(private_key, sizeof(private_key)));
	publish(&s->id.present, sizeof(s->id.present));
	publish(s->id.public_key, sizeof(s->id.public_key));
	cookie_checker_set(&s->checker, s->id.public_key);
	/* Whoever knows the public key can compute these, but not everybody does. */
	secret_bytes(s->checker.mac1_key, sizeof(s->checker.mac1_key));
	secret_bytes(s->checker.cookie_key, sizeof(s->checker.cookie_key));
}

static void meet(struct side *s, const struct side *other)
{
	ck_assert_int_eq(
		noise_handshake_init(&s->handshake, &secrets, other->id.public_key), 0);
	noise_handshake_set_identity(&s->handshake, &s->id);
	memset(s->handshake.preshared_key, 0x55, NOISE_KEY_BYTES);
	secret_bytes(s->handshake.preshared_key, NOISE_KEY_BYTES);
	cookie_maker_init(&s->maker, other->id.public_key);
	secret_bytes(s->maker.mac1_key, sizeof(s->maker.mac1_key));
	secret_bytes(s->maker.cookie_key, sizeof(s->maker.cookie_key));
}

static void tear_down_side(struct side *s)
{
	noise_handshake_clear(&s->handshake);
	noise_identity_clear(&s->id);
}

static struct noise_handshake *find(void *context, const uint8_t *public_key)
{
	(void)context;
	return memcmp(public_key, near.id.public_key, NOISE_KEY_BYTES) == 0
	               ? &far.handshake
	               : NULL;
}

static const struct endpoint from = { .addr = { .family = IP_V4, .b = { 192, 0, 2, 1 } },
	                              .port = 51820 };

/* The responder is under load: it asks for a cookie first. */
static void get_cookie(const struct message_initiation *first)
{
	struct message_cookie_reply reply;

	ck_assert(!cookie_checker_mac2(&far.checker, first, sizeof(*first), &from,
	                               &far.rng, NOW_NS));
	cookie_checker_reply(&far.checker, &reply, first, sizeof(*first), &from, &far.rng,
	                     NOW_NS);
	publish(&reply, sizeof(reply));
	ck_assert_int_eq(cookie_maker_consume(&near.maker, &reply, NOW_NS), DROP_NONE);
	reply.sealed_cookie[0] ^= 1;
	ck_assert_int_ne(cookie_maker_consume(&near.maker, &reply, NOW_NS), DROP_NONE);
}

static void initiate(struct message_initiation *m, uint64_t wall_ns)
{
	uint8_t timestamp[TAI64N_BYTES];

	noise_timestamp(timestamp, wall_ns);
	ck_assert(noise_create_initiation(&near.handshake, &near.id, 1, timestamp,
	                                  &near.rng, m));
	cookie_maker_sign(&near.maker, m, sizeof(*m), NOW_NS);
	publish(m, sizeof(*m));
}

static void shake_hands(struct noise_session *a, struct noise_session *b)
{
	struct message_initiation i;
	struct message_response r;
	struct noise_handshake *h;

	initiate(&i, WALL_NS);
	ck_assert(cookie_checker_mac1(&far.checker, &i, sizeof(i)));
	get_cookie(&i);
	initiate(&i, WALL_NS + NS_PER_SEC);
	ck_assert(cookie_checker_mac2(&far.checker, &i, sizeof(i), &from, &far.rng,
	                              NOW_NS));
	i.sealed_timestamp[0] ^= 1;
	ck_assert(!cookie_checker_mac1(&far.checker, &i, sizeof(i)));
	ck_assert(!cookie_checker_mac2(&far.checker, &i, sizeof(i), &from, &far.rng,
	                               NOW_NS));
	ck_assert_int_eq(noise_consume_initiation(&far.id, &i, NOW_NS, find, NULL, &h),
	                 DROP_BAD_HANDSHAKE);
	i.sealed_timestamp[0] ^= 1;
	ck_assert_int_eq(noise_consume_initiation(&far.id, &i, NOW_NS, find, NULL, &h),
	                 DROP_NONE);
	ck_assert(noise_create_response(&far.handshake, 2, &far.rng, &r));
	publish(&r, sizeof(r));
	r.sealed_nothing[0] ^= 1;
	ck_assert(!noise_consume_response(&near.handshake, &near.id, &r));
	r.sealed_nothing[0] ^= 1;
	ck_assert(noise_consume_response(&near.handshake, &near.id, &r));
	ck_assert(noise_begin_session(&near.handshake, a));
	ck_assert(noise_begin_session(&far.handshake, b));
}

/* Packets of all lengths, and one that was changed on its way. */
static void transfer(const struct aead_impl *impl, const uint8_t *send_key,
                     const uint8_t *receive_key, size_t n)
{
	static uint8_t texts[JOBS][640 + AEAD_TAG_BYTES];
	struct aead_job jobs[JOBS];

	for (size_t i = 0; i < n; i++) {
		uint32_t text_bytes = (uint32_t)(i * 33 + (n == 1 ? 64 : 0));

		memset(texts[i], (int)i, text_bytes);
		secret_bytes(texts[i], text_bytes);
		jobs[i] = (struct aead_job){ .key = send_key,
			                     .text = texts[i],
			                     .counter = i,
			                     .text_bytes = text_bytes };
	}
	aead_seal_batch(impl, jobs, n);
	for (size_t i = 0; i < n; i++) {
		publish(texts[i], sizeof(texts[i]));
		jobs[i].key = receive_key;
	}
	texts[n / 2][jobs[n / 2].text_bytes] ^= 1;
	aead_open_batch(impl, jobs, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_msg(jobs[i].ok == (i != n / 2), "%s: job %zu", impl->name, i);
		publish(texts[i], sizeof(texts[i]));
		for (size_t at = 0; jobs[i].ok && at < jobs[i].text_bytes; at++)
			ck_assert_uint_eq(texts[i][at], i);
	}
}

static void check_errors(unsigned before, const char *what)
{
	unsigned after = VALGRIND_COUNT_ERRORS;

	ck_assert_msg(after == before, "%s: valgrind reports %u dependences on secrets",
	              what, after - before);
}

START_TEST(no_secret_decides_anything)
{
	struct noise_session a, b;
	unsigned before = VALGRIND_COUNT_ERRORS;
	char text[KEY_HEX_CHARS + 1];

	if (!RUNNING_ON_VALGRIND)
		return;
	set_up_side(&near, 0x11);
	set_up_side(&far, 0x22);
	meet(&near, &far);
	meet(&far, &near);
	key_to_base64(text, near.id.private_key);
	key_to_hex(text, near.id.private_key);
	check_errors(before, "keys");
	shake_hands(&a, &b);
	check_errors(before, "handshake");
	for (size_t i = 0; aead_at(i); i++) {
		const struct aead_impl *impl = aead_at(i);

		if (!impl->available())
			continue;
		transfer(impl, a.send_key, b.receive_key, JOBS);
		transfer(impl, b.send_key, a.receive_key, 1);
		check_errors(before, impl->name);
		fprintf(stderr, "AEAD %s: nothing\n", impl->name);
	}
	tear_down_side(&near);
	tear_down_side(&far);
	secrets_clear(&secrets);
}
END_TEST

/* Otherwise the other test proves nothing. */
START_TEST(a_comparison_that_stops_early_is_found)
{
	volatile uint8_t a[16] = { 1, 2 }, b[16] = { 1, 3 };
	unsigned before = VALGRIND_COUNT_ERRORS;
	size_t same = 0;

	if (!RUNNING_ON_VALGRIND)
		return;
	VALGRIND_MAKE_MEM_UNDEFINED((const void *)(uintptr_t)a, sizeof(a));
	while (same < sizeof(a) && a[same] == b[same])
		same++;
	publish(&same, sizeof(same));
	ck_assert_uint_eq(same, 1);
	ck_assert_uint_gt(VALGRIND_COUNT_ERRORS, before);
}
END_TEST

/* ---- what runs without */

static void run_valgrind(int out)
{
	char program[4096];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (n < 0)
		_exit(EXIT_FAILURE);
	program[n] = '\0';
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	setenv("CK_FORK", "no", 1);
	execlp("valgrind", "valgrind", "-q", program, (char *)NULL);
	_exit(127);
}

/* Returns the status of the program under valgrind; *out is what it has written. */
static int under_valgrind(char *out, size_t room)
{
	int ends[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		run_valgrind(ends[1]);
	close(ends[1]);
	while ((got = read(ends[0], out + n, room - 1 - n)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	close(ends[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

START_TEST(under_valgrind_both_hold)
{
	static char out[1U << 20];
	int status;

	if (RUNNING_ON_VALGRIND) {
		fputs(MARK, stderr);
		return;
	}
	status = under_valgrind(out, sizeof(out));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		unit_lacks("valgrind");
		return;
	}
	if (!strstr(out, MARK)) {
		unit_lacks("a valgrind that can run this program");
		return;
	}
	fputs(out, stdout);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS,
	              "status %d under valgrind, see above", status);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("constant time");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, under_valgrind_both_hold);
	tcase_add_test(tc, a_comparison_that_stops_early_is_found);
	tcase_add_test(tc, no_secret_decides_anything);
	return tc;
}

#else

START_TEST(no_secret_decides_anything)
{
	unit_lacks("the header valgrind/memcheck.h");
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("constant time");

	tcase_add_test(tc, no_secret_decides_anything);
	return tc;
}

#endif
