/* src/conf/trust.h - who could have written a file?
 *
 * Commands in a tunnel file are run with our rights. So they are used only if nobody but
 * root and the running user can change the file or replace it by another one. This is
 * checked with the descriptor from which the file is read, and with every folder of its
 * path, beginning at the root. Each folder is opened from the one before it, and is
 * checked before anything is looked up in it. So others can't get a file of their own
 * accepted by renaming or linking something meanwhile. */
#ifndef TUNION_CONF_TRUST_H
#define TUNION_CONF_TRUST_H

#include <limits.h>

#include "base/attr.h"

/* A file, and where it was found. */
struct trust_place {
	int fd;                  /* owned: the file, open for reading */
	int folder;              /* owned: O_PATH, its folder, after following links */
	char name[NAME_MAX + 1]; /* of the file in this folder */
	char *others;            /* owned; may be set after an error, too */
};

/* Opens the file at path for reading, and follows links, like open(2). A FIFO doesn't
 * block this. others is NULL if only root and the running user can change the file;
 * otherwise it says which part of the path others can change. A sticky folder that
 * belongs to root, such as /tmp, may be in the path if the next part is a folder of root
 * or of the running user. Returns 0, or -errno; then the fds are -1. With -EPERM, others may
 * say why we don't read this: another user has led us to it, and it isn't his. */
MUST_CHECK int trust_find(const char *path, struct trust_place *out);
/* To be called after an error, too. */
void trust_place_clear(struct trust_place *place);

/* Does the same, and also opens a file whose path can't be followed part by part although the
 * kernel can open it, such as a link in /proc, if others can change no part of the path. Then
 * the folder is -1, and others says so. */
MUST_CHECK int trust_open(const char *path, struct trust_place *out);

#endif
