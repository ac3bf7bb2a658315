/* src/names/candidates.h - which of a name's addresses is tried?
 *
 * Those that can be reached from here, the better ones first; one after the other, until
 * one answers. Pure functions. */
#ifndef TUNION_NAMES_CANDIDATES_H
#define TUNION_NAMES_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"

#define CANDIDATES_MAX 16

/* How well can an address be reached? A lower rank is tried first. */
enum candidate_rank {
	CANDIDATE_IPV6, /* before IPv4 if the host has IPv6, as in RFC 6724 */
	CANDIDATE_IPV4,
	CANDIDATE_IPV6_POOR,   /* our source would not be meant for the internet */
	CANDIDATE_UNREACHABLE, /* is only tried if all are unreachable */
};

struct candidate {
	struct endpoint endpoint;
	enum candidate_rank rank;
	size_t order; /* its place in the name server's answer */
};

/* All zeroes: there are none. */
struct candidates {
	struct candidate v[CANDIDATES_MAX];
	size_t n;
	size_t at; /* the index of the one in use; n: none of them */
};

struct candidate_judge {
	enum candidate_rank (*rank)(void *context, const struct endpoint *e);
	void *context; /* borrowed */
};

/* Sets a new list; what is above CANDIDATES_MAX is left out. If the endpoint in use is in
 * the list, it stays in use. Returns true if another one has to be used now. */
bool candidates_set(struct candidates *c, const struct endpoint *list, size_t n,
                    const struct candidate_judge *judge);
/* Ranks the same list again. Another endpoint is used only if the present one can't be
 * reached any more. Returns true if so. */
bool candidates_judge(struct candidates *c, const struct candidate_judge *judge);
/* The present endpoint doesn't answer: uses the next one. Returns false if there is
 * none. */
bool candidates_next(struct candidates *c);
/* What was sent to `tried` was not answered: uses the next one, unless the present one,
 * which has been in use for in_use_ns, hasn't been tried yet. */
bool candidates_unanswered(struct candidates *c, const struct endpoint *tried,
                           uint64_t in_use_ns);
/* The peer is at this endpoint now, which need not be in the list. */
void candidates_found(struct candidates *c, const struct endpoint *e);

/* Returns NULL if no endpoint of the list is in use. */
const struct endpoint *candidates_present(const struct candidates *c);

#endif
