#!/usr/bin/env python3
"""Too big: a ping with DF larger than the device's MTU is told the right MTU; without DF it arrives in
fragments. The MTU inside a carrier by IPv4 is the carrier's less 80."""

import re

from lab import Tunion, check, equal, here, main, wait_for, with_ipv6
from world import INTERNET, INTERNET6, LAN, LAN6, World

AGAIN_WITH = "--no-offload"
HEADERS = 28  # IPv4 and ICMP
HEADERS6 = 48


def told(client, address, prefix, mtu, headers):
    """The route's mtu taken away, the kernel believes in the tun's; so the engine has to answer."""
    client.run(f"ip route replace {prefix} dev tunion0; ip -6 route flush cache; ip route flush cache")
    check(client.ping(address, "-M", "do", "-s", str(mtu - headers)), f"{mtu} bytes with DF to {address}")
    done = client.try_run(["ping", "-n", "-c", "1", "-W", "2", "-M", "do", "-s", str(mtu + 1 - headers), address])
    check(done.returncode != 0, f"{mtu + 1} bytes with DF to {address} get an answer")
    check(re.search(rf"Frag needed and DF set \(mtu = {mtu}\)|Packet too big: mtu={mtu}\b", done.stdout),
          f"{address}: not told of mtu {mtu}:\n{done.stdout}{done.stderr}")
    again = client.try_run(["ping", "-n", "-c", "1", "-W", "2", "-M", "do", "-s", str(mtu + 1 - headers), address])
    check(str(mtu) in again.stdout + again.stderr and "rror" in again.stdout + again.stderr,
          f"the kernel has not learned the mtu:\n{again.stdout}{again.stderr}")


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    t = Tunion(w.client, {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf()})
    t.up()
    for address in here(INTERNET, INTERNET6, LAN, LAN6):
        w.client.reach(address)
    for address, mtu, headers in ((INTERNET, 1420, HEADERS), (LAN, 1340, HEADERS), (INTERNET6, 1420, HEADERS6),
                                  (LAN6, 1340, HEADERS6)):
        if not here(address):
            continue
        route = w.client.run(["ip", "route", "get", address])
        equal(re.findall(r"mtu (\d+)", route)[:1], [str(mtu)], f"mtu of the route to {address}")
        # The first big answer out of home is lost: home's server learns by it what vpn's takes.
        wait_for(lambda: w.client.ping(address, "-M", "dont", "-s", "2500"), f"fragments to {address}")
    told(w.client, LAN, "192.168.77.0/24", 1340, HEADERS)
    if with_ipv6("the same by IPv6"):
        told(w.client, LAN6, "fd77:1::/64", 1340, HEADERS6)
    t.down()


main(test)
