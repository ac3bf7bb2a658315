/* tests/sim/unusable.h - which peers does the engine take for unusable? (design R3) */
#ifndef TUNION_SIM_UNUSABLE_H
#define TUNION_SIM_UNUSABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/engine.h"
#include "oracle.h"

bool unusable_any(struct device *const *devices, size_t n);
/* Tells the oracle, which doesn't find it out. The devices are those of the plan. */
void unusable_note(struct plan *plan, struct device *const *devices);

#endif
