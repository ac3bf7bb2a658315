/* src/conf/trust.h - who could have written what stands in a file?
 *
 * Commands in a tunnel file are run with our rights, so they count only if nobody but
 * root and the running user can change the file, or put another in its place. That is
 * asked of the very descriptor that is read, and of every folder on the way to it from
 * the root on, each opened from the one before and judged before anything is looked up in
 * it. So nothing that others rename or link meanwhile can make a file of theirs pass. */
#ifndef TUNION_CONF_TRUST_H
#define TUNION_CONF_TRUST_H

#include <limits.h>

#include "base/attr.h"

/* A file, and where it was found. */
struct trust_place {
	int fd;                  /* owned: the file, for reading */
	int folder;              /* owned: O_PATH, what it is in, all links followed */
	char name[NAME_MAX + 1]; /* of the file in there */
	char *others;            /* owned; as below */
};

/* Opens what path leads to, for reading, as open(2) does; links are followed. It doesn't
 * hang on a FIFO. others: NULL if nobody but root and the running user can change it,
 * else, to be freed, which part of the way is open to others. A sticky folder that
 * belongs to root, such as /tmp, may be on the way if the next part is a folder of root's
 * or the running user's. 0 or -errno; fds are then -1. */
MUST_CHECK int trust_find(const char *path, struct trust_place *out);
void trust_place_clear(struct trust_place *place);

/* The same for the file only, and also where the kernel knows a way that can't be followed
 * part by part, such as a link in /proc: *others then says that. */
MUST_CHECK int trust_open(const char *path, int *fd, char **others);

#endif
