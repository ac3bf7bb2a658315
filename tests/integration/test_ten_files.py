#!/usr/bin/env python3
"""Ten files at once: two full tunnels, three with DNS, two whose endpoint is a name that the host's resolver knows,
one whose endpoint only another tunnel's DNS knows. With no session yet, the host resolves each name at the right
file's server, by UDP and TCP, past a server that is dead, and reaches each place through the right tunnel; down
restores all.

    client --- net --- 203.0.113.11 vpn1    0.0.0.0/0, DNS
                   +-- 203.0.113.12 vpn2    0.0.0.0/0, stands by; vpn2.example
                   +-- 203.0.113.13 home    192.168.77.0/24, DNS (the first server is dead) home.lan
                   +-- 203.0.113.14 office  172.20.0.0/16, DNS corp.example; office.example --- lab 172.20.0.5
                   +-- 203.0.113.16 ... .20 more, one of them Via = network
lab's endpoint is lab.corp.example, which office's DNS knows: lab > office > vpn1 > network."""

import json
import time

from lab import Keys, Tunion, check, equal, main, need, same_text, wait_for
from nameserver import NameServer

INTERNET = "198.18.0.80"
NAMES = ["vpn1", "vpn2", "home", "office", "lab", "m6", "m7", "m8", "m9", "m10"]
PORT = 7777
SERVER = """
import socket, sys
s = socket.create_server(("0.0.0.0", %d))
print("ready", flush=True)
while True:
    c, peer = s.accept()
    c.sendall((sys.argv[1] + " " + peer[0]).encode())
    c.close()
""" % PORT
CLIENT = """
import json, socket, sys
out = {}
for a in sys.argv[1:]:
    try:
        with socket.create_connection((a, %d), timeout=3) as s:
            out[a] = s.recv(100).decode()
    except OSError as e:
        out[a] = str(e)
print(json.dumps(out))
""" % PORT


def inner(name):
    return f"10.{101 + NAMES.index(name)}.0"


class Ten:
    def __init__(self, lab):
        self.lab = lab
        self.net = net = lab.host("net")
        self.client = lab.host("client")
        lab.link(self.client, "eth0", "198.51.100.2/24", net, "client", "198.51.100.1/24")
        self.client.run("ip route add default via 198.51.100.1")
        net.run(f"ip addr add {INTERNET}/32 dev lo; ip addr add 198.18.0.53/32 dev lo; ip link add br0 type bridge;"
                "ip addr add 203.0.113.1/24 dev br0; ip link set br0 up")
        net.forward()
        self.hosts, self.keys = {"net": net}, {}
        for number, name in enumerate(NAMES, 11):
            self.hosts[name] = h = lab.host(name)
            self.keys[name] = (Keys(), Keys())  # the server's, the client's
            if name == "lab":
                lab.link(h, "eth0", "172.20.0.5/24", self.hosts["office"], "eth1", "172.20.0.1/24")
                h.run("ip route add default via 172.20.0.1")
            else:
                lab.link(h, "eth0", f"203.0.113.{number}/24", net, f"to-{name}", "")
                net.run(f"ip link set to-{name} master br0; ip route add {inner(name)}.0/24 via 203.0.113.{number}")
                h.run("ip route add default via 203.0.113.1")
            h.forward()
        self.hosts["home"].run("ip addr add 192.168.77.10/32 dev lo")
        self.start_servers()

    def start_servers(self):
        for name in NAMES:
            server, client = self.keys[name]
            self.hosts[name].wireguard_go("wg0", f"[Interface]\nPrivateKey = {server.private}\nListenPort = 51820\n"
                                          f"[Peer]\nPublicKey = {client.public}\nAllowedIPs = {inner(name)}.2/32\n",
                                          [f"{inner(name)}.1/24"])
        for name, host in self.hosts.items():
            host.start(["python3", "-c", SERVER, name], name="who").wait_output("ready")
        wrong = {"www.home.lan": ["198.51.100.66"], "www.corp.example": ["198.51.100.66"],
                 "big.corp.example": ["198.51.100.66"], "www.public.example": ["198.51.100.66"]}
        outer = {"vpn2.example": ["203.0.113.12"], "office.example": ["203.0.113.14"]}
        self.dns = {
            "outer": NameServer(self.net, "198.18.0.53", wrong | outer),
            "vpn1": NameServer(self.hosts["vpn1"], f"{inner('vpn1')}.1",
                               wrong | outer | {"www.public.example": [INTERNET], "big.public.example": [INTERNET]}),
            "home": NameServer(self.hosts["home"], f"{inner('home')}.1", wrong | {"www.home.lan": ["192.168.77.10"]}),
            "office": NameServer(self.hosts["office"], f"{inner('office')}.1", wrong | {
                "www.corp.example": ["172.20.0.5"], "big.corp.example": ["172.20.0.5"],
                "lab.corp.example": ["172.20.0.5"]}),
        }

    def files(self):
        more = {
            "vpn1": ("0.0.0.0/0", "203.0.113.11", [f"DNS = {inner('vpn1')}.1", "# tunion: Metric = 0"]),
            "vpn2": ("0.0.0.0/0", "vpn2.example", ["# tunion: Metric = 10"]),
            "home": ("192.168.77.0/24", "203.0.113.13", [f"DNS = {inner('home')}.250, {inner('home')}.1, home.lan"]),
            "office": ("172.20.0.0/16", "office.example", [f"DNS = {inner('office')}.1, corp.example"]),
            "lab": ("10.220.0.0/16", "lab.corp.example", []),
            "m9": ("10.219.0.0/16", "203.0.113.19", ["# tunion: Via = network"]),
        }
        texts = {}
        for number, name in enumerate(NAMES, 11):
            allowed, endpoint, lines = more.get(name, (f"10.2{number}.0.0/16", f"203.0.113.{number}", []))
            server, client = self.keys[name]
            texts[f"{name}.conf"] = "\n".join([
                "[Interface]", f"PrivateKey = {client.private}", f"Address = {inner(name)}.2/32", *lines, "[Peer]",
                f"PublicKey = {server.public}", f"AllowedIPs = {inner(name)}.0/24, {allowed}",
                f"Endpoint = {endpoint}:51820", ""])
        return texts

    def resolve(self, name):
        done = self.client.try_run(["getent", "ahostsv4", name], env=dict(self.client.environment(),
                                                                       RES_OPTIONS="timeout:2 attempts:5"))
        return done.stdout.split()[0] if done.returncode == 0 and done.stdout else None

    def who(self, *addresses):
        return json.loads(self.client.run(["python3", "-c", CLIENT, *addresses]))


