/* src/host/tun_open.h - makes a tun device */
#ifndef TUNION_HOST_TUN_OPEN_H
#define TUNION_HOST_TUN_OPEN_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/diag.h"

/* A new tun device (IFF_TUN | IFF_NO_PI) of this name in the caller's network namespace,
 * down. It goes when the last fd does. vnet_hdr: each packet is preceded by a struct
 * virtio_net_hdr, which segmentation offloads need. *fd: non-blocking, close on exec. 0
 * or -errno, the reason in diag: -EEXIST (some device has the name), -ENOENT (no tun in
 * this system), -EACCES and -EPERM (rights). */
MUST_CHECK int tun_open(int *fd, const char *name, bool vnet_hdr, struct diag *diag);

#endif
