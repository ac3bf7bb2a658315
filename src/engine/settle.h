/* src/engine/settle.h - computes the union and the ways again when something has changed
 *
 * Changes only note what they have touched. The work is done before the next packet,
 * timer or question. So it takes one pass to configure a thousand devices in a row; and a
 * change of one device out of a thousand costs the work for its own prefixes and one walk
 * over the ways. */
#ifndef TUNION_ENGINE_SETTLE_H
#define TUNION_ENGINE_SETTLE_H

#include "base/attr.h"

struct device;
struct engine;
struct peer;

/* Does all the work that engine_touch and changed settings have left for later. Cheap if
 * there is nothing to do. Returns 0, or -ENOMEM; then nothing may be sent, because the
 * ways would be wrong. */
MUST_CHECK int engine_settle(struct engine *e);

/* ---- for the engine's own files */

/* Notes that the keys, peers, allowed IPs, endpoints, Via or metric of a device
 * changed. */
void settle_touch(struct device *d);
/* To be called when a new endpoint of a peer was learned. If no other peer's way depends
 * on this peer, its way is found at once; otherwise this is left to engine_settle. */
void settle_endpoint(struct peer *peer);
/* Takes the device's peers out of the union and frees them. Call it before
 * wg_device_free. */
void settle_remove(struct device *d);

#endif
