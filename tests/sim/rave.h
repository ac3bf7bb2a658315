/* tests/sim/rave.h - what might a worker say that has been taken over? */
#ifndef TUNION_SIM_RAVE_H
#define TUNION_SIM_RAVE_H

#include <stdint.h>

#include "fake_device.h"

/* Sends up to n messages, as many as the channel has room for. Most of them are some that a
 * worker may say, with contents that it wouldn't; the others are none. Those about a device
 * are often about this one, which may be NULL. */
void rave(int channel_fd, uint64_t seed, unsigned n, const struct fake_device *device);

#endif
