/* src/plan/plan_mtu.h - how large may the inner packets of a device be? (design section
 * 4) */
#ifndef TUNION_PLAN_PLAN_MTU_H
#define TUNION_PLAN_PLAN_MTU_H

#include "plan/plan.h"

/* Sets mtu_bytes and carrier_fits_bytes of every device, and tun_mtu_bytes. The ways must
 * have been computed before. */
void plan_mtu(struct plan *plan, const struct plan_env *env);

/* True if the device can't have the MTU of its file, because IPv6 needs more. */
bool plan_mtu_raised(const struct plan_device *device);

#endif
