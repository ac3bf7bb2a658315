/* src/supervisor/instance_status.c - members are put together with json_pack. Its "o"
 * takes over the reference even if json_pack fails, and a NULL for "o" makes the whole
 * value NULL. So only the end result has to be checked. */
#include "supervisor/instance_status.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

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

char *instance_status_text(const char *worker_text, size_t worker_bytes,
                           const struct instance_status *i)
{
	json_t *worker = json_loadb(worker_text, worker_bytes, 0, NULL), *all;
	char *text = NULL;

	all = json_pack("{s:s, s:i, s:I, s:i, s:i, s:i, s:I, s:o}", "tun", i->tun,
	                "tun_mtu", (int)i->tun_mtu_bytes, "mark", (json_int_t)i->mark,
	                "pid", i->pid, "engine_pid", i->engine_pid, "engine_restarts",
	                (int)i->engine_restarts, "up_seconds", (json_int_t)i->up_s,
	                "errors", errors_json(i->errors));
	if (all && json_is_object(worker) && json_object_update(all, worker) == 0)
		text = json_dumps(all, JSON_INDENT(2));
	json_decref(worker);
	json_decref(all);
	return text;
}
