/* src/sandbox/sandbox_log.h - what does the log say about the sandbox of a process? */
#ifndef TUNION_SANDBOX_SANDBOX_LOG_H
#define TUNION_SANDBOX_SANDBOX_LOG_H

#include <stdint.h>

#include "base/log.h"
#include "sandbox/sandbox.h"

/* One debug line for each stage. `process` is what it is called: "worker". */
void sandbox_log_stages(const struct log *log, const struct sandbox *s,
                        const char *process);

/* The same for a process that has no log of its own (channel/line.h): the supervisor also learns
 * it, for the status. */
void sandbox_tell_stages(const struct log *log, const struct sandbox *s,
                         const char *process);

/* To be called in each round: says, at most once a minute, that a system call was refused. That
 * is either a fault of ours, which the reader should tell us, or somebody has taken this process
 * over and isn't experienced. */
void sandbox_log_refused(const struct log *log, struct log_limit *limit, uint64_t now_ns,
                         const char *process);

#endif
