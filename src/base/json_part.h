/* src/base/json_part.h - parts of a JSON that are put together without looking at each step */
#ifndef TUNION_BASE_JSON_PART_H
#define TUNION_BASE_JSON_PART_H

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/printable.h"

/* Adds the item, and takes over both references. Returns the list; NULL if one of both is NULL
 * or memory is short, and then both are freed. */
static inline json_t *json_list_add(json_t *list, json_t *item)
{
	if (json_array_append_new(list, item) == 0)
		return list;
	json_decref(list);
	return NULL;
}

/* A text that may come from elsewhere, such as a path. It may be printed on a terminal, too, so
 * that '?' replaces what isn't printable UTF-8 (printable.h). NULL becomes null. */
static inline json_t *json_printable(const char *text)
{
	json_t *json = NULL;
	char *copy = text ? strdup(text) : NULL;

	if (!text)
		return json_null();
	if (copy) {
		printable_make(copy);
		json = json_string(copy);
	}
	free(copy);
	return json;
}

#endif
