/* src/cmd/plan_load.h - makes the plan of the files that the command line names */
#ifndef TUNION_CMD_PLAN_LOAD_H
#define TUNION_CMD_PLAN_LOAD_H

#include "base/attr.h"
#include "base/diag.h"
#include "conf/set.h"
#include "plan/plan.h"

struct plan_load {
	struct conf_set set;
	struct plan plan;
	struct diag diag; /* all errors and warnings */
};

enum plan_load_names {
	PLAN_LOAD_RESOLVE,    /* look up the names in Endpoints, which may block */
	PLAN_LOAD_NO_RESOLVE, /* leave them unknown */
};

/* Returns 0, or -errno with the
 * reasons in diag. Call plan_load_clear in both cases. */
MUST_CHECK int plan_load(struct plan_load *load, const struct conf_paths *from,
                         enum plan_load_names names);
/* Does the same for an app with a VpnService: see plan/plan_app.h. */
MUST_CHECK int plan_load_app(struct plan_load *load, const struct conf_paths *from,
                             enum plan_load_names names);
void plan_load_clear(struct plan_load *load);

#endif
