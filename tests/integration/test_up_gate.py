#!/usr/bin/env python3
"""A server at home, with a provider's file that has everything, another home's file, and a gate (`tunion up --gate
FILE`): a phone outside reaches the tunnels, and the server and its LAN as if it were connected to it."""

import os
import signal

from lab import Keys, Tunion, check, equal, here, main, same_text, six, wait_for
from world import INTERNET, INTERNET6, LAN, LAN6, World, peer

PHONE, PHONE6 = "10.9.9.2", "fd99::2"
DEN, DEN6 = "192.168.5.7", "fd55::7"  # of the server's own LAN
LATER = "192.168.6.7"
GATE = "198.51.100.2:51830"


def phone_conf(gate_keys, keys):
    return f"[Interface]\nPrivateKey = {keys.private}\n" + peer(gate_keys.public, "0.0.0.0/0, ::/0", f"Endpoint = {GATE}")


def configure_phone(phone, gate_keys, keys):
    phone.run(["wg", "setconf", "wg0", "/dev/stdin"], input=phone_conf(gate_keys, keys))


def start_phone(lab, w, gate_keys, keys):
    phone = lab.host("phone")
    lab.link(phone, "eth0", "192.0.3.2/24", w.net, "phone", "192.0.3.1/24")
    phone.run("ip route add 198.51.100.2 via 192.0.3.1")
    phone.wireguard_go("wg0", phone_conf(gate_keys, keys), [f"{PHONE}/32", f"{PHONE6}/128"])
    phone.run("ip route add default dev wg0" + six("; ip -6 route add default dev wg0"))
    return phone


def add_lan(lab, server, interface, name, addresses, of_server, *gateways):
    host = lab.host(name)
    lab.link(server, interface, of_server, host, "eth0", addresses)
    for family, gateway in zip(("-4", "-6"), host.usable(gateways)):
        host.run(f"ip {family} route add default via {gateway}")
    return host


def sources(capture):
    return sorted({line.split()[1] for line in capture.lines() if "echo request" in line})


def phone_reaches_all(w, phone, den):
    phone.reach(INTERNET)
    captures = [(host.capture(interface, "icmp or icmp6"), expected) for host, interface, expected in (
        (w.net, "vpn", here("10.66.0.2", "fd66::2")), (w.lan, "eth0", here("10.77.0.2", "fd77::2")), (den, "eth0", here(PHONE, PHONE6)))]
    for address in here(INTERNET, LAN, DEN, INTERNET6, LAN6, DEN6):
        phone.reach(address)
        wait_for(lambda a=address: phone.ping(a, "-s", "3000"), f"the phone pings {address} with large packets")
    for capture, expected in captures:
        equal(sources(capture), expected, "the sources of the phone's packets")
    # the server itself, by the addresses of its LAN, its gate and its tunnels
    for address in here("192.168.5.1", "10.9.9.1", "10.66.0.2", "fd55::1", "fd99::1", "fd66::2"):
        phone.reach(address)
    # and the other way round
    for address in here(PHONE, PHONE6):
        den.reach(address)
        w.client.reach(address)


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    server = w.client
    den = add_lan(lab, server, "eth1", "den", f"{DEN}/24 {DEN6}/64", "192.168.5.1/24 fd55::1/64", "192.168.5.1", "fd55::1")
    keys, phone_keys = Keys(), Keys()
    t = Tunion(server, {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf()})
    gate = os.path.join(server.run_dir, "clients.conf")

    def write_gate(*lines):
        text = "\n".join(["[Interface]", f"PrivateKey = {keys.private}", "ListenPort = 51830", "Address = 10.9.9.1/24, fd99::1/64", *lines, ""])
        with open(os.open(gate, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(text + peer(phone_keys.public, f"{PHONE}/32, {PHONE6}/128"))
    write_gate()
    t.up("--gate", gate)
    check("net.ipv4.ip_forward is 0: the clients of a gate reach" in t.log(), "nothing is said of forwarding:\n" + t.log())
    t.down()
    server.forward()
    before = server.snapshot()
    checked = t.run("check", "--gate", gate, t.dir)
    check("files: 3, prefixes: 6, warnings: 0" in checked, "what check says:\n" + checked)
    t.up("--gate", gate)
    check(" is 0: " not in t.log(), "forwarding isn't found:\n" + t.log())
    phone = start_phone(lab, w, keys, phone_keys)
    phone_reaches_all(w, phone, den)

    # a network that the server gets later
    add_lan(lab, server, "eth2", "later", f"{LATER}/24", "192.168.6.1/24", "192.168.6.1")
    phone.reach(LATER)
    server.run("ip link del eth2")
    wait_for(lambda: not phone.ping(LATER, "-W", "0.5"), f"{LATER} has gone")

    # without forwarding the tunnels still work, and so does the server itself
    server.run("echo 0 >/proc/sys/net/ipv4/ip_forward")
    check(not phone.ping(DEN, "-W", "0.5"), "the server forwards")
    phone.reach(INTERNET)
    phone.reach("192.168.5.1")
    server.run("echo 1 >/proc/sys/net/ipv4/ip_forward")

    # it stays a gate when its file changes, and when the worker is another one
    write_gate("MTU = 1400")
    wait_for(lambda: [d["mtu"] for d in t.status()["devices"] if d["name"] == "clients"] == [1400], "the gate's new MTU")
    phone.reach(DEN)
    os.kill(t.status()["engine_pid"], signal.SIGKILL)
    wait_for(lambda: t.status()["engine_restarts"] == 1, "another worker")
    phone.run(["wg", "set", "wg0", "peer", keys.public, "remove"])  # so that it handshakes at once
    configure_phone(phone, keys, phone_keys)
    phone.reach(DEN)
    phone.reach(INTERNET)
    t.down()
    same_text(server.snapshot(), before, "the server after down")


main(test)
