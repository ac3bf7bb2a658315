#!/usr/bin/env python3
"""Files with names as Endpoints that come and change while the instance is up. A name that has no
address yet keeps nothing else waiting."""

import time

from lab import Tunion, check, equal, main, wait_for
from nameserver import NameServer
from world import LAN, World


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    c = w.client
    w.net.run("ip addr add 198.18.0.53/32 dev lo")
    dns = NameServer(w.net, "198.18.0.53", {"home.example": ["192.0.2.2"]})
    c.use_name_servers("198.18.0.53")
    t = Tunion(c, {"vpn.conf": w.vpn_conf(allowed="10.66.0.0/24")})
    t.up("--no-watch")
    c.reach("10.66.0.1")

    def endpoint():
        return c.wg("show", "home", "endpoints").split("\t")[1].strip()

    # Added: the name is asked for once it is there
    t.write("home.conf", w.home_conf(endpoint="home.example:51821"))
    check("1 added" in t.run("reload"), "home is added")
    wait_for(lambda: endpoint() == "192.0.2.2:51821", "the name's address", 5)
    c.reach(LAN)
    session = c.handshake("home", w.home_keys.public)

    # Another change of the file: what the name stands for stays, and so does the session
    t.write("home.conf", w.home_conf(endpoint="home.example:51821", allowed="10.77.0.0/24, 192.168.77.0/24"))
    check("1 changed" in t.run("reload"), "home is changed")
    equal(endpoint(), "192.0.2.2:51821", "the endpoint after another change")
    check(c.ping(LAN), "the LAN answers at once")
    equal(c.handshake("home", w.home_keys.public), session, "the session")

    # Another name, not known yet; reload does not wait for it
    t.write("home.conf", w.home_conf(endpoint="new.example:51821"))
    began = time.monotonic()
    t.run("reload")
    check(time.monotonic() - began < 2, "reload waited for a name")
    check(c.ping("10.66.0.1"), "vpn answers")
    dns.set("new.example", "192.0.2.2")
    c.reach(LAN, 40)
    t.down()

    # No name at up, so nobody has asked; and from then on resolv.conf has a tunnel's server, of no use here
    t = Tunion(c, {"vpn.conf": w.vpn_conf(interface_lines=["DNS = 10.66.0.1"])}, tun="tunion1")
    t.up("--no-watch")
    c.reach("10.66.0.1")
    equal(c.run("cat /etc/resolv.conf"), "nameserver 10.66.0.1\n", "resolv.conf while it is up")
    t.write("home.conf", w.home_conf(endpoint="home.example:51821"))
    check("1 added" in t.run("reload"), "home is added")
    wait_for(lambda: endpoint() == "192.0.2.2:51821", "the network's name server is asked")
    c.reach(LAN)
    t.down()


main(test)
