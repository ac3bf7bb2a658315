#!/usr/bin/env python3
"""Which server is asked through which device: two files have a server with the same address, and each name asks that of
its file, by UDP and TCP; two split files have a public server that no prefix holds, which the host asks as before."""

from lab import Tunion, check, equal, main, same_text
from nameserver import NameServer
from world import World

SHARED, PUBLIC = "10.99.0.53", "198.18.0.53"


def found(c, name):
    """The first address of a name; None: it is not found."""
    words = c.try_run(["getent", "ahostsv4", name]).stdout.split()
    return words[0] if words else None


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    c = w.client
    for host in (w.vpn, w.home):
        host.run(f"ip addr add {SHARED}/32 dev lo")
    w.net.run(f"ip addr add {PUBLIC}/32 dev lo")
    servers = {"vpn": NameServer(w.vpn, SHARED, {"www.vpn.example": ["192.0.2.10"], "big.vpn.example": ["192.0.2.11"]}),
               "home": NameServer(w.home, SHARED, {"www.home.example": ["192.0.2.20"], "big.home.example": ["192.0.2.21"]}),
               "net": NameServer(w.net, PUBLIC, {"www.example": ["192.0.2.30"], "big.example": ["192.0.2.31"]})}
    c.use_name_servers(PUBLIC)
    c.run("nft list ruleset")
    before = c.snapshot()

    t = Tunion(c, {"vpn.conf": w.vpn_conf(allowed="0.0.0.0/0", interface_lines=(f"DNS = {SHARED}, vpn.example",)),
                   "home.conf": w.home_conf(allowed=f"10.77.0.0/24, {SHARED}/32", interface_lines=(f"DNS = {SHARED}, home.example",))})
    t.up()
    c.reach("10.66.0.1")
    c.reach("10.77.0.1")
    for file, name, address in (("home", "www.home.example", "192.0.2.20"), ("vpn", "www.vpn.example", "192.0.2.10"),
                                ("home", "big.home.example", "192.0.2.21"), ("vpn", "big.vpn.example", "192.0.2.11")):
        equal(found(c, name), address, f"{name}, of {file}")
    check(servers["home"].count("www.vpn.example") == 0 and servers["vpn"].count("www.home.example") == 0,
          "a server was asked for a name of the other file")
    t.down()
    same_text(c.snapshot(), before, "the client after down")

    t.write("vpn.conf", w.vpn_conf(allowed="10.66.0.0/24", interface_lines=(f"DNS = {PUBLIC}",)))
    t.write("home.conf", w.home_conf(allowed="10.77.0.0/24", interface_lines=(f"DNS = {PUBLIC}, home.example",)))
    t.up()
    for name, address in (("www.example", "192.0.2.30"), ("big.example", "192.0.2.31")):
        equal(found(c, name), address, name)
    c.reach("10.77.0.1")
    t.down()
    same_text(c.snapshot(), before, "the client at the end")


main(test)
