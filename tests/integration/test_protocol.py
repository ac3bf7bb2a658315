#!/usr/bin/env python3
"""Four tunnels with wireguard-go: both roles, both families of the underlay, preshared keys, roaming both ways; with
TUNION_LONG=yes also the passive keepalive and the new session after 120 s. See protocol.py."""

from lab import main
from protocol import GoPeer, exercise

LIMIT = 400


def test(lab):
    client, far = lab.host("client"), lab.host("far")
    lab.link(client, "eth0", "203.0.113.9/24 2001:db8:9::9/64", far, "eth0", "203.0.113.2/24 2001:db8:9::2/64")
    exercise(client, GoPeer(far))


main(test)
