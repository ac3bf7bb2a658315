/* src/cmd/trace.c - traces in files, or in the running instance if no files are named */
#include "cmd/trace.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/json_part.h"
#include "cmd/arguments.h"
#include "cmd/paths.h"
#include "cmd/plan_json.h"
#include "cmd/plan_load.h"
#include "cmd/target.h"
#include "cmd/trace_status.h"
#include "cmd/trace_text.h"
#include "host/host_exit.h"
#include "instance/instance_find.h"
#include "show/status_json.h"

static const char usage[] =
	"usage: tunion trace [--json] [--no-resolve] [--tun NAME] [--run-dir DIR]\n"
	"                    [--gate FILE] ADDRESS|NAME [DIR | FILE...]\n"
	"  --json         for programs; see tunion-json(5)\n"
	"  --no-resolve   don't look up Endpoints that are names\n"
	"  --tun NAME     the tun of the instance, if several are up\n"
	"  --run-dir DIR  as given to tunion up\n"
	"  --gate FILE    as with tunion up\n"
	"Without DIR or FILE, asks the instance that is up; if none is up, reads the default DIR.\n";

#define ADDRESSES_MAX 8 /* of a name, this many are traced */

/* What the command line contains. */
struct trace {
	bool json;
	enum plan_load_names names;
	const char *tun, *run_dir;
	const char *name; /* NULL: an address was given */
	struct ip_addr dst[ADDRESSES_MAX];
	size_t dst_count;
	bool files; /* it names files */
	struct conf_paths from;
};

/* ---- printing */

static json_t *addresses_json(const struct trace *t)
{
	json_t *list = json_array();
	char text[IP_ADDR_STRLEN];

	for (size_t i = 0; i < t->dst_count; i++)
		json_array_append_new(list,
		                      json_string(ip_addr_format(&t->dst[i], text)));
	return list;
}

/* Adds where this host itself sends it; only an instance that is up on it has `tun`. Of files,
 * this is only asked for what they leave to the host. */
static void add_host(json_t *trace, const char *tun, const struct ip_addr *dst)
{
	char gateway[IP_ADDR_STRLEN];
	struct host_exit there = { 0 };
	bool asked = tun || strcmp(status_string(trace, "state"), "no-route") == 0;
	bool known = asked && host_exit_look(tun, dst, &there) == 0;
	bool routed = known && there.gateway.family != IP_NONE;

	json_object_set_new(trace, "host_link",
	                    json_printable(known ? there.link : NULL));
	json_object_set_new(trace, "host_gateway",
	                    routed ? json_string(ip_addr_format(&there.gateway, gateway))
	                           : json_null());
	json_object_set_new(trace, "host_local",
	                    known ? json_boolean(there.local) : json_null());
}

/* Prints and releases the trace of one address. NULL means that there was no memory. JSON is
 * one object: that of the first address. */
static int print(const struct trace *t, json_t *trace, const char *tun, size_t i)
{
	if (trace)
		add_host(trace, tun, &t->dst[i]);
	if (trace && t->json) {
		json_object_set_new(trace, "name",
		                    t->name ? json_string(t->name) : json_null());
		json_object_set_new(trace, "addresses", addresses_json(t));
	}
	if (t->json || !trace)
		return plan_json_print(trace, true);
	if (t->name)
		printf("%s%s is %s\n", i ? "\n" : "", t->name,
		       json_string_value(json_object_get(trace, "address")));
	trace_text(trace, stdout);
	json_decref(trace);
	return EXIT_SUCCESS;
}

static size_t how_many(const struct trace *t)
{
	return t->json ? 1 : t->dst_count;
}

/* ---- where to look */

static int trace_plan(const struct trace *t, const struct plan *plan)
{
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < how_many(t) && status == EXIT_SUCCESS; i++)
		status = print(t, plan_json_trace(plan, &t->dst[i]), NULL, i);
	return status;
}

static int trace_answer(const struct trace *t, const json_t *now)
{
	const char *tun = json_string_value(json_object_get(now, "tun"));
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < how_many(t) && status == EXIT_SUCCESS; i++)
		status = print(t, trace_status(now, &t->dst[i]), tun, i);
	return status;
}

/* `told`: it was already said why the instance isn't asked, and that is the reason to name if
 * the files can't be read either. */
static int trace_files(const struct trace *t, bool told)
{
	struct plan_load load;
	int status = EXIT_FAILURE;

	if (plan_load(&load, &t->from, t->names) == 0)
		status = trace_plan(t, &load.plan);
	else if (t->json)
		status = plan_json_print(plan_json_errors(&load.diag), false);
	else if (!told)
		diag_print(&load.diag, stderr);
	plan_load_clear(&load);
	return status;
}

/* Returns false if no instance runs. Otherwise *status is the exit status. What is left of one
 * that was killed is named. */
