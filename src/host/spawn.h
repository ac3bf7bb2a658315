/* src/host/spawn.h - runs another program to its end, without a shell in between */
#ifndef TUNION_HOST_SPAWN_H
#define TUNION_HOST_SPAWN_H

#include <stddef.h>

#include "base/attr.h"

struct spawn {
	const char *const
		*argv; /* NULL-terminated; [0] is looked up in PATH, then in sbin */
	const char *const
		*env;      /* NULL-terminated "NAME=VALUE" added to ours; NULL: none */
	const char *input; /* its standard input; NULL: ours */
	/* NULL: its standard output is ours. Else filled up to size - 1 bytes and ended
	 * with a NUL; what is more is cut off. */
	char *output;
	size_t output_size;
	/* The same for standard error. */
	char *errors;
	size_t errors_size;
	/* What else the process does meanwhile: returns once the fd is readable, which is
	 * when the program has ended. NULL: nothing. */
	void (*wait)(void *context, int fd);
	void *context; /* borrowed: by wait */
};

/* Blocks until the program has ended; the caller must not reap children that it doesn't
 * know. Signals are unblocked and at their defaults in the child. Returns its exit
 * status, 128 + signal if it was killed, or -errno if it could not be run: -ENOENT, no
 * such program. */
MUST_CHECK int spawn_run(const struct spawn *s);

#endif
