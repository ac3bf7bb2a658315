/* src/host/hooks.h - runs the commands in tunnel files: PreUp, PostUp, PreDown, PostDown
 *
 * This is done as in wg-quick: with bash (or sh) under `set -e`, with the name of the tun
 * instead of each %i, and with INTERFACE and CONFIG_FILE set. Each command is logged
 * before it runs, without the keys in it; the list of processes doesn't show it. The
 * commands to run when a file goes are remembered from when it came, because by then the
 * file may have changed or may be gone. Supervisor process; blocks. */
#ifndef TUNION_HOST_HOOKS_H
#define TUNION_HOST_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/log.h"
#include "plan/plan.h"

/* The hooks of a file whose PostUp hooks have succeeded. All owned. */
struct hooks_file {
	char *name, *path;
	struct conf_texts pre_down, post_down;
	/* All of pre_down have succeeded, and are not run again if the file is up all the same,
	 * because another one refused to go down; only in memory. */
	bool pre_down_ran;
};

/* The files in the order in which they came up. Zeroed is empty. */
struct hooks {
	struct hooks_file *v; /* owned */
	size_t n;
};

/* What else has to be done around hooks, so that they can use the devices. */
struct hooks_events {
	/* Called before and after the hooks of this file run. */
	void (*begin)(void *context, const char *name);
	void (*end)(void *context);
	/* Called when all files go down: removes the devices. After this the PostDown
	 * hooks run, which don't find the device any more, as in wg-quick. */
	void (*gone)(void *context);
	/* Called while a hook runs: returns once fd is readable, or at end_ms, see
	 * spawn.h. */
	void (*wait)(void *context, int fd, int64_t end_ms);
	void *context; /* borrowed */
};

#define HOOKS_LIMIT_S     60
#define HOOKS_LIMIT_MAX_S 86400

/* The surroundings of hooks. All borrowed. */
struct hooks_env {
	const char *tun;
	unsigned limit_s;      /* how long each may take; 0: HOOKS_LIMIT_S */
	const char *note_path; /* see hook_note.h; may be NULL */
	const struct log *log;
	const struct hooks_events *events; /* NULL: nothing else has to be done */
	struct diag *diag;
};

/* If a file has hooks, and users other than root and the running one could have written
 * it when it was read (see conf->file.only_ours), adds an error with the line of its first
 * hook and returns -EPERM. This is also checked before hooks are run or remembered. */
MUST_CHECK int hooks_check(const struct conf *conf, struct diag *diag);

/* Runs CONF_PRE_UP or CONF_POST_UP of a file, in order, until one fails, or its time is
 * over, which ends it. Then returns -EIO, with FILE:LINE in diag. Returns -EPERM like hooks_check. */
MUST_CHECK int hooks_run_up(const struct hooks_env *env, const struct conf *conf,
                            enum conf_hook kind);

/* Remembers what to run when the file goes, instead of what was remembered under its
 * name. Returns 0, -ENOMEM, or -EPERM if others could have written the file; after an
 * error, what was remembered stays. */
MUST_CHECK int hooks_remember(struct hooks *h, const struct conf *conf);
void hooks_forget(struct hooks *h, size_t i);
void hooks_clear(struct hooks *h);
/* Returns the index of the file, or -1. */
int hooks_find(const struct hooks *h, const char *name);

/* Runs CONF_PRE_DOWN or CONF_POST_DOWN of one file, in order, until one fails, which is a
 * warning with FILE:LINE. Then returns its exit status, which is above 0, or -errno if it
 * can't be run; -ETIMEDOUT if its time was over. */
MUST_CHECK int hooks_run_down(const struct hooks_env *env, struct hooks_file *file,
                              enum conf_hook kind);

/* Convert to and from the lines of a journal. read_line takes a line without its newline;
 * it returns false if it isn't one of these. */
void hooks_print(const struct hooks *h, FILE *out);
MUST_CHECK bool hooks_read_line(struct hooks *h, const char *line);

/* Returns the command with each %i replaced. To be freed; NULL if out of memory. */
char *hooks_expand(const char *command, const char *tun);

#endif
