/* src/cmd/proxy_names.h - by whom does the proxy that is inside have names looked up?
 *
 * It can read no file, so the supervisor tells it, once in the beginning and after each reload:
 * the servers of the tunnel files, which are asked inside, or those of the network, which are
 * asked outside, if no file has any. */
#ifndef TUNION_CMD_PROXY_NAMES_H
#define TUNION_CMD_PROXY_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/ip.h"
#include "names/lookup.h"
#include "plan/plan.h"

#define PROXY_NAMES_BYTES 65536 /* of a message; domains that don't fit are left out */

struct proxy_names {
	bool outside;
	struct ip_addr servers[LOOKUP_SERVERS_MAX];
	size_t server_count;
	const char **domains; /* owned; what it points to is in the message */
	size_t domain_count;
};

/* Has any file servers for names? */
bool proxy_names_has_servers(const struct plan *plan);

/* Writes the message for a plan, as text; returns its size. */
size_t proxy_names_make(char out[static PROXY_NAMES_BYTES], const struct plan *plan);

/* Reads it. The message ends with a NUL, is changed, and must stay. Returns 0, -ENOMEM, or
 * -EPROTO if it isn't one. Clear it in any case. */
MUST_CHECK int proxy_names_read(struct proxy_names *out, char *message);
void proxy_names_clear(struct proxy_names *n);

#endif
