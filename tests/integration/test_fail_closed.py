#!/usr/bin/env python3
"""When both processes are gone, the tun is gone, too, and with it its routes; or somebody removes the tun, which ends
the instance. Still nothing that belongs to the tunnels leaves in the clear, until `down` or another `up`: each route has
an unreachable one behind it. `down` removes all of them, also those that such an instance has left."""

import os
import signal

from lab import Tunion, check, equal, here, main, need, same_text, six, wait_for
from world import INTERNET, INTERNET6, LAN, LAN6, World

ELSEWHERE = "198.51.100.1"  # the router, on the link


def clear(lines):
    """What is neither for the servers nor about the link."""
    return [line for line in lines if any(address in line for address in (INTERNET, INTERNET6, LAN, LAN6, "10.77.0.1"))]


def try_all(c, targets):
    for address in targets:
        check(not c.ping(address), f"{address} is reached although the tunnels are gone")


def kill(t):
    status = t.status()
    os.kill(status["pid"], signal.SIGKILL)
    t.process.wait()
    wait_for(lambda: not os.path.exists(f"/proc/{status['engine_pid']}"), "the worker to end with its supervisor")


def lose_the_tun(t):
    t.host.run(f"ip link del {t.tun}")
    equal(t.process.wait(), 1, "exit status after the tun was removed")
    check("tunion down gives it back to the network" in t.log(), t.log())


def test(lab):
    need("nft", "tcpdump")
    w = World(lab)
    w.start_vpn()
    w.start_home()
    c = w.client
    c.run("nft list ruleset")
    before = c.snapshot()
    c.reach(INTERNET)

    everything = {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf()}
    split = {"home.conf": w.home_conf()}
    for files, targets in ((everything, here(INTERNET, INTERNET6, LAN, LAN6, "10.77.0.1")), (split, here(LAN, LAN6, "10.77.0.1"))):
        t = Tunion(c, files, tun=f"t{len(files)}")
        t.up()
        for address in targets:
            c.reach(address)
        capture = w.net.capture("client")
        kill(t)
        try_all(c, targets)
        check(c.ping(ELSEWHERE), "the link itself is not reached")
        lines = clear(capture.lines())
        check(not lines, "in the clear:\n" + "\n".join(lines))
        equal(c.try_run("ip link show " + t.tun).returncode, 1, "the tun is gone")
        if files is split:
            c.reach(INTERNET)
        t.up()
        for address in targets:
            c.reach(address)
        lose_the_tun(t)
        try_all(c, targets)
        check("unreachable" in c.run("ip route show table all"), "no barrier")
        t.run("down")
        same_text(c.snapshot(), before, "the client after down of an instance that has lost its tun")
        c.reach(INTERNET)

    t = Tunion(c, everything)
    t.up()
    os.unlink(os.path.join(t.dir, "home.conf"))
    t.run("reload")
    routes = c.run("ip route; " + six("ip -6 route"))
    check("unreachable" not in routes, "barriers of a removed file are left:\n" + routes)
    c.run("ip route del unreachable default table 51820")
    wait_for(lambda: "unreachable" in c.run("ip route show table 51820"), "the barrier is put back")
    t.down()
    same_text(c.snapshot(), before, "the client after down")


main(test)
