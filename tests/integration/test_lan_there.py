#!/usr/bin/env python3
"""The LAN where the client is has the prefixes of its files: home's LAN (AllowedIPs) and the network of home's
Address. `up` works and says who yields, the link goes first, and the tunnel takes over when the link goes, and gives
back when it comes: with the metrics of the kernel and of NetworkManager, before `up` and while it is up."""

import json

from lab import Tunion, check, equal, main, same_text, six, wait_for
from world import INTERNET, LAN, LAN6, World

PREFIXES = ["10.77.0.0/24", "192.168.77.0/24", "fd77:1::/64"]


def link_up(c, metric):
    """The hotel's cable is plugged in, and a program sets up the addresses."""
    c.run("ip link set eth1 up")
    for address, network in (("192.168.77.2/24", "192.168.77.0/24"), ("10.77.0.9/24", "10.77.0.0/24"),
                             ("fd77:1::2/64", "fd77:1::/64")):
        if ":" in address and not c.ipv6:
            continue
        own = "noprefixroute" if metric else ""
        c.run(f"ip addr add {address} dev eth1 {own} {'nodad' if ':' in address else ''}")
        if metric:
            c.run(f"ip route add {network} dev eth1 proto kernel metric {metric}")


def link_down(c):
    c.run("ip addr flush dev eth1; ip link set eth1 down")


def device_of(c, address):
    words = c.run(f"ip route get {address}").split()
    return words[words.index("dev") + 1]


def ways_by(c, device):
    """Does all that both have go by this device?"""
    return all(device_of(c, a) == device for a in ("192.168.77.50", "10.77.0.50") + (("fd77:1::50",) if c.ipv6 else ()))


def yields(t):
    return sorted((y["prefix"], y["device"], y["to"]) for y in t.status()["yields"])


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    c = w.client
    hotel = lab.host("hotel")
    lab.link(c, "eth1", "", hotel, "eth0", "192.168.77.50/24 10.77.0.50/24 fd77:1::50/64")
    link_down(c)
    before = c.snapshot()
    t = Tunion(c, {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf(allowed="192.168.77.0/24, 10.77.0.0/24" + six(", fd77:1::/64"))})
    expected = [(p, "home", "eth1") for p in PREFIXES if c.ipv6 or ":" not in p]

    for metric in (0, 100, 600):
        when = f"with metric {metric}"
        link_up(c, metric)
        there = c.snapshot()
        t.up()
        for p, _, _ in expected:
            check(f"warning: {p} yields to eth1" in t.log().replace(t.dir, ""), f"{when}, {p}: {t.log()}")
        check("home.conf:6: warning: 192.168.77.0/24 yields" in t.log(), t.log())
        equal(yields(t), expected, f"status {when}")
        check("home: 192.168.77.0/24 yields to eth1" in t.run("status"), "status does not say it")
        trace = json.loads(t.run("trace", "--json", "--run-dir", c.run_dir, "192.168.77.10"))
        equal((trace["host_link"], trace["device"]), ("eth1", "home"), "where the host sends it")
        check(ways_by(c, "eth1"), f"the hotel's LAN {when}")
        for address in ("192.168.77.50", "10.77.0.50"):
            c.reach(address)
        c.reach(INTERNET)
        link_down(c)
        c.reach(LAN)
        if c.ipv6:
            c.reach(LAN6)
        check(ways_by(c, "tunion0"), "the link is gone, but the tunnel has not taken over")
        wait_for(lambda: yields(t) == [], f"{when}, nothing yields once the link is gone")
        link_up(c, metric)
        wait_for(lambda: yields(t) == expected, f"{when}, it yields again")
        check(ways_by(c, "eth1"), f"the hotel's LAN, which came later, {when}")
        c.reach("192.168.77.50")
        c.reach(INTERNET)
        t.down()
        same_text(c.snapshot(), there, f"the client after down, {when}")
        link_down(c)

    # it comes while up only, and goes
    t.up()
    equal(yields(t), [], "without the link")
    c.reach(LAN)
    for metric in (600, 0):
        link_up(c, metric)
        wait_for(lambda: yields(t) == expected, "the link has come")
        check(ways_by(c, "eth1"), "the hotel's LAN")
        link_down(c)
        wait_for(lambda: yields(t) == [], "the link is gone")
        c.reach(LAN)
    t.down()

    # somebody who yields, too, has the metric of those who do
    link_up(c, 0)
    c.run("ip route add 192.168.77.0/24 dev eth1 metric 1000000")
    t.up()
    equal(yields(t), expected, "beside somebody else who yields")
    check("192.168.77.0/24 dev tunion0" in c.run("ip route show 192.168.77.0/24 metric 1000001"), c.run("ip route"))
    t.run("reload")
    check(ways_by(c, "eth1"), "the hotel's LAN")
    t.down()
    link_down(c)
    same_text(c.snapshot(), before, "the client at the end")


main(test)
