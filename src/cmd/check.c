/* src/cmd/check.c - reads the files, makes the plan, and prints it as text or as JSON */
#include "cmd/check.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json_part.h"
#include "base/printable.h"
#include "base/termux.h"
#include "cmd/arguments.h"
#include "cmd/paths.h"
#include "cmd/plan_json.h"
#include "cmd/plan_load.h"
#include "cmd/plan_text.h"
#include "host/hooks.h"
#include "host/host_exit.h"
#include "host/programs.h"
#include "host/spawn.h"

static const char usage[] =
	"usage: tunion check [--strict] [--json] [--no-resolve] [--gate FILE]\n"
	"                    [DIR | FILE...]\n"
	"  --strict      treat warnings and missing programs as errors\n"
	"  --json        for programs; see tunion-json(5)\n"
	"  --no-resolve  don't look up Endpoints that are names\n"
	"  --gate FILE   as with tunion up\n";

/* What `up` needs and this host doesn't have. */
struct missing {
	struct program_missing v[PROGRAMS_MAX];
	size_t n;
};

static json_t *missing_json(const struct missing *missing)
{
	json_t *list = json_array();

	for (size_t i = 0; i < missing->n; i++) {
		const struct program_missing *m = &missing->v[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:o, s:i}",
		                                      "programs", m->programs, "packages",
		                                      m->packages, "option", m->option,
		                                      "need", m->need, "file",
		                                      json_printable(m->conf->path),
		                                      "line", (int)m->line));
	}
	return list;
}

static int print_json(const struct plan_load *load, const struct missing *missing,
                      bool ok)
{
	json_t *json = plan_json(&load->plan, &load->diag, ok);

	if (json)
		json_object_set_new(json, "missing", missing_json(missing));
	return plan_json_print(json, ok);
}

/* Who reads on an unrooted phone what `up` needs would try to install it. */
static bool up_is_possible(void)
{
	return !termux_prefix() || geteuid() == 0;
}

static void print_missing(const struct missing *missing)
{
	for (size_t i = 0; i < missing->n; i++) {
		const struct program_missing *m = &missing->v[i];

		printf("up needs %s, which is not installed (%s in ", m->programs,
		       m->need);
		printable_print(stdout, m->conf->path);
		printf(":%u): install %s, or use %s\n", m->line, m->packages, m->option);
	}
}

/* Each loop is counted for one of its peers: the one whose address is the lowest. */
static bool is_first_on_loop(const struct plan_peer *peer)
{
	const struct way_peer *p = peer->way.next;

	if (peer->way.state != WAY_LOOP || !peer->on_loop)
		return false;
	while (p > &peer->way)
		p = p->next;
	return p == &peer->way;
}

/* Only check says this by its exit status: `up` starts, since the rest works. */
static size_t count_loops(const struct plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->device_count; i++) {
		const struct plan_device *d = &plan->devices[i];

		for (size_t k = 0; k < d->peer_count; k++)
			n += is_first_on_loop(&d->peers[k]);
	}
	return n;
}

static int print_text(const struct plan_load *load, const struct missing *missing,
                      bool ok)
{
	size_t loops = count_loops(&load->plan);

	diag_print(&load->diag, stderr);
	if (load->diag.errors == 0) {
		plan_text(&load->plan, stdout);
		print_missing(missing);
		printf("files: %zu, prefixes: %zu, warnings: %zu",
		       load->plan.device_count, union_count(&load->plan.table),
		       load->diag.warnings);
		if (loops > 0)
			printf(", %zu of them routing loops", loops);
		putchar('\n');
	}
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Only warns, because `up` may be called by another user. */
static void warn_of_hooks(struct plan_load *load)
{
	struct diag refused = { 0 };

	for (size_t i = 0; i < load->set.n; i++)
		(void)!hooks_check(load->set.v[i], &refused); /* errors are in refused */
	for (size_t i = 0; i < refused.count; i++) {
		const struct diag_entry *e = &refused.entries[i];

		diag_warning(&load->diag, e->file, e->line, "%s", e->text);
	}
	diag_clear(&refused);
}

/* A file that leaves its routes to the user takes nothing by itself. */
static bool has_wide_prefix(const struct plan_device *d, enum ip_family family, int len,
                            unsigned *line)
{
	for (size_t i = 0; i < d->peer_count; i++) {
		const struct conf_prefixes *all = &d->peers[i].conf->allowed_ips;

		for (size_t k = 0; k < all->n; k++) {
			*line = all->v[k].line;
			if (all->v[k].prefix.addr.family == family &&
			    all->v[k].prefix.len <= len)
				return d->conf->table.kind != CONF_TABLE_OFF;
		}
	}
	return false;
}

/* Any address of the internet; who has a route to it has one to the others. */
static bool host_has_ipv6(void)
{
	struct host_exit there;
	struct ip_addr to;

	return ip_addr_parse(&to, "2000::1") && host_exit_look(NULL, &to, &there) == 0;
}

/* All of IPv4 is in the tunnels, and IPv6 isn't: then programs prefer what leaves in the clear.
 * Only a note, because only the host knows whether it has IPv6. */
static void note_ipv6(struct plan_load *load)
{
	const struct plan_device *d, *full = NULL;
	struct plan_walk walk = { 0 };
	unsigned line = 0, at = 0;

	while ((d = plan_next(&load->plan, &walk))) {
		if (has_wide_prefix(d, IP_V6, 3, &at))
			return;
		if (!full && has_wide_prefix(d, IP_V4, 1, &at)) {
			full = d;
			line = at;
		}
	}
	if (full && host_has_ipv6())
		diag_note(
			&load->diag, full->conf->path, line,
			"0.0.0.0/0 without ::/0: this host has IPv6, and all of it leaves past the tunnels; add ::/0, also if the provider has no IPv6");
}

int cmd_check(int argc, char **argv)
{
	static const struct option options[] = {
		{ "strict", no_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "no-resolve", no_argument, NULL, 'n' },
		{ "gate", required_argument, NULL, 'g' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	bool strict = false, json = false, ok;
	enum plan_load_names names = PLAN_LOAD_RESOLVE;
	struct conf_paths from = { 0 };
	struct paths paths;
	struct plan_load load;
	struct missing missing;
	int option, status;

	while ((option = arguments_next(argc, argv, "h", options)) != -1) {
		switch (option) {
		case 's':
			strict = true;
			break;
		case 'j':
			json = true;
			break;
		case 'n':
			names = PLAN_LOAD_NO_RESOLVE;
			break;
		case 'g':
			from.gate = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			return EXIT_FAILURE;
		}
	}
	if (!paths_take(&paths, argv + optind, argc - optind)) {
		paths_clear(&paths);
		return EXIT_FAILURE;
	}
	from.v = paths.v;
	from.n = paths.n;
	from.names_folder = paths.folder;
	ok = plan_load(&load, &from, names) == 0;
	warn_of_hooks(&load);
	if (ok)
		note_ipv6(&load);
	missing.n =
		up_is_possible() ? programs_missing(&load.plan, spawn_has, missing.v) : 0;
	ok = ok && !(strict && (load.diag.warnings > 0 || missing.n > 0)) &&
	     count_loops(&load.plan) == 0;
	status = json ? print_json(&load, &missing, ok) : print_text(&load, &missing, ok);
	plan_load_clear(&load);
	paths_clear(&paths);
	return status;
}
