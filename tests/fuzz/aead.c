/* tests/fuzz/aead.c - does each AEAD that this CPU has give the same results as
 * libsodium's? For each packet of a batch the input gives length, counter, key,
 * place in memory, and what is damaged after sealing. What is left of the input is
 * the first text. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/reader.h"
#include "base/wire.h"
#include "crypto/aead.h"
#include "script.h"

#define JOBS_MAX   40 /* more than any implementation does at a time */
#define TEXT_MAX   2047
#define PLACES     64 /* positions in a cache line at which a text may begin */
#define SLOT_BYTES (PLACES + TEXT_MAX + AEAD_TAG_BYTES + PLACES)

/* A packet as the input describes it. */
struct wish {
	struct le32 length_place_key;  /* 11 bits, 6 bits, 2 bits */
	struct le32 counter;           /* the upper bits of the counter, shifted ... */
	uint8_t counter_shift, defect; /* ... by this */
	struct le32 bit;               /* that is damaged */
};

enum defect {
	DEFECT_NONE,
	DEFECT_BIT, /* of text or tag */
	DEFECT_TAG,
	DEFECT_COUNTER,
	DEFECT_KEY,
	DEFECT_COUNT
};

struct batch {
	struct script script;
	size_t n;
	struct aead_job jobs[JOBS_MAX];    /* to seal */
	struct aead_job opening[JOBS_MAX]; /* to open; damaged, with the right `ok` */
	size_t at[JOBS_MAX];               /* where the text is in each of these: */
	uint8_t plain[JOBS_MAX * SLOT_BYTES], sealed[JOBS_MAX * SLOT_BYTES];
	uint8_t spoiled[JOBS_MAX * SLOT_BYTES], opened[JOBS_MAX * SLOT_BYTES];
	uint8_t bytes[JOBS_MAX * SLOT_BYTES]; /* given to the implementation */
	uint8_t keys[4][AEAD_KEY_BYTES];
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* ---- the model */

static void nonce_of(uint8_t out[static 12], uint64_t counter)
{
	struct le64 wire = le64_put(counter);

	memset(out, 0, 4);
	memcpy(out + 4, &wire, sizeof(wire));
}

static void model_seal(uint8_t *text, const struct aead_job *job)
{
	uint8_t nonce[12];

	nonce_of(nonce, job->counter);
	crypto_aead_chacha20poly1305_ietf_encrypt(text, NULL, text, job->text_bytes, NULL,
	                                          0, NULL, nonce, job->key);
}

/* Returns false for a wrong tag, and then leaves the text as it is. */
static bool model_open(uint8_t *text, const struct aead_job *job)
{
	static uint8_t out[TEXT_MAX + 1];
	uint8_t nonce[12];

	nonce_of(nonce, job->counter);
	if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, text,
	                                              job->text_bytes + AEAD_TAG_BYTES,
	                                              NULL, 0, nonce, job->key) != 0)
		return false;
	memcpy(text, out, job->text_bytes);
	return true;
}

/* ---- a batch */

static void spoil(struct batch *b, size_t i, const struct wish *wish)
{
	struct aead_job *job = &b->opening[i];
	uint8_t *text = b->spoiled + b->at[i];
	uint32_t bit = le32_get(wish->bit);
	uint32_t bits = 8 * (job->text_bytes + AEAD_TAG_BYTES);

	switch ((enum defect)(wish->defect % DEFECT_COUNT)) {
	case DEFECT_BIT:
		text[bit % bits / 8] ^= (uint8_t)(1 << bit % 8);
		break;
	case DEFECT_TAG:
		text[job->text_bytes + bit / 8 % AEAD_TAG_BYTES] ^=
			(uint8_t)(1 << bit % 8);
		break;
	case DEFECT_COUNTER:
		job->counter ^= UINT64_C(1) << bit % 64;
		break;
	case DEFECT_KEY:
		job->key = b->keys[bit % ARRAY_SIZE(b->keys)];
		break;
	case DEFECT_NONE:
	case DEFECT_COUNT:
		break;
	}
}

