#!/usr/bin/env python3
"""Two tunnels whose endpoints lie in each other's prefixes: what would enter the loop is dropped,
counted, named once in the log; the third tunnel works on."""

from lab import Keys, Tunion, check, equal, main
from world import LAN, World, only_to, peer


def test(lab):
    w = World(lab)
    w.start_home()
    a, b, mine = Keys(), Keys(), Keys()
    interface = f"[Interface]\nPrivateKey = {mine.private}\n"
    t = Tunion(w.client, {
        "home.conf": w.home_conf(),
        "a.conf": interface + "Address = 10.1.0.2/32\n"
                  + peer(a.public, "10.1.0.0/16", "Endpoint = 10.2.0.1:51820", "PersistentKeepalive = 1"),
        "b.conf": interface + "Address = 10.2.0.2/32\n"
                  + peer(b.public, "10.2.0.0/16", "Endpoint = 10.1.0.1:51820", "PersistentKeepalive = 1"),
    })
    checked = t.try_run("check", t.dir)
    check(checked.returncode == 1 and "loop" in (checked.stdout + checked.stderr).lower(),
          f"tunion check says nothing of the loop:\n{checked.stdout}{checked.stderr}")
    uplink = w.client.capture("eth0")
    t.up()
    for _ in range(3):
        check(not w.client.ping("10.1.0.9", "-i", "0.2", count=3), "an answer out of a loop")
    w.client.reach(LAN)
    loops = [line for line in t.status()["health"] if "loop" in line["text"]]
    equal([line["device"] for line in loops], ["a"], f"one loop, told once: {loops}")

    drops = {d["name"]: d["drops"] for d in t.status()["devices"]}
    check(drops["a"].get("loop", 0) > 0, f"no drop counted as loop: {drops}")
    check(not drops["home"].get("loop", 0), f"home counts a loop: {drops}")
    lines = [line for line in t.log().splitlines() if "loop" in line and "warning" not in line]
    check(1 <= len(lines) <= 2, "one line for the cycle (seen from a or b), not:\n" + "\n".join(lines))
    t.down()
    mine, others = only_to(uplink.lines(), "192.0.2.2.51821")
    check(mine and not others, "a loop's datagrams got out:\n" + "\n".join(others[:20]))


main(test)
