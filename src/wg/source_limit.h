/* src/wg/source_limit.h - may this source have another handshake message answered now?
 *
 * A token bucket for each source: an IPv4 address, or a /64 of IPv6, because a single user
 * has as much. Under load this is asked for messages whose mac2 has shown that the source
 * is real (paper 5.3); a forged source would use up the tokens of somebody else. */
#ifndef TUNION_WG_SOURCE_LIMIT_H
#define TUNION_WG_SOURCE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "base/rng.h"

#define SOURCE_LIMIT_PER_SEC 20
#define SOURCE_LIMIT_BURST   5
#define SOURCE_LIMIT_SOURCES 4096 /* remembered at the same time */

struct source_limit;

/* rng is used for this call only. 0 or -ENOMEM. */
MUST_CHECK int source_limit_new(struct source_limit **out, const struct rng *rng);
/* NULL is fine. */
void source_limit_free(struct source_limit *l);

/* Takes a token of the source. False if it has none, or if too many other sources are
 * remembered. Nothing is allocated. */
bool source_limit_allow(struct source_limit *l, const struct ip_addr *source,
                        uint64_t now_ns);

#endif
