#!/usr/bin/env python3
"""The server loses its sessions: the client notices by itself and shakes hands anew. Nested too: the
inner tunnel outlives its carrier's restart."""

from lab import Tunion, check, main, wait_for
from world import INTERNET, LAN, World

LIMIT = 240


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    t = Tunion(w.client, {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf()})
    t.up()
    w.client.reach(INTERNET)
    w.client.reach(LAN)
    home_since = w.client.handshake("home", w.home_keys.public)
    w.vpn_process.stop()
    w.start_vpn()
    # KEEPALIVE_TIMEOUT + REKEY_TIMEOUT: 15 s without an answer make a new handshake
    w.client.reach(INTERNET, seconds=40)
    check(w.vpn.handshake("wg0", w.vpn_client.public), "no new handshake")
    w.client.reach(LAN)
    w.home_process.stop()
    w.start_home()
    wait_for(lambda: w.client.ping(LAN), "home after its restart", 40)
    check(w.client.handshake("home", w.home_keys.public) > home_since, "no new handshake with home")
    t.down()


main(test)
