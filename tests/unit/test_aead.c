/* tests/unit/test_aead.c - RFC 8439, the XChaCha draft, and libsodium as the model */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sodium.h>

#include "aead_edges.h"
#include "base/log.h"
#include "crypto/aead.h"

static size_t from_hex(uint8_t *out, size_t room, const char *hex)
{
	size_t n;

	ck_assert_int_eq(sodium_hex2bin(out, room, hex, strlen(hex), " ", &n, NULL), 0);
	return n;
}

/* RFC 8439 A.5; its nonce is 00000000 0102030405060708 */
static const char a5_key[] =
	"1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0";
static const char a5_ad[] = "f33388860000000000004e91";
static const uint64_t a5_counter = UINT64_C(0x0807060504030201);
static const char a5_sealed[] =
	"64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb2"
	"4c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf"
	"332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855"
	"9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4"
	"b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523e"
	"af4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a"
	"0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10"
	"49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29"
	"a6ad5cb4022b02709beead9d67890cbb22392336fea1851f38";
static const char a5_text[] =
	"Internet-Drafts are draft documents valid for a maximum of six months and may "
	"be "
	"updated, replaced, or obsoleted by other documents at any time. It is "
	"inappropriate to "
	"use Internet-Drafts as reference material or to cite them other than as "
	"/\xe2\x80\x9cwork in progress./\xe2\x80\x9d";

START_TEST(rfc8439_appendix_a5)
{
	uint8_t key[32], ad[12], sealed[300], out[300];
	size_t n = from_hex(sealed, sizeof(sealed), a5_sealed);

	from_hex(key, sizeof(key), a5_key);
	from_hex(ad, sizeof(ad), a5_ad);
	ck_assert_uint_eq(n, strlen(a5_text) + AEAD_TAG_BYTES);
	ck_assert(aead_open(out, sealed, n, ad, sizeof(ad), a5_counter, key));
	ck_assert_mem_eq(out, a5_text, n - AEAD_TAG_BYTES);
	aead_seal(out, out, n - AEAD_TAG_BYTES, ad, sizeof(ad), a5_counter,
	          key); /* in place */
	ck_assert_mem_eq(out, sealed, n);
	ck_assert(aead_open(out, out, n, ad, sizeof(ad), a5_counter, key));
	ck_assert_mem_eq(out, a5_text, n - AEAD_TAG_BYTES);
}
END_TEST

START_TEST(each_wrong_bit_is_refused_and_zeroes)
{
	static const uint8_t zeroes[64];
	uint8_t key[32] = { 1 }, ad[4] = { 2 }, text[33] = { 3 };
	uint8_t sealed[sizeof(text) + AEAD_TAG_BYTES], out[sizeof(sealed)];

	aead_seal(sealed, text, sizeof(text), ad, sizeof(ad), 7, key);
	for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		memset(out, 0xff, sizeof(out));
		ck_assert(
			!aead_open(out, sealed, sizeof(sealed), ad, sizeof(ad), 7, key));
		ck_assert_mem_eq(out, zeroes, sizeof(text));
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	ck_assert(!aead_open(out, sealed, sizeof(sealed), ad, sizeof(ad), 8, key));
	ck_assert(!aead_open(out, sealed, sizeof(sealed), ad, 3, 7, key));
	ck_assert(!aead_open(out, sealed, AEAD_TAG_BYTES - 1, ad, sizeof(ad), 7, key));
	ck_assert(!aead_open(out, sealed, 0, ad, sizeof(ad), 7, key));
	ck_assert(aead_open(out, sealed, sizeof(sealed), ad, sizeof(ad), 7, key));
}
END_TEST

