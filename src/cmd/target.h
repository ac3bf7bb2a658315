/* src/cmd/target.h - which running instance does a command mean? */
#ifndef TUNION_CMD_TARGET_H
#define TUNION_CMD_TARGET_H

#include "base/attr.h"
#include "instance/instance.h"

/* Finds the instance of this tun or, if tun is NULL, the only one there is. If run_dir is
 * NULL, it is the default. Says on stderr why it fails. Call instance_clear
 * afterwards. */
MUST_CHECK int target_find(struct instance *out, const char *run_dir, const char *tun);

/* Sends a request to the instance. *answer is the whole answer; to be freed. The instance
 * may take its time to do what was asked. But it must say soon that it has heard us, and
 * it must not be stopped. Returns -ENOENT or -ECONNREFUSED if it doesn't run; then
 * nothing was printed. The reason of any other failure, such as -ETIMEDOUT, was printed
 * on stderr. */
MUST_CHECK int target_ask(const struct instance *i, const char *request, char **answer);

/* Does the same, but prints nothing: then call target_say_error. */
MUST_CHECK int target_ask_quietly(const struct instance *i, const char *request,
                                  char **answer);

struct target_command {
	const char *usage;
	bool takes_names; /* words after the options */
	/* `words` ends with NULL, and has none if the command takes none. Returns the exit
	 * status. */
	int (*work)(struct instance *instance, char *const *words);
};

/* Does all the work of a command that only has the options --tun, --run-dir and --help: finds
 * the instance and calls `work` with it. Returns the exit status. */
int target_command(int argc, char **argv, const struct target_command *command);

/* Prints that the instance is not up, or that it was killed, or that there is one of root
 * with this name, and what to do. */
void target_say_not_up(const struct instance *i);
/* Prints why the instance couldn't be asked; err is one of the errors above. */
void target_say_error(const struct instance *i, int err);

/* Says what the instance has answered instead of what it was asked for: a line, perhaps
 * with "error: " in front, or nothing at all if it has ended. */
void target_say_refused(const char *answer);

#endif
