/* src/gate/gate_state.h - makes what a gate needs before it can be brought up, and keeps
 * what is there
 *
 * The keys of the gate and of its clients are made once. gate.conf is written by us alone:
 * of what is in it, the PrivateKey, the networks of the Addresses, where it listens, and
 * Isolate are kept. Its clients are the files in clients/, so deleting such a file removes a client.
 * A new client's file only has a key and an address at first; gate_clients.h adds what is
 * known later. */
#ifndef TUNION_GATE_GATE_STATE_H
#define TUNION_GATE_GATE_STATE_H

#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/ip.h"
#include "base/rng.h"
#include "gate/gate_folder.h"
#include "plan/plan.h"

#define GATE_STATE_PORT   51821U /* on 127.0.0.1 */
#define GATE_STATE_CLIENT "phone"

/* All borrowed. */
struct gate_wanted {
	const struct endpoint *listen; /* NULL: as before, or 127.0.0.1 */
	const char *const *clients;    /* who has no file yet gets one */
	size_t client_count;           /* if there is no client at all: phone */
	const struct plan *plan;       /* of the tunnel files, without the gate */
	const struct rng *rng;         /* for keys */
};

/* Returns 0, or -errno with the reason in diag. No key is left in memory. */
MUST_CHECK int gate_state_prepare(const struct gate_folder *f,
                                  const struct gate_wanted *wanted, struct diag *diag);

#endif
