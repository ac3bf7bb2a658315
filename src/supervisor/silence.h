/* src/supervisor/silence.h - a process does not answer: what is to be said of it? */
#ifndef TUNION_SUPERVISOR_SILENCE_H
#define TUNION_SUPERVISOR_SILENCE_H

#include <stdbool.h>
#include <sys/types.h>

#define SILENCE_TEXT_MAX 256

/* By a signal or a debugger. False where that can't be seen. */
bool silence_is_stopped(pid_t pid);

/* One line without its newline: who does not answer, why as far as that can be seen, and
 * what to do: SIGCONT for a stopped process, else (or else) kill -9. `after_kill` says
 * what comes of that. Returns `out`. */
const char *silence_text(char out[static SILENCE_TEXT_MAX], const char *who, pid_t pid,
                         const char *after_kill);

#endif
