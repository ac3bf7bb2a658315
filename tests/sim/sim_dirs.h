/* tests/sim/sim_dirs.h - the directories of one script of the supervisor's simulation */
#ifndef TUNION_SIM_SIM_DIRS_H
#define TUNION_SIM_SIM_DIRS_H

#include <stdbool.h>

struct sim_dirs {
	char top[64];
	char conf[80], run[80];
	char socket[100]; /* of the instance tun9 */
	char worker[80];  /* where the fake worker listens for the test */
};

void sim_dirs_make(struct sim_dirs *d);
/* Something else has the place of the socket; false if there is no directory for it yet. */
bool sim_dirs_take_socket(const struct sim_dirs *d);
/* Requires that nothing of the instance is left. */
void sim_dirs_remove(const struct sim_dirs *d);

/* How many descriptors has this process? */
int sim_dirs_fds(void);

#endif
