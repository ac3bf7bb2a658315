/* src/control/resolve.h - which addresses do the names of Endpoints have?
 *
 * For now by the host's resolver, before `up`, and waiting; the first address counts. */
#ifndef TUNION_CONTROL_RESOLVE_H
#define TUNION_CONTROL_RESOLVE_H

#include "base/attr.h"
#include "base/diag.h"
#include "base/log.h"
#include "conf/conf.h"

/* Sets `endpoint` of every peer whose Endpoint is a name. A name server that does not
 * answer is asked again, as `wg` does: up to 15 times over some three minutes, or as
 * WG_ENDPOINT_RESOLUTION_RETRIES says (a number, or "infinity"). 0 or -EHOSTUNREACH; each
 * name that has no address is an error in diag. */
MUST_CHECK int resolve_endpoints(struct conf_set *set, const struct log *log,
                                 struct diag *diag);

#endif
