#!/usr/bin/env python3
"""Two tunnels at once, side by side: each host is reached through its own server, sees the address
of its own tunnel, and `down` puts the client back as it was."""

from lab import UP_OPTIONS, Tunion, check, equal, main, same_text
from world import World, only_to

AGAIN_WITH = "--no-offload"


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    before = w.client.snapshot()
    t = Tunion(w.client, {
        "vpn.conf": w.vpn_conf(allowed="10.66.0.0/24, 198.18.0.0/15"),
        "home.conf": w.home_conf(),
    })
    t.up()
    internet = w.net.capture("vpn", "icmp")
    lan = w.lan.capture("eth0", "icmp")
    w.client.reach("198.18.0.80")
    w.client.reach("192.168.77.10")
    check(w.client.handshake("vpn", w.vpn_keys.public), "no handshake with vpn in wg show")
    check(w.client.handshake("home", w.home_keys.public), "no handshake with home in wg show")
    check(w.vpn.handshake("wg0", w.vpn_client.public), "the vpn server saw no handshake")
    check(w.home.handshake("wg0", w.home_client.public), "the home server saw no handshake")
    seen, others = only_to(internet.lines(), "10.66.0.2 > 198.18.0.80")
    check(seen, f"the internet host did not see 10.66.0.2: {others}")
    seen, others = only_to(lan.lines(), "10.77.0.2 > 192.168.77.10")
    check(seen, f"the LAN host did not see 10.77.0.2: {others}")
    equal("vnet_hdr on" in w.client.run("ip -d link show tunion0"), not UP_OPTIONS, "the tun has offloads")
    names = {device["name"] for device in t.status()["devices"]}
    equal(names, {"vpn", "home"}, "devices in tunion status --json")
    t.down()
    same_text(w.client.snapshot(), before, "the client after down")


main(test)
