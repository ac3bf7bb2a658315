#!/usr/bin/env python3
"""Random tunnel files, good and bad, given to the real `wg setconf` on a wireguard-go device and to
`tunion check`: both accept a file or both refuse it, and the peers, their endpoints and whose each prefix is
come out the same. What tunion refuses on purpose (tunion.conf(5), ACCIDENTS) is not in the files."""

import json
import os
import random
import time

from lab import Tunion, check, equal, main, pubkey

FILES = 250
OWN = "yBlRp2UwGSCO6c9Sd3LSfhcLIUg2M1JwErmy/TF3MVU="
PEERS = ["EXAMPLE/peer/key/BBBBBBBBBBBBBBBBBBBBBBBBBA=", "EXAMPLE/peer/key/CCCCCCCCCCCCCCCCCCCCCCCCCA=",
         "EXAMPLE/peer/key/DDDDDDDDDDDDDDDDDDDDDDDDDA="]
BAD_KEYS = ["x", OWN[:-1], OWN + "=", OWN[:-2] + "B=", OWN.replace("/", "_"), f'"{OWN}"', ""]
V4 = ["10.0.0.0", "10.1.2.3", "192.0.2.1", "0.0.0.0"]
V6 = ["::", "fd00::1", "2001:db8::1", "2001:DB8:0::1", "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8"]
BAD_ADDRESSES = ["10.1", "010.0.0.1", "1.2.3.256", "1.2.3", "1.2.3.4.5", "fd00:::1", "1:2:3:4:5:6:7", "any", ""]
LENGTHS = {4: ["", "/0", "/8", "/9", "/32", "/008"], 6: ["", "/0", "/32", "/128"]}
BAD_LENGTHS = ["/33", "/129", "/", "/-1", "/+8", "/0x8", "/8/8", "/255.0.0.0"]
NUMBERS = {"ListenPort": (["0", "1", "51820", "+5", "00053"], ["-1", "0x10", "x y", ""]),
           "FwMark": (["0", "off", "OFF", "010", "0xca6c", "4294967295"],
                      ["-1", "+1", "0X1", "0x", "4294967296", "on"]),
           "PersistentKeepalive": (["0", "off", "25", "0025", "65535"], ["65536", "+1", "0x1", "5s", "on"])}


class Writer:
    """Writes files; `badness` is how often a value is wrong."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.badness = 0

    def one(self, good, bad=()):
        return self.random.choice(bad if bad and self.random.random() < self.badness else good)

    def blanks(self, text):
        """wg does not see blanks, wherever they are."""
        if self.random.random() < 0.85:
            return text
        at = self.random.randrange(len(text) + 1)
        return text[:at] + self.one([" ", "\t", "\v", "\f", "\r"]) + text[at:]

    def case(self, text):
        return self.one([str, str, str.lower, str.upper])(text)

    def prefix(self):
        if self.random.random() < self.badness:
            return self.one([self.one(V4 + V6) + self.one(BAD_LENGTHS), self.one(BAD_ADDRESSES) + "/8"])
        return self.one([self.one(V4) + self.one(LENGTHS[4]), self.one(V6) + self.one(LENGTHS[6])])

    def endpoint(self):
        host = self.one(V4[:3] + ["10.1", "0x0a000001", "[192.0.2.7]"] + V6[1:] + [f"[{a}]" for a in V6[1:]],
                        ["", "1.2.3.256", "[::1", "[::1]x", "udp://192.0.2.1"])
        return host + self.one([":1", ":51820", ":+5", ":00053"], ["", ":", ":-1", ":0x10", ":x"])

    def value(self, key):
        if key in NUMBERS:
            return self.one(*NUMBERS[key])
        if key == "AllowedIPs":
            return self.one([",", ", "], [",,", " "]).join(self.prefix() for _ in range(self.one([1, 1, 2, 4])))
        if key == "Endpoint":
            return self.endpoint()
        if key == "PublicKey":
            return self.one(self.one([PEERS, PEERS, PEERS, [pubkey(OWN)]]), BAD_KEYS)
        return self.one([OWN], BAD_KEYS)

    def line(self, keys):
        key = self.one(keys, ["Foo", "PrivateKey", "AllowedIPs", "MTU", "Endpoints"])
        text = self.blanks(self.case(key)) + self.one(["=", " = "], ["", ":"]) + self.blanks(self.value(key))
        return self.one(["", " ", "\t"]) + text + self.one(["", "", " ", "\r", " # x", "#", "; y"][:6], ["; y"])

    def header(self, name):
        return self.one(["", " "]) + self.blanks(self.case(f"[{name}]")) + self.one(["", "# x", "\r"], ["x"])

    def file(self):
        self.badness = self.one([0, 0, 0.03, 0.1])
        lines = [f"[Interface]\nPrivateKey = {OWN}"]
        for _ in range(self.random.randrange(5)):
            if self.random.random() < 0.2:
                lines.append(self.header("Interface"))
                keys = ["ListenPort", "FwMark", "PrivateKey"]
            else:
                lines.append(self.header("Peer"))
                keys = ["AllowedIPs", "AllowedIPs", "Endpoint", "PersistentKeepalive", "PresharedKey"]
                lines.append(self.line(["PublicKey"]))
            lines += [self.line(keys) for _ in range(self.random.randrange(4))]
            lines.append(self.one(["", "# x", "  "]))
        return "\n".join(lines) + self.one(["\n", ""])


def as_wg(host, path):
    """None if wg refuses the file, else (peers with endpoints, prefixes with peers)."""
    # what is no address is a name to wg, and there is no resolver here
    done = host.try_run(["env", "WG_ENDPOINT_RESOLUTION_RETRIES=0", "wg", "setconf", "wg0", path])
    if done.returncode != 0:
        check("Unable to modify" not in done.stderr, done.stderr)
        return None
    peers, prefixes = {}, {}
    for line in host.wg("show", "wg0", "dump").splitlines()[1:]:
        key, _, endpoint, allowed, *_ = line.split("\t")
        peers[key] = endpoint
        prefixes.update((p, key) for p in allowed.split(",") if p != "(none)")
    return peers, prefixes


def as_tunion(tunion, path):
    done = tunion.try_run("check", "--json", "--no-resolve", path)
    plan = json.loads(done.stdout)
    equal(done.returncode, 0 if plan["ok"] else 1, "exit status of check")
    if not plan["ok"]:
        return None
    peers = {p["public_key"]: p["address"] or "(none)" for p in plan["devices"][0]["peers"]}
    return peers, {u["prefix"]: u["entries"][0]["peer"] for u in plan["union"]}


def test(lab):
    seed = int(os.environ.get("TUNION_SEED", time.time_ns() % 2**32))
    print(f"TUNION_SEED={seed}")
    writer = Writer(seed)
    host = lab.host("client")
    host.wireguard_go("wg0", "")
    tunion = Tunion(host)
    path = os.path.join(tunion.dir, "random.conf")
    accepted = 0
    for _ in range(FILES):
        text = writer.file()
        tunion.write("random.conf", text)
        expected = as_wg(host, path)
        equal(as_tunion(tunion, path), expected, text)
        accepted += expected is not None
    check(FILES / 4 < accepted < FILES, f"{accepted} of {FILES} files are good: not a fair mixture")


main(test)
