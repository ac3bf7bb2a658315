/* src/base/ifname.c */
#include "base/ifname.h"

#include <string.h>

bool ifname_valid(const char *name)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_=+.-";
	size_t n = strspn(name, allowed);

	return n >= 1 && n <= IFNAME_MAX && name[n] == '\0' && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0 && strcmp(name, "all") != 0;
}
