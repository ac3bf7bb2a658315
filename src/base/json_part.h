/* src/base/json_part.h - parts of a JSON that are put together without looking at each step */
#ifndef TUNION_BASE_JSON_PART_H
#define TUNION_BASE_JSON_PART_H

#include <jansson.h>

/* Adds the item, and takes over both references. Returns the list; NULL if one of both is NULL
 * or memory is short, and then both are freed. */
static inline json_t *json_list_add(json_t *list, json_t *item)
{
	if (json_array_append_new(list, item) == 0)
		return list;
	json_decref(list);
	return NULL;
}

#endif
