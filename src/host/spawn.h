/* src/host/spawn.h - runs another program and waits for its end, without a shell */
#ifndef TUNION_HOST_SPAWN_H
#define TUNION_HOST_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
	 * when the program has ended, or at end_ms of clock_now_ms (base/clock.h). NULL:
	 * nothing. */
	void (*wait)(void *context, int fd, int64_t end_ms);
	void *context; /* borrowed: for wait */
	/* How long it may take; 0: as long as it likes. With a limit it leads a process
	 * group of its own, and has the terminal if we have it. */
	unsigned limit_ms;
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
 * that there is no such program. -ETIMEDOUT: its time was over, and its group was ended:
 * asked to end first, and killed SPAWN_GRACE_MS later. */
MUST_CHECK int spawn_run(const struct spawn *s);
#define SPAWN_GRACE_MS 2000

/* Is there a program of this name, where argv[0] is sought? */
bool spawn_has(const char *name);

#endif