/* draft-irtf-cfrg-xchacha-03 A.3.1 */
START_TEST(xchacha_draft)
{
	static const char text[] = "Ladies and Gentlemen of the class of '99: If I could "
				   "offer you only one tip for "
				   "the future, sunscreen would be it.";
	uint8_t key[32], nonce[24], ad[12], want[130], out[130];
	size_t n = from_hex(
		want, sizeof(want),
		"bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
		"731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
		"2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
		"21f9664c97637da9768812f615c68b13b52e"
		"c0875924c1c7987947deafd8780acf49");

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(0x80 + i);
	for (size_t i = 0; i < sizeof(nonce); i++)
		nonce[i] = (uint8_t)(0x40 + i);
	from_hex(ad, sizeof(ad), "50515253c0c1c2c3c4c5c6c7");
	ck_assert_uint_eq(n, strlen(text) + AEAD_TAG_BYTES);
	xaead_seal(out, (const uint8_t *)text, strlen(text), ad, sizeof(ad), nonce, key);
	ck_assert_mem_eq(out, want, n);
	ck_assert(xaead_open(out, want, n, ad, sizeof(ad), nonce, key));
	ck_assert_mem_eq(out, text, strlen(text));
	want[n - 1] ^= 0x80;
	ck_assert(!xaead_open(out, want, n, ad, sizeof(ad), nonce, key));
	ck_assert(sodium_is_zero(out, strlen(text)));
	ck_assert(!xaead_open(out, want, AEAD_TAG_BYTES - 1, ad, sizeof(ad), nonce, key));
}
END_TEST

#define SLOT_BYTES 1700 /* a packet, its tag, and a margin that must stay as it was */
#define MARGIN     16
#define JOBS_MAX   40

/* A batch in one flat buffer, its model, and what it was before the call. */
struct batch {
	struct aead_job jobs[JOBS_MAX];
	size_t n;
	uint8_t keys[3][AEAD_KEY_BYTES];
	uint8_t bytes[JOBS_MAX * SLOT_BYTES];
	uint8_t plain[JOBS_MAX * SLOT_BYTES];
	uint8_t sealed[JOBS_MAX * SLOT_BYTES]; /* by libsodium */
};

static void fill_random(uint64_t *seed, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)unit_random(seed);
}

static uint32_t random_length(uint64_t *seed)
{
	uint64_t r = unit_random(seed);

	switch (r % 4) {
	case 0:
		return (uint32_t)(r >> 8) % 100;
	case 1:
		return 1420;
	case 2:
		return (uint32_t)(r >> 8) % 26 * 64 +
		       (uint32_t)(r >> 40) % 3; /* around blocks */
	default:
		return (uint32_t)(r >> 8) %
		       (SLOT_BYTES - MARGIN - MARGIN - AEAD_TAG_BYTES - 3);
	}
}

static void batch_draw(struct batch *b, uint64_t *seed)
{
	b->n = unit_below(seed, JOBS_MAX + 1);
	fill_random(seed, b->keys[0], sizeof(b->keys));
	fill_random(seed, b->plain, b->n * SLOT_BYTES);
	memcpy(b->sealed, b->plain, b->n * SLOT_BYTES);
	memcpy(b->bytes, b->plain, b->n * SLOT_BYTES);
	for (size_t i = 0; i < b->n; i++) {
		size_t offset = i * SLOT_BYTES + MARGIN + unit_random(seed) % 16;
		struct aead_job *job = &b->jobs[i];
		uint8_t nonce[12] = { 0 };

		*job = (struct aead_job){
			.key = b->keys[unit_random(seed) % ARRAY_SIZE(b->keys)],
			.text = b->bytes + offset,
			.counter = unit_random(seed) >> unit_random(seed) % 64,
			.text_bytes = random_length(seed),
		};
		for (int k = 0; k < 8; k++)
			nonce[4 + k] = (uint8_t)(job->counter >> 8 * k);
		crypto_aead_chacha20poly1305_ietf_encrypt(
			b->sealed + offset, NULL, b->plain + offset, job->text_bytes,
			NULL, 0, NULL, nonce, job->key);
	}
}

/* The batch tests run once for each implementation of the build that the CPU can run. */
static const struct aead_impl *impl_at(int i)
{
	const struct aead_impl *impl = aead_at((size_t)i);

	return impl->available() ? impl : NULL;
}

START_TEST(batches_seal_as_libsodium_does)
{
	const struct aead_impl *impl = impl_at(_i);
	uint64_t seed = unit_seed();
	static struct batch b;

	if (!impl)
		return;

	for (int round = 0; round < 200; round++) {
		batch_draw(&b, &seed);
		impl->seal(b.jobs, b.n);
		ck_assert_msg(memcmp(b.bytes, b.sealed, b.n * SLOT_BYTES) == 0,
		              "%s, round %d", impl->name, round);
	}
}
END_TEST

