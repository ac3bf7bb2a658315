#!/usr/bin/env python3
"""A name that only another tunnel's DNS server knows: nothing waits for it, and its tunnel is up as
soon as the other one is. Both start at once, with no session yet."""

import time

from lab import Tunion, check, equal, main
from nameserver import NameServer
from world import INTERNET, LAN, World


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    w.net.run("ip addr add 198.18.0.53/32 dev lo")
    outer = NameServer(w.net, "198.18.0.53", {"vpn.example": ["203.0.113.2"]})
    inner = NameServer(w.vpn, "10.66.0.1", {"vpn.example": ["203.0.113.2"], "home.internal": ["192.0.2.2"]})
    w.client.use_name_servers("198.18.0.53")
    t = Tunion(w.client, {
        "vpn.conf": w.vpn_conf(endpoint="vpn.example:51820", interface_lines=["DNS = 10.66.0.1"]),
        "home.conf": w.home_conf(endpoint="home.internal:51821"),
    })
    started = time.monotonic()
    t.up()
    check(time.monotonic() - started < 5, f"up took {time.monotonic() - started:.1f} s")
    check("home.internal has no address yet" in t.log(), "it says so:\n" + t.log())
    w.client.reach(INTERNET)
    w.client.reach(LAN)
    check(inner.count("home.internal") > 0, "vpn's DNS server was asked")
    equal(inner.count("vpn.example"), 0, "questions to vpn's DNS server for vpn's own name")
    check(outer.count("vpn.example") > 0, "the network's DNS server was asked")
    t.down()


main(test)
