/* src/names/hosts_file.h - which addresses does the text of /etc/hosts give a name? See hosts(5)
 *
 * For a process that can't open the file. */
#ifndef TUNION_NAMES_HOSTS_FILE_H
#define TUNION_NAMES_HOSTS_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/ip.h"

#define HOSTS_FILE_BYTES (4U * 1024 * 1024) /* what is behind that is not read */

/* Reads what the descriptor has, from its beginning. Returns a string to be freed, or NULL if
 * that fails or memory is short. */
char *hosts_file_read(int fd);

/* Puts the addresses of a name, each with port 0, into `out`: at most max, and each only once.
 * Addresses such as 0.0.0.0, by which lists keep names from being reached, are left out. Returns
 * whether the name is in the text at all. */
MUST_CHECK bool hosts_file_find(const char *text, const char *name, struct endpoint *out,
                                size_t max, size_t *n);

#endif
