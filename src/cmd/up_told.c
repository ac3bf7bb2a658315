/* src/cmd/up_told.c */
#include "cmd/up_told.h"

void up_told_plan(struct up_told *told, const struct plan *plan)
{
	size_t used = 0;

	*told = (struct up_told){ .count = plan->device_count };
	for (size_t i = 0; i < plan->device_count && i < UP_TOLD_NAMES; i++) {
		const char *before = i == 0 ? "" : i + 1 == told->count ? " and " : ", ";
		int n = snprintf(told->names + used, sizeof(told->names) - used, "%s%s",
		                 before, plan->devices[i].way.name);

		used += n > 0 ? (size_t)n : 0;
	}
}

void up_told_print(const struct up_told *told, const char *tun, const char *const *paths,
                   size_t n, const char *options, FILE *out)
{
	fprintf(out, "%s is up with ", tun);
	if (told->count > UP_TOLD_NAMES)
		fprintf(out, "%zu tunnels", told->count);
	else
		fputs(told->names, out);
	if (n == 1)
		fprintf(out, " from %s", paths[0]);
	else
		fprintf(out, " from %zu paths", n);
	fprintf(out, "; tunion status%s shows it, tunion down%s takes it down\n", options,
	        options);
}
