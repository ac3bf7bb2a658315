/* src/base/new_file.h - replaces a file, or makes it, in a folder that is known by its
 * descriptor, because its path may lead elsewhere meanwhile */
#ifndef TUNION_BASE_NEW_FILE_H
#define TUNION_BASE_NEW_FILE_H

#include <stddef.h>
#include <sys/stat.h>

#include "base/attr.h"

/* All borrowed. */
struct new_file {
	int folder;
	const char *name;
	/* The name while it is written, in the same folder. What is there is removed before,
	 * so where others can write, it must be a name that they can't know. */
	const char *temporary;
	const void *bytes;
	size_t size;
	/* Its owner and mode are kept, as far as we may; NULL: it is for nobody but us. */
	const struct stat *like;
};

/* Writes it to the disk, and only then lets it replace the old one. No link is followed. st
 * identifies it, and may be NULL. Returns 0, or -errno; then the old one is unchanged. */
MUST_CHECK int new_file_replace(const struct new_file *f, struct stat *st);

#endif
