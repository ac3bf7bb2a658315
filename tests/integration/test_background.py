#!/usr/bin/env python3
"""`tunion up` in the background: it returns once ready; a second `up` disturbs nothing and names
`reload`; `down` ends it."""

from lab import Tunion, check, main, same_text
from world import LAN, World


def test(lab):
    w = World(lab)
    w.start_home()
    before = w.client.snapshot()
    t = Tunion(w.client, {"home.conf": w.home_conf()})
    t.run("up", t.dir)
    w.client.reach(LAN)
    again = t.try_run("up", t.dir)
    check(again.returncode != 0 and "reload" in again.stderr, f"a second up: {again.returncode} {again.stderr}")
    check(w.client.ping(LAN), "a second up disturbed the first")
    check("home" in t.run("status"), t.run("status"))
    t.run("down")
    same_text(w.client.snapshot(), before, "the client after down")
    check(t.try_run("down").returncode != 0, "down with nothing up succeeds")


main(test)
