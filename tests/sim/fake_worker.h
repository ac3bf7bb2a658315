/* tests/sim/fake_worker.h - a worker that keeps what it is told, and misbehaves on request
 *
 * It runs in the process that the supervisor forks, over the real channel. The test speaks to
 * it at a socket of its own: each request has one answer, which comes when all that the
 * channel held before has been dealt with. */
#ifndef TUNION_SIM_FAKE_WORKER_H
#define TUNION_SIM_FAKE_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "channel/worker_entry.h"
#include "fake_device.h"

#define FAKE_WORKER_DEVICES 16

/* Where it listens for the test: set before it is started. */
void fake_worker_set_path(const char *path);

/* What can be asked of it, one word each, then arguments:
 *   sync                      answers "ok"
 *   dump                      all that it was told
 *   stop, go                  reads nothing more from the channel; goes on
 *   swallow                   the next reply is never sent
 *   refuse TYPE               the next command of that number is refused
 *   die N                     kills itself before it answers the Nth command from now on
 *   exit N                    the same, but ends with a status
 *   calm                      nothing of the above any more
 *   say TYPE NAME KEY ENDPOINT PORT   sends a message of that number
 *   garbage                   sends what is no message
 *   rave SEED N               sends N messages as if it had been taken over
 * Returns false if there is no worker. answer is "" if it dies of it. */
MUST_CHECK bool fake_worker_ask(const char *request, char *answer, size_t size);

extern const struct worker_entry fake_worker_entry;

#endif