def all_reached(ten):
    """Which host answers at each place, and as whom it sees the client."""
    expected = {INTERNET: f"net {inner('vpn1')}.2", "192.168.77.10": f"home {inner('home')}.2",
                "172.20.0.5": f"lab {inner('office')}.2"}
    expected.update({f"{inner(name)}.1": f"{name} {inner(name)}.2" for name in NAMES})
    missing = dict(expected)

    def reached():
        for address, said in ten.who(*missing).items():
            if said == expected[address]:
                del missing[address]
        return not missing
    wait_for(reached, f"an answer by the right tunnel from {missing}", 40)


def all_resolved(ten):
    for name, address in (("www.public.example", INTERNET), ("www.home.lan", "192.168.77.10"),
                          ("www.corp.example", "172.20.0.5"), ("big.corp.example", "172.20.0.5"),
                          ("big.public.example", INTERNET)):
        equal(ten.resolve(name), address, name)
    equal(ten.resolve("nobody.corp.example"), None, "a name that does not exist")
    equal(ten.dns["outer"].count("www.public.example"), 0, "questions outside of the tunnels")


def test(lab):
    need("wireguard-go", "getent", "nft")
    ten = Ten(lab)
    ten.client.use_name_servers("198.18.0.53")
    equal(ten.resolve("vpn2.example"), "203.0.113.12", "the host's resolver before")
    before = ten.client.snapshot()
    t = Tunion(ten.client, ten.files())
    started = time.monotonic()
    t.up()
    took = time.monotonic() - started
    check(took < 5, f"up took {took:.1f} s")
    equal(ten.resolve("www.corp.example"), "172.20.0.5", "at once, with no session yet")
    all_reached(ten)
    reached = time.monotonic() - started
    all_resolved(ten)
    print(f"up took {took:.2f} s; all ten reached {reached:.1f} s after the start")
    endpoints = {name: ten.client.wg("show", name, "endpoints").split("\t")[1].strip() for name in NAMES}
    equal(endpoints["lab"], "172.20.0.5:51820", "lab's endpoint, from office's DNS")
    equal(endpoints["office"], "203.0.113.14:51820", "office's endpoint, from the host's DNS")
    check("192.0.0.53" in ten.client.run("cat /etc/resolv.conf"), "the virtual resolver")
    trace = t.run("status")
    t.down()
    same_text(ten.client.snapshot(), before, f"the client after down; status was\n{trace}")
    equal(ten.resolve("vpn2.example"), "203.0.113.12", "the host's resolver after")

    # started again: sessions are gone here, not at the servers
    t.up()
    all_reached(ten)
    all_resolved(ten)
    t.down()
    same_text(ten.client.snapshot(), before, "the client after the second down")


main(test)
