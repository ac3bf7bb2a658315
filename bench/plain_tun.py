#!/usr/bin/env python3
"""plain_tun.py NAME COMMAND... - runs a command with a tun as an app gets it from Android's VpnService

It has no vnet header, so no offloads: a packet for each read and write. It is file descriptor 9, as
WG_TUN_FD says too, where wireguard-go looks for it.
"""

import fcntl
import os
import struct
import sys

TUNSETIFF = 0x400454ca
IFF_TUN, IFF_NO_PI = 1, 0x1000
FD = 9

tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", sys.argv[1].encode(), IFF_TUN | IFF_NO_PI))
os.dup2(tun, FD)
os.environ["WG_TUN_FD"] = str(FD)
os.execvp(sys.argv[2], sys.argv[2:])
