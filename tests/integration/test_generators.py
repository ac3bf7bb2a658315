#!/usr/bin/env python3
"""Two unchanged files as other people's generators write them reach hosts behind both servers, and `tunion
trace` names the chain that tcpdump shows. All pairs of the forms below."""

import itertools

from lab import Tunion, check, genkey, main, same_text
from world import LAN, World, only_to

PSK = genkey()


def mullvad(w, keys):
    return f"""[Interface]
# Device: Brave Otter
PrivateKey = {keys.private}
Address = 10.66.0.2/32,fd66::2/128

[Peer]
PublicKey = {w.vpn_keys.public}
AllowedIPs = 0.0.0.0/0,::0/0
Endpoint = 203.0.113.2:51820
"""


def proton(w, keys):
    return f"""[Interface]
# Key for laptop
# Bouncing = 3
# NetShield = 1
# Moderate NAT = off
# NAT-PMP (Port Forwarding) = off
# VPN Accelerator = on
PrivateKey = {keys.private}
Address = 10.66.0.2/32

[Peer]
# CH#42
PublicKey = {w.vpn_keys.public}
AllowedIPs = 0.0.0.0/0
Endpoint = 203.0.113.2:51820
PersistentKeepalive = 25"""


def wg_easy(w, keys):
    return f"""
[Interface]
PrivateKey = {keys.private}
Address = 10.77.0.2/24
MTU = 1280

[Peer]
PublicKey = {w.home_keys.public}
PresharedKey = {PSK}
AllowedIPs = 10.77.0.0/24, 192.168.77.0/24
PersistentKeepalive = 0
Endpoint = 192.0.2.2:51821"""


def pivpn(w, keys):
    return f"""[Interface]
PrivateKey = {keys.private}
Address = 10.77.0.2/24,fd77::2/64

[Peer]
PublicKey = {w.home_keys.public}
PresharedKey = {PSK}
Endpoint = 192.0.2.2:51821
AllowedIPs = 192.168.77.0/24, 10.77.0.0/24, fd77::/64, fd77:1::/64
"""


def fritzbox(w, keys):
    """With \\r\\n, the LAN's own names of things, and host bits in a prefix."""
    return (f"[Interface]\nPrivateKey = {keys.private}\nAddress = 10.77.0.2/24\n\n\n[Peer]\n"
            f"PublicKey = {w.home_keys.public}\nPresharedKey = {PSK}\nAllowedIPs = 192.168.77.1/24,10.77.0.0/24\n"
            "Endpoint = 192.0.2.2:51821\nPersistentKeepalive = 25\n").replace("\n", "\r\n")


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home(peer_lines=[f"PresharedKey = {PSK}"])
    before = w.client.snapshot()
    for number, (provider, home) in enumerate(itertools.product((mullvad, proton), (wg_easy, pivpn, fritzbox))):
        name = f"{provider.__name__} and {home.__name__}"
        t = Tunion(w.client, tun=f"pair{number}")
        t.write(f"{provider.__name__}.conf", provider(w, w.vpn_client))
        t.write(f"{home.__name__}.conf", home(w, w.home_client))
        uplink = w.client.capture("eth0")
        inside = w.vpn.capture("wg0", "udp port 51821")
        t.up()
        w.client.reach("198.18.0.80")
        w.client.reach(LAN)
        for device, key in ((provider.__name__, w.vpn_keys.public), (home.__name__, w.home_keys.public)):
            check(w.client.handshake(device, key), f"{name}: no handshake of {device} in wg show")
        chain = f"{home.__name__} > {provider.__name__} > network"
        check(chain in t.trace(LAN), f"{name}: trace does not name {chain}:\n{t.trace(LAN)}")
        t.down()
        mine, others = only_to(uplink.lines(), "203.0.113.2.51820")
        check(mine and not others, f"{name}: the uplink carried something else:\n" + "\n".join(others[:20]))
        check(inside.lines(), f"{name}: home's datagrams do not come out of the provider's tunnel")
        same_text(w.client.snapshot(), before, f"{name}: the client after down")


main(test)
