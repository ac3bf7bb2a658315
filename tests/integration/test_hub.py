#!/usr/bin/env python3
"""A server for road warriors beside a full tunnel. Whoever calls is answered by the way that he came (R8): from the
address and through the interface that he asked, or inside the tunnel through which he came. His firewall lets in
nothing but answers. In a file, his peer has no Endpoint.

                +- 198.51.100.2 eth0 -+
    home --- net                     client: vpn.conf (everything), hub.conf (home calls)
                +- 198.51.101.2 eth1 -+"""

from lab import Tunion, check, main, need
from world import INTERNET, World, peer

HUB = "10.77.0.2"


def asks(w, address):
    """home calls the hub at this address; True if it is answered from there."""
    w.home.wg("set", "wg0", "peer", w.home_client.public, "endpoint", f"{address}:51999")
    w.home.reach(HUB, seconds=20)
    return w.home.wg("show", "wg0", "endpoints").split("\t")[1].strip() == f"{address}:51999"


def test(lab):
    need("nft")
    w = World(lab)
    lab.link(w.client, "eth1", "198.51.101.2/24", w.net, "client2", "198.51.101.1/24")
    w.client.run("ip route add default via 198.51.101.1 dev eth1 metric 500")
    w.home.run("nft 'add table ip f; add chain ip f i { type filter hook input priority 0; policy drop; };"
               "add rule ip f i ct state established accept; add rule ip f i iif lo accept'")
    w.start_vpn()
    w.start_home(peer_lines=["Endpoint = 198.51.100.2:51999"], allowed=f"{HUB}/32")
    before = w.client.snapshot()
    hub = (f"[Interface]\nPrivateKey = {w.home_client.private}\nAddress = {HUB}/24\nListenPort = 51999\n"
           + peer(w.home_keys.public, "10.77.0.1/32"))
    t = Tunion(w.client, {"vpn.conf": w.vpn_conf(), "hub.conf": hub})
    t.up()
    check(asks(w, "198.51.100.2"), "it is not answered from the address that it asked")

    second = w.net.capture("client2", "udp")
    check(asks(w, "198.51.101.2"), "it is not answered from the second uplink's address")
    check(any("198.51.101.2.51999 >" in line for line in second.lines()), "answers don't leave by the second uplink")

    w.client.reach(INTERNET)
    check(asks(w, "10.66.0.2"), "it is not answered inside the tunnel by which it came")
    check("hub > vpn > network" in t.run("status"), t.run("status"))
    check(asks(w, "198.51.100.2"), "the newest way does not count")
    check("hub > network" in t.run("status"), t.run("status"))
    t.down()
    check(w.client.snapshot() == before, "down left something")


main(test)
