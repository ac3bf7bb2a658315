#!/usr/bin/env python3
"""No tunnel speaks for another one (R12): the provider sends in the name of the home network, and somebody at home writes
to the address of the full tunnel. Nothing of that reaches the client's programs, `status` says why, and a file may lift it."""

import sys

from lab import Tunion, check, equal, main, wait_for
from world import LAN, World

PORT = 9000
LISTEN = f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", {PORT}))
print("ready", flush=True)
while True:
    print(s.recvfrom(100)[0].decode(), flush=True)
"""
SEND = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 0))
s.sendto(sys.argv[3].encode(), (sys.argv[2], int(sys.argv[4])))
"""


def send(host, source, destination, text):
    host.run([sys.executable, "-c", SEND, source, destination, text, str(PORT)])


def drops(t, device, reason):
    return next(d for d in t.status()["devices"] if d["name"] == device)["drops"].get(reason, 0)


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home(allowed="10.77.0.2/32, 10.66.0.2/32")
    w.vpn.run(f"ip addr add {LAN}/32 dev lo; ip addr add 10.77.0.2/32 dev lo")
    w.home.run("ip route add 10.66.0.2/32 dev wg0")
    t = Tunion(w.client, {"vpn.conf": w.vpn_conf(allowed="0.0.0.0/0"), "home.conf": w.home_conf(allowed="10.77.0.0/24, 192.168.77.0/24")})
    t.up()
    w.client.reach("10.66.0.1")
    w.client.reach("10.77.0.1")
    heard = w.client.start([sys.executable, "-c", LISTEN], name="listener")
    heard.wait_output("ready")

    send(w.vpn, LAN, "10.66.0.2", "provider as the LAN")
    send(w.vpn, "10.77.0.2", "10.66.0.2", "provider as ourselves")
    send(w.vpn, "10.66.0.1", "10.66.0.2", "provider")
    send(w.home, "192.168.77.1", "10.66.0.2", "home to the full tunnel's address")
    send(w.home, "192.168.77.1", "10.77.0.2", "home")
    heard.wait_output("provider\n")
    heard.wait_output("home\n")
    equal(sorted(heard.output().split("\n")), ["", "home", "provider", "ready"], "what was heard")
    equal(drops(t, "vpn", "forged-source"), 2, "packets in another's name")
    equal(drops(t, "home", "guarded-address"), 1, "packets for the full tunnel's address")
    text = t.run("status")
    check("forged-source" in text and "SourceCheck" in text, text)

    t.write("vpn.conf", w.vpn_conf(allowed="0.0.0.0/0", interface_lines=("# tunion: SourceCheck = off",)))
    t.run("reload")

    def lifted():
        send(w.vpn, LAN, "10.66.0.2", "lifted")
        return "lifted" in heard.output()
    wait_for(lifted, "SourceCheck = off has an effect")
    equal(drops(t, "vpn", "forged-source"), 2, "packets in another's name, afterwards")
    t.down()


main(test)
