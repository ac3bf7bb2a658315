/* src/host/hooks.h - runs the commands that tunnel files ask for: PreUp PostUp PreDown
 * PostDown
 *
 * As wg-quick: by bash (else sh) under `set -e`, every %i replaced by the name of the
 * tun, INTERFACE and CONFIG_FILE set. Each is told to the log before, keys in it masked;
 * the list of processes doesn't show it. What is to run when a file goes is remembered from
 * when it came, since the file may have changed or be gone by then.
 * Supervisor; blocks. */
#ifndef TUNION_HOST_HOOKS_H
#define TUNION_HOST_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/log.h"
#include "plan/plan.h"

/* Of a file whose PostUp hooks have succeeded. All owned. */
struct hooks_file {
	char *name, *path;
	struct conf_texts pre_down, post_down;
};

/* In the order in which they came up. Zeroed is empty. */
struct hooks {
	struct hooks_file *v; /* owned */
	size_t n;
};

/* What else is to be done about hooks, so that they may speak to the devices. */
struct hooks_events {
	/* The hooks of this file are about to run; they have. */
	void (*begin)(void *context, const char *name);
	void (*end)(void *context);
	/* Of all files that go: what is theirs is taken away, as PostDown hooks come next,
	 * which with wg-quick don't find the device any more. */
	void (*gone)(void *context);
	/* While one runs: returns once fd is readable. */
	void (*wait)(void *context, int fd);
	void *context; /* borrowed */
};

/* Where they run: all borrowed. */
struct hooks_env {
	const char *tun;
	const struct log *log;
	const struct hooks_events *events; /* NULL: nothing */
	struct diag *diag;
};

/* A file with hooks that others than root and the running user could have written when it
 * was read (conf->only_ours) is an error, told with the line of its first hook: -EPERM.
 * Running and remembering ask this too. */
MUST_CHECK int hooks_check(const struct conf *conf, struct diag *diag);

/* CONF_PRE_UP or CONF_POST_UP of a file, in order, until one fails: -EIO, told in diag
 * with FILE:LINE. -EPERM as hooks_check. */
MUST_CHECK int hooks_run_up(const struct hooks_env *env, const struct conf *conf,
                            enum conf_hook kind);

/* Remembers what to run when the file goes; in place of what was remembered under its
 * name. 0, -ENOMEM; -EPERM: others could have written it, what was remembered stays. */
MUST_CHECK int hooks_remember(struct hooks *h, const struct conf *conf);
void hooks_forget(struct hooks *h, size_t i);
void hooks_clear(struct hooks *h);
/* -1: not there. */
int hooks_find(const struct hooks *h, const char *name);

/* CONF_PRE_DOWN or CONF_POST_DOWN of one file, in order, until one fails, told as a
 * warning with FILE:LINE: its exit status, above 0, or -errno if it can't be run. */
MUST_CHECK int hooks_run_down(const struct hooks_env *env, const struct hooks_file *file,
                              enum conf_hook kind);

/* To and from the lines of a journal. read_line takes a line without its newline; false
 * if it isn't one of these. */
void hooks_print(const struct hooks *h, FILE *out);
MUST_CHECK bool hooks_read_line(struct hooks *h, const char *line);

/* The command with each %i replaced; to be freed; NULL: no memory. */
char *hooks_expand(const char *command, const char *tun);

#endif
