/* src/engine/device_list.h - the devices by name, and in the order they were added */
#ifndef TUNION_ENGINE_DEVICE_LIST_H
#define TUNION_ENGINE_DEVICE_LIST_H

#include "engine/core.h"

/* NULL if there is none of the name. */
struct device *device_list_find(const struct engine *e, const char *name);
/* From e->first on; NULL after the last. */
struct device *device_list_next(const struct device *d);
void device_list_add(struct engine *e, struct device *d);
void device_list_remove(struct engine *e, struct device *d);

#endif
