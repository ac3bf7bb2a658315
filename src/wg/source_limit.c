/* src/wg/source_limit.c - A bucket is stored as the time at which it will be full again.
 * Every token that is taken moves this time by the time that one token needs. A bucket
 * that is full is the same as one that was never used, so its place is free: this is how
 * the table is collected, without a timer. A source has one of SET_PLACES places, in the
 * set that a keyed hash of the source tells, so that nobody can aim at the set of somebody
 * else. */
#include "wg/source_limit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#define SET_PLACES      8
#define SETS            (SOURCE_LIMIT_SOURCES / SET_PLACES)
#define TOKEN_NS        (NS_PER_SEC / SOURCE_LIMIT_PER_SEC)
#define IPV6_SITE_BYTES 8 /* of an address: the /64 */

_Static_assert((SETS & (SETS - 1)) == 0, "a set is chosen by the low bits of a hash");

/* Zeroed: it is free. */
struct place {
	uint64_t full_ns; /* CLOCK_BOOTTIME; free if this time has come */
	uint8_t family;   /* enum ip_family */
	uint8_t source[IPV6_SITE_BYTES];
};

struct source_limit {
	uint8_t key[crypto_shorthash_KEYBYTES];
	struct place places[SETS][SET_PLACES];
};

int source_limit_new(struct source_limit **out, const struct rng *rng)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	rng_fill(rng, (*out)->key, sizeof((*out)->key));
	return 0;
}

void source_limit_free(struct source_limit *l)
{
	free(l);
}

static struct place *set_of(struct source_limit *l, const struct place *wanted)
{
	uint64_t hash;

	_Static_assert(sizeof(hash) == crypto_shorthash_BYTES, "SipHash-2-4");
	crypto_shorthash((uint8_t *)&hash, wanted->source, sizeof(wanted->source),
	                 l->key);
	return l->places[hash & (SETS - 1)];
}

/* Returns the place of the source, or a free one that is now its own; NULL if there is
 * none. */
static struct place *place_of(struct source_limit *l, const struct place *wanted,
                              uint64_t now_ns)
{
	struct place *set = set_of(l, wanted), *free_one = NULL;

	for (struct place *p = set; p < set + SET_PLACES; p++) {
		if (p->full_ns <= now_ns)
			free_one = p;
		else if (p->family == wanted->family &&
		         memcmp(p->source, wanted->source, sizeof(p->source)) == 0)
			return p;
	}
	if (free_one)
		*free_one = *wanted;
	return free_one;
}

bool source_limit_allow(struct source_limit *l, const struct ip_addr *source,
                        uint64_t now_ns)
{
	/* of an IPv4 address, the bytes behind the first four are zero */
	struct place wanted = { .full_ns = now_ns, .family = source->family };
	struct place *p;

	memcpy(wanted.source, source->b, sizeof(wanted.source));
	p = place_of(l, &wanted, now_ns);
	if (!p || p->full_ns - now_ns > (SOURCE_LIMIT_BURST - 1) * TOKEN_NS)
		return false;
	p->full_ns += TOKEN_NS;
	return true;
}
