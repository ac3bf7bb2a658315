#!/usr/bin/env python3
"""Two uplinks, and rules of the host that choose one by mark: each file's FwMark is that of its sockets, beside a full
tunnel too, with a strict reverse path filter, through a reload, when somebody removes our rules, and after a kill."""

import signal

from lab import Tunion, check, equal, main, same_text, wait_for
from world import INTERNET, LAN, World

FIRST, SECOND = "198.51.100.2", "198.51.101.2"


def seen_at(server):
    """Where a server sees the client."""
    words = server.wg("show", "wg0", "endpoints").split()
    return words[1].rsplit(":", 1)[0] if len(words) > 1 else ""


def marks(t):
    return {d["name"]: d["fwmark"] for d in t.status()["devices"]}


def gotos(c):
    return sorted(line.split(maxsplit=1)[1].strip() for line in c.run("ip rule").splitlines() if "goto" in line)


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    c = w.client
    lab.link(c, "wan2", f"{SECOND}/24", w.net, "c2", "198.51.101.1/24")
    c.run(f"ip route add default via 198.51.100.1 table 101; ip rule add fwmark 1 table 101;"
          f"ip route add default via 198.51.101.1 table 102; ip rule add fwmark 2 table 102;"
          "echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter; nft list ruleset")
    before = c.snapshot()

    def vpn(*lines):
        return w.vpn_conf(allowed="0.0.0.0/0", interface_lines=lines).replace(", fd66::2/128", "")

    def home(*lines):
        return w.home_conf(allowed="10.77.0.0/24, 192.168.77.0/24", interface_lines=("# tunion: Via = network",) + lines
                           ).replace(", fd77::2/64", "")

    def uses(server, address):
        target = INTERNET if server is w.vpn else LAN
        wait_for(lambda: c.ping(target) and seen_at(server) == address, f"{server.name} sees the client at {address}")

    t = Tunion(c, {"vpn.conf": vpn(), "home.conf": home("FwMark = 2")})
    t.up()
    uses(w.home, SECOND)
    uses(w.vpn, FIRST)
    mark = t.status()["mark"]
    check(mark not in (1, 2), f"the instance has the mark {mark}")
    equal(marks(t), {"vpn": mark, "home": 2}, "marks")
    equal(gotos(c), ["from all fwmark 0x2 goto 32766"], "rules for marks")
    check(f"mark 0x{2:08x}" in c.run("nft list ruleset"), "the guard does not keep the mark")

    t.write("home.conf", home("FwMark = 1"))
    t.run("reload")
    uses(w.home, FIRST)
    t.write("vpn.conf", vpn("FwMark = 2"))
    t.run("reload")
    uses(w.vpn, SECOND)
    uses(w.home, FIRST)
    equal(marks(t), {"vpn": 2, "home": 1}, "marks after reload")
    expected = ["from all fwmark 0x1 goto 32766", "from all fwmark 0x2 goto 32766"]
    wait_for(lambda: gotos(c) == expected, "rules for both marks")
    there = c.run("ip rule")
    for harm in ("ip rule del fwmark 1 goto 32766", f"ip rule del lookup main suppress_prefixlength 0; ip rule del lookup {mark}"):
        c.run(harm)
        check(c.run("ip rule") != there, f"{harm} does harm")
        wait_for(lambda: c.run("ip rule") == there, f"what `{harm}` took is put back, in order")
    c.reach(INTERNET)
    t.process.stop(signal.SIGKILL)
    t.process = None
    check("goto" in c.run("ip rule"), "the kill leaves no rules")
    t.try_run("down")
    check("goto" not in c.run("ip rule"), c.run("ip rule"))
    same_text(c.snapshot(), before, "the client after a kill and down")

    # all files have a FwMark: the first is that of the instance, as with wg-quick
    t.write("home.conf", home("FwMark = 1"))
    t.write("vpn.conf", vpn("FwMark = 2"))
    t.up()
    equal(t.status()["mark"], 1, "the instance's mark")
    equal(gotos(c), ["from all fwmark 0x2 goto 32766"], "rules for marks")
    uses(w.vpn, SECOND)
    t.write("vpn.conf", vpn())
    t.run("reload")
    check(t.status()["mark"] not in (1, 2), "a file without FwMark has that of another one")
    uses(w.vpn, FIRST)
    t.down()
    same_text(c.snapshot(), before, "the client after down")


main(test)
