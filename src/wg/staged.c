/* src/wg/staged.c */
#include "wg/staged.h"

struct packet *staged_pop(struct staged *s)
{
	struct packet *p;

	if (s->count == 0)
		return NULL;
	p = s->ring[s->first];
	s->ring[s->first] = NULL;
	s->first = (s->first + 1) % STAGED_MAX;
	s->count--;
	return p;
}

/* Returns true if there was one. */
static bool drop_oldest(struct staged *s, struct packet_pool *pool)
{
	struct packet *p = staged_pop(s);

	if (p)
		packet_pool_put(pool, p);
	return p;
}

size_t staged_push(struct staged *s, struct packet_pool *pool, const struct packet *p)
{
	struct packet *copy;
	size_t lost = 0;

	if (s->count == STAGED_MAX)
		lost += drop_oldest(s, pool);
	copy = packet_pool_copy(pool, p);
	if (!copy && drop_oldest(s, pool)) {
		lost++;
		copy = packet_pool_copy(pool, p);
	}
	if (!copy)
		return lost + 1;
	s->ring[(s->first + s->count) % STAGED_MAX] = copy;
	s->count++;
	return lost;
}

size_t staged_purge(struct staged *s, struct packet_pool *pool)
{
	size_t n = s->count;

	while (drop_oldest(s, pool))
		;
	return n;
}
