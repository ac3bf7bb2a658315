/* src/engine/events.h - what wg reports about a device, and what it wants to send */
#ifndef TUNION_ENGINE_EVENTS_H
#define TUNION_ENGINE_EVENTS_H

#include "engine/core.h"

/* For a wg_env whose context is the struct device. */
extern const struct wg_callbacks events_callbacks;

#endif
