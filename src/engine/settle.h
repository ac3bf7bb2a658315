/* src/engine/settle.h - the union and the ways, made anew when something has changed
 *
 * Changes only note what they touched; the work is done before the next packet, timer or
 * question. So a thousand devices configured in a row cost one pass, and one of a
 * thousand costs its own prefixes plus one walk over the ways. */
#ifndef TUNION_ENGINE_SETTLE_H
#define TUNION_ENGINE_SETTLE_H

#include "base/attr.h"
#include "engine/core.h"

/* The device's own part is stale: keys, peers, allowed IPs, endpoints, Via, metric. */
void settle_touch(struct device *d);
/* A peer's endpoint was learned anew. Finds its way at once where no other peer's way
 * depends on it, else asks for a settle_run. */
void settle_endpoint(struct peer *peer);
/* A peer has become usable or unusable. */
void settle_standby(struct engine *e);
/* 0 or -ENOMEM; then nothing may be sent, as ways would be wrong. */
MUST_CHECK int settle_run(struct engine *e);
/* Takes the device's peers out of the union and frees them. Before wg_device_free. */
void settle_remove(struct device *d);

static inline MUST_CHECK int settle(struct engine *e)
{
	return e->need == SETTLE_NOTHING ? 0 : settle_run(e);
}

#endif
