/* src/show/status_hint.h - what can a user do about packets that were dropped? */
#ifndef TUNION_SHOW_STATUS_HINT_H
#define TUNION_SHOW_STATUS_HINT_H

#include <jansson.h>
#include <stdbool.h>

/* One short sentence for a reason of a status's `drops`; NULL if there is no such
 * reason. */
const char *status_hint(const char *reason);

#define STATUS_DROPS_OLD_S   600
#define STATUS_DROPS_START_S 10

/* Are drops with this reason worth showing? `ages` is `drop_ages` of the device or of the
 * status. Old ones are not, nor those that belong to a start: until the sessions, names and
 * routes are there, some packets have no way; nor those to groups, since each kernel and many
 * programs send them to all links. Without a known age the others are. */
bool status_drop_is_news(const json_t *status, const json_t *ages, const char *reason);

#endif
