/* src/cmd/trace.c - traces in files, or in the running instance if no files are named */
#include "cmd/trace.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/plan_json.h"
#include "cmd/plan_load.h"
#include "cmd/target.h"
#include "cmd/trace_status.h"
#include "cmd/trace_text.h"
#include "instance/instance_find.h"

static const char usage[] =
	"usage: tunion trace [--json] [--no-resolve] [--tun NAME] [--run-dir DIR]\n"
	"                    [--gate FILE] ADDRESS [DIR | FILE...]\n"
	"  --json         for programs; see doc/json.md\n"
	"  --no-resolve   don't look up Endpoints that are names\n"
	"  --tun NAME     the tun of the instance, if several are up\n"
	"  --run-dir DIR  as given to tunion up\n"
	"  --gate FILE    as with tunion up\n"
	"Without DIR or FILE, asks the instance that is up; if none is up, reads the default DIR.\n";

/* What the command line contains. */
struct trace {
	bool json;
	enum plan_load_names names;
	const char *tun, *run_dir;
	struct ip_addr dst;
	struct conf_paths from;
};

/* Prints and releases it. NULL means that there was no memory. */
static int print(const struct trace *t, json_t *trace)
{
	if (t->json || !trace)
		return plan_json_print(trace, true);
	trace_text(trace, stdout);
	json_decref(trace);
	return EXIT_SUCCESS;
}

static int trace_files(const struct trace *t)
{
	struct plan_load load;
	int status = EXIT_FAILURE;

	if (plan_load(&load, &t->from, t->names) == 0)
		status = print(t, plan_json_trace(&load.plan, &t->dst));
	else if (t->json)
		status = plan_json_print(plan_json_errors(&load.diag), false);
	else
		diag_print(&load.diag, stderr);
	plan_load_clear(&load);
	return status;
}

/* Returns false if no instance runs. Otherwise *status is the exit status. */
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
			*status = print(t, trace_status(now, &t->dst));
		else
			fputs(*answer ? answer : "the instance ended meanwhile\n",
			      stderr);
		json_decref(now);
		free(answer);
	}
	instance_clear(&instance);
	return err != -ENOENT && err != -ECONNREFUSED;
}

static int trace(const struct trace *t)
{
	struct diag diag = { 0 };
	char *only = NULL;
	const char *tun;
	int err, status = EXIT_FAILURE;

	if (t->from.n > 0 || t->from.gate)
		return trace_files(t);
	err = t->tun ? 0 : instance_find_only(t->run_dir, &only, &diag);
	tun = t->tun ? t->tun : only;
	if (!err && trace_instance(t, tun, &status))
		; /* it has answered, or has printed why not */
	else if (err != -ENOTUNIQ && !t->tun && !t->run_dir)
		status = trace_files(t);
	else if (err)
		diag_print(&diag, stderr);
	else
		fprintf(stderr, "%s is not up\n", tun);
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
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		}
		if (!take_option(&t, option, optarg)) {
			fputs(usage, stderr);
			return EXIT_FAILURE;
		}
	}
	if (optind >= argc ||
	    ((t.tun || t.run_dir) && (optind + 1 < argc || t.from.gate))) {
		fputs(usage, stderr);
		return EXIT_FAILURE;
	}
	if (!ip_addr_parse(&t.dst, argv[optind])) {
		fprintf(stderr, "tunion: %s is not an IPv4 or IPv6 address\n",
		        argv[optind]);
		return EXIT_FAILURE;
	}
	t.from.v = (const char *const *)argv + optind + 1;
	t.from.n = (size_t)(argc - optind - 1);
	return trace(&t);
}
