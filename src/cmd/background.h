/* src/cmd/background.h - runs something in a process of its own, and returns when it is ready
 *
 * Until then errors go to stderr, and afterwards to syslog. */
#ifndef TUNION_CMD_BACKGROUND_H
#define TUNION_CMD_BACKGROUND_H

#include <stddef.h>

#include "base/attr.h"
#include "cmd/log_output.h"

/* Calls run in a child. There all descriptors are closed, except for the standard streams,
 * ready_fd and *keep[0..n], which may get other numbers (-1: none). Returns the exit status in
 * both processes: in the child what run returns; in the other one success as soon as run has
 * given ready_fd to background_begin, and failure if it ends before. */
MUST_CHECK int background_run(int (*run)(const void *context, int ready_fd),
                              const void *context, int *const *keep, size_t n);
/* We are ready: whoever waits for us returns, and we leave the terminal. */
void background_begin(struct log_output *output, int ready_fd);
/* The same, but log lines still go to stderr, whatever that is. */
void background_begin_with_stderr(struct log_output *output, int ready_fd);

#endif
