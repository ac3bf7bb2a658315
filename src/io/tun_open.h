/* src/io/tun_open.h - makes a tun device */
#ifndef TUNION_IO_TUN_OPEN_H
#define TUNION_IO_TUN_OPEN_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/ifname.h"

struct ifreq;

/* Makes a new tun device (IFF_TUN | IFF_NO_PI) of this name in the caller's network
 * namespace; it is down. It disappears with its last fd. vnet_hdr: a struct
 * virtio_net_hdr comes before each packet, which segmentation offloads need. *fd is
 * non-blocking and is closed on exec. Returns 0 or -errno, with the reason in diag:
 * -EEXIST (a device already has the name), -ENOENT (the system has no tun), -EACCES and
 * -EPERM (missing rights). */
MUST_CHECK int tun_open(int *fd, const char *name, bool vnet_hdr, struct diag *diag);

/* Asks for the name and the flags of a tun device. Returns false if the descriptor is none. */
MUST_CHECK bool tun_flags(int fd, struct ifreq *out);

/* Finds the name of the tun device that somebody has given us as a descriptor. Returns 0, or
 * -EINVAL with the reason in diag: it is none, or not of the kind that tun_open makes. */
MUST_CHECK int tun_name(int fd, char name[static IFNAME_MAX + 1], struct diag *diag);

#endif
