#!/usr/bin/env python3
"""`down` puts addresses, routes, rules, sysctls and sockets back exactly; so does `up` when it fails, and
the next `up` or `down` after a kill. The host's own odd routes and rules stay."""

import signal
import socket

from lab import Tunion, check, main, same_text, wait_for
from world import INTERNET, LAN, World

KINDS = {
    "specific": {"allowed": "10.66.0.0/24, 198.18.0.0/15"},
    "default": {"allowed": "0.0.0.0/0, ::/0"},
    "halves": {"allowed": "0.0.0.0/1, 128.0.0.0/1, ::/1, 8000::/1"},
    "around-the-endpoint": {"allowed": "203.0.113.0/24, 198.18.0.0/15"},
    "table-off": {"allowed": "0.0.0.0/0", "interface_lines": ["Table = off"]},
    "table-number": {"allowed": "0.0.0.0/0, 198.18.0.0/15", "interface_lines": ["Table = 1234"]},
    "mark": {"allowed": "0.0.0.0/0", "interface_lines": ["FwMark = 0x4321", "MTU = 1300"]},
}


def interrupted(c, w):
    """Beside another instance a start waits for a port that is in use, which ends with a signal."""
    held = c.call(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    held.bind(("0.0.0.0", 4000))
    t = Tunion(c, {"waits.conf": w.home_conf(interface_lines=["ListenPort = 4000"])}, tun="waits")
    process = c.start(t.argv("up", "--foreground", t.dir), name="waits")
    wait_for(lambda: c.try_run("ip link show waits").returncode == 0, "the tun of the instance that waits")
    process.stop()
    check("tunion: interrupted" in process.output() and "in use" not in process.output(), process.output())
    held.close()


def two_defaults(c, w):
    """The second of two instances says that neither of them works, and which one is the other."""
    one, other = (Tunion(c, {f"{name}.conf": w.vpn_conf()}, tun=name) for name in ("one", "other"))
    check("warning" not in one.try_run("up", one.dir).stderr, "a warning with one instance")
    interrupted(c, w)
    said = other.try_run("up", other.dir).stderr
    check("tunion: warning: another instance, one, has a default route, too" in said and said.count("default route") == 1, said)
    other.run("down")
    one.run("down")


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    c = w.client
    c.run("ip rule add from 198.51.100.2 lookup 99 pref 100; ip route add default via 198.51.100.1 table 99;"
          "ip route add 10.66.0.0/16 via 198.51.100.1 metric 50; ip route add blackhole 10.99.0.0/16")
    before = c.snapshot()
    for name, changes in KINDS.items():
        t = Tunion(c, {"vpn.conf": w.vpn_conf(**changes), "home.conf": w.home_conf()}, tun=f"t-{name}"[:15])
        t.up()
        check(c.snapshot() != before, f"{name}: up changed nothing")
        if not name.startswith("table"):
            c.reach("203.0.113.2" if name == "around-the-endpoint" else INTERNET)
        c.reach(LAN)
        t.down()
        same_text(c.snapshot(), before, f"{name}: the client after down")

    t = Tunion(c, {"vpn.conf": w.vpn_conf(interface_lines=["PostUp = false"]), "home.conf": w.home_conf()},
               tun="failing")
    failed = t.try_run("up", t.dir)
    check(failed.returncode != 0, "up succeeds although PostUp fails")
    check(failed.stderr.endswith("nothing is up: everything was undone\n"), failed.stderr)
    same_text(c.snapshot(), before, "the client after an up that failed")

    t = Tunion(c, {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf()}, tun="killed")
    t.up()
    t.process.stop(signal.SIGKILL)
    t.process = None
    wait_for(lambda: t.try_run("status").returncode != 0, "status notices the kill")
    wait_for(lambda: "killed has ended without tunion down (pid" in t.try_run("status").stderr, "status says that it was killed")
    t.up()
    c.reach(LAN)
    t.down()
    same_text(c.snapshot(), before, "the client after a kill, up and down")
    two_defaults(c, w)
    same_text(c.snapshot(), before, "the client after two instances with default routes")


main(test)
