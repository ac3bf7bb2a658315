/* src/proxy/destination.h - where does a client of the proxy want to go?
 *
 * Pure functions over text from strangers. */
#ifndef TUNION_PROXY_DESTINATION_H
#define TUNION_PROXY_DESTINATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"

#define DESTINATION_NAME_MAX 253 /* characters of a host name, RFC 1035 2.3.4 */
/* Enough for "[ADDRESS]:PORT" and "NAME:PORT". */
#define DESTINATION_STRLEN (DESTINATION_NAME_MAX + 8)

struct destination {
	struct ip_addr addr; /* IP_NONE: the host is a name */
	char name[DESTINATION_NAME_MAX + 1];
	uint16_t port;
};

/* Takes an address of either family (without brackets), or a name of letters, digits,
 * '-', '_' and '.'. Leaves the port alone. Returns false if it is neither. */
MUST_CHECK bool destination_set_host(struct destination *d, const char *host, size_t n);

/* Takes "HOST:PORT" or "[ADDRESS]:PORT". Without a port it is default_port, and wrong if
 * that is 0. */
MUST_CHECK bool destination_parse(struct destination *d, const char *text, size_t n,
                                  uint16_t default_port);

/* Takes 1 to 5 digits that are no more than 65535. */
MUST_CHECK bool destination_parse_port(uint16_t *out, const char *text, size_t n);

bool destination_equal(const struct destination *a, const struct destination *b);

/* Writes "HOST:PORT", which destination_parse reads, and returns `out`. */
const char *destination_format(const struct destination *d,
                               char out[static DESTINATION_STRLEN]);

#endif
