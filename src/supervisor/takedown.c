/* src/supervisor/takedown.c */
#include "supervisor/takedown.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "supervisor/engine_keeper.h"
#include "supervisor/save.h"

static void warn_of_unsaved(const struct supervisor *s, struct diag *diag)
{
	for (size_t i = 0; i < s->plan.device_count; i++) {
		const struct conf *conf = s->plan.devices[i].conf;

		if (conf->save_config)
			diag_warning(
				diag, conf->path, 0,
				"SaveConfig: the file stays as it is, since the engine process did not answer");
	}
}

/* The files that want it. The first error; the others are saved all the same. */
static int save_files(struct supervisor *s, struct diag *diag)
{
	int first = 0;

	for (size_t i = 0; i < s->files.n; i++) {
		struct conf *conf = s->files.v[i];
		char *path;
		int err;

		if (!conf->save_config)
			continue;
		path = instance_uapi_path(&s->instance, conf->name);
		err = path ? save_file(conf, path, diag) : -ENOMEM;
		free(path);
		if (!first)
			first = err;
	}
	return first;
}

/* As the shell has it for a program that is not there. */
int takedown_status(int hook)
{
	return hook > 0 ? hook : hook == -ENOENT ? 127 : 1;
}

int takedown_prepare(struct supervisor *s, struct diag *diag)
{
	bool same_engine = keeper_make_answer(s, diag);
	int hooks = host_pre_down(s->host, diag), files = 0;

	if (same_engine)
		files = save_files(s, diag);
	else
		warn_of_unsaved(s, diag);
	return hooks ? hooks : files ? -EIO : 0;
}

void takedown_consider(struct supervisor *s)
{
	struct diag diag = { 0 };
	char *text = NULL, last[32];
	int err;

	s->down_wanted = false;
	err = takedown_prepare(s, &diag);
	s->ready_for_down = err == 0;
	if (s->ready_for_down) {
		diag_move(&s->prepared, &diag);
		supervisor_stop(s, 0);
	} else {
		snprintf(last, sizeof(last), "refused %d", takedown_status(err));
		text = clients_text(&diag, last);
		clients_refuse_down(&s->clients, text ? text : "refused 1\n");
	}
	free(text);
	supervisor_log_diag(s, &diag);
	diag_clear(&diag);
}
