/* src/host/host_place.c */
#include "host/host_place.h"

#include "plan/plan_app.h"

struct host_place host_place_nowhere(void)
{
	return (struct host_place){
		.nowhere = true,
		.tun_fd = -1,
		.no_hooks =
			"hooks are not run, in no file: they are meant for a host with a tun, and there is none",
		.no_table =
			"the file would need a tun of its own, but there is none here: it is left out, and only carries files that name it in Via; take this line out to use it",
		.netlink_fd = -1,
	};
}

struct host_place host_place_given(bool protects)
{
	struct host_place place = host_place_nowhere();

	place.no_hooks = plan_app_no_hooks;
	place.no_table = plan_app_no_table;
	if (protects)
		place.no_marks =
			"FwMark is not used: it is by a mark that the app keeps our sockets out of its VPN";
	return place;
}
