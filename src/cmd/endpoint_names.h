/* src/cmd/endpoint_names.h - to which address does the name in an Endpoint resolve, here
 * and now? */
#ifndef TUNION_CMD_ENDPOINT_NAMES_H
#define TUNION_CMD_ENDPOINT_NAMES_H

#include "base/diag.h"
#include "conf/set.h"

/* Asks the host's resolver for every name (a static binary in Termux: the name servers of
 * nameservers.h), and sets conf_peer.endpoint to its first
 * address. This blocks. A name that can't be resolved becomes a warning in diag and stays
 * as it is. When the resolver itself doesn't answer, no more names are asked for. */
void endpoint_names_resolve(struct conf_set *set, struct diag *diag);

#endif
