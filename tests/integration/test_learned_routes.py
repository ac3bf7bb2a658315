#!/usr/bin/env python3
"""What the kernel has learned before `up`, and sockets that were connected before, send nothing in the clear
afterwards: a path MTU, a redirect, a connected socket, of both families; also after other programs have taken our
routes away. The endpoint's own path MTU is not forgotten."""

import subprocess
import sys

from lab import Tunion, check, equal, main, need_ipv6, wait_for
from world import VPN_ENDPOINT6, World, only_to

SITE, SITE6 = "198.18.9.2", "2001:db8:9::2"
ROUTER, TARGET = "fe80::1", "fe80::bad"

# Sends to its connected sockets whenever it is told to, and says so.
CONNECTED = f"""
import socket, sys
sockets = [socket.socket(f, socket.SOCK_DGRAM) for f in (socket.AF_INET, socket.AF_INET6)]
for s, to in zip(sockets, ("{SITE}", "{SITE6}")):
    s.connect((to, 9))
while True:
    for s in sockets:
        try:
            s.send(b"x")
        except OSError as e:
            print(e, file=sys.stderr)
    print("sent", flush=True)
    sys.stdin.readline()
"""

SINK = """
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 9))
print("bound", flush=True)
while True:
    s.recv(1)
"""

# RFC 4861 4.5, without the packet that it is about: "for SITE6 take another router".
REDIRECT = f"""
import socket, struct, sys
interface = socket.if_nametoindex("client")
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
s.bind(("{ROUTER}", 0, 0, interface))
s.sendto(struct.pack("!BBHI", 137, 0, 0, 0) + b"".join(socket.inet_pton(socket.AF_INET6, a) for a in
         ("{TARGET}", "{SITE6}")), (sys.argv[1], 0, 0, interface))
"""


class Connected:
    def __init__(self, host):
        self.popen = subprocess.Popen([sys.executable, "-c", CONNECTED], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True, preexec_fn=host.enter)
        equal(self.popen.stdout.readline(), "sent\n", "connected")

    def send(self):
        self.popen.stdin.write("\n")
        self.popen.stdin.flush()
        equal(self.popen.stdout.readline(), "sent\n", "sent")

    def end(self):
        self.popen.kill()
        self.popen.wait()


class Net:
    """The world, and a site behind a link of MTU 1300; the client's router is a link-local address."""

    def __init__(self, lab):
        self.w = w = World(lab)
        self.site = lab.host("site")
        lab.link(w.net, "site", "198.18.9.1/24 2001:db8:9::1/64", self.site, "eth0", f"{SITE}/24 {SITE6}/64", mtu=1300)
        self.site.run("ip route add default via 198.18.9.1; ip -6 route add default via 2001:db8:9::1")
        self.site.start([sys.executable, "-c", SINK], name="sink").wait_output("bound")
        w.net.run(f"ip addr add {ROUTER}/64 dev client nodad; ip addr add {TARGET}/64 dev client nodad")
        w.client.run(f"ip -6 route replace default via {ROUTER} dev eth0")
        w.start_vpn()

    def redirect(self):
        client = self.w.client
        words = wait_for(lambda: client.run("ip -6 -o addr show dev eth0 scope link -tentative").split(),
                         "the client's link-local address")
        self.w.net.run([sys.executable, "-c", REDIRECT, words[3].split("/")[0]])

    def learned(self, address):
        return "cache" in self.w.client.run(f"ip route show cache {address}; ip -6 route show cache {address} |"
                                            "sed s/^/cache/")

    def learn_mtus(self):
        for address in (SITE, SITE6):
            wait_for(lambda address=address: self.w.client.ping(address, "-M", "do", "-s", "1400") or
                     self.learned(address), f"the path MTU to {address} is learned")

    def nothing_leaves(self, connected, what):
        """Of all that goes to the site."""
        client = self.w.client
        capture = client.capture("eth0")
        connected.send()
        connected.send()
        for address in (SITE, SITE6):
            wait_for(lambda address=address: client.ping(address), f"{address} answers through the tunnel")
        client.ping(SITE6, "-s", "1400")
        _, others = only_to(capture.lines(), "51820")
        equal(others, [], f"in the clear, {what}")


def test(lab):
    need_ipv6()
    n = Net(lab)
    client = n.w.client
    n.w.net.run("ip link set dev vpn mtu 1400")
    n.w.vpn.run("ip link set dev eth0 mtu 1400")
    wait_for(lambda: client.ping("2001:db8:2::2", "-M", "do", "-s", "1440") or n.learned("2001:db8:2::2"),
             "the path MTU to the endpoint is learned")
    n.learn_mtus()
    connected = Connected(client)
    t = Tunion(client, {"vpn.conf": n.w.vpn_conf(endpoint=VPN_ENDPOINT6)})
    t.up()
    n.nothing_leaves(connected, "after up, with path MTUs learned before")
    equal(t.status()["devices"][0]["mtu"], 1320, "the MTU by the endpoint's path, learned before up")
    check(n.learned("2001:db8:2::2"), "the endpoint's path MTU is kept")

    # somebody takes the route away, and the socket finds another one until it is back; nobody looks for routers
    # behind the tunnel
    inside = client.capture("tunion0", "icmp6")
    client.run("ip -6 route flush table 51820")
    connected.send()
    wait_for(lambda: "tunion0" in client.run(f"ip -6 route get {SITE6}"), "the route is back")
    n.nothing_leaves(connected, "after the route has come back")
    equal([line for line in inside.lines() if "router solicitation" in line], [], "router solicitations")

    # ... the rules
    client.run("ip -6 rule flush; ip -6 rule add lookup main pref 32766")
    connected.send()
    wait_for(lambda: "tunion0" in client.run(f"ip -6 route get {SITE6}"), "the rules are back")
    n.nothing_leaves(connected, "after the rules have come back")

    # a redirect while it is up; the private table with a last resort, which the kernel looks past
    client.try_run("ip -6 route add unreachable default metric 4294967295 table 51820")
    n.redirect()
    n.nothing_leaves(connected, "after a redirect")
    t.down()

    # a redirect before, and a default route that comes by reload
    t = Tunion(client, {"vpn.conf": n.w.vpn_conf(endpoint=VPN_ENDPOINT6, allowed="0.0.0.0/0")}, tun="tunion1")
    t.up("--no-watch")
    n.redirect()
    wait_for(lambda: n.learned(SITE6), "the redirect is taken")
    connected.send()
    t.write("vpn.conf", n.w.vpn_conf(endpoint=VPN_ENDPOINT6))
    t.run("reload")
    n.nothing_leaves(connected, "after a reload, with a redirect before")
    connected.end()
    t.down()


main(test)
