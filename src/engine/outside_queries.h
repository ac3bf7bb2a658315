/* src/engine/outside_queries.h - whose query was this, which a server outside of the tunnels has
 * now answered?
 *
 * All queries to one server leave by one socket, so each gets an id that no other one has, and
 * that nobody can guess (RFC 5452). A bounded table remembers what it was before. */
#ifndef TUNION_ENGINE_OUTSIDE_QUERIES_H
#define TUNION_ENGINE_OUTSIDE_QUERIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "base/rng.h"
#include "base/wire.h"

/* A query is forgotten after this time. */
#define OUTSIDE_QUERY_NS (15 * NS_PER_SEC)

/* Who has asked, and with which id? */
struct outside_asker {
	struct ip_addr client;
	struct be16 port, id;
	uint32_t file; /* whose server it is */
};

struct outside_queries;

struct outside_queries *outside_queries_new(void);
/* NULL is fine. */
void outside_queries_free(struct outside_queries *q);

/* Returns the id that the query has to have. In a full set the oldest query is forgotten. */
struct be16 outside_queries_note(struct outside_queries *q, const struct rng *rng,
                                 const struct outside_asker *who,
                                 const struct ip_addr *server, uint64_t now_ns);
/* Has this server been asked with this id? Then it is forgotten, and `who` is set. */
MUST_CHECK bool outside_queries_take(struct outside_queries *q,
                                     const struct ip_addr *server, struct be16 id,
                                     struct outside_asker *who, uint64_t now_ns);

#endif