static void add_job(struct batch *b, const struct wish *wish)
{
	uint32_t bits = le32_get(wish->length_place_key);
	size_t i = b->n++;

	b->at[i] = i * SLOT_BYTES + (bits >> 11) % PLACES;
	b->jobs[i] = (struct aead_job){
		.key = b->keys[(bits >> 17) % ARRAY_SIZE(b->keys)],
		.text = b->bytes + b->at[i],
		.counter = (uint64_t)le32_get(wish->counter) << wish->counter_shift % 33,
		.text_bytes = bits & TEXT_MAX,
	};
}

/* Computes all expected results with libsodium. */
static void make_batch(struct batch *b, const struct wish *wishes, size_t n,
                       const struct reader *text)
{
	size_t bytes = n * SLOT_BYTES, given = text->left_bytes;

	b->n = 0;
	script_fill(&b->script, b->keys, sizeof(b->keys));
	script_fill(&b->script, b->plain, bytes);
	for (size_t i = 0; i < n; i++)
		add_job(b, &wishes[i]);
	if (n > 0) {
		if (given > b->jobs[0].text_bytes)
			given = b->jobs[0].text_bytes;
		memcpy(b->plain + b->at[0], text->at, given);
	}
	memcpy(b->sealed, b->plain, bytes);
	for (size_t i = 0; i < n; i++)
		model_seal(b->sealed + b->at[i], &b->jobs[i]);
	memcpy(b->opening, b->jobs, sizeof(b->opening));
	memcpy(b->spoiled, b->sealed, bytes);
	for (size_t i = 0; i < n; i++)
		spoil(b, i, &wishes[i]);
	memcpy(b->opened, b->spoiled, bytes);
	for (size_t i = 0; i < n; i++)
		b->opening[i].ok = model_open(b->opened + b->at[i], &b->opening[i]);
}

static void must(bool holds, const struct aead_impl *impl, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "%s does not %s\n", impl->name, what);
	abort();
}

static void try(struct batch *b, const struct aead_impl *impl)
{
	struct aead_job jobs[JOBS_MAX];
	size_t bytes = b->n * SLOT_BYTES;

	memcpy(b->bytes, b->plain, bytes);
	memcpy(jobs, b->jobs, sizeof(jobs));
	impl->seal(jobs, b->n);
	must(memcmp(b->bytes, b->sealed, bytes) == 0, impl,
	     "seal exactly the texts, with the same result as libsodium");

	memcpy(b->bytes, b->spoiled, bytes);
	memcpy(jobs, b->opening, sizeof(jobs));
	for (size_t i = 0; i < b->n; i++)
		jobs[i].ok = !jobs[i].ok;
	impl->open(jobs, b->n);
	for (size_t i = 0; i < b->n; i++)
		must(jobs[i].ok == b->opening[i].ok, impl, "tell right from wrong tags");
	must(memcmp(b->bytes, b->opened, bytes) == 0, impl,
	     "open exactly the texts whose tags are right");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct batch b; /* too large for the stack */
	struct reader r = reader_of(bytes, n);
	const uint8_t *count = reader_take(&r, 1);
	size_t jobs = count ? *count % (JOBS_MAX + 1) : 0;
	struct wish wishes[JOBS_MAX] = { 0 };

	if (sodium_init() < 0)
		abort();
	for (size_t i = 0; i < jobs; i++) {
		const void *wish = reader_take(&r, sizeof(wishes[i]));

		if (wish)
			memcpy(&wishes[i], wish, sizeof(wishes[i]));
	}
	b.script = (struct script){ .seed = n };
	make_batch(&b, wishes, jobs, &r);
	for (size_t i = 0; aead_at(i); i++)
		if (aead_at(i)->available())
			try(&b, aead_at(i));
	return 0;
}
