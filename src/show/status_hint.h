/* src/show/status_hint.h - what can a user do about packets that were dropped? */
#ifndef TUNION_SHOW_STATUS_HINT_H
#define TUNION_SHOW_STATUS_HINT_H

/* One short sentence for a reason of a status's `drops`; NULL if there is no such
 * reason. */
const char *status_hint(const char *reason);

#endif
