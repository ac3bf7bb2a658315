/* src/cmd/target.h - which running instance does a command mean? */
#ifndef TUNION_CMD_TARGET_H
#define TUNION_CMD_TARGET_H

#include "base/attr.h"
#include "supervisor/instance.h"

/* The instance of this tun, or, with NULL, the only one there is. run_dir NULL: the
 * default. On failure says why on stderr. instance_clear afterwards. */
MUST_CHECK int target_find(struct instance *out, const char *run_dir, const char *tun);

/* Asks it; the answer, all of it, in *answer, to be freed. It may take its time while it
 * works on the request; but that it has heard it must be told soon, and it must not be
 * stopped. -ENOENT or -ECONNREFUSED, with nothing said: it does not run. On other
 * failures, -ETIMEDOUT among them, says why on stderr. */
MUST_CHECK int target_ask(const struct instance *i, const char *request, char **answer);

/* The same, but says nothing: target_say_error does. */
MUST_CHECK int target_ask_quietly(const struct instance *i, const char *request,
                                  char **answer);

/* The whole of a command with no arguments but --tun, --run-dir and --help: finds the
 * instance and runs `work` on it. Returns the exit status. */
int target_command(int argc, char **argv, const char *usage,
                   int (*work)(struct instance *instance));

/* What to say of one that does not run. */
void target_say_not_up(const struct instance *i);
/* Why it could not be asked: one of the errors above. */
void target_say_error(const struct instance *i, int err);

#endif
