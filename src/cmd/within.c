/* src/cmd/within.c - in the namespace of an exec there are only lo and the tun, which is called
 * like the instance */
#include "cmd/within.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "instance/instance_find.h"

/* Writes the name of the only interface besides lo; false if there are others. */
static bool only_interface(char out[static IF_NAMESIZE])
{
	struct if_nameindex *all = if_nameindex();
	size_t count = 0;

	for (size_t i = 0; all && all[i].if_index != 0; i++) {
		if (strcmp(all[i].if_name, "lo") == 0 || count++ > 0)
			continue;
		strncpy(out, all[i].if_name, IF_NAMESIZE - 1);
		out[IF_NAMESIZE - 1] = '\0';
	}
	if (all)
		if_freenameindex(all);
	return count == 1;
}

static bool is_called(void *context, const char *tun)
{
	return strcmp(tun, context) == 0;
}

void within_warn(const char *what, const char *run_dir, const struct log *log)
{
	char tun[IF_NAMESIZE], *instance;

	if (!only_interface(tun))
		return;
	instance = instance_find_running(run_dir, is_called, tun);
	if (instance)
		log_warn(
			log, NULL,
			"%s is inside %s, so only programs in there reach it: start it outside of tunion exec for all others",
			what, tun);
	free(instance);
}
