/* src/conf/trust.h - who could have written what stands in a file?
 *
 * Commands in a tunnel file are run with our rights, so they count only if nobody but
 * root and the running user can change the file, or put another in its place. That is
 * asked of the very descriptor that is read, and of every folder on the way to it from
 * the root on, each opened from the one before and judged before anything is looked up in
 * it. So nothing that others rename or link meanwhile can make a file of theirs pass. */
#ifndef TUNION_CONF_TRUST_H
#define TUNION_CONF_TRUST_H

#include "base/attr.h"

/* Opens what path leads to, for reading, as open(2) does; links are followed. It doesn't
 * hang on a FIFO. *others: NULL if nobody but root and the running user can change it,
 * else, to be freed, which part of the way is open to others. A sticky folder that
 * belongs to root, such as /tmp, may be on the way if the next part is a folder of root's
 * or the running user's. 0 or -errno; *fd is then -1. */
MUST_CHECK int trust_open(const char *path, int *fd, char **others);

#endif
