#!/usr/bin/env python3
"""home inside vpn: vpn.conf takes everything, so home's own datagrams travel inside vpn. The uplink
carries nothing but datagrams between the client and the vpn server, from the first packet on."""

import re

from lab import UP_OPTIONS, Tunion, check, equal, here, main, same_text, wait_for
from world import INTERNET, INTERNET6, LAN, LAN6, World, only_to

AGAIN_WITH = "--no-offload"


def home_begins_at_once(t):
    """A peer with PersistentKeepalive sends when its device is started. Its carrier has to be ready by then: what is
    lost is sent again only after 5 s."""
    def device(name):
        return next(d for d in t.status()["devices"] if d["name"] == name)
    wait_for(lambda: device("home")["peers"][0]["latest_handshake"], "home's handshake")
    equal(device("vpn")["drops"], {}, "what vpn has dropped")


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    before = w.client.snapshot()
    uplink = w.client.capture("eth0")
    inside = w.vpn.capture("wg0")
    t = Tunion(w.client, {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf() + "PersistentKeepalive = 25\n"})
    t.up()
    home_begins_at_once(t)
    for address in here(INTERNET, INTERNET6, LAN, LAN6):
        w.client.reach(address)
    server = w.lan.iperf3_server()
    received, _ = w.client.iperf3(LAN, 20)
    check(received >= 15 << 20, f"20 MB to the LAN: {received} bytes arrived")
    server.wait()
    check("home > vpn > network" in t.trace(LAN), "tunion trace:\n" + t.trace(LAN))
    t.down()

    to_vpn, others = only_to(uplink.lines(), "203.0.113.2.51820")
    check(len(to_vpn) > 100, f"only {len(to_vpn)} datagrams between client and vpn server")
    # What leaves as segments of one send is captured before it is cut.
    lengths = [int(n) for line in to_vpn for n in re.findall(r"> 203\.0\.113\.2\.51820: UDP, length (\d+)", line)]
    equal(max(lengths) > 1500, not UP_OPTIONS, "offloads are used")
    check(not others, "the uplink carried something else:\n" + "\n".join(others[:20]))
    to_home, _ = only_to(inside.lines(), "192.0.2.2.51821")
    check(len(to_home) > 100, "home's datagrams do not come out of vpn's tunnel")
    check(any("10.66.0.2." in line for line in to_home), "they do not bear vpn's address as source (R7)")
    same_text(w.client.snapshot(), before, "the client after down")


main(test)
