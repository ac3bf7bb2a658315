#!/usr/bin/env python3
"""Both ends move. The client gets another address: the servers follow it. A server answers from
another address: the client follows it, also inside a carrier (R8)."""

from lab import Tunion, check, main, wait_for
from world import INTERNET, LAN, World


def endpoint(host, device):
    return host.wg("show", device, "endpoints").split("\t")[1].strip()


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    t = Tunion(w.client, {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf()})
    t.up()
    w.client.reach(INTERNET)
    w.client.reach(LAN)
    check(endpoint(w.vpn, "wg0").startswith("198.51.100.2:"), endpoint(w.vpn, "wg0"))

    # the client moves
    w.client.run("ip addr del 198.51.100.2/24 dev eth0; ip addr add 198.51.100.7/24 dev eth0;"
                 "ip route add default via 198.51.100.1")
    w.client.reach(INTERNET, seconds=40)
    w.client.reach(LAN, seconds=40)
    wait_for(lambda: endpoint(w.vpn, "wg0").startswith("198.51.100.7:"), "vpn follows the client")

    # vpn's server moves: what it sends comes from its new address, and the old one is gone
    w.vpn.run("ip addr add 203.0.113.9/24 dev eth0; ip addr del 203.0.113.2/24 dev eth0;"
              "ip addr add 203.0.113.9/24 dev eth0 2>/dev/null; ip route replace default via 203.0.113.1")
    w.net.run("ip route replace 10.66.0.0/24 via 203.0.113.9")
    wait_for(lambda: w.vpn.ping("10.66.0.2") and endpoint(w.client, "vpn") == "203.0.113.9:51820",
             "the client follows vpn", 40)
    w.client.reach(INTERNET)

    # home's server moves, inside vpn
    w.home.run("ip addr add 192.0.2.9/24 dev eth0; ip addr del 192.0.2.2/24 dev eth0;"
               "ip addr add 192.0.2.9/24 dev eth0 2>/dev/null; ip route replace default via 192.0.2.1")
    wait_for(lambda: w.home.ping("10.77.0.2") and endpoint(w.client, "home") == "192.0.2.9:51821",
             "the client follows home inside vpn", 40)
    w.client.reach(LAN)
    t.down()


main(test)
