/* src/cmd/endpoint_names.h - which address has an Endpoint that is a name, here and now?
 */
#ifndef TUNION_CMD_ENDPOINT_NAMES_H
#define TUNION_CMD_ENDPOINT_NAMES_H

#include "base/diag.h"
#include "conf/set.h"

/* Asks the host's resolver for every name and fills conf_peer.endpoint with its first
 * address. Blocks. What can't be resolved is a warning in diag and left as it is; when
 * the resolver itself doesn't answer, no more names are asked for. */
void endpoint_names_resolve(const struct conf_set *set, struct diag *diag);

#endif