static bool trace_instance(const struct trace *t, const char *tun, int *status)
{
	struct instance instance;
	char *answer = NULL;
	json_t *now;
	int err = target_find(&instance, t->run_dir, tun);

	*status = EXIT_FAILURE;
	if (!err)
		err = target_ask(&instance, "status", &answer);
	if (!err) {
		now = json_loads(answer, 0, NULL);
		if (now)
			*status = trace_answer(t, now);
		else
			target_say_refused(answer);
		json_decref(now);
		free(answer);
	}
	if ((err == -ENOENT || err == -ECONNREFUSED) &&
	    (t->tun || (instance.pid_path && instance_is_stale(&instance))))
		target_say_not_up(&instance);
	instance_clear(&instance);
	return err != -ENOENT && err != -ECONNREFUSED;
}

/* Is there an instance of root? Then this is said: the files alone don't know what is live.
 * Returns whether it was. */
static bool say_roots(const struct diag *diag)
{
	char *other = instance_find_other(INSTANCE_ROOTS_DIR);
	bool is_there;

	if (!other)
		other = instance_find_killed_other(INSTANCE_ROOTS_DIR);
	is_there = other != NULL;
	if (is_there)
		diag_print(diag, stderr);
	free(other);
	return is_there;
}

static int trace(const struct trace *t)
{
	struct diag diag = { 0 };
	char *only = NULL;
	const char *tun;
	int err, status = EXIT_FAILURE;

	if (t->files || t->from.gate)
		return trace_files(t, false);
	err = t->tun ? 0 : instance_find_only(t->run_dir, &only, &diag);
	tun = t->tun ? t->tun : only;
	if (!err && trace_instance(t, tun, &status)) {
		; /* it has answered, or has printed why not */
	} else if (err != -ENOTUNIQ && !t->tun && !t->run_dir) {
		status = trace_files(t, err && say_roots(&diag));
	} else if (err)
		diag_print(&diag, stderr);
	diag_clear(&diag);
	free(only);
	return status;
}

/* Returns false if there is no such option. */
static bool take_option(struct trace *t, int option, const char *argument)
{
	switch (option) {
	case 'j':
		t->json = true;
		return true;
	case 'n':
		t->names = PLAN_LOAD_NO_RESOLVE;
		return true;
	case 'g':
		t->from.gate = argument;
		return true;
	case 't':
		t->tun = argument;
		return true;
	case 'r':
		t->run_dir = argument;
		return true;
	default:
		return false;
	}
}

static void add_address(struct trace *t, const struct sockaddr *address)
{
	struct endpoint found;

	if (t->dst_count == ADDRESSES_MAX || !endpoint_from_sockaddr(&found, address))
		return;
	for (size_t i = 0; i < t->dst_count; i++)
		if (ip_addr_equal(&t->dst[i], &found.addr))
			return;
	t->dst[t->dst_count++] = found.addr;
}

/* Asks the host's resolver if it is no address. Says on stderr why there is none. */
static bool take_destination(struct trace *t, const char *text)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *list = NULL;
	int err;

	if (ip_addr_parse(&t->dst[0], text)) {
		t->dst_count = 1;
		return true;
	}
	if (strchr(text, '/') || strchr(text, ':')) {
		fprintf(stderr,
		        "tunion: %s is not an IPv4 or IPv6 address, nor a host name\n",
		        text);
		return false;
	}
	t->name = text;
	err = getaddrinfo(text, NULL, &hints, &list);
	for (const struct addrinfo *at = list; !err && at; at = at->ai_next)
		add_address(t, at->ai_addr);
	if (!err)
		freeaddrinfo(list);
	if (t->dst_count == 0)
		fprintf(stderr,
		        "tunion: %s is no address, and this host doesn't know the name: %s\n",
		        text, err ? gai_strerror(err) : "it has no address");
	return t->dst_count > 0;
}

int cmd_trace(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "no-resolve", no_argument, NULL, 'n' },
		{ "gate", required_argument, NULL, 'g' },
		{ "tun", required_argument, NULL, 't' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct trace t = { .names = PLAN_LOAD_RESOLVE };
	struct paths paths;
	int option, status = EXIT_FAILURE;

	while ((option = arguments_next(argc, argv, "h", options)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		}
		if (!take_option(&t, option, optarg))
			return EXIT_FAILURE;
	}
	if (optind >= argc) {
		fprintf(stderr,
		        "tunion: trace expects an ADDRESS or a host NAME, such as: tunion trace 192.0.2.1\n");
		return EXIT_FAILURE;
	}
	if ((t.tun || t.run_dir) && (optind + 1 < argc || t.from.gate)) {
		fprintf(stderr,
		        "tunion: trace looks either at files or, with --tun or --run-dir, at an instance; expected one of them\n");
		return EXIT_FAILURE;
	}
	if (!take_destination(&t, argv[optind]))
		return EXIT_FAILURE;
	t.files = optind + 1 < argc;
	if (paths_take(&paths, argv + optind + 1, argc - optind - 1)) {
		t.from.v = paths.v;
		t.from.n = paths.n;
		t.from.names_folder = paths.folder;
		status = trace(&t);
	}
	paths_clear(&paths);
	return status;
}
