#!/usr/bin/env python3
"""The source address of what leaves through a file with several Addresses: as chosen by the kernel for
wg-quick's device, which has only these, and as tunion's routes say it."""

import os
import re

from lab import Keys, Tunion, check, equal, main, need, six, with_ipv6

NAME = "tun7"
OWN, PEER = Keys(), Keys()

ULA, GLOBAL = "fd42::2/64", "2001:db8:900::2/64"
INTERNET6 = ["2606:4700::1", "2a00::1", "2001:db8:900:5::1"]
ULAS = ["fd00::9", "fc12::1", "fd42:0:0:1::9"]

# (Addresses, AllowedIPs, destinations)
TABLE = [
    (f"{ULA}, {GLOBAL}", "::/0", INTERNET6 + ULAS),
    (f"{GLOBAL}, {ULA}", "::/0", INTERNET6 + ULAS),
    (f"{ULA}, {GLOBAL}", "8000::/1, 2000::/3", INTERNET6 + ULAS),
    (f"fe80::8:2/64, {GLOBAL}", "::/0", INTERNET6 + ULAS),
    (f"fe80::8:2/64, {ULA}, 10.1.0.2/32", "0.0.0.0/0, ::/0", INTERNET6 + ULAS + ["198.18.0.80"]),
    (f"fe80::8:2/64, {ULA}", "fd00::/8, fc12::/16, 2606::/16", ["2606::1"] + ULAS),
    ("2001:db8:900::2/64, 2001:db8:a00::2/64", "2001:db8:910::/48, 2001:db8:a10::/48, 2606::/16",
     ["2001:db8:910::1", "2001:db8:a10::1", "2606::1"]),
    ("fd42:1::2/64, fd42:2::2/64", "::/0, fd42:1::/32", ["fd42:1:5::1", "fd99::1", "2606::1"]),
    (f"2002:c633::2/64, {GLOBAL}, {ULA}", "::/0, 2002::/16", ["2002:1::1"] + INTERNET6 + ULAS),
    ("10.1.0.2/32, 192.168.5.2/32", "0.0.0.0/0, 192.168.0.0/16", ["198.18.0.80", "192.168.5.9", "10.1.0.9"]),
    ("10.1.0.2/24, 192.168.5.2/24", "0.0.0.0/0", ["198.18.0.80", "192.168.5.9", "10.1.0.9"]),
    ("127.0.0.5/32, 10.1.0.2/32", "0.0.0.0/0, 10.9.0.0/16", ["198.18.0.80", "10.9.0.1"]),
]


def sources(h, destinations):
    found = {}
    for to in destinations:
        text = h.run(["ip", "route", "get", to])
        check(f"dev {NAME} " in text, f"{to} does not leave by {NAME}:\n{text}")
        found[to] = re.search(r" src (\S+)", text)[1]
    return found


def test(lab):
    need("wg-quick", "wireguard-go", "nft", "bash")
    h, net = lab.host("h"), lab.host("n")
    lab.link(h, "eth0", "192.0.2.2/24 2001:db8:1::2/64", net, "eth0", "192.0.2.1/24 2001:db8:1::1/64")
    h.run("ip route add default via 192.0.2.1" + six("; ip -6 route add default via 2001:db8:1::1"))
    path = os.path.join(h.run_dir, f"{NAME}.conf")
    environment = dict(h.environment(), WG_QUICK_USERSPACE_IMPLEMENTATION="wireguard-go")
    t = Tunion(h, tun=NAME)
    for addresses, allowed, destinations in TABLE:
        if ":" in addresses and not with_ipv6(f"{addresses} | {allowed}"):
            continue
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(f"[Interface]\nPrivateKey = {OWN.private}\nAddress = {addresses}\n[Peer]\nPublicKey = {PEER.public}\n"
                    f"AllowedIPs = {allowed}\nEndpoint = 192.0.2.1:51820\n")
        done = h.try_run(["wg-quick", "up", path], env=environment)
        check(done.returncode == 0, f"wg-quick up with {addresses}:\n{done.stderr}")
        theirs = sources(h, destinations)
        h.run(["wg-quick", "down", path])
        done = t.try_run("up", path)
        check(done.returncode == 0, f"up with {addresses}:\n{done.stderr}")
        ours = sources(h, destinations)
        t.down()
        equal(ours, theirs, f"sources of Address = {addresses}, AllowedIPs = {allowed}")
        print(f"same: {addresses} | {allowed}")


main(test)
