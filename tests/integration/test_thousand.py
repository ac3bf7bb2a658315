#!/usr/bin/env python3
"""1,000 files with 10 prefixes each: check in under 1 s, up in at most 2 s, reload after one changed
file in under 200 ms. The best of some tries counts, as others may use the machine too."""

import base64
import os
import time

from lab import Tunion, check, equal, in_time, main, wait_for

FILES = 1000
CHECK_MS, UP_MS, RELOAD_MS = 1000, 2000, 200


def key():
    """Any 32 bytes are a private key, and a public key."""
    return base64.b64encode(os.urandom(32)).decode()


def text(i, prefixes=10):
    nets = ", ".join(f"10.{i // 250}.{i % 250}.{16 * j}/28" for j in range(prefixes))
    return (f"[Interface]\nPrivateKey = {key()}\nAddress = 172.16.{i // 250}.{i % 250}/32\n\n"
            f"[Peer]\nPublicKey = {key()}\nAllowedIPs = {nets}\nEndpoint = 198.51.100.1:{10000 + i}\n")


def took_ms(work):
    begin = time.monotonic()
    work()
    return (time.monotonic() - begin) * 1000


def test(lab):
    c, net = lab.host("client"), lab.host("net")
    lab.link(c, "eth0", "198.51.100.2/24", net, "eth0", "198.51.100.1/24")
    c.run("ip route add default via 198.51.100.1")
    t = Tunion(c, {f"t{i}.conf": text(i) for i in range(FILES)})
    check_ms = min(took_ms(lambda: t.run("check", t.dir)) for _ in range(3))
    up_ms = 1e9
    for attempt in range(2):
        up_ms = min(up_ms, took_ms(lambda: t.run("up", "--no-watch", t.dir)))
        equal(len(t.status()["devices"]), FILES, "devices")
        if attempt == 0:
            t.run("down")

    reload_ms = {}
    def reload(what, expected, change):
        best = 1e9
        for _ in range(3):
            change()
            begin = time.monotonic()
            out = t.run("reload")
            best = min(best, (time.monotonic() - begin) * 1000)
            check(expected in out, f"{what}: {out}")
        reload_ms[what] = round(best)

    reload("nothing changed", "0 added, 0 changed, 0 removed", lambda: None)
    reload("one file's AllowedIPs and keys changed", "1 changed", lambda: t.write("t7.conf", text(7)))
    equal(len(c.run("ip route show dev tunion0").splitlines()), 10 * FILES, "routes")
    def rename():
        there = [n for n in ("x.conf", "t8.conf") if os.path.exists(os.path.join(t.dir, n))][0]
        other = {"x.conf": "t8.conf", "t8.conf": "x.conf"}[there]
        os.rename(os.path.join(t.dir, there), os.path.join(t.dir, other))
    reload("one file renamed", "1 added, 0 changed, 1 removed", rename)
    print(f"check {check_ms:.0f} ms, up {up_ms:.0f} ms, reload: {reload_ms}")
    t.run("down")
    in_time(check_ms, CHECK_MS, "check")
    in_time(up_ms, UP_MS, "up")
    in_time(max(reload_ms.values()), RELOAD_MS, "reload")


main(test)
