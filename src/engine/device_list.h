/* src/engine/device_list.h - finds devices by name, and in the order they were added */
#ifndef TUNION_ENGINE_DEVICE_LIST_H
#define TUNION_ENGINE_DEVICE_LIST_H

#include "engine/core.h"

/* Returns NULL if no device has this name. */
struct device *device_list_find(const struct engine *e, const char *name);
/* The same for device.id; it looks at one device after the other. */
struct device *device_list_by_id(const struct engine *e, uint32_t id);
/* The first device is e->devices.first. Returns NULL after the last one. */
struct device *device_list_next(const struct device *d);
void device_list_add(struct engine *e, struct device *d);
void device_list_remove(struct engine *e, struct device *d);

#endif
