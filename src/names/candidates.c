/* src/names/candidates.c - keeps the addresses sorted by rank, the usable ones
 * first */
#include "names/candidates.h"

/* Initiations are at most 5.333 s apart. So an address that has been in use for longer
 * has been tried, unless the peer now uses another endpoint than the one we gave it. */
#define TRIED_WITHIN_NS UINT64_C(6000000000)

static bool comes_before(const struct candidate *a, const struct candidate *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->order < b->order;
}

static void sort(struct candidates *c)
{
	for (size_t i = 1; i < c->n; i++) {
		struct candidate moving = c->v[i];
		size_t k = i;

		for (; k > 0 && comes_before(&moving, &c->v[k - 1]); k--)
			c->v[k] = c->v[k - 1];
		c->v[k] = moving;
	}
}

/* How many addresses are tried? These are the first ones. */
static size_t usable(const struct candidates *c)
{
	size_t n = 0;

	while (n < c->n && c->v[n].rank != CANDIDATE_UNREACHABLE)
		n++;
	return n > 0 ? n : c->n;
}

static size_t find(const struct candidates *c, const struct endpoint *e)
{
	size_t i = 0;

	while (i < c->n && !(e && endpoint_equal(&c->v[i].endpoint, e)))
		i++;
	return i;
}

bool candidates_judge(struct candidates *c, const struct candidate_judge *judge)
{
	struct endpoint present = { 0 };
	bool had = c->at < c->n;

	if (had)
		present = c->v[c->at].endpoint;
	for (size_t i = 0; i < c->n; i++)
		c->v[i].rank = judge->rank(judge->context, &c->v[i].endpoint);
	sort(c);
	c->at = find(c, &present);
	if (!had || c->at < usable(c))
		return false;
	c->at = 0;
	return true;
}

bool candidates_set(struct candidates *c, const struct endpoint *list, size_t n,
                    const struct candidate_judge *judge)
{
	struct endpoint present = { 0 };

	if (c->at < c->n)
		present = c->v[c->at].endpoint;
	*c = (struct candidates){ .n = n < CANDIDATES_MAX ? n : CANDIDATES_MAX };
	for (size_t i = 0; i < c->n; i++)
		c->v[i] = (struct candidate){ .endpoint = list[i], .order = i };
	c->at = find(c, &present);
	if (c->at < c->n)
		return candidates_judge(c, judge);
	(void)candidates_judge(c, judge);
	c->at = 0;
	return c->n > 0;
}

bool candidates_next(struct candidates *c)
{
	size_t n = usable(c), next = c->at + 1 < n ? c->at + 1 : 0;

	if (next == c->at || n == 0)
		return false;
	c->at = next;
	return true;
}

bool candidates_unanswered(struct candidates *c, const struct endpoint *tried,
                           uint64_t in_use_ns)
{
	const struct endpoint *present = candidates_present(c);

	if (present && !endpoint_equal(present, tried) && in_use_ns <= TRIED_WITHIN_NS)
		return false;
	return candidates_next(c);
}

void candidates_found(struct candidates *c, const struct endpoint *e)
{
	c->at = find(c, e);
}

const struct endpoint *candidates_present(const struct candidates *c)
{
	return c->at < c->n ? &c->v[c->at].endpoint : NULL;
}
