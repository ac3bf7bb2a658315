#!/usr/bin/env python3
"""Too big: a ping with DF larger than the device's MTU is told the right MTU; without DF it arrives in
fragments. The MTU inside a carrier is the carrier's less 80."""

import re

from lab import Tunion, check, equal, main
from world import INTERNET, INTERNET6, LAN, LAN6, World

HEADERS = 28  # IPv4 and ICMP
HEADERS6 = 48


def told(w, address, mtu, headers):
    """Sends one byte too much with DF; the kernel then knows the MTU; one less passes."""
    w.client.run("ip route flush cache; ip -6 route flush cache")
    check(w.client.ping(address, "-M", "do", "-s", str(mtu - headers)), f"{mtu} bytes with DF to {address}")
    w.client.run("ip route flush cache; ip -6 route flush cache")
    # -M probe: DF set, and the kernel's own knowledge of the path is not used
    done = w.client.try_run(["ping", "-n", "-c", "1", "-W", "2", "-M", "probe", "-s", str(mtu + 1 - headers), address])
    check(done.returncode != 0, f"{mtu + 1} bytes with DF to {address} get an answer")
    return done.stdout + done.stderr


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    t = Tunion(w.client, {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf(), })
    t.up()
    for address in (INTERNET, INTERNET6, LAN, LAN6):
        w.client.reach(address)
    for address, mtu, headers in ((INTERNET, 1420, HEADERS), (LAN, 1340, HEADERS), (INTERNET6, 1420, HEADERS6),
                                  (LAN6, 1340, HEADERS6)):
        route = w.client.run(["ip", "route", "get", address])
        equal(re.findall(r"mtu (\d+)", route)[:1], [str(mtu)], f"mtu of the route to {address}")
        check(w.client.ping(address, "-M", "dont", "-s", "2500"), f"fragments to {address}")
    for address, mtu in ((LAN, 1340), (LAN6, 1340)):
        # The tun is larger than home's MTU, so here the answer comes from the engine.
        headers = HEADERS6 if ":" in address else HEADERS
        text = told(w, address, mtu, headers)
        check(re.search(rf"(Frag needed and DF set \(mtu = {mtu}\)|Packet too big: mtu={mtu}|mtu[=: ]*{mtu})", text),
              f"{address}: not told of mtu {mtu}:\n{text}")
    t.down()


main(test)
