#!/usr/bin/env python3
"""Which server is asked through which device: two files have a server with the same address, and each name asks that of
its file, by UDP and TCP; two split files have a public server that no prefix holds, which the host asks as before; and if one
of them has a server inside, the other's is still asked from outside, by UDP and TCP."""

import sys

from lab import Tunion, check, equal, main, same_text, wait_for
from nameserver import NameServer
from world import World

SHARED, PUBLIC = "10.99.0.53", "198.18.0.53"


def found(c, name):
    """The first address of a name; None: it is not found."""
    words = c.try_run(["getent", "ahostsv4", name]).stdout.split()
    return words[0] if words else None


TWINS = """
import socket, sys
# two programs that happen to choose the same id
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
for s, name in zip(sockets, (b"\\3www\\7example", b"\\3big\\7example")):
    s.settimeout(10)
    s.sendto(b"\\x12\\x34\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0" + name + b"\\0\\0\\1\\0\\1", (sys.argv[1], 53))
for s in sockets:
    answer, sender = s.recvfrom(4096)
    print(answer[:2].hex(), answer[13:16].decode(), sender[0])
"""


def mixed(w, t, servers):
    """vpn's server is inside vpn; home's is a public one, outside of all, and is asked for what vpn's domain doesn't have."""
    c = w.client
    t.write("vpn.conf", w.vpn_conf(allowed=f"10.66.0.0/24, {SHARED}/32", interface_lines=(f"DNS = {SHARED}, vpn.example",)))
    t.write("home.conf", w.home_conf(allowed="10.77.0.0/24", interface_lines=(f"DNS = {PUBLIC}",)))
    t.up()
    uplink = c.capture("eth0", f"host {PUBLIC}")
    asked = servers["net"].count("www.example"), servers["net"].count("www.vpn.example")
    for name, address in (("www.example", "192.0.2.30"), ("big.example", "192.0.2.31"), ("www.vpn.example", "192.0.2.10"),
                          ("big.vpn.example", "192.0.2.11")):
        equal(found(c, name), address, f"{name}, mixed")
    check(servers["net"].count("www.example") > asked[0], "the public server wasn't asked")
    equal(servers["net"].count("www.vpn.example"), asked[1], "queries to the public server for a name of vpn")
    virtual = c.run("cat /etc/resolv.conf").split("nameserver ")[1].split()[0]
    equal(c.run([sys.executable, "-c", TWINS, virtual]), f"1234 www {virtual}\n1234 big {virtual}\n", "answers to equal ids")
    # the network changes: the next query comes from the new address
    c.run("ip addr add 198.51.100.3/24 dev eth0; ip addr del 198.51.100.2/24 dev eth0; ip addr add 198.51.100.3/24 dev eth0 || true;"
          "ip route replace default via 198.51.100.1")
    wait_for(lambda: found(c, "www.example") == "192.0.2.30", "the public server is asked after the network has changed")
    check(any("198.51.100.3" in line for line in uplink.lines()), f"nothing came from the new address: {uplink.lines()}")
    c.run("ip addr add 198.51.100.2/24 dev eth0; ip addr del 198.51.100.3/24 dev eth0; ip addr add 198.51.100.2/24 dev eth0 || true;"
          "ip route replace default via 198.51.100.1")
    t.down()


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
    same_text(c.snapshot(), before, "the client after the second down")

    mixed(w, t, servers)
    same_text(c.snapshot(), before, "the client at the end")


main(test)
