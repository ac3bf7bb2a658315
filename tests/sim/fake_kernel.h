/* tests/sim/fake_kernel.h - the kernel's addresses, routes and rules as values
 *
 * Linked in the place of netlink/netlink.c, host/ipv6.c and host/valid_mark.c. The real
 * host/host_change.c and host/undo.c work on it, item by item. After each item the test is
 * told, because a packet may leave at any such moment. */
#ifndef TUNION_SIM_FAKE_KERNEL_H
#define TUNION_SIM_FAKE_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "netlink/netlink.h"

enum fake_way {
	FAKE_WAY_NETWORK, /* in the clear */
	FAKE_WAY_TUN,
	FAKE_WAY_CLOSED,
};

/* Only the uplink with its default routes is there. */
void fake_kernel_reset(void);
/* Is nothing there but what was there after the reset? */
bool fake_kernel_is_clean(void);
/* All that is there, to the story. */
void fake_kernel_tell(void);

void fake_kernel_add_tun(uint32_t ifindex, const char *name);

/* Where does the packet of an app go? With tuns false, as if all tuns were gone, together
 * with the process that had opened them. */
enum fake_way fake_kernel_way(const struct ip_addr *to, bool tuns);

/* Is called after each change, with what was changed; NULL: nobody. */
void fake_kernel_watch(void (*changed)(const struct netlink_item *item));

/* From now on the nth item that is to be added is refused, once; 0: none is. */
void fake_kernel_refuse(unsigned nth);
/* The same for one that is to be removed, until then or until fake_kernel_refuse. */
void fake_kernel_refuse_removal(unsigned nth);
/* How many were refused since the reset? */
unsigned fake_kernel_refusals(void);

#endif
