/* src/cmd/paths.h - the files of a process that will leave its working directory */
#ifndef TUNION_CMD_PATHS_H
#define TUNION_CMD_PATHS_H

#include <stddef.h>

/* The result ends with NULL; free it with paths_free. Returns NULL if out of memory. */
char **paths_absolute(const char *const *paths, size_t n);
/* paths may be NULL. */
void paths_free(char **paths);

#endif
