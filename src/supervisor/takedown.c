/* src/supervisor/takedown.c */
#include "supervisor/takedown.h"

#include <errno.h>
#include <stdlib.h>

#include "supervisor/save.h"

/* The files that want it. The first error; the others are saved all the same. */
static int save_files(struct supervisor *s, struct diag *diag)
{
	int first = 0;

	for (size_t i = 0; i < s->plan.device_count; i++) {
		const struct conf *conf = s->plan.devices[i].conf;
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

int takedown_prepare(struct supervisor *s, struct diag *diag)
{
	int hooks = host_pre_down(s->host, diag), files = save_files(s, diag);

	return hooks ? hooks : files;
}

void takedown_consider(struct supervisor *s)
{
	struct diag diag = { 0 };
	char *text;

	s->down_wanted = false;
	s->ready_for_down = takedown_prepare(s, &diag) == 0;
	if (s->ready_for_down) {
		supervisor_stop(s, 0);
	} else {
		text = clients_text(&diag, "refused");
		clients_refuse_down(&s->clients, text ? text : "refused\n");
		free(text);
	}
	supervisor_log_diag(s, &diag);
	diag_clear(&diag);
}
