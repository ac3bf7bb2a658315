#!/usr/bin/env python3
"""A laptop that boots offline: `up` succeeds without any network, and all is well by itself once
there is one. Its only name server is then one that the network brought, while resolv.conf already
names the tunnel's."""

import re
import time

from lab import Tunion, check, main, wait_for
from nameserver import NameServer
from world import INTERNET, World


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.net.run("ip addr add 198.18.0.53/32 dev lo")
    NameServer(w.net, "198.18.0.53", {"vpn.example": ["203.0.113.2"]})
    w.client.use_name_servers("198.18.0.53")
    w.client.run("ip link set eth0 down")
    t = Tunion(w.client, {"vpn.conf": w.vpn_conf(endpoint="vpn.example:51820",
                                                 interface_lines=["DNS = 10.66.0.1"])})
    started = time.monotonic()
    t.up()
    check(time.monotonic() - started < 5, f"up took {time.monotonic() - started:.1f} s")
    check(re.search(r"vpn\.example has no address yet \(.*\); while the files are up, it is asked for again", t.log()), "it says so:\n" + t.log())
    check(not w.client.ping(INTERNET), "there is no network yet")
    wait_for(lambda: any(line["device"] == "vpn" and re.match(r"vpn\.example:51820 does not resolve \(.*\); asked again "
                                                              r"in \d+ s$", line["text"])
                         for line in t.status()["health"]), "the status says when the name is asked for again")
    wait_for(lambda: re.search(r"^vpn +no address .* vpn\.example:51820 \(asked again in \d+ s\) ", t.run("status"), re.M),
             "the name in the place of the endpoint")
    w.client.run("ip link set eth0 up; ip route add default via 198.51.100.1")
    w.client.reach(INTERNET, seconds=30)
    t.down()


main(test)
