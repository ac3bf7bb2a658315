/* src/cmd/trace.c */
#include "cmd/trace.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/plan_json.h"
#include "cmd/plan_load.h"
#include "cmd/plan_text.h"

static const char usage[] =
	"usage: tunion trace [--json] [--no-resolve] ADDRESS [DIR | FILE...]\n"
	"  --json        for programs; see doc/json.md\n"
	"  --no-resolve  leave Endpoints that are names unknown\n";

static int print_json(const struct plan_load *load, bool ok, const struct ip_addr *dst)
{
	return plan_json_print(ok ? plan_json_trace(&load->plan, dst)
	                          : plan_json_errors(&load->diag),
	                       ok);
}

static int print_text(const struct plan_load *load, bool ok, const struct ip_addr *dst)
{
	if (ok)
		plan_text_trace(&load->plan, dst, stdout);
	else
		diag_print(&load->diag, stderr);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int cmd_trace(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "no-resolve", no_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct ip_addr dst;
	enum plan_load_names names = PLAN_LOAD_RESOLVE;
	struct plan_load load;
	bool json = false, ok;
	int option, status;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			json = true;
			break;
		case 'n':
			names = PLAN_LOAD_NO_RESOLVE;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return EXIT_FAILURE;
		}
	}
	if (optind >= argc) {
		fputs(usage, stderr);
		return EXIT_FAILURE;
	}
	if (!ip_addr_parse(&dst, argv[optind])) {
		fprintf(stderr, "tunion: %s is not an IPv4 or IPv6 address\n",
		        argv[optind]);
		return EXIT_FAILURE;
	}
	ok = plan_load(&load, argv + optind + 1, (size_t)(argc - optind - 1), names) == 0;
	status = json ? print_json(&load, ok, &dst) : print_text(&load, ok, &dst);
	plan_load_clear(&load);
	return status;
}
