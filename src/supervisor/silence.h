/* src/supervisor/silence.h - what can be said about a process that doesn't answer? */
#ifndef TUNION_SUPERVISOR_SILENCE_H
#define TUNION_SUPERVISOR_SILENCE_H

#include <stdbool.h>
#include <sys/types.h>

#define SILENCE_TEXT_MAX 256

/* Is it stopped, by a signal or a debugger? Returns false if this can't be seen. */
bool silence_is_stopped(pid_t pid);

/* Writes one line without a newline: who doesn't answer, the reason if it is known, and
 * what to do (SIGCONT if the process is stopped, or kill -9). `after_kill` says what
 * happens after it is killed. Returns `out`. */
const char *silence_text(char out[static SILENCE_TEXT_MAX], const char *who, pid_t pid,
                         const char *after_kill);

#endif
