#!/usr/bin/env python3
"""The network below changes while tunnels are up: the path's MTU goes down and up again, nested
devices and host routes follow; somebody takes our rules, routes and address away, and they are put
back; the uplink gets another address."""

import re

from lab import Tunion, check, equal, main, same_text, wait_for
from world import INTERNET, LAN, World


def mtus(t):
    return {device["name"]: device["mtu"] for device in t.status()["devices"]}


def refused_at(host, address, size):
    """The MTU that a DF ping of this size is told; None: it was not refused."""
    done = host.try_run(["ping", "-n", "-M", "do", "-c", "1", "-W", "2", "-s", str(size), address])
    found = re.search(r"mtu ?= ?(\d+)", done.stdout + done.stderr)
    return int(found.group(1)) if found else None


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    before = w.client.snapshot()
    t = Tunion(w.client, {"vpn.conf": w.vpn_conf(allowed="0.0.0.0/0"),
                          "home.conf": w.home_conf(allowed="10.77.0.0/24, 192.168.77.0/24").replace(", fd77::2/64", "")})
    t.write("vpn.conf", w.vpn_conf(allowed="0.0.0.0/0").replace(", fd66::2/128", ""))
    t.up()
    w.client.reach(INTERNET)
    w.client.reach(LAN)
    equal(mtus(t), {"vpn": 1420, "home": 1340}, "MTUs at first")

    w.client.run("ip route replace default via 198.51.100.1 mtu 1400")
    wait_for(lambda: mtus(t) == {"vpn": 1320, "home": 1240}, "the MTUs follow the path's")
    wait_for(lambda: refused_at(w.client, INTERNET, 1392) == 1320, "a DF ping is told vpn's new MTU")
    wait_for(lambda: refused_at(w.client, LAN, 1300) == 1240, "a DF ping is told home's new MTU")
    check(w.client.ping(INTERNET, "-M", "do", "-s", "1292"), "what fits passes")
    check(w.client.ping(LAN, "-M", "do", "-s", "1212"), "what fits passes, nested")
    w.client.run("ip route replace default via 198.51.100.1")
    wait_for(lambda: mtus(t) == {"vpn": 1420, "home": 1340}, "and back")
    w.client.run("ip link set eth0 mtu 1300")
    wait_for(lambda: mtus(t) == {"vpn": 1220, "home": 1140}, "the MTUs follow the link's")
    w.client.run("ip link set eth0 mtu 1500")
    wait_for(lambda: mtus(t) == {"vpn": 1420, "home": 1340}, "and back again")
    w.client.reach(LAN)

    def ours():
        return w.client.run("ip rule; ip route show table all dev tunion0; ip addr show dev tunion0")
    there = ours()
    for harm in ("for p in $(ip rule | grep -e suppress -e 'not from all fwmark' | cut -d: -f1); do ip rule del pref $p; done",
                 "ip route flush table 51820", "ip addr del 10.77.0.2/24 dev tunion0"):
        w.client.run(harm)
        check(ours() != there, f"{harm} does harm")
        wait_for(lambda: sorted(ours().splitlines()) == sorted(there.splitlines()),
                 f"what `{harm}` took is put back")
    check("they were put back" in t.log(), "the log says so")
    w.client.reach(INTERNET)
    w.client.reach(LAN)

    w.client.run("ip addr del 198.51.100.2/24 dev eth0; ip addr add 198.51.100.7/24 dev eth0;"
                 "ip route add default via 198.51.100.1")
    w.client.reach(INTERNET, seconds=10)
    w.client.reach(LAN, seconds=10)
    w.client.run("ip addr add 198.51.100.2/24 dev eth0; ip addr del 198.51.100.7/24 dev eth0;"
                 "ip addr replace 198.51.100.2/24 dev eth0; ip route replace default via 198.51.100.1")
    t.down()
    same_text(w.client.snapshot(), before, "the client after down")


main(test)
