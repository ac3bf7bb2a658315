/* src/host/spawn.h - runs another program and waits for its end, without a shell */
#ifndef TUNION_HOST_SPAWN_H
#define TUNION_HOST_SPAWN_H

#include <stddef.h>

#include "base/attr.h"

struct spawn {
	const char *const *argv; /* ends with NULL; [0] is sought in PATH and in sbin */
	const char *const *env;  /* ends with NULL; "NAME=VALUE" added to ours; or NULL */
	const char *input;       /* its standard input; NULL: it uses ours */
	/* NULL: its standard output is ours. Otherwise filled with up to size - 1 bytes
	 * and a NUL; the rest is cut off. */
	char *output;
	size_t output_size;
	/* The same for standard error. */
	char *errors;
	size_t errors_size;
	/* What else the process does meanwhile: returns once the fd is readable, that is,
	 * when the program has ended. NULL: nothing. */
	void (*wait)(void *context, int fd);
	void *context; /* borrowed: for wait */
	/* Stays open in the program and in those that it starts, so that a lock on it is
	 * held until all of them have ended, even if we are killed; 0: there is none. */
	int lock_fd;
};

/* The tun for which programs of the host are told something. */
struct spawn_tun {
	const char *name;
	int lock_fd; /* of the instance, see above */
};

/* Blocks until the program has ended. The caller must not reap children that it doesn't
 * know. In the child, signals are unblocked and have their defaults. Returns its exit
 * status, 128 + signal if it was killed, or -errno if it couldn't be run; -ENOENT means
 * that there is no such program. */
MUST_CHECK int spawn_run(const struct spawn *s);

#endif
