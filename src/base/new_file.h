/* src/base/new_file.h - writes a new file in a folder that is known by its descriptor,
 * because its path may lead elsewhere meanwhile */
#ifndef TUNION_BASE_NEW_FILE_H
#define TUNION_BASE_NEW_FILE_H

#include <stddef.h>
#include <sys/stat.h>

#include "base/attr.h"

/* Writes it to the disk, for nobody but us; one that is there is removed before. st
 * identifies it, and may be NULL. Returns 0 or -errno; then a part of it may be there. */
MUST_CHECK int new_file_write(int folder, const char *name, const void *bytes, size_t n,
                              struct stat *st);

#endif
