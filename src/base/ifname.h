/* src/base/ifname.h - names of network interfaces: each tunnel has one */
#ifndef TUNION_BASE_IFNAME_H
#define TUNION_BASE_IFNAME_H

#include <stdbool.h>

#define IFNAME_MAX 15 /* characters, without the final NUL */

#define IFNAME_CHARACTERS                                                                \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_=+.-"

/* The rule of wg-quick: 1 to IFNAME_MAX characters of A-Z a-z 0-9 _ = + . - . The names
 * ".", ".." and "all" are not valid: wg-quick takes them, but no device can have them. */
bool ifname_valid(const char *name);

#endif
