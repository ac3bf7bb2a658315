/* src/sandbox/sandbox.h - what may a process do that strangers talk to?
 *
 * As little as the system lets us enforce. It is locked in by stages; each is of use without
 * the others, because not every kernel or container has all of them:
 *
 *   namespaces  sees no files, interfaces or IPC of the host (sandbox/empty_root.h)
 *   rights      another user, no capabilities, no new ones by exec, no core dump, no ptrace by
 *               others, no new processes, nothing written to files (base/rights.h)
 *   files       opens no path, even without namespaces; no TCP, and no signals or abstract
 *               sockets to others (sandbox/landlock.h)
 *   calls       makes no system calls but those of a table (sandbox/call_filter.h)
 *
 * The process must have opened all that it needs before; what comes later is given to it as
 * descriptors. */
#ifndef TUNION_SANDBOX_SANDBOX_H
#define TUNION_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/rights.h"
#include "sandbox/call_filter.h"

enum sandbox_stage {
	SANDBOX_NAMESPACES,
	SANDBOX_RIGHTS,
	SANDBOX_FILES,
	SANDBOX_CALLS,
	SANDBOX_STAGE_COUNT,
};

/* Which stages are in force? */
struct sandbox {
	int result[SANDBOX_STAGE_COUNT]; /* 0, or -errno: why not */
	const char *left_out; /* why most were not even tried; NULL: they were */
};

/* Who is to be locked in. */
struct sandbox_inmate {
	pid_t parent; /* it dies with this process */
	enum rights_user user;
	rlim_t files_max; /* descriptors that it may have */
	/* Its work is to make sockets and to connect them, in the network that it is in: it
	 * keeps that, and TCP. */
	bool network;
	/* borrowed: system calls that it may make, besides the usual ones (usual_calls.h) */
	const struct call_rule *calls;
	size_t call_count;
};

/* Returns 0, or -errno if not even the rights can be dropped: then the process must not
 * continue. The other stages may fail. In a build with sanitizers, and in Termux, where the
 * kernel kills an app for such calls, there is only the stage of the rights. */
MUST_CHECK int sandbox_enter(struct sandbox *s, const struct sandbox_inmate *inmate);

/* "namespaces" etc. */
const char *sandbox_stage_name(enum sandbox_stage stage);
/* Why is the stage not in force? NULL: it is. */
const char *sandbox_why_not(const struct sandbox *s, enum sandbox_stage stage);

#endif
