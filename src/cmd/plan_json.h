/* src/cmd/plan_json.h - a plan as JSON, for programs; documented in tunion-json(5) */
#ifndef TUNION_CMD_PLAN_JSON_H
#define TUNION_CMD_PLAN_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "base/diag.h"
#include "plan/plan.h"
#include "plan/plan_app.h"

/* These return new references, or NULL if out of memory. */

/* What `check` prints. The plan is empty when diag has errors. ok: the exit status is
 * 0. */
json_t *plan_json(const struct plan *plan, const struct diag *diag, bool ok);
/* What `plan` prints. Without app, which isn't there if diag has errors, it has empty
 * lists. ok as above. */
json_t *plan_json_app(const struct plan *plan, const struct plan_app *app,
                      const struct diag *diag, bool ok);
/* What `trace` prints. */
json_t *plan_json_trace(const struct plan *plan, const struct ip_addr *dst);
/* What `trace` prints when the files have errors: only these errors. */
json_t *plan_json_errors(const struct diag *diag);

/* Writes the value to stdout and releases it; with NULL, reports an error. Returns the
 * exit status. */
int plan_json_print(json_t *json, bool ok);

#endif
