#!/usr/bin/env python3
"""Preshared keys: equal ones on both ends work, a wrong one gets no session."""

import re

from lab import Tunion, check, genkey, main, wait_for
from world import INTERNET, LAN, World


def test(lab):
    w = World(lab)
    right, wrong = genkey(), genkey()
    w.start_vpn(peer_lines=[f"PresharedKey = {right}"])
    w.start_home(peer_lines=[f"PresharedKey = {right}"])
    t = Tunion(w.client, {
        "vpn.conf": w.vpn_conf(peer_lines=[f"PresharedKey = {right}"]),
        "home.conf": w.home_conf(peer_lines=[f"PresharedKey = {wrong}"]),
    })
    t.up()
    w.client.reach(INTERNET)
    check(not w.client.ping(LAN, count=2), "a session with the wrong preshared key")
    check(not w.client.handshake("home", w.home_keys.public), "a handshake with the wrong preshared key")
    wait_for(lambda: any(line["device"] == "home" and "PresharedKey" in line["text"] for line in t.status()["health"]),
             "the status names the PresharedKey", 40)
    check(re.search(r"^home: no answer from .* PresharedKey", t.run("status"), re.M), t.run("status"))
    w.client.run(["wg", "set", "home", "peer", w.home_keys.public, "preshared-key", "/dev/stdin"], input=right)
    w.client.reach(LAN)
    for secret in (right, wrong, w.vpn_client.private):
        check(secret not in t.log() + t.run("status", "--json") + t.run("status"), "a key in a log or status")
    t.down()


main(test)