/* Spoils one bit of text, tag, key or counter. */
static void spoil(struct aead_job *job, uint64_t *seed)
{
	static const uint8_t other_key[AEAD_KEY_BYTES] = { 1 };
	uint64_t r = unit_random(seed);

	switch (r % 8) {
	case 0:
		job->key = other_key;
		break;
	case 1:
		job->counter ^= UINT64_C(1) << (r >> 8) % 64;
		break;
	case 2:
		job->text[job->text_bytes + (r >> 8) % 16] ^=
			(uint8_t)(1 << (r >> 16) % 8);
		break;
	default:
		job->text[(r >> 8) % (job->text_bytes + AEAD_TAG_BYTES)] ^=
			(uint8_t)(1 << (r >> 40) % 8);
		break;
	}
}

START_TEST(batches_open_what_is_right_and_nothing_else)
{
	const struct aead_impl *impl = impl_at(_i);
	uint64_t seed = unit_seed();
	static struct batch b;
	static uint8_t before[sizeof(b.bytes)];
	bool right[JOBS_MAX];

	if (!impl)
		return;
	for (int round = 0; round < 200; round++) {
		batch_draw(&b, &seed);
		memcpy(b.bytes, b.sealed, b.n * SLOT_BYTES);
		for (size_t i = 0; i < b.n; i++) {
			right[i] = unit_random(&seed) % 4 != 0;
			if (!right[i])
				spoil(&b.jobs[i], &seed);
			b.jobs[i].ok = !right[i];
		}
		memcpy(before, b.bytes, b.n * SLOT_BYTES);
		impl->open(b.jobs, b.n);
		for (size_t i = 0; i < b.n; i++) {
			size_t offset = (size_t)(b.jobs[i].text - b.bytes);

			ck_assert_msg(b.jobs[i].ok == right[i], "%s, round %d",
			              impl->name, round);
			if (right[i])
				memcpy(before + offset, b.plain + offset,
				       b.jobs[i].text_bytes);
		}
		ck_assert_mem_eq(b.bytes, before, b.n * SLOT_BYTES);
	}
}
END_TEST

/* All lengths up to a few blocks, and some longer ones, between two pages that may not be
 * touched: once from the first one on, once up to the second. */
START_TEST(nothing_outside_text_and_tag_is_touched)
{
	const struct aead_impl *impl = impl_at(_i);
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t key[AEAD_KEY_BYTES] = { 9 };
	uint8_t *map, *page;

	if (!impl)
		return;
	map = mmap(NULL, 3 * page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert(map != MAP_FAILED);
	page = map + page_bytes;
	ck_assert_int_eq(mprotect(page, page_bytes, PROT_READ | PROT_WRITE), 0);
	for (uint32_t n = 0; n < 1500; n += n < 600 ? 1 : 13) {
		struct aead_job jobs[] = {
			{ .key = key, .text = page, .counter = n, .text_bytes = n },
			{ .key = key,
			  .text = page + page_bytes - AEAD_TAG_BYTES - n,
			  .counter = n,
			  .text_bytes = n },
		};

		memset(page, 0, page_bytes);
		impl->seal(jobs, 2);
		ck_assert_mem_eq(jobs[0].text, jobs[1].text, n + AEAD_TAG_BYTES);
		ck_assert(sodium_is_zero(page + n + AEAD_TAG_BYTES,
		                         page_bytes - 2 * (n + AEAD_TAG_BYTES)));
		impl->open(jobs, 2);
		ck_assert(jobs[0].ok && jobs[1].ok);
		ck_assert(sodium_is_zero(jobs[0].text, n) &&
		          sodium_is_zero(jobs[1].text, n));
	}
	ck_assert_int_eq(munmap(map, 3 * page_bytes), 0);
}
END_TEST

/* A job for an edge case: its ciphertext and tag at `text`, which has room. */
static struct aead_job edge_job(size_t i, uint8_t *text, const uint8_t *key)
{
	for (uint32_t k = 0; k < edges[i].text_bytes; k++)
		text[k] = (uint8_t)(7 * k + edges[i].shift);
	from_hex(text + edges[i].at, 16, edges[i].block);
	from_hex(text + edges[i].text_bytes, AEAD_TAG_BYTES, edges[i].tag);
	return (struct aead_job){ .key = key,
		                  .text = text,
		                  .counter = edge_counters[edges[i].nonce],
		                  .text_bytes = edges[i].text_bytes };
}

START_TEST(edges_of_poly1305)
{
	const struct aead_impl *impl = impl_at(_i);
	static uint8_t texts[ARRAY_SIZE(edges)][1440], sealed[ARRAY_SIZE(edges)][1440];
	struct aead_job jobs[ARRAY_SIZE(edges)];
	uint8_t key[AEAD_KEY_BYTES];

	if (!impl)
		return;
	from_hex(key, sizeof(key), edge_key);
	for (size_t i = 0; i < ARRAY_SIZE(edges); i++)
		jobs[i] = edge_job(i, texts[i], key);
	memcpy(sealed, texts, sizeof(sealed));
	impl->open(jobs, ARRAY_SIZE(edges));
	for (size_t i = 0; i < ARRAY_SIZE(edges); i++)
		ck_assert_msg(jobs[i].ok, "%s, case %zu", impl->name, i);
	impl->seal(jobs, ARRAY_SIZE(edges));
	ck_assert_mem_eq(texts, sealed, sizeof(sealed));
	for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
		texts[i][edges[i].text_bytes] ^= 1;
		impl->open(&jobs[i], 1);
		ck_assert(!jobs[i].ok);
	}
}
END_TEST

