#!/usr/bin/env python3
"""`tunion up` in the background: it returns once ready; a second `up` disturbs nothing and names
`reload`; `down` ends it. All this also with a run directory that is relative to where it was started."""

import os

from lab import TUNION, Tunion, check, equal, main, same_text
from world import LAN, World


def relative_run_dir(w, t):
    """The daemon works in /, and still finds its files there, also for devices that come later."""
    c, top = w.client, os.path.join(w.client.run_dir, "top")
    marks, run = os.path.join(top, "marks"), os.path.join(top, "run")
    os.mkdir(top)
    t.write("home.conf", w.home_conf(interface_lines=["SaveConfig = true", f"PostDown = echo down >>{marks}"]))

    def tunion(command, *words):
        return c.run([TUNION, command, "--run-dir", "run", *words], cwd=top)
    tunion("up", t.dir)
    c.reach(LAN)
    t.write("later.conf", w.vpn_conf(allowed="198.18.0.0/16"))
    tunion("reload")
    equal(sorted(os.listdir(os.path.join(run, "wireguard"))), ["home.sock", "later.sock"], "sockets")
    done = c.try_run([TUNION, "down", "--run-dir", "run"], cwd=top)
    equal((done.returncode, done.stderr), (0, ""), "down")
    equal((os.listdir(run), os.listdir(os.path.join(run, "wireguard"))), (["wireguard"], []), "left behind")
    with open(marks) as f:
        equal(f.read(), "down\n", "runs of PostDown")
    with open(os.path.join(t.dir, "home.conf")) as f:
        check("ListenPort = " in f.read(), "home.conf wasn't saved")


def test(lab):
    w = World(lab)
    w.start_home()
    before = w.client.snapshot()
    t = Tunion(w.client, {"home.conf": w.home_conf()})
    t.run("up", t.dir)
    w.client.reach(LAN)
    again = t.try_run("up", t.dir)
    check(again.returncode != 0 and "reload" in again.stderr
          and "to bring up others, put them into such a folder" in again.stderr, f"a second up: {again.returncode} {again.stderr}")
    check(w.client.ping(LAN), "a second up disturbed the first")
    check("home" in t.run("status"), t.run("status"))
    other = Tunion(w.client, {"home.conf": w.home_conf()}, tun="other")
    refused = other.try_run("up", other.dir)
    check(refused.returncode == 1 and "home.sock is in use: tunion0, another instance, has a file home.conf" in refused.stderr,
          refused.stderr)
    t.run("down")
    same_text(w.client.snapshot(), before, "the client after down")
    check(t.try_run("down").returncode != 0, "down with nothing up succeeds")
    relative_run_dir(w, t)
    same_text(w.client.snapshot(), before, "the client after the second down")


main(test)
