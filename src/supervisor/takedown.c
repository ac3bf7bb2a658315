/* src/supervisor/takedown.c - runs PreDown hooks and saves files */
#include "supervisor/takedown.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "supervisor/save.h"

/* Asks only if the worker still answers, and notes whether it does. */
static int save_one(const struct takedown *t, struct conf *conf,
                    const struct uapi_patience *patience, bool *answers,
                    struct diag *diag)
{
	char *path = instance_uapi_path(t->instance, conf->name);
	int err = -ENOTCONN;

	if (*answers)
		err = path ? save_file(conf, path, patience, diag) : -ENOMEM;
	free(path);
	*answers = err != -ENOTCONN;
	if (*answers)
		return err;
	diag_warning(
		diag, conf->path, 0,
		"SaveConfig: the file stays as it is, because the worker process did not answer");
	return 0;
}

/* Saves the files that want it, as long as the worker answers; it doesn't hold up anybody
 * for longer than SAVE_ASK_MS, and a signal ends that. Returns the first error; the others are
 * saved all the same. */
static int save_files(const struct takedown *t, bool answers, struct diag *diag)
{
	const struct uapi_patience patience = { clock_now_ms() + SAVE_ASK_MS,
		                                t->keeper->worker.interrupt_fd };
	int first = 0;

	for (size_t i = 0; i < t->tunnels->files.n; i++) {
		struct conf *conf = t->tunnels->files.v[i];
		int err;

		if (!conf->save_config)
			continue;
		err = save_one(t, conf, &patience, &answers, diag);
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
	int hooks = hosts_pre_down(t->hosts, diag), files;

	/* it may have died while hooks ran */
	if (worker_child_dispatch(&t->keeper->worker) < 0)
		same_worker = false;
	files = save_files(t, same_worker, diag);
	return hooks ? hooks : files ? -EIO : 0;
}

int takedown_save(const struct takedown *t, struct conf *conf, struct diag *diag)
{
	const struct uapi_patience patience = { clock_now_ms() + SAVE_ASK_MS,
		                                t->keeper->worker.interrupt_fd };
	bool answers = conf->save_config && keeper_make_answer(t->keeper, diag);

	return conf->save_config ? save_one(t, conf, &patience, &answers, diag) : 0;
}

bool takedown_stays_closed(const struct takedown *t, bool *told)
{
	const struct instance *i = t->instance;
	/* if the files have mistakes, it has not come to the host */
	bool closed = hosts_stay_closed(t->hosts) ||
	              (i->state_path && access(i->state_path, F_OK) == 0 &&
	               instance_is_stale(i));

	if (told)
		*told = closed;
	return closed;
}

/* What can't be undone is a warning. */
void takedown_tell_failed(struct diag *diag)
{
	diag_note(diag, NULL, 0, "nothing is up: everything was undone%s",
	          diag->warnings > 0 ? ", unless a warning above says otherwise" : "");
}

void takedown_leave_closed(const struct takedown *t, const struct log *log)
{
	if (log)
		log_error(
			log, NULL,
			"what belongs to the tunnels stays unreachable: tunion up brings them up again, and tunion down gives it back to the network");
	hosts_forget(t->hosts);
	instance_abandon(t->instance);
}
