/* src/cmd/up_told.c */
#include "cmd/up_told.h"

#include <string.h>

void up_told_plan(struct up_told *told, const struct plan *plan, const char *except)
{
	const char *names[UP_TOLD_NAMES] = { 0 };
	size_t used = 0;

	*told = (struct up_told){ 0 };
	for (size_t i = 0; i < plan->device_count; i++) {
		const char *name = plan->devices[i].way.name;

		if (except && strcmp(name, except) == 0)
			continue;
		if (told->count < UP_TOLD_NAMES)
			names[told->count] = name;
		told->count++;
	}
	for (size_t i = 0; i < told->count && i < UP_TOLD_NAMES; i++) {
		const char *before = i == 0 ? "" : i + 1 == told->count ? " and " : ", ";
		int n = snprintf(told->names + used, sizeof(told->names) - used, "%s%s",
		                 before, names[i]);

		used += n > 0 ? (size_t)n : 0;
	}
}

static void print_options(const struct up_told_more *more, FILE *out)
{
	if (more->run_dir)
		fprintf(out, " --run-dir %s", more->run_dir);
	if (!more->default_tun || strcmp(more->tun, more->default_tun) != 0)
		fprintf(out, " --tun %s", more->tun);
}

void up_told_print(const struct up_told *told, const struct up_told_more *more, FILE *out)
{
	fprintf(out, "%s is up %swith ", more->tun,
	        more->serves ? "in the background " : "");
	if (told->count > UP_TOLD_NAMES)
		fprintf(out, "%zu tunnels", told->count);
	else
		fputs(told->names, out);
	if (more->path_count == 1)
		fprintf(out, " from %s", more->paths[0]);
	else
		fprintf(out, " from %zu paths", more->path_count);
	if (more->serves)
		fprintf(out, ", %s", more->serves);
	fputs("; tunion status", out);
	print_options(more, out);
	fputs(" shows it, tunion down", out);
	print_options(more, out);
	fputs(" takes it down\n", out);
}
