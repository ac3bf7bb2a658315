/* tests/sim/wire.h - does a packet leave a simulated host in the clear?
 *
 * An app sends to some addresses of each tunnel file all the time: after each single change
 * of addresses, routes and rules, and each time once more as if all tuns were gone, because
 * the supervisor could be killed at this moment. What the files in force hold before and
 * after a change must not leave by the uplink in between. */
#ifndef TUNION_SIM_WIRE_H
#define TUNION_SIM_WIRE_H

#include <stdbool.h>

#include "tunnel_files.h"

/* Before an instance; forgets the one before. */
void wire_begin(void);
/* Something has failed, so what a file holds may be open until the next moment of rest. */
void wire_excuse(void);
/* The supervisor is at rest, or at the end of a round of changes. What is in force counts, of these files. */
void wire_check(const struct tunnel_files *files);
/* Was the uplink closed, without tuns, for all that was in force at the last rest? */
bool wire_is_closed(void);

/* Did nothing leave since then of what was in force at the last rest, whatever has failed? */
bool wire_stayed_closed(void);

/* How many packets were sent since the program began? */
unsigned long wire_packets(void);

#endif
