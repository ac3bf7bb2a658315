#!/usr/bin/env python3
"""`tunion exec` as root: without a user namespace, so the command is as mighty as root; beside an instance of `up` that
has the same files; and as root without rights, as in a container, whose command gains none."""

import os
import signal
import sys

from lab import TUNION, Skip, Tunion, check, equal, main, same_text, wait_for
from ordinary import pings, processes
from world import INTERNET, LAN, World, only_to

VIEW = "id -u; grep -E '^Cap' /proc/self/status; cat /proc/self/uid_map"


def run(host, *command, before=(), files):
    words = ["sh", "-c", command[0]] if len(command) == 1 and " " in command[0] else list(command)
    return host.try_run([*before, TUNION, "exec", files, "--", *words])


def as_root(w, files):
    outside = w.client.run(["sh", "-c", VIEW])
    done = run(w.client, VIEW, files=files)
    equal(done.stderr, "", "what is said on standard error")
    same_text(done.stdout, outside, "ids, capabilities and user namespace of root's command")
    for address in (LAN, INTERNET):
        done = run(w.client, pings(address), files=files)
        equal(done.returncode, 0, f"ping {address}: {done.stdout}{done.stderr}")
    done = run(w.client, "echo there >/run/exec.pid; cat /run/exec.pid", files=files)
    equal(done.stdout, "there\n", "a file in /run, for root's own services")
    check(not os.path.exists("/run/exec.pid"), "a file in /run inside is outside, too")


def beside_up(w, t):
    """Other devices of the same names, and their sockets for wg, stay as they are."""
    t.up("--no-dns")
    w.client.reach(LAN)
    shown = w.client.wg("show", "interfaces")
    command = w.client.start([TUNION, "exec", t.dir, "--", "sleep", "1000"])
    wait_for(lambda: w.client.try_run([TUNION, "status", "--tun", "exec0"]).returncode == 0, "exec0 is up")
    equal(sorted(w.client.wg("show", "interfaces").split()), sorted(shown.split()), "the devices that wg shows")
    done = w.client.try_run([TUNION, "exec", "--in", t.tun, "--run-dir", w.client.run_dir, "--", "true"])
    check(done.returncode == 1 and "not an instance of tunion exec" in done.stderr, f"--in an instance of up: {done.stderr}")
    equal(command.stop(), -signal.SIGTERM, "the end of the command")
    t.down()


def without_rights(w, files):
    """A container's root: not even unshare(2) of a network namespace is his."""
    before = ["setpriv", "--bounding-set=-all,+setfcap", "--inh-caps=-all"]
    if w.client.try_run([*before, "unshare", "--user", "true"]).returncode != 0:
        raise Skip("root without capabilities can't make a user namespace here")
    done = run(w.client, VIEW + "; ip route add default dev lo; umount /etc/resolv.conf", before=before, files=files)
    check("CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n" in done.stdout, f"the command has gained rights: {done.stdout}{done.stderr}")
    equal(done.stderr.count("Operation not permitted") + done.stderr.count("must be superuser"), 2,
          f"what it can change: {done.stderr}")
    done = run(w.client, sys.executable, "-c", f"import socket; s = socket.create_connection(('{LAN}', 80), 10)", before=before, files=files)
    check("ConnectionRefusedError" in done.stderr, f"the LAN is not reached: {done.stderr}")


def test(lab):
    if os.environ["TUNION_LAB"] != "root":
        raise Skip("only for root")
    w = World(lab)
    w.start_vpn()
    w.start_home()
    before = w.client.snapshot()
    t = Tunion(w.client, {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf()})
    uplink = w.client.capture("eth0")
    as_root(w, t.dir)
    wait_for(lambda: not processes(), "the instances have ended")
    _, others = only_to(uplink.lines(), "203.0.113.2.51820")
    check(not others, "the uplink carried something else:\n" + "\n".join(others[:20]))
    beside_up(w, t)
    wait_for(lambda: not processes(), "the instances have ended")
    without_rights(w, t.dir)
    wait_for(lambda: not processes(), "the instances have ended")
    equal(os.listdir("/run/tunion"), [], "what is left in the run directory")
    same_text(w.client.snapshot(), before, "the client after all")


main(test)
