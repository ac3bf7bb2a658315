#!/usr/bin/env python3
"""The tun has the names of the files as alternative names: programs find it by them, in hooks too; a name that another
link has is left out until it is free; names come and go with files, and are put back; down leaves nothing."""

import re

from lab import Tunion, check, equal, main, same_text, wait_for
from world import INTERNET, LAN, World


def names(c):
    return sorted(re.findall(r"altname (\S+)", c.run("ip link show tunion0")))


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    c = w.client
    c.run("nft list ruleset")
    before = c.snapshot()
    c.run("ip link add lan type veth peer name lan-end")
    seen = f"{c.run_dir}/seen"
    # a file with its own name in a hook would have a tun of its own
    hook = f"PreUp = ip -o link show dev home | cut -d: -f2 >>{seen}"
    lan = w.home_conf(allowed="10.98.0.0/24").replace(w.home_client.private, w.vpn_client.private)
    t = Tunion(c, {"vpn.conf": w.vpn_conf(interface_lines=(hook,)), "home.conf": w.home_conf(),
                   "lan.conf": lan.replace("10.77.0.2/24", "10.98.0.2/32")})
    t.up()
    with open(seen) as f:
        equal(f.read(), " tunion0\n", "the only link that the PreUp hook sees")
    equal(names(c), ["home", "vpn"], "names, where another link is called lan")
    check(c.ping(INTERNET, "-I", "vpn") or c.reach(INTERNET) is None, "a program that binds to vpn")
    check(c.ping(LAN, "-I", "home"), "a program that binds to home")

    c.run("ip link property del dev tunion0 altname home")
    wait_for(lambda: names(c) == ["home", "vpn"], "a name that somebody has removed")
    check("they were put back" in t.log(), t.log())
    c.run("ip link del lan")
    wait_for(lambda: names(c) == ["home", "lan", "vpn"], "a name that is free now")
    c.run(f"rm {t.dir}/lan.conf")
    t.run("reload")
    equal(names(c), ["home", "vpn"], "names after a file has gone")
    c.run("ip link add lan type veth peer name lan-end")
    t.write("more.conf", w.home_conf(allowed="10.99.0.0/24").replace("10.77.0.2/24", "10.99.0.2/32"))
    t.run("reload")
    equal(names(c), ["home", "more", "vpn"], "names after a file has come")
    t.down()
    c.run("ip link del lan")
    same_text(c.snapshot(), before, "the client after down")


main(test)