START_TEST(each_wrong_bit_of_a_tag_is_refused)
{
	const struct aead_impl *impl = impl_at(_i);
	static const uint8_t key[AEAD_KEY_BYTES] = { 3 };
	uint8_t texts[8 * AEAD_TAG_BYTES][33 + AEAD_TAG_BYTES] = { { 0 } };
	struct aead_job jobs[ARRAY_SIZE(texts)];

	if (!impl)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		jobs[i] = (struct aead_job){
			.key = key, .text = texts[i], .counter = i, .text_bytes = 33
		};
	impl->seal(jobs, ARRAY_SIZE(jobs));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		texts[i][33 + i / 8] ^= (uint8_t)(1 << i % 8);
		jobs[i].ok = true;
	}
	impl->open(jobs, ARRAY_SIZE(jobs));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		ck_assert_msg(!jobs[i].ok, "%s, bit %zu", impl->name, i);
		texts[i][33 + i / 8] ^= (uint8_t)(1 << i % 8);
	}
	impl->open(jobs, ARRAY_SIZE(jobs));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		ck_assert(jobs[i].ok && sodium_is_zero(texts[i], 33));
}
END_TEST

/* The longest that a datagram can bear, beside an empty one. */
START_TEST(long_and_empty_texts)
{
	static const uint32_t lengths[] = { 65535 - 32, 0, 65535 - 33, 16384, 0, 8191 };
	const struct aead_impl *impl = impl_at(_i);
	static uint8_t texts[ARRAY_SIZE(lengths)][65536], model[65536];
	struct aead_job jobs[ARRAY_SIZE(lengths)];
	uint64_t seed = unit_seed();
	uint8_t key[AEAD_KEY_BYTES];

	if (!impl)
		return;
	fill_random(&seed, key, sizeof(key));
	memset(texts, 0xa5, sizeof(texts));
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
		jobs[i] = (struct aead_job){ .key = key,
			                     .text = texts[i],
			                     .counter = i,
			                     .text_bytes = lengths[i] };
	impl->seal(jobs, ARRAY_SIZE(jobs));
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		memset(model, 0xa5, sizeof(model));
		aead_seal(model, model, lengths[i], NULL, 0, i, key);
		ck_assert_mem_eq(texts[i], model, sizeof(model));
	}
	impl->open(jobs, ARRAY_SIZE(jobs));
	memset(model, 0xa5, sizeof(model));
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		ck_assert(jobs[i].ok);
		ck_assert_mem_eq(texts[i], model, lengths[i]);
	}
}
END_TEST

/* ---- implementations that are wrong; by the linker in aead_at's place */

const struct aead_impl *__real_aead_at(size_t i);
const struct aead_impl *__wrap_aead_at(size_t i);

/* What the wrong ones are made of. */
static const struct aead_impl *fastest(void)
{
	size_t i = 0;

	while (!__real_aead_at(i)->available())
		i++;
	return __real_aead_at(i);
}

static void seal_wrong(struct aead_job *jobs, size_t n)
{
	fastest()->seal(jobs, n);
	jobs[n - 1].text[0] ^= 1;
}

