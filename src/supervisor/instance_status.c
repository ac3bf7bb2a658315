/* src/supervisor/instance_status.c - members are put together with json_pack. Its "o"
 * takes over the reference even if json_pack fails, and a NULL for "o" makes the whole
 * value NULL. So only the end result has to be checked. */
#include "supervisor/instance_status.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_part.h"
#include "base/key.h"
#include "base/printable.h"
#include "show/status_health.h"

static json_t *errors_json(const struct diag *errors)
{
	json_t *list = json_array();

	for (size_t i = 0; errors && i < errors->count; i++) {
		const struct diag_entry *e = &errors->entries[i];

		list = json_list_add(list,
		                     json_pack("{s:o, s:o, s:s}", "file",
		                               json_printable(e->file), "line",
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

		list = json_list_add(
			list, json_pack("{s:s, s:s, s:o}", "prefix",
		                        ip_prefix_format(&y->prefix, prefix), "device",
		                        y->device, "to",
		                        json_printable(y->link[0] ? y->link : NULL)));
	}
	return list;
}

/* The folders that the files are in, without duplicates. A path is that of a file if it ends
 * in ".conf". */
static json_t *folders_json(const struct conf_paths *files)
{
	static const char suffix[] = ".conf";
	json_t *list = json_array();

	for (size_t i = 0; i < files->n; i++) {
		size_t n = strlen(files->v[i]), k = 0;
		char *folder = strdup(files->v[i]), *slash;
		json_t *path;

		slash = folder ? strrchr(folder, '/') : NULL;
		if (slash && n > strlen(suffix) &&
		    strcmp(folder + n - strlen(suffix), suffix) == 0)
			slash[slash == folder] = '\0';
		path = json_printable(folder);
		free(folder);
		while (k < json_array_size(list) &&
		       !json_equal(json_array_get(list, k), path))
			k++;
		if (k == json_array_size(list))
			list = json_list_add(list, path);
		else
			json_decref(path);
	}
	return list;
}

static json_t *names_json(const char *const *names, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		list = json_list_add(list, json_printable(names[i]));
	return list;
}

static json_t *lost_tuns_json(const struct instance_status *i)
{
	json_t *list = json_array();

	for (size_t k = 0; i->plan && k < i->plan->device_count; k++) {
		const struct plan_device *d = &i->plan->devices[k];

		if (i->is_missing(i->hosts, d))
			list = json_list_add(list, json_string(d->conf->name));
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

/* About so many bytes of memory does each need. An object that has two characters in the text needs
 * a hundred times as much, and 16 MiB may be full of them. No part of a real status needs more than
 * EACH_BYTES for each of its characters. */
#define OBJECT_BYTES 256U
#define ARRAY_BYTES  128U
#define VALUE_BYTES  64U
#define EACH_BYTES   16U
#define SMALL_BYTES  4096U

/* Jansson looks for each member of an object in a hash table. Who has the supervisor's seed, which a
 * worker that is forked later has, can choose members that are all in the same place. */
#define MEMBERS_MAX 1000

/* Looks at a text before it is parsed, which would take too much memory or time. */
static bool is_modest(const char *text, size_t n)
{
	size_t bytes = 0, depth = 0, members[DEPTH_MAX] = { 0 };
	bool in_string = false, modest = true;

	for (size_t i = 0; i < n && modest; i++) {
		if (text[i] == '"') {
			in_string = !in_string;
		} else if (in_string) {
			i += text[i] == '\\';
		} else if (text[i] == '{' || text[i] == '[') {
			bytes += text[i] == '{' ? OBJECT_BYTES : ARRAY_BYTES;
			modest = ++depth < DEPTH_MAX;
			members[modest ? depth : 0] = 0;
		} else if (text[i] == '}' || text[i] == ']') {
			depth -= depth > 0;
		} else if (text[i] == ':') {
			modest = ++members[depth] <= MEMBERS_MAX;
		} else if (text[i] == ',') {
			bytes += VALUE_BYTES;
		}
	}
	return modest && bytes <= SMALL_BYTES + EACH_BYTES * n;
}

/* Returns NULL if it is no object, or if it is more than it may be: it is printed on
 * terminals, and the worker may have been taken over. */
static json_t *worker_json(const char *text, size_t n)
{
	json_t *json = is_modest(text, n) ? json_loadb(text, n, 0, NULL) : NULL;

	if (json_is_object(json) && is_plain(json, 0))
		return json;
	json_decref(json);
	return NULL;
}

/* ---- the order of its devices */

static int by_name(const void *a, const void *b)
{
	json_t *const *x = a, *const *y = b;
	const char *one = json_string_value(json_object_get(*x, "name"));
	const char *other = json_string_value(json_object_get(*y, "name"));

	return strcmp(one ? one : "", other ? other : "");
}

/* The worker has them in the order in which they came; as files they are sorted. Returns false if
 * out of memory. */
static MUST_CHECK bool sort_devices(const json_t *worker)
{
	json_t *devices = json_object_get(worker, "devices");
	size_t n = json_array_size(devices);
	json_t **sorted = calloc(n + 1, sizeof(*sorted));
	bool good = sorted != NULL;

	for (size_t i = 0; i < n && sorted; i++)
		sorted[i] = json_incref(json_array_get(devices, i));
	if (n > 1 && sorted)
		qsort(sorted, n, sizeof(*sorted), by_name);
	for (size_t i = 0; i < n && sorted; i++)
		good = json_array_set_new(devices, i, sorted[i]) == 0 && good;
	free(sorted);
	return good;
}

/* ---- what it can't say */

/* It sees no interfaces, and so knows only their numbers: [fe80::1%3]:51820. Returns false if out
 * of memory. */
static MUST_CHECK bool name_interface(json_t *peer)
{
	const char *text = json_string_value(json_object_get(peer, "endpoint"));
	char named[ENDPOINT_STRLEN];
	struct endpoint e;

	if (!text || !strchr(text, '%') || !endpoint_parse(&e, text))
		return true;
	return json_object_set_new(peer, "endpoint",
	                           json_string(endpoint_format_named(&e, named))) == 0;
}

static MUST_CHECK bool name_interfaces(const json_t *worker)
{
	const json_t *device;
	json_t *peer;
	size_t i, k;

	json_array_foreach(json_object_get(worker, "devices"), i, device)
	{
		json_array_foreach(json_object_get(device, "peers"), k, peer)
		{
			if (!name_interface(peer))
				return false;
		}
	}
	return true;
}

/* ---- names */

#define LOOKS_MAX 5000000 /* a second at most; then nothing is found any more */

/* The names come in the order of the files, so the search goes on where it has ended. */
struct naming {
	const json_t *devices; /* borrowed: the worker's */
	size_t device, peer;
	size_t looks; /* how many are left */
	uint64_t now_ns;
	bool failed;
};

static json_t *find_member(const json_t *list, const char *key, const char *value,
                           size_t *at, size_t *looks)
{
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n && *looks != 0; i++, (*looks)--) {
		json_t *item = json_array_get(list, (*at + i) % n);
		const char *text = json_string_value(json_object_get(item, key));

		if (text && strcmp(text, value) == 0) {
			*at = (*at + i) % n;
			return item;
		}
	}
	return NULL;
}

static json_t *name_json(const struct names_state *state)
{
	return json_sprintf(strchr(state->host, ':') ? "[%s]:%u" : "%s:%u", state->host,
	                    state->port);
}

static json_t *again_json(const struct names_state *state, uint64_t now_ns)
{
	uint64_t left_ns = state->ask_ns > now_ns ? state->ask_ns - now_ns : 0;

	if (state->known || state->ask_ns == NEVER_NS)
		return json_null();
	return json_integer((json_int_t)((left_ns + NS_PER_SEC - 1) / NS_PER_SEC));
}

static void add_name(void *context, const struct names_state *state)
{
	struct naming *n = context;
	json_t *device =
		find_member(n->devices, "name", state->device, &n->device, &n->looks);
	char key[KEY_BASE64_CHARS + 1];
	json_t *peer;

	key_to_base64(key, state->public_key);
	peer = find_member(json_object_get(device, "peers"), "public_key", key, &n->peer,
	                   &n->looks);
	if (!peer) /* wg has removed it */
		return;
	n->failed |= json_object_set_new(peer, "endpoint_name", name_json(state)) < 0 ||
	             json_object_set_new(peer, "asked_again_seconds",
	                                 again_json(state, n->now_ns)) < 0 ||
	             json_object_set_new(peer, "name_error",
	                                 state->known || !state->error
	                                         ? json_null()
	                                         : json_string(state->error)) < 0;
}

/* Returns false if out of memory. */
static MUST_CHECK bool add_names(const json_t *worker, const struct instance_status *i)
{
	struct naming n = { .devices = json_object_get(worker, "devices"),
		            .looks = LOOKS_MAX,
		            .now_ns = i->now_ns };

	if (i->walk_names)
		i->walk_names(i->names, add_name, &n);
	return !n.failed;
}

/* ---- the processes besides the worker */

static json_t *stage_json(const struct line_stage *s)
{
	return json_pack("{s:s, s:b, s:o}", "stage", s->stage, "in_force",
	                 s->why[0] == '\0', "why",
	                 s->why[0] ? json_string(s->why) : json_null());
}

/* Two processes may have said it by turns. */
static json_t *add_stage(json_t *list, const struct line_stage *s)
{
	size_t at = 0, looks = LOOKS_MAX;
	json_t *process = find_member(list, "process", s->process, &at, &looks);

	if (!process)
		return json_list_add(list,
		                     json_pack("{s:s, s:[o]}", "process", s->process,
		                               "sandbox", stage_json(s)));
	if (json_array_append_new(json_object_get(process, "sandbox"), stage_json(s)) ==
	    0)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *helpers_json(const struct instance_status *instance)
{
	json_t *list = json_array();

	for (size_t i = 0; i < INSTANCE_STATUS_HELPERS; i++) {
		const struct helper_log *h = instance->helpers[i];

		for (size_t k = 0; h && k < h->stage_count; k++)
			list = add_stage(list, &h->stages[k]);
	}
	return list;
}

/* Returns false if out of memory. */
static MUST_CHECK bool add_health(json_t *all)
{
	return json_object_set_new(all, "health", status_health(all)) == 0;
}

char *instance_status_text(const char *worker_text, size_t worker_bytes,
                           const struct instance_status *i)
{
	json_t *worker = worker_json(worker_text, worker_bytes), *all;
	char *text = NULL;

	all = json_pack(
		"{s:s, s:i, s:I, s:i, s:i, s:i, s:I, s:o, s:o, s:o, s:o, s:o, s:o}",
		"tun", i->tun, "tun_mtu", (int)i->tun_mtu_bytes, "mark",
		(json_int_t)i->mark, "pid", i->pid, "engine_pid", i->engine_pid,
		"engine_restarts", (int)i->engine_restarts, "up_seconds",
		(json_int_t)i->up_s, "errors", errors_json(i->errors), "yields",
		yields_json(i->yields, i->yield_count), "folders",
		folders_json(&i->files), "taken_out",
		names_json(i->files.without, i->files.without_count), "lost_tuns",
		lost_tuns_json(i), "helpers", helpers_json(i));
	if (all && worker && sort_devices(worker) && name_interfaces(worker) &&
	    add_names(worker, i) && json_object_update_missing(all, worker) == 0 &&
	    add_health(all))
		text = json_dumps(all, JSON_INDENT(2));
	json_decref(worker);
	json_decref(all);
	return text;
}
