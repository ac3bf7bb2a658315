/* src/demo/node.h - one tunion of the demo: a process that runs `tunion up --foreground`
 * on one of the demo's hosts, with the same code as any other tunion */
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
	pid_t pid; /* 0 if it is not running */
	char conf_dir[NODE_PATH_BYTES], run_dir[NODE_PATH_BYTES],
		log_path[NODE_PATH_BYTES];
};

/* Makes the folders dir/HOST and dir/HOST/conf (for its tunnel files) and sets the
 * paths. */
MUST_CHECK int node_init(struct node *n, const char *dir, enum world_host host,
                         struct diag *diag);
/* Writes the file conf_dir/NAME, which nobody else can read. */
MUST_CHECK int node_write(const struct node *n, const char *name, const char *text,
                          struct diag *diag);
/* Returns when `tunion status` answers (0), or the child has ended, deadline_ns has come
 * or *stop is true (-errno). */
MUST_CHECK int node_start(struct node *n, const struct world *w, struct loop *loop,
                          uint64_t deadline_ns, const bool *stop, struct diag *diag);
/* Runs `tunion status --json` for this node. *json is what it printed; free it. */
MUST_CHECK int node_status(const struct node *n, struct loop *loop, char **json);
/* Asks it to end, and kills it if this takes longer than 5 s. */
void node_stop(struct node *n, struct loop *loop);

#endif