static void open_without_checking(struct aead_job *jobs, size_t n)
{
	fastest()->open(jobs, n);
	for (size_t i = 0; i < n; i++)
		jobs[i].ok = true;
}

static void open_and_release(struct aead_job *jobs, size_t n)
{
	fastest()->open(jobs, n);
	for (size_t i = 0; i < n; i++)
		if (!jobs[i].ok && jobs[i].text_bytes > 0)
			jobs[i].text[jobs[i].text_bytes - 1] ^= 1;
}

START_TEST(self_test_tells_right_from_wrong)
{
	struct aead_impl wrong = *fastest();
	bool found = false;

	for (size_t i = 0; aead_at(i); i++) {
		ck_assert_int_eq(aead_works(aead_at(i)), aead_at(i)->available());
		found |= aead_at(i) == aead_choose(NULL);
	}
	ck_assert(found);
	wrong.seal = seal_wrong;
	ck_assert(!aead_works(&wrong));
	wrong = *fastest();
	wrong.open = open_without_checking;
	ck_assert(!aead_works(&wrong));
	wrong.open = open_and_release;
	ck_assert(!aead_works(&wrong));
}
END_TEST

static struct {
	size_t wrong; /* so many, from the fastest on, that this CPU can run */
	struct aead_impl impls[16];
	char log[4096];
} fake;

const struct aead_impl *__wrap_aead_at(size_t i)
{
	const struct aead_impl *impl = __real_aead_at(i);
	size_t before = 0;

	for (size_t k = 0; impl && k < i; k++)
		before += __real_aead_at(k)->available();
	if (!impl || !impl->available() || before >= fake.wrong)
		return impl;
	fake.impls[i] = *impl;
	fake.impls[i].open = open_without_checking;
	return &fake.impls[i];
}

static void note(void *context, enum log_level level, const char *line)
{
	size_t n = strlen(fake.log);

	(void)context;
	snprintf(fake.log + n, sizeof(fake.log) - n, "%s%s\n",
	         level == LOG_LEVEL_WARN ? "warning: " : "", line);
}

START_TEST(what_is_wrong_is_told_and_not_chosen)
{
	const struct log log = { LOG_LEVEL_DEBUG, note, NULL };
	const struct aead_impl *impl;
	char want[sizeof(fake.log)] = "";
	size_t n = 0, available = 0;

	for (size_t i = 0; aead_at(i); i++) {
		available += aead_at(i)->available();
		if (!aead_at(i)->available() || n > (size_t)_i)
			continue;
		snprintf(want + strlen(want), sizeof(want) - strlen(want),
		         n < (size_t)_i ? "warning: ChaCha20-Poly1305 by %s gives wrong "
		                          "results: not used\n"
		                        : "ChaCha20-Poly1305 by %s\n",
		         aead_at(i)->name);
		n++;
	}
	fake.wrong = (size_t)_i;
	impl = aead_choose(&log);
	fake.wrong = 0;
	ck_assert_str_eq(fake.log, want);
	if ((size_t)_i < available)
		ck_assert(aead_works(impl));
	else
		ck_assert_str_eq(impl->name, "libsodium"); /* nothing else is left */
}
END_TEST

static void setup(void)
{
	ck_assert_int_ge(sodium_init(), 0);
}

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("crypto/aead");
	int impls = 0;

	while (aead_at((size_t)impls))
		impls++;
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, rfc8439_appendix_a5);
	tcase_add_test(tc, each_wrong_bit_is_refused_and_zeroes);
	tcase_add_test(tc, xchacha_draft);
	tcase_add_loop_test(tc, batches_seal_as_libsodium_does, 0, impls);
	tcase_add_loop_test(tc, batches_open_what_is_right_and_nothing_else, 0, impls);
	tcase_add_loop_test(tc, nothing_outside_text_and_tag_is_touched, 0, impls);
	tcase_add_loop_test(tc, edges_of_poly1305, 0, impls);
	tcase_add_loop_test(tc, each_wrong_bit_of_a_tag_is_refused, 0, impls);
	tcase_add_loop_test(tc, long_and_empty_texts, 0, impls);
	tcase_add_test(tc, self_test_tells_right_from_wrong);
	tcase_add_loop_test(tc, what_is_wrong_is_told_and_not_chosen, 0, impls + 1);
	return tc;
}
