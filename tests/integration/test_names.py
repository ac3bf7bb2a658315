#!/usr/bin/env python3
"""Endpoints that are names of the host's resolver. One has a dead address before the right one.
Then one server moves, and says so only in DNS (dynamic DNS): the client follows."""

import time

from lab import Tunion, check, equal, main, wait_for
from nameserver import NameServer
from world import INTERNET, LAN, World


def endpoint(w, device):
    return w.client.wg("show", device, "endpoints").split("\t")[1].strip()


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    w.net.run("ip addr add 198.18.0.53/32 dev lo")
    dns = NameServer(w.net, "198.18.0.53", {
        "vpn.example": ["203.0.113.77", "203.0.113.2"],
        "home.example": ["192.0.2.2"],
    })
    w.client.use_name_servers("198.18.0.53")
    t = Tunion(w.client, {
        "vpn.conf": w.vpn_conf(endpoint="vpn.example:51820"),
        "home.conf": w.home_conf(endpoint="home.example:51821"),
    })
    t.up()
    check("has no address yet" not in t.log(), "the names are known when it is up:\n" + t.log())
    equal(endpoint(w, "vpn"), "203.0.113.77:51820", "the first address is tried first")
    started = time.monotonic()
    w.client.reach(INTERNET)
    check(time.monotonic() - started < 12, f"the second address took {time.monotonic() - started:.1f} s")
    equal(endpoint(w, "vpn"), "203.0.113.2:51820", "then the next one")
    w.client.reach(LAN)

    # a reload forgets no name
    t.write("third.conf", "[Interface]\nAddress = 10.99.0.2/32\n")
    t.run("reload")

    # home's server moves inside vpn. It does not speak first: its session is gone.
    w.home_process.stop()
    w.home.run("ip addr add 192.0.2.9/24 dev eth0; ip addr del 192.0.2.2/24 dev eth0;"
               "ip addr add 192.0.2.9/24 dev eth0 2>/dev/null; ip route replace default via 192.0.2.1")
    w.start_home()
    dns.set("home.example", "192.0.2.9")
    asked = dns.count("home.example")
    wait_for(lambda: w.client.ping(LAN) and endpoint(w, "home") == "192.0.2.9:51821",
             "the client asks again where home is", 60)
    check(dns.count("home.example") > asked, "there was a question")
    t.down()
    equal(w.client.run("cat /etc/resolv.conf"), "nameserver 198.18.0.53\n", "resolv.conf after down")


main(test)
