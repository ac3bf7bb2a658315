/* src/engine/outside_queries.c - the set is chosen by the new id */
#include "engine/outside_queries.h"

#include <stdlib.h>
#include <string.h>

#define SETS 64
#define WAYS 8

struct query {
	struct outside_asker who;
	struct ip_addr server; /* IP_NONE: this entry is unused */
	struct be16 id;        /* that the server gets */
	uint64_t asked_ns;
};

struct outside_queries {
	struct query v[SETS][WAYS];
};

struct outside_queries *outside_queries_new(void)
{
	return calloc(1, sizeof(struct outside_queries));
}

void outside_queries_free(struct outside_queries *q)
{
	free(q);
}

static struct query *find(struct outside_queries *q, const struct ip_addr *server,
                          struct be16 id, uint64_t now_ns)
{
	struct query *set = q->v[be16_get(id) % SETS];

	for (size_t i = 0; i < WAYS; i++) {
		if (memcmp(&set[i].id, &id, sizeof(id)) == 0 &&
		    ip_addr_equal(&set[i].server, server) &&
		    now_ns - set[i].asked_ns <= OUTSIDE_QUERY_NS)
			return &set[i];
	}
	return NULL;
}

static struct query *oldest(struct query *set)
{
	struct query *found = &set[0];

	for (size_t i = 0; i < WAYS && found->server.family != IP_NONE; i++) {
		if (set[i].server.family == IP_NONE || set[i].asked_ns < found->asked_ns)
			found = &set[i];
	}
	return found;
}

struct be16 outside_queries_note(struct outside_queries *q, const struct rng *rng,
                                 const struct outside_asker *who,
                                 const struct ip_addr *server, uint64_t now_ns)
{
	struct be16 id;

	do
		id = be16_put((uint16_t)rng_u32(rng));
	while (find(q, server, id, now_ns)); /* of 65536, at most WAYS are in use here */
	*oldest(q->v[be16_get(id) % SETS]) = (struct query){ *who, *server, id, now_ns };
	return id;
}

bool outside_queries_take(struct outside_queries *q, const struct ip_addr *server,
                          struct be16 id, struct outside_asker *who, uint64_t now_ns)
{
	struct query *found = find(q, server, id, now_ns);

	if (!found)
		return false;
	*who = found->who;
	*found = (struct query){ 0 };
	return true;
}
