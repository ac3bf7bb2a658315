#!/usr/bin/env python3
"""Both processes under valgrind: no leak, and no error after traffic, changes and `down`. The same holds for the
worker that is started in place of one that was killed: it inherits a supervisor that has long been running, and must
keep nothing of it, neither memory nor descriptors."""

import glob
import json
import os
import re
import signal

from lab import TUNION, Keys, Skip, Tunion, equal, main, need, wait_for
from world import INTERNET, LAN, World


def descriptors(pid):
    """What they are, but for their numbers."""
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            what = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            continue
        if "valgrind" not in what:
            found.append(re.sub(r"\[\d+\]", "", what))
    return sorted(found)


def kill_engine(w, t):
    """Returns what the next one has of descriptors, and what the first had."""
    before = t.status()["engine_pid"]
    had = descriptors(before)
    os.kill(before, signal.SIGKILL)

    def another():
        done = t.try_run("status", "--json")
        return done.returncode == 0 and json.loads(done.stdout)["engine_pid"] != before
    wait_for(another, "another engine", 60)
    return descriptors(t.status()["engine_pid"]), had


def test(lab):
    need("valgrind")
    with open(TUNION, "rb") as program:
        if b"__asan_init" in program.read():
            raise Skip("built with sanitizers, which valgrind can't run")
    w = World(lab)
    w.start_vpn()
    w.start_home()
    t = Tunion(w.client, {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf()})
    logs = os.path.join(lab.dir, "valgrind.%p.log")
    argv = ["valgrind", "--trace-children=no", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible",
            "--errors-for-leak-kinds=definite,indirect,possible", "--track-fds=no", f"--log-file={logs}",
            "--error-exitcode=9", *t.argv("up", "--foreground", t.dir)]
    t.process = w.client.start(argv, name="tunion")
    wait_for(lambda: t.try_run("status").returncode == 0, "tunion up under valgrind", 60)
    for address in (INTERNET, LAN):
        w.client.reach(address, seconds=60)
    equal(*kill_engine(w, t), "descriptors of the engine after a restart")
    for address in (INTERNET, LAN):
        w.client.reach(address, seconds=60)
    other = Keys()
    w.client.wg("set", "home", "peer", other.public, "allowed-ips", "10.200.0.0/24", "endpoint", "192.0.2.77:1")
    w.client.wg("set", "home", "peer", other.public, "remove")
    w.client.wg("show")
    server = w.lan.iperf3_server()
    w.client.iperf3(LAN, 2)
    server.wait()
    t.down()
    judged = 0
    for path in glob.glob(os.path.join(lab.dir, "valgrind.*.log")):
        with open(path) as f:
            text = f.read()
        errors = re.findall(r"ERROR SUMMARY: (\d+) errors", text)
        if not errors:  # a child that became another program, such as nft
            continue
        equal(errors, ["0"], f"errors in a report of valgrind:\n{text[-6000:]}")
        judged += 1
    equal(judged, 2, "reports to the end: the supervisor's and the engine's")


main(test)
