/* src/demo/node.h - a tunion of the demo: a process that runs `tunion up --foreground` on
 * one of its hosts, by the same code as any other */
#ifndef TUNION_DEMO_NODE_H
#define TUNION_DEMO_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/diag.h"
#include "demo/world.h"
#include "io/loop.h"

#define NODE_TUN        "tunion0"
#define NODE_PATH_BYTES 256

struct node {
	enum world_host host;
	pid_t pid; /* 0: not running */
	char conf_dir[NODE_PATH_BYTES], run_dir[NODE_PATH_BYTES],
		log_path[NODE_PATH_BYTES];
};

/* Makes dir/HOST, dir/HOST/conf (for its tunnel files), and fills in the paths. */
MUST_CHECK int node_init(struct node *n, const char *dir, enum world_host host,
                         struct diag *diag);
/* Writes conf_dir/NAME.conf, readable by nobody else. */
MUST_CHECK int node_write(const struct node *n, const char *name, const char *text,
                          struct diag *diag);
/* Returns once `tunion status` answers, the child has ended, deadline_ns or *stop. */
MUST_CHECK int node_start(struct node *n, const struct world *w, struct loop *loop,
                          uint64_t deadline_ns, const bool *stop, struct diag *diag);
/* Runs `tunion status --json` there; *json is what it printed, to be freed. */
MUST_CHECK int node_status(const struct node *n, struct loop *loop, char **json);
/* Asks it to end, and makes it end when it takes longer than 5 s. */
void node_stop(struct node *n, struct loop *loop);

#endif
