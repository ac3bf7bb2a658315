/* tests/unit/host_world.h - plans of files on a host, as host_config.h sees it */
#ifndef TUNION_TESTS_HOST_WORLD_H
#define TUNION_TESTS_HOST_WORLD_H

#include "host/host_config.h"
#include "planned.h"

/* What the host has before us. */
struct host_facts {
	uint32_t tables_used[4];
	uint32_t rules[4];        /* priorities of both families, in order */
	uint32_t mark, mark_mask; /* of one of these rules; mask 0: none has a mark */
};

/* Nobody else has rules or tables. */
extern const struct host_facts host_facts_plain;

struct host_world {
	struct planned planned;
	struct host_config_env env;
};

/* The facts are borrowed. */
void host_world_init(struct host_world *w, const char *const *texts,
                     const struct host_facts *facts);
void host_world_clear(struct host_world *w);

/* On the plain host. Chooses the mark if numbers has none. */
void host_world_make(struct host_world *w, const char *const *texts,
                     struct host_numbers *numbers, struct host_config *config);

/* One line per item; to be freed. */
char *host_world_format(const struct host_items *items);

#endif
