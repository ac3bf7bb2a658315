/* src/host/host_place.c */
#include "host/host_place.h"

struct host_place host_place_nowhere(void)
{
	return (struct host_place){
		.nowhere = true,
		.no_hooks =
			"hooks are not run, in no file: they are meant for a host with a tun, and there is none",
		.no_table =
			"Table is not used: there is no tun and no route, and clients reach all AllowedIPs",
		.netlink_fd = -1,
	};
}
