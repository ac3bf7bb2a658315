#!/usr/bin/env python3
"""A gate: a phone has only one WireGuard peer, a host that runs tunion with a provider's and a home network's file.
The phone reaches what the provider and the home network have, with their addresses, both families, whatever the size."""

from lab import Keys, Tunion, check, equal, here, main, six, wait_for
from world import INTERNET, INTERNET6, LAN, LAN6, World, only_to, peer

PHONE, PHONE6 = "10.9.9.2", "fd99::2"
GATE_PORT = 51830


class Phone:
    """A host with wireguard-go, in another network than the client."""

    def __init__(self, lab, w):
        self.host = lab.host("phone")
        self.keys = Keys()
        lab.link(self.host, "eth0", "192.0.3.2/24", w.net, "phone", "192.0.3.1/24")
        self.host.run("ip route add default via 192.0.3.1")

    def start(self, gate_keys, mtu):
        self.host.wireguard_go("wg0", f"[Interface]\nPrivateKey = {self.keys.private}\n"
                               + peer(gate_keys.public, "0.0.0.0/0, ::/0", f"Endpoint = 198.51.100.2:{GATE_PORT}"),
                               [f"{PHONE}/32", f"{PHONE6}/128"], mtu)
        self.host.run(f"ip route add {INTERNET} dev wg0; ip route add 192.168.77.0/24 dev wg0; ip route add 10.9.9.1 dev wg0;"
                      + six(f"ip -6 route add {INTERNET6} dev wg0; ip -6 route add fd77:1::/64 dev wg0"))


def gate_conf(keys, phone):
    return (f"[Interface]\nPrivateKey = {keys.private}\nListenPort = {GATE_PORT}\nAddress = 10.9.9.1/32, fd99::1/128\n"
            "# tunion: Gate = on\n\n" + peer(phone.keys.public, f"{PHONE}/32, {PHONE6}/128"))


def sources(capture):
    """Who has pinged, of the captured lines."""
    return sorted({line.split()[1] for line in capture.lines() if "echo request" in line})


def ping_all(phone):
    for address in here(INTERNET, LAN, INTERNET6, LAN6):
        phone.host.reach(address)
        for size in ("1000", "1300", "3000"):  # the first one may be lost while the path MTU is learned
            wait_for(lambda a=address, s=size: phone.host.ping(a, "-s", s), f"the phone pings {address} with {size} bytes")


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    phone, keys = Phone(lab, w), Keys()
    t = Tunion(w.client, {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf(), "gate.conf": gate_conf(keys, phone)})
    t.up()
    phone.start(keys, 1420)
    lan, net, uplink = w.lan.capture("eth0", "icmp or icmp6"), w.net.capture("vpn", "icmp or icmp6"), w.client.capture("eth0")
    ping_all(phone)
    equal(sources(lan), here("10.77.0.2", "fd77::2"), "the sources that the home network sees")
    equal(sources(net), here("10.66.0.2", "fd66::2"), "the sources that the internet sees")
    mine, others = only_to(uplink.lines(), "203.0.113.2.51820")
    check(mine, "datagrams to the provider")
    equal([line for line in others if "192.0.3.2." not in line], [], "what else left the client")

    check("cache" in phone.host.run(f"ip route get {LAN}"), "the phone has learned the path MTU of the home network")
    server = w.lan.iperf3_server()
    received, _ = phone.host.iperf3(LAN, 20)
    check(received > 15e6, f"only {received} bytes have arrived")
    equal(server.wait(), 0, "iperf3 -s")

    # the host and its client
    w.client.reach(PHONE)
    # a client that has gone is no problem, and neither is a gate that goes and comes
    t.write("gate.conf", gate_conf(Keys(), phone))
    t.run("reload")
    check(not phone.host.ping(LAN), "the gate has another key")
    t.write("gate.conf", gate_conf(keys, phone))
    t.run("reload")
    wait_for(lambda: phone.host.ping(LAN), "the phone is back", 30)
    t.down()


main(test)
