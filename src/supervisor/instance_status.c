/* src/supervisor/instance_status.c - members are put together with json_pack. Its "o"
 * takes over the reference even if json_pack fails, and a NULL for "o" makes the whole
 * value NULL. So only the end result has to be checked. */
#include "supervisor/instance_status.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/printable.h"

static json_t *append(json_t *list, json_t *item)
{
	if (list && json_array_append_new(list, item) == 0)
		return list;
	json_decref(list);
	return NULL;
}

/* A path need not be UTF-8, but JSON must be. If it isn't, '?' replaces what isn't
 * ASCII. */
static json_t *path_json(const char *path)
{
	json_t *json = path ? json_string(path) : json_null();
	char *copy = json || !path ? NULL : strdup(path);

	for (char *at = copy; at && *at; at++)
		if ((unsigned char)*at > 0x7e)
			*at = '?';
	if (copy)
		json = json_string(copy);
	free(copy);
	return json;
}

static json_t *errors_json(const struct diag *errors)
{
	json_t *list = json_array();

	for (size_t i = 0; errors && i < errors->count; i++) {
		const struct diag_entry *e = &errors->entries[i];

		list = append(list, json_pack("{s:o, s:o, s:s}", "file",
		                              path_json(e->file), "line",
		                              e->line ? json_integer((json_int_t)e->line)
		                                      : json_null(),
		                              "text", e->text));
	}
	return list;
}

static json_t *yields_json(const struct yield *yields, size_t n)
{
	json_t *list = json_array();
	char prefix[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < n; i++) {
		const struct yield *y = &yields[i];

		list = append(list,
		              json_pack("{s:s, s:s, s:o}", "prefix",
		                        ip_prefix_format(&y->prefix, prefix), "device",
		                        y->device, "to",
		                        y->link[0] ? json_string(y->link) : json_null()));
	}
	return list;
}

/* ---- what the worker says */

/* The real depth of a status is 6. Each level is indented, so without a limit a short text
 * could become one of gigabytes. */
#define DEPTH_MAX 16

static bool is_plain(json_t *json, unsigned depth)
{
	const char *key;
	json_t *value;
	size_t i;

	if (depth == DEPTH_MAX ||
	    (json_is_string(json) && !printable_is(json_string_value(json))))
		return false;
	json_array_foreach(json, i, value)
	{
		if (!is_plain(value, depth + 1))
			return false;
	}
	json_object_foreach(json, key, value)
	{
		if (!printable_is(key) || !is_plain(value, depth + 1))
			return false;
	}
	return true;
}

/* Returns NULL if it is no object, or if it is more than it may be: it is printed on
 * terminals, and the worker may have been taken over. */
static json_t *worker_json(const char *text, size_t n)
{
	json_t *json = json_loadb(text, n, 0, NULL);

	if (json_is_object(json) && is_plain(json, 0))
		return json;
	json_decref(json);
	return NULL;
}

char *instance_status_text(const char *worker_text, size_t worker_bytes,
                           const struct instance_status *i)
{
	json_t *worker = worker_json(worker_text, worker_bytes), *all;
	char *text = NULL;

	all = json_pack("{s:s, s:i, s:I, s:i, s:i, s:i, s:I, s:o, s:o}", "tun", i->tun,
	                "tun_mtu", (int)i->tun_mtu_bytes, "mark", (json_int_t)i->mark,
	                "pid", i->pid, "engine_pid", i->engine_pid, "engine_restarts",
	                (int)i->engine_restarts, "up_seconds", (json_int_t)i->up_s,
	                "errors", errors_json(i->errors), "yields",
	                yields_json(i->yields, i->yield_count));
	if (all && worker && json_object_update_missing(all, worker) == 0)
		text = json_dumps(all, JSON_INDENT(2));
	json_decref(worker);
	json_decref(all);
	return text;
}
