/* tests/sim/callers.h - servers that call the client, whose file has no Endpoint for them
 * (design R8) */
#ifndef TUNION_SIM_CALLERS_H
#define TUNION_SIM_CALLERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oracle.h"
#include "world.h"

/* Lets some of the peers call whose way no Via names. */
void callers_draw(struct plan *plan, uint64_t *state);
/* The server knows the client's address, and calls. `back` is its peer. */
void callers_call(const struct plan_peer *from, const struct node *client, uint16_t port,
                  struct wg_peer *back);
/* Runs the world until they have called, and then lets the servers be quiet. */
bool callers_run(const struct plan *plan, struct node *const *servers,
                 struct device *const *devices);
/* They were answered: so the client has sent something to these nodes. */
void callers_note(const struct plan *plan, struct node *const *servers,
                  bool may[static NODE_MAX]);

#endif
