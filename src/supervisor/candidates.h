/* src/supervisor/candidates.h - which of a name's addresses is tried?
 *
 * Those that can be reached from here, the better ones first; each in turn, until one
 * answers. Pure. */
#ifndef TUNION_SUPERVISOR_CANDIDATES_H
#define TUNION_SUPERVISOR_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"

#define CANDIDATES_MAX 16

/* How well can an address be reached? Lower is tried before higher. */
enum candidate_rank {
	CANDIDATE_IPV6, /* as RFC 6724 has it: before IPv4, where the host has IPv6 */
	CANDIDATE_IPV4,
	CANDIDATE_IPV6_POOR,   /* from an address that is not meant for the internet */
	CANDIDATE_UNREACHABLE, /* counts only if all are */
};

struct candidate {
	struct endpoint endpoint;
	enum candidate_rank rank;
	size_t order; /* as the name server had it */
};

/* Zeroed: none. */
struct candidates {
	struct candidate v[CANDIDATES_MAX];
	size_t n;
	size_t at; /* the one in use; n: none of them */
};

struct candidate_judge {
	enum candidate_rank (*rank)(void *context, const struct endpoint *e);
	void *context; /* borrowed */
};

/* A new list; what is above CANDIDATES_MAX is left out. The endpoint in use stays so if
 * it is in the list. True if another one has to be used now. */
bool candidates_set(struct candidates *c, const struct endpoint *list, size_t n,
                    const struct candidate_judge *judge);
/* The same list, judged anew: another one only if the present one can't be reached any
 * more. */
bool candidates_judge(struct candidates *c, const struct candidate_judge *judge);
/* The present one does not answer. False: there is no other. */
bool candidates_next(struct candidates *c);
/* What went to `tried` was not answered: the same, unless the present one, in use for so
 * long, has still to be tried. */
bool candidates_unanswered(struct candidates *c, const struct endpoint *tried,
                           uint64_t in_use_ns);
/* The peer is there now, be it in the list or not. */
void candidates_found(struct candidates *c, const struct endpoint *e);

/* NULL: none. */
const struct endpoint *candidates_present(const struct candidates *c);

#endif
