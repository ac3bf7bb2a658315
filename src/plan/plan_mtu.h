/* src/plan/plan_mtu.h - how large may an inner packet of each device be? (design section 4) */
#ifndef TUNION_PLAN_PLAN_MTU_H
#define TUNION_PLAN_PLAN_MTU_H

#include "plan/plan.h"

/* Sets mtu_bytes and carrier_fits_bytes of every device, and tun_mtu_bytes. Ways must have
 * been computed. */
void plan_mtu(struct plan *plan, const struct plan_env *env);

/* The MTU that the device's file asks for can't be kept: IPv6 needs more. */
bool plan_mtu_raised(const struct plan_device *device);

#endif
