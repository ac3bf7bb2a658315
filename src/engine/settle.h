/* src/engine/settle.h - the union and the ways, made anew when something has changed
 *
 * Changes only note what they touched; the work is done before the next packet, timer or
 * question. So a thousand devices configured in a row cost one pass, and one of a
 * thousand costs its own prefixes plus one walk over the ways. */
#ifndef TUNION_ENGINE_SETTLE_H
#define TUNION_ENGINE_SETTLE_H

#include "base/attr.h"

struct device;
struct engine;
struct peer;

/* Does now what engine_touch and settings have asked for; cheap if there is nothing to do.
 * 0, or -ENOMEM: then nothing may be sent, as the ways would be wrong. */
MUST_CHECK int engine_settle(struct engine *e);

/* ---- for the engine's own files */

/* The device's own part is stale: keys, peers, allowed IPs, endpoints, Via, metric. */
void settle_touch(struct device *d);
/* A peer's endpoint was learned anew. Finds its way at once where no other peer's way
 * depends on it, else it is left to engine_settle. */
void settle_endpoint(struct peer *peer);
/* Takes the device's peers out of the union and frees them. Before wg_device_free. */
void settle_remove(struct device *d);

#endif
