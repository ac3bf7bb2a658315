/* tests/sim/in_force.h - which tunnel files are in force in a simulated instance, and should
 * they be? */
#ifndef TUNION_SIM_IN_FORCE_H
#define TUNION_SIM_IN_FORCE_H

#include <stdbool.h>

#include "expected.h"
#include "tunnel_files.h"

/* By name; NULL: none of the name. Borrowed from the tunnel files. */
struct in_force {
	const struct tunnel_version *v[TUNNEL_FILES];
};

/* As the host was told last. */
struct in_force in_force_read(const struct tunnel_files *files);
/* The version that the host was told last, which is on either kind of tun; NULL: none. */
const struct tunnel_version *in_force_find(const struct tunnel_files *files,
                                           const char *name);
/* Their plan, with the endpoints that the worker has told (NULL: those of the files). It is made
 * of what is put in room. False: they contradict each other, and the plan is empty. */
MUST_CHECK bool in_force_plan(const struct in_force *f, struct plan *plan,
                              struct answers *a, struct conf *room[static TUNNEL_FILES]);

/* Those that are in force are up on the host, and no others. */
void in_force_check_up(const struct in_force *f, const struct tunnel_files *files);
/* What is on the disk is in force, or it contradicts what is, or its hooks fail, or the test
 * knows that its port is taken. */
void in_force_check(const struct in_force *f, const struct tunnel_files *files,
                    bool (*port_is_taken)(const struct tunnel_version *v,
                                          const struct answers *a),
                    const struct answers *a);

#endif
