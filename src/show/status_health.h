/* src/show/status_health.h - what is wrong, and what can be done about it?
 *
 * A pure function of a status. One line for each trouble, and for its cause only: a tunnel
 * that is carried by one without an answer is not reported beside it. A peer that calls us,
 * such as a client of a server or of a gate, may be away, which is no trouble. */
#ifndef TUNION_SHOW_STATUS_HEALTH_H
#define TUNION_SHOW_STATUS_HEALTH_H

#include <jansson.h>
#include <stdbool.h>

/* A handshake that isn't answered is repeated after 5 s. After this time at least two of
 * them are unanswered. */
#define STATUS_UNANSWERED_S 10
/* For a carrier with a session it takes 15 s until its silence is noticed, and it may be the
 * cause. So a peer that is carried is given more time. */
#define STATUS_CARRIED_UNANSWERED_S 20
/* The silence of the tunnel to a name server would be noticed before this. */
#define STATUS_SERVER_SILENT_S 20

/* Returns a new array of {device, text}, with what concerns no single device first; empty if
 * all is well. device is null if it concerns none. NULL if out of memory. */
json_t *status_health(const json_t *status);

/* Does this peer owe us an answer for so long that something must be wrong? */
bool status_unanswered(const json_t *peer);
/* Does this peer call us, and has it not called yet? */
bool status_waits_for_call(const json_t *peer);

#endif
