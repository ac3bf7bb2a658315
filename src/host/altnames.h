/* src/host/altnames.h - the tun has the name of each file as an alternative name
 *
 * So `ip link show dev home`, `tcpdump -i home` and a program that binds to `home` find the tun,
 * although all files share it. A name that another link has is left out until it is free.
 * Firewall rules only know the name of the tun. Kernels before 5.5 have no alternative
 * names. */
#ifndef TUNION_HOST_ALTNAMES_H
#define TUNION_HOST_ALTNAMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ifname.h"
#include "netlink/netlink.h"
#include "plan/plan.h"

/* Programs that list links read all names of one into one buffer. So only the first files
 * get theirs. */
#define ALTNAMES_MAX 256U

struct altname {
	char name[IFNAME_MAX + 1];
};

/* The names that the tun has from us. Zeroed is empty. */
struct altnames {
	struct altname *v; /* owned */
	size_t n;
};

void altnames_clear(struct altnames *a);

/* Removes the names of files that the plan doesn't have, and adds those that are missing.
 * What the kernel refuses is left out. Returns 0 or -ENOMEM. */
MUST_CHECK int altnames_change(struct altnames *a, struct netlink *nl, uint32_t tun,
                               const struct plan *plan);
/* Removes this name, if the tun has it from us, because another link needs it. */
void altnames_give_up(struct altnames *a, struct netlink *nl, uint32_t tun,
                      const char *name);
/* Adds those that somebody has removed. Returns how many these were. */
size_t altnames_restore(const struct altnames *a, struct netlink *nl, uint32_t tun);

#endif
