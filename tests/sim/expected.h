/* tests/sim/expected.h - are the worker and the host as a plan wants them? */
#ifndef TUNION_SIM_EXPECTED_H
#define TUNION_SIM_EXPECTED_H

#include <stdbool.h>

#include "base/ip.h"
#include "plan/plan.h"

#define EXPECTED_WORKER_FDS 10 /* of a worker without devices, as it counts them */
#define EXPECTED_DEVICE_FDS 3  /* in each of the two processes */

/* Endpoints and ports are moved by others, so the worker's are taken as they are. */
struct answers {
	char dump[48 * 1024];     /* what the worker has told */
	struct endpoint endpoint; /* of the last question */
};

/* 0: there is no such device. */
unsigned expected_port(const struct answers *a, const char *name);
/* For plan_env.endpoint, with a struct answers. */
const struct endpoint *expected_endpoint(void *answers, const struct conf *conf,
                                         const struct conf_peer *peer, bool *by_arrival);

/* What is not as it should be is told, and ends the test. port_moved: has somebody asked for
 * another port than the file's? */
void expected_check_worker(const struct plan *plan, const struct answers *a,
                           bool (*port_moved)(const char *name));
void expected_check_host(const struct plan *plan);

#endif
