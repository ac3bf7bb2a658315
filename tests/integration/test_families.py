#!/usr/bin/env python3
"""IPv6 inside IPv4 and the reverse: vpn by IPv4 carries home by IPv6, then the other way round. Packets of
full size and their answers, padded by a peer of a larger MTU, fit into the carrier whole."""

import re

from lab import Tunion, check, equal, main, need_ipv6, same_text
from world import (HOME_ENDPOINT, HOME_ENDPOINT6, INTERNET, INTERNET6, LAN, LAN6, VPN_ENDPOINT,
                   VPN_ENDPOINT6, World, only_to)

HEADERS6 = 48  # IPv6 and ICMP


def one_way(w, name, vpn_endpoint, home_endpoint, uplink_text, inner_text, mtu):
    before = w.client.snapshot()
    uplink = w.client.capture("eth0")
    inside = w.vpn.capture("wg0", "udp")
    pieces = w.vpn.capture("wg0", "ip6[6] = 44 or (ip and ip[6:2] & 0x3fff != 0)")
    t = Tunion(w.client, {"vpn.conf": w.vpn_conf(vpn_endpoint), "home.conf": w.home_conf(home_endpoint)},
               tun=name)
    t.up()
    for address in (INTERNET, INTERNET6, LAN, LAN6):
        w.client.reach(address)
    told = int(re.search(r"mtu (\d+)", w.client.run(["ip", "route", "get", LAN6]))[1])
    w.client.ping(LAN6, "-M", "do", "-s", str(told - HEADERS6), count=2)
    server = w.lan.iperf3_server()
    w.client.iperf3(LAN6, 5)
    server.wait()
    t.down()
    mine, others = only_to(uplink.lines(), uplink_text)
    check(mine and not others, f"{name}: the uplink carried something else:\n" + "\n".join(others[:20]))
    equal(pieces.lines(), [], f"{name}: fragments inside vpn")
    equal(told, mtu, f"{name}: the MTU of home")
    check(only_to(inside.lines(), inner_text)[0], f"{name}: home's datagrams do not come out of vpn")
    same_text(w.client.snapshot(), before, f"{name}: the client after down")


def test(lab):
    need_ipv6()
    w = World(lab)
    w.start_vpn()
    w.start_home()
    one_way(w, "six-in-four", VPN_ENDPOINT, HOME_ENDPOINT6, "203.0.113.2.51820", "2001:db8:3::2.51821",
            1328)
    one_way(w, "four-in-six", VPN_ENDPOINT6, HOME_ENDPOINT, "2001:db8:2::2.51820", "192.0.2.2.51821",
            1340)


main(test)
