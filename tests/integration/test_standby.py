#!/usr/bin/env python3
"""Two files with everything, both with a Metric: when the active one's server stops, the other carries the traffic
within 20 s, under its own address; when it is back, it has its prefixes again."""

import re
import time

from lab import Tunion, check, main, wait_for
from world import INTERNET, World


def received(host, public):
    """Bytes a server has from the client."""
    for line in host.wg("show", "wg0", "transfer").splitlines():
        key, rx, _ = line.split("\t")
        if key == public:
            return int(rx)
    return 0


def carries(w, host, public, *options):
    before = received(host, public)
    return w.client.ping(INTERNET, *options) and received(host, public) > before


def check_status(t, *rows):
    text = t.run("status")
    for row in rows:
        check(re.search(row, text, re.M), f"{row} is not in\n{text}")


def test(lab):
    w = World(lab)
    w.net.run("ip route add 10.77.0.0/24 via 192.0.2.2")
    w.start_vpn()
    w.start_home()
    first, second = (w.vpn, w.vpn_client.public), (w.home, w.home_client.public)
    before = w.client.snapshot()
    t = Tunion(w.client, {"a.conf": w.vpn_conf(interface_lines=["# tunion: Metric = 0"]),
                          "b.conf": w.home_conf(allowed="0.0.0.0/0, ::/0", interface_lines=["# tunion: Metric = 10"])})
    t.up()
    w.client.reach(INTERNET)
    check(carries(w, *first), "the file with the lower Metric is not the active one")
    check(carries(w, *second, "-I", "10.77.0.2"), "a program that is bound to the second file's address")
    w.vpn_process.stop()
    stopped = time.monotonic()
    wait_for(lambda: carries(w, *second), "the standby", 40)
    took = time.monotonic() - stopped
    print(f"the standby took over after {took:.1f} s")
    check(took < 20, f"the standby took {took:.1f} s")
    check_status(t, r"^a +unusable .* b stands in$", r"^b +up .* standing in for a$")
    w.start_vpn()
    wait_for(lambda: carries(w, *first), "the first one again", 40)
    check_status(t, r"^a +up .* > network$", r"^b +(up|idle) .* standing by for a \(lower Metric\)$")
    t.down()
    check(w.client.snapshot() == before, "down left something")


main(test)
