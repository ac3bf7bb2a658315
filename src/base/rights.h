/* src/base/rights.h - what may a process still do that strangers talk to? As little as can be
 * taken from it in a simple way
 *
 * It has its own user and no capabilities; exec gives it no new ones; there are no core
 * dumps and no tracing; and it dies with its parent. */
#ifndef TUNION_BASE_RIGHTS_H
#define TUNION_BASE_RIGHTS_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/attr.h"

/* User and group of such a process if it was root: a number for each kind, so that one kind
 * can't send signals to another, nor to the processes of other programs that run as "nobody".
 * Debian reserves 65000 to 65533, and systemd leaves 65520 to 65533 unused. */
enum rights_user {
	RIGHTS_WORKER = 65521,
	RIGHTS_PAGE = 65522,
	RIGHTS_PROXY = 65523,
	RIGHTS_RESOLVER = 65524,
};

/* Has this process CAP_NET_ADMIN in its own user namespace, which changing networks needs? */
bool rights_rule_networks(void);

/* What a message about this errno begins with: "this needs root: " if an ordinary user was not
 * permitted something, otherwise "". */
const char *rights_needed(int error);

/* If we are root, becomes that user; or "nobody" (65534) if this user namespace has only
 * him; or stays if it has neither. Returns 0, or -errno; then the process must not continue.
 * parent is the process to die with. */
MUST_CHECK int rights_drop(pid_t parent, enum rights_user user);

/* What it has no use for, nobody who has taken it over can use: more than so many
 * descriptors, files with something in them, other processes. A build with sanitizers only
 * gets the first limit. Returns 0 or -errno. */
MUST_CHECK int rights_limit(rlim_t files_max);

#endif
