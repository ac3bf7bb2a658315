#!/usr/bin/env python3
"""A client whose administrator has disabled IPv6, with files that ask for it: `up` and `reload` say once that its
parts are left out, IPv4 works, also to a home whose endpoint is an IPv6 address behind vpn; when IPv6 is enabled,
that works too; `down` restores."""

from lab import Keys, Tunion, check, equal, main, same_text, with_ipv6
from world import HOME_ENDPOINT6, INTERNET, INTERNET6, LAN, LAN6, VPN_ENDPOINT6, World, peer

SAYS = "this host has no IPv6"


def of_ipv6(host):
    """What the host has of it."""
    return host.run("ip -6 addr; ip -6 route show table all; nft list tables ip6; ip -6 rule | grep -v '^0:\\|^32766:'; true")


def test(lab):
    w = World(lab, client_ipv6=False)
    w.start_vpn()
    w.start_home()
    c = w.client
    before = c.snapshot()
    t = Tunion(c, {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf()})
    done = t.try_run("up", t.dir)
    equal(done.returncode, 0, f"exit status of up: {done.stderr}")
    equal(done.stderr.count(f"warning: {SAYS}"), 1, f"how often up says so:\n{done.stderr}")
    c.reach(INTERNET)
    c.reach(LAN)
    equal(of_ipv6(c), "", "what the host has of IPv6")

    # a file with nothing else
    t.write("six.conf", f"[Interface]\nPrivateKey = {Keys().private}\nAddress = fd66::9/128\n"
            + peer(Keys().public, "fd99::/64", "Endpoint = [2001:db8:9::1]:51820"))
    done = t.try_run("reload")
    check(done.returncode == 0 and "1 added" in done.stdout, f"reload: {done}")
    c.reach(LAN)
    equal(of_ipv6(c), "", "what the host has of IPv6 after reload")
    t.down()
    same_text(c.snapshot(), before, "the client after down")

    if with_ipv6("a server that is reached by IPv6 through vpn, and IPv6 that comes later"):
        t.write("home.conf", w.home_conf(HOME_ENDPOINT6))
        t.up()
        c.reach(LAN)
        c.run("echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6; ip addr add 2001:db8:1::2/64 dev eth0 nodad")
        c.reach(LAN6)
        c.reach(INTERNET6)
        t.down()
        c.run("echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6")
    # of which the network takes nothing: no other file is harmed by it
    t.write("vpn.conf", w.vpn_conf(VPN_ENDPOINT6, allowed="198.18.0.0/15"))
    t.write("home.conf", w.home_conf())
    t.up()
    c.reach(LAN)
    check(t.log().count(SAYS) == 1, t.log())
    t.down()
    same_text(c.snapshot(), before, "the client after the last down")


main(test)
