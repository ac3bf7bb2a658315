/* src/supervisor/takedown.c - runs PreDown hooks and saves files */
#include "supervisor/takedown.h"

#include <errno.h>
#include <stdlib.h>

#include "supervisor/save.h"

static void warn_of_unsaved(const struct takedown *t, struct diag *diag)
{
	for (size_t i = 0; i < t->tunnels->plan.device_count; i++) {
		const struct conf *conf = t->tunnels->plan.devices[i].conf;

		if (conf->save_config)
			diag_warning(
				diag, conf->path, 0,
				"SaveConfig: the file stays as it is, because the worker process did not answer");
	}
}

/* Saves the files that want it. Returns the first error; the others are saved all the
 * same. */
static int save_files(const struct takedown *t, struct diag *diag)
{
	int first = 0;

	for (size_t i = 0; i < t->tunnels->files.n; i++) {
		struct conf *conf = t->tunnels->files.v[i];
		char *path;
		int err;

		if (!conf->save_config)
			continue;
		path = instance_uapi_path(t->instance, conf->name);
		err = path ? save_file(conf, path, diag) : -ENOMEM;
		free(path);
		if (!first)
			first = err;
	}
	return first;
}

/* Like the shell, returns 127 if a program can't be found. */
int takedown_status(int hook)
{
	return hook > 0 ? hook : hook == -ENOENT ? 127 : 1;
}

int takedown_prepare(const struct takedown *t, struct diag *diag)
{
	bool same_worker = keeper_make_answer(t->keeper, diag);
	int hooks = host_pre_down(t->host, diag), files = 0;

	if (same_worker)
		files = save_files(t, diag);
	else
		warn_of_unsaved(t, diag);
	return hooks ? hooks : files ? -EIO : 0;
}
