/* src/base/fd_pass.h - gives a descriptor to another process, with a message */
#ifndef TUNION_BASE_FD_PASS_H
#define TUNION_BASE_FD_PASS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"

/* Sends n bytes, at least one, and the descriptor, which stays open here; -1: none. flags
 * are those of sendmsg. Returns 0 or -errno. */
MUST_CHECK int fd_pass_send(int socket, const void *bytes, size_t n, int fd, int flags);

/* Takes a message of at most n bytes. *fd is the descriptor that has come with it, which is
 * closed by exec, or -1. Returns how many bytes, 0 at the end, or -errno. */
MUST_CHECK ssize_t fd_pass_receive(int socket, void *bytes, size_t n, int *fd);

#endif
