/* src/base/ifname.c */
#include "base/ifname.h"

#include <string.h>

bool ifname_valid(const char *name)
{
	size_t n = strspn(name, IFNAME_CHARACTERS);

	return n >= 1 && n <= IFNAME_MAX && name[n] == '\0' && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0 && strcmp(name, "all") != 0;
}
