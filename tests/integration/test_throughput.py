#!/usr/bin/env python3
"""1 GB of TCP through one tunnel and through two nested ones, and some the other way, without an error."""

from lab import UP_OPTIONS, Tunion, check, main
from world import INTERNET, LAN, World

LIMIT = 400
AGAIN_WITH = "--no-offload"
MEGABYTES = 200 if UP_OPTIONS else 1000


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    t = Tunion(w.client, {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf()})
    t.up()
    for name, host, address in (("one tunnel", w.net, INTERNET), ("home inside vpn", w.lan, LAN)):
        w.client.reach(address)
        server = host.iperf3_server()
        received, seconds = w.client.iperf3(address, MEGABYTES)
        server.wait()
        check(received >= MEGABYTES * 10**6, f"{name}: {received} bytes arrived")
        print(f"{name}: {received * 8 / seconds / 1e6:.0f} Mbit/s")
        server = w.client.iperf3_server()
        received, seconds = host.iperf3("10.66.0.2" if host is w.net else "10.77.0.2", 100)
        server.wait()
        check(received >= 80 << 20, f"{name}, back: {received} bytes arrived")
        print(f"{name}, back: {received * 8 / seconds / 1e6:.0f} Mbit/s")
    t.down()


main(test)
