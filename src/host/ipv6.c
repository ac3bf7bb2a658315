/* src/host/ipv6.c - asks for a socket, for the tun's setting, and for addresses */
#include "host/ipv6.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static bool kernel_has_it(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno != EAFNOSUPPORT;
	close(fd);
	return true;
}

/* A new link has the value of net.ipv6.conf.default.disable_ipv6. */
static bool disabled_on(const char *link)
{
	char path[64 + IF_NAMESIZE];
	int value = 0;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", link);
	in = fopen(path, "re");
	if (!in)
		return false;
	if (fscanf(in, "%d", &value) != 1)
		value = 0;
	fclose(in);
	return value != 0;
}

static bool find_address(void *context, const struct netlink_item *item)
{
	static const struct ip_addr loopback = { .family = IP_V6, .b = { [15] = 1 } };
	const struct ip_addr *a = &item->address.prefix.addr;
	bool *found = context;

	*found = item->kind == NETLINK_KIND_ADDRESS && a->family == IP_V6 &&
	         !ip_addr_equal(a, &loopback);
	return !*found;
}

bool ipv6_missing(struct netlink *nl, const char *tun)
{
	bool found = false;

	if (!kernel_has_it())
		return true;
	if (!tun || !disabled_on(tun))
		return false;
	return netlink_dump(nl, NETLINK_KIND_ADDRESS, IP_V6, find_address, &found) == 0 &&
	       !found;
}
