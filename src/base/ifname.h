/* src/base/ifname.h - names of network interfaces, which tunnels are named like */
#ifndef TUNION_BASE_IFNAME_H
#define TUNION_BASE_IFNAME_H

#include <stdbool.h>

#define IFNAME_MAX 15 /* characters, without the final NUL */

/* As wg-quick has it: 1 to IFNAME_MAX characters of A-Z a-z 0-9 _ = + . - ; and none of
 * ".", "..", "all", which wg-quick takes but no device can have. */
bool ifname_valid(const char *name);

#endif
