/* src/base/sealed.c - encrypts a key in two steps, as RFC 5297 (SIV) does, with BLAKE2b for
 * both: the tag is a keyed hash of the key, and the key is XORed with a keyed hash of the tag.
 * So no counter is needed, and the same key always becomes the same bytes, which is how two
 * keys are compared.
 *
 * The tag isn't checked when a key is opened: whoever can change our memory can do so much
 * that this would not stop them. */
#include "base/sealed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/secret_page.h"

/* The two keys in the page. */
#define TAG_KEY_AT 0
#define PAD_KEY_AT 32
#define HALF_BYTES 32
/* What BLAKE2b leaves on the stack below our frame, keys among it, takes less than this. */
#define STACK_BYTES 4096

_Static_assert(PAD_KEY_AT + HALF_BYTES == SECRET_PAGE_BYTES, "both keys fill the page");

struct seal {
	struct secret_page page;
	size_t users; /* sealers and keys */
};

/* ---- sealers */

static struct seal *seal_new(void)
{
	struct seal *seal = calloc(1, sizeof(*seal));

	if (seal && secret_page_init(&seal->page) < 0) {
		free(seal);
		seal = NULL;
	}
	return seal;
}

static struct seal *use(struct seal *seal)
{
	if (seal)
		seal->users++;
	return seal;
}

static void leave(struct seal *seal)
{
	if (!seal || --seal->users > 0)
		return;
	secret_page_clear(&seal->page);
	free(seal);
}

void sealer_share(struct sealer *sealer, const struct sealed_key *key)
{
	if (!sealer->seal && key)
		sealer->seal = use(key->seal);
}

void sealer_clear(struct sealer *sealer)
{
	leave(sealer->seal);
	sealer->seal = NULL;
}

/* ---- keys */

static void make_tag(const struct seal *seal, uint8_t tag[static SEALED_TAG_BYTES],
                     const uint8_t key[static SEALED_BYTES])
{
	(void)crypto_generichash(tag, SEALED_TAG_BYTES, key, SEALED_BYTES,
	                         seal->page.bytes + TAG_KEY_AT, HALF_BYTES);
}

/* Encrypts, and decrypts. */
static void apply_pad(const struct seal *seal, const uint8_t tag[static SEALED_TAG_BYTES],
                      uint8_t out[static SEALED_BYTES],
                      const uint8_t in[static SEALED_BYTES])
{
	uint8_t pad[SEALED_BYTES];

	(void)crypto_generichash(pad, sizeof(pad), tag, SEALED_TAG_BYTES,
	                         seal->page.bytes + PAD_KEY_AT, HALF_BYTES);
	for (size_t i = 0; i < SEALED_BYTES; i++)
		out[i] = in[i] ^ pad[i];
	sodium_memzero(pad, sizeof(pad));
}

int sealed_set(struct sealed_key *k, struct sealer *sealer,
               const uint8_t key[static SEALED_BYTES])
{
	int err;

	sealed_clear(k);
	if (!sealer->seal)
		sealer->seal = use(seal_new());
	if (!sealer->seal)
		return -ENOMEM;
	err = secret_page_open(&sealer->seal->page);
	if (err)
		return err;
	make_tag(sealer->seal, k->tag, key);
	apply_pad(sealer->seal, k->tag, k->bytes, key);
	secret_page_close(&sealer->seal->page);
	sodium_stackzero(STACK_BYTES);
	k->seal = use(sealer->seal);
	return 0;
}

bool sealed_open(const struct sealed_key *k, uint8_t out[static SEALED_BYTES])
{
	memset(out, 0, SEALED_BYTES);
	if (!k->seal)
		return true;
	if (secret_page_open(&k->seal->page) < 0)
		return false;
	apply_pad(k->seal, k->tag, out, k->bytes);
	secret_page_close(&k->seal->page);
	sodium_stackzero(STACK_BYTES);
	return true;
}

static bool equal_when_opened(const struct sealed_key *a, const struct sealed_key *b)
{
	uint8_t x[SEALED_BYTES], y[SEALED_BYTES];
	bool opened = sealed_open(a, x), same = sealed_open(b, y) && opened;

	same = sodium_memcmp(x, y, SEALED_BYTES) == 0 && same;
	sodium_memzero(x, sizeof(x));
	sodium_memzero(y, sizeof(y));
	return same;
}

bool sealed_equal(const struct sealed_key *a, const struct sealed_key *b)
{
	if (!a->seal || !b->seal)
		return a->seal == b->seal;
	if (a->seal != b->seal)
		return equal_when_opened(a, b);
	return sodium_memcmp(a->tag, b->tag, SEALED_TAG_BYTES) == 0 &&
	       sodium_memcmp(a->bytes, b->bytes, SEALED_BYTES) == 0;
}

bool sealed_in_secret_memory(const struct sealed_key *k)
{
	return k->seal && k->seal->page.is_secret_memory;
}

void sealed_clear(struct sealed_key *k)
{
	struct seal *seal = k->seal;

	sodium_memzero(k, sizeof(*k));
	leave(seal);
}
