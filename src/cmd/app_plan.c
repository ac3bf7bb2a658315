/* src/cmd/app_plan.c - reads the files and prints the plan in the terms of an app */
#include "cmd/app_plan.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/arguments.h"
#include "cmd/paths.h"
#include "cmd/plan_json.h"
#include "cmd/plan_load.h"
#include "host/dns.h"
#include "plan/plan_app.h"

static const char usage[] =
	"usage: tunion plan [--json] [--no-resolve] [DIR | FILE...]\n"
	"  --json        for programs; see tunion-json(5)\n"
	"  --no-resolve  don't look up Endpoints that are names\n"
	"For Android apps: what VpnService.Builder has to be given, see doc/embedding.md.\n";

/* ---- the name servers */

struct servers {
	struct ip_addr *v; /* owned */
	size_t n;
	bool failed;
};

static void add_server(void *context, const struct ip_addr *server)
{
	struct servers *s = context;
	struct ip_addr *v = reallocarray(s->v, s->n + 1, sizeof(*v));

	if (!v) {
		s->failed = true;
		return;
	}
	s->v = v;
	s->v[s->n++] = *server;
}

static int make_app(struct plan_app *app, const struct plan *plan, struct diag *diag)
{
	struct servers servers = { 0 };
	struct plan_app_dns dns = { 0 };
	int err = -ENOMEM;

	*app = (struct plan_app){ 0 };
	dns_walk_servers(plan, add_server, &servers);
	dns_virtual_addresses(plan, &dns.virtual4, &dns.virtual6);
	dns.servers = servers.v;
	dns.n = servers.n;
	if (!servers.failed)
		err = plan_app_make(app, plan, &dns, diag);
	else
		diag_error(diag, NULL, 0, "out of memory");
	free(servers.v);
	return err;
}

/* ---- as text */

static void print_prefixes(const char *what, const struct ip_prefix *v, size_t n)
{
	char text[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < n; i++)
		printf("%s %s\n", what, ip_prefix_format(&v[i], text));
}

static void print_names(const char *what, const struct plan_app_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		printf("%s %s\n", what, names->v[i]);
}

static void print_domain(void *context, const char *domain)
{
	(void)context;
	printf("search domain %s\n", domain);
}

static void print_text(const struct plan *plan, const struct plan_app *app)
{
	char text[IP_ADDR_STRLEN];

	printf("mtu %u\n", (unsigned)plan->tun_mtu_bytes);
	print_prefixes("address", app->addresses, app->address_count);
	print_prefixes("route", app->routes.v, app->routes.n);
	for (size_t i = 0; i < app->server_count; i++)
		printf("dns server %s\n", ip_addr_format(&app->servers[i], text));
	plan_walk_domains(plan, print_domain, NULL);
	if (app->allow_families)
		printf("allow family inet\nallow family inet6\n");
	print_names("included application", &app->included);
	print_names("excluded application", &app->excluded);
}

/* ---- the command */

static int run(const struct conf_paths *from, enum plan_load_names names, bool json)
{
	struct plan_load load;
	struct plan_app app = { 0 };
	int err = plan_load_app(&load, from, names), status = EXIT_FAILURE;

	if (!err)
		err = make_app(&app, &load.plan, &load.diag);
	if (json) {
		status = plan_json_print(
			plan_json_app(&load.plan, err ? NULL : &app, &load.diag, !err),
			!err);
	} else {
		diag_print(&load.diag, stderr);
		if (!err) {
			print_text(&load.plan, &app);
			status = EXIT_SUCCESS;
		}
	}
	plan_app_clear(&app);
	plan_load_clear(&load);
	return status;
}

int cmd_plan(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "no-resolve", no_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	enum plan_load_names names = PLAN_LOAD_RESOLVE;
	struct conf_paths from = { 0 };
	struct paths paths;
	bool json = false;
	int option, status = EXIT_FAILURE;

	while ((option = arguments_next(argc, argv, "h", options)) != -1) {
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
			return EXIT_FAILURE;
		}
	}
	if (paths_take(&paths, argv + optind, argc - optind)) {
		from.v = paths.v;
		from.n = paths.n;
		from.names_folder = paths.folder;
		status = run(&from, names, json);
	}
	paths_clear(&paths);
	return status;
}
