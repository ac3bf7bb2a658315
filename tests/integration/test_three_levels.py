#!/usr/bin/env python3
"""office inside home inside vpn: a server that can only be reached from the home network."""

from lab import Keys, Tunion, check, main
from world import LAN, World, only_to, peer

AGAIN_WITH = "--no-offload"


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    office, mine = Keys(), Keys()
    w.lan.wireguard_go("wg0", f"[Interface]\nPrivateKey = {office.private}\nListenPort = 51822\n"
                       + peer(mine.public, "10.88.0.2/32"), ["10.88.0.1/24"])
    uplink = w.client.capture("eth0")
    at_vpn = w.vpn.capture("wg0")
    at_home = w.home.capture("wg0")
    t = Tunion(w.client, {
        "vpn.conf": w.vpn_conf(),
        "home.conf": w.home_conf(),
        "office.conf": f"[Interface]\nPrivateKey = {mine.private}\nAddress = 10.88.0.2/32\n"
                       + peer(office.public, "10.88.0.0/24", f"Endpoint = {LAN}:51822"),
    })
    t.up()
    w.client.reach("10.88.0.1")
    check("office > home > vpn > network" in t.trace("10.88.0.1"), t.trace("10.88.0.1"))
    server = w.lan.iperf3_server()
    received, _ = w.client.iperf3("10.88.0.1", 10)
    check(received >= 7 << 20, f"10 MB over three levels: {received} bytes arrived")
    server.wait()
    t.down()
    mine, others = only_to(uplink.lines(), "203.0.113.2.51820")
    check(mine and not others, "the uplink carried something else:\n" + "\n".join(others[:20]))
    check(only_to(at_vpn.lines(), "192.0.2.2.51821")[0], "home's datagrams do not come out of vpn")
    check(only_to(at_home.lines(), f"{LAN}.51822")[0], "office's datagrams do not come out of home")


main(test)
