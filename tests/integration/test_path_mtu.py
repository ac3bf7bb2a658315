#!/usr/bin/env python3
"""A router on the way, whose next link is smaller, says so ("packet too big", IPv6): what is sent gets through,
and the device's MTU follows, that of a nested device too (not below 1280, as it has IPv6)."""

from lab import Tunion, check, main, need_ipv6, wait_for
from world import INTERNET, LAN, VPN_ENDPOINT6, World


def mtus(t):
    return {device["name"]: device["mtu"] for device in t.status()["devices"]}


def test(lab):
    need_ipv6()
    w = World(lab)
    w.start_vpn()
    w.start_home()
    t = Tunion(w.client, {"vpn.conf": w.vpn_conf(endpoint=VPN_ENDPOINT6), "home.conf": w.home_conf()})
    t.up()
    w.client.reach(INTERNET)
    w.client.reach(LAN)
    check(mtus(t) == {"vpn": 1420, "home": 1340}, f"at first: {mtus(t)}")
    w.net.run("ip link set dev vpn mtu 1400")
    w.vpn.run("ip link set dev eth0 mtu 1400")
    server = w.net.iperf3_server()
    received, _ = w.client.iperf3(INTERNET, 40, seconds=60)
    server.wait()
    check(received >= 32 << 20, f"{received} bytes arrived")
    wait_for(lambda: mtus(t) == {"vpn": 1320, "home": 1280}, "the MTUs follow the path's")
    w.client.reach(LAN)
    t.down()


main(test)
