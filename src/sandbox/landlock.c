/* src/sandbox/landlock.c - a set of rules that handles every right and allows none
 *
 * Numbers and the struct are the kernel's ABI; the system's header may be older. */
#include "sandbox/landlock.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same on all architectures. */
#define CREATE_RULESET 444
#define RESTRICT_SELF  446

#define CREATE_VERSION 1U /* flag: returns the version, makes nothing */

struct ruleset {
	uint64_t handled_fs, handled_net, scoped;
};

/* The rights of each version: all bits up to the newest one. Later versions than the last
 * one here know these, too. */
static const struct ruleset versions[] = {
	{ (UINT64_C(1) << 13) - 1, 0, 0 },
	{ (UINT64_C(1) << 14) - 1, 0, 0 }, /* rename and link between directories */
	{ (UINT64_C(1) << 15) - 1, 0, 0 }, /* truncate */
	{ (UINT64_C(1) << 15) - 1, 3, 0 }, /* TCP */
	{ (UINT64_C(1) << 16) - 1, 3, 0 }, /* ioctl of devices */
	{ (UINT64_C(1) << 16) - 1, 3, 3 }, /* abstract sockets, signals */
};

int landlock_close(bool keep_network)
{
	long version = syscall(CREATE_RULESET, NULL, 0, CREATE_VERSION);
	struct ruleset rules;
	int fd, err = 0;

	if (version < 1)
		return version < 0 ? -errno : -EOPNOTSUPP;
	if ((size_t)version > ARRAY_SIZE(versions))
		version = ARRAY_SIZE(versions);
	rules = versions[version - 1];
	if (keep_network)
		rules.handled_net = 0;
	fd = (int)syscall(CREATE_RULESET, &rules, sizeof(rules), 0);
	if (fd < 0)
		return -errno;
	if (syscall(RESTRICT_SELF, fd, 0) < 0)
		err = -errno;
	close(fd);
	return err;
}
