/* tests/sim/askers.h - clients of a simulated instance, at its control socket
 *
 * None may be left without an answer, and each gets one of the form that is its request's. */
#ifndef TUNION_SIM_ASKERS_H
#define TUNION_SIM_ASKERS_H

#include <stdbool.h>

/* There are none. The socket is borrowed. */
void askers_begin(const char *socket_path);
/* One more, if there aren't too many. Where nobody listens yet it goes at once. */
void askers_ask(const char *request);
/* Takes what has come. */
void askers_read(void);
/* All must have been answered; then they go. An instance that has ended has hung up on all
 * but those who asked for `down`. */
void askers_check(bool ended);
/* They go, answered or not. */
void askers_end(void);

#endif
