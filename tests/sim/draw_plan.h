/* tests/sim/draw_plan.h - random files: up to 8 devices, each of whose peers has a server
 *
 * Server i has an address in the network and one of a LAN, and device i one in its tunnel,
 * of each family. */
#ifndef TUNION_SIM_DRAW_PLAN_H
#define TUNION_SIM_DRAW_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "oracle.h"
#include "plan/way.h"

void draw_plan(struct plan *plan, size_t *server_count, uint64_t *state);

struct ip_addr draw_public_of(enum ip_family family, size_t server);
struct ip_addr draw_lan_of(enum ip_family family, size_t server);
struct ip_addr draw_tunnel_of(enum ip_family family, size_t device);
/* The formats contain the number. */
struct ip_addr draw_numbered(enum ip_family family, const char *format4,
                             const char *format6, size_t i);
/* The address of a client of the gate. */
struct ip_addr draw_phone_of(enum ip_family family, size_t phone);

/* The same word for the engine. */
enum way_via draw_via_word(enum via_kind via);

#endif
