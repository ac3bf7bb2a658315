#!/usr/bin/env python3
"""Several files, brought up by as many wg-quick over wireguard-go, and then by one tunion, on the same host.

For each probe (destination, source, interface, mark, port) both must give the same: by which tunnel or link it leaves,
and the source that the far end sees. Where they don't, it is in PERMITTED."""

import json
import os
import re
import signal
import subprocess
import sys

from farend import NOTHING, Probe, serve_on, start_asking
from lab import IPV6, TUNION, UP_OPTIONS, Failed, Keys, check, main, need, share_out, six, wait_for, with_ipv6

QUIET_S = 0.5

# The far end is one host that has all servers; a tunnel has its server's name there, and a link the client's name for it.
SERVERS = {name: (f"203.0.113.{n}", f"2001:db8:113::{n}", 51820 + n) for n, name in enumerate("abch", 1)}
SERVER_KEYS = {name: Keys() for name in SERVERS}
CLIENT_KEYS = {name: Keys() for name in SERVERS}
LINKS = {"eth0": ("198.51.100.", "2001:db8:1::", 24), "eth1": ("198.51.101.", "2001:db8:2::", 24),
         "lan": ("192.168.50.", "fd50::", 24)}
HOST = """
    route add default via 198.51.100.1
    route add default via 198.51.101.1 metric 500
"""
HOST6 = "route add default via 2001:db8:1::1"
ALL = "0.0.0.0/0" + six(",::/0")
NET, NET6 = "198.18.0.80", "2001:db8:80::80"


def number(server):
    return 1 + "abch".index(server)


def conf(server, allowed, address=None, *lines, endpoint=None, v6=False):
    """A file for the server, called like that."""
    n = number(server)
    address = address or f"10.6{n}.0.2/24" + (f", fd6{n}::2/64" if v6 else "")
    at = endpoint or f"{SERVERS[server][0]}:{SERVERS[server][2]}"
    return server, "\n".join(["[Interface]", f"PrivateKey = {CLIENT_KEYS[server].private}", f"Address = {address}",
                              *lines, "[Peer]", f"PublicKey = {SERVER_KEYS[server].public}", f"AllowedIPs = {allowed}",
                              *([f"Endpoint = {at}"] if at != "none" else []), ""])


def combination(*files_and_probes, setup="", after="", calls=None, order=None, but=""):
    """setup, after: shell text, before and after up; calls: where h's server calls; but: names in PERMITTED."""
    files = {f[0]: f[1] for f in files_and_probes if isinstance(f, tuple)}
    return {"files": files, "probes": [p for p in files_and_probes if isinstance(p, str)], "setup": setup, "after": after,
            "calls": calls, "order": order or sorted(files), "but": but.split()}


A, B, C, A6, B6 = "10.71.0.5", "10.72.0.5", "10.73.0.5", "fd71::5", "fd72::5"
LAN, LAN6 = "192.168.50.10", "fd50::10"
SECOND = "198.51.101.2"
TABLE2 = "ip route add default via 198.51.101.1 table 102; "
UPLINKS = ("ip route add default via 198.51.100.1 table 101; ip rule add fwmark 1 table 101; "
           + TABLE2 + "ip rule add fwmark 2 table 102")
BY_SOURCE = TABLE2 + f"ip rule add from {SECOND} table 102"
BY_PORT = TABLE2 + "ip rule add ipproto udp dport 22 table 102"
MESH = "ip route add 100.64.0.0/10 dev lan table 52; ip rule add pref 5270 table 52"
LAN_METRIC = "ip route del 192.168.50.0/24; ip route add 192.168.50.0/24 dev lan src 192.168.50.2 metric 100"


def network(server, *lines, **more):
    """A file for one network."""
    n = number(server)
    return conf(server, f"10.7{n}.0.0/16" + (f", fd7{n}::/32" if more.get("v6") else ""), None, *lines, **more)


def provider(server, *lines, **more):
    return conf(server, "0.0.0.0/0" + (", ::/0" if more.get("v6") else ""), None, *lines, **more)


def hub(*lines, allowed="10.64.0.9/32", address="10.64.0.1/24"):
    """A file whose peer calls us."""
    return conf("h", allowed, address, "ListenPort = 51999", *lines, endpoint="none")


TABLE = ("Table = 1234", "PostUp = ip rule add ipproto udp dport 22 table 1234")
CALL = "198.51.100.2:51999"
COMBINATIONS = {
    # networks apart, and within one another
    "two-networks": combination(network("a"), network("b"), A, B, NET),
    "three-networks": combination(network("a"), network("b"), network("c"), A, B, C, NET),
    "two-networks-v6": combination(network("a", v6=True), network("b", v6=True), A, A6, B6, NET6),
    "v6-endpoint": combination(network("a", endpoint="[2001:db8:113::1]:51821"), network("b", v6=True), A, B6, NET),
    "network-in-network": combination(conf("a", "10.0.0.0/9"), network("b"), A, B, C, NET),
    "three-lengths": combination(conf("a", "10.0.0.0/9"), network("b"), conf("c", "10.72.0.0/24"), A, B, "10.72.1.5"),
    "host-in-network": combination(network("a"), conf("b", "10.71.0.5/32"), A, "10.71.0.6"),
    "v6-in-v6": combination(conf("a", "fd00::/9", v6=True), network("b", v6=True), A6, B6, B),
    "own-networks": combination(conf("a", "10.61.0.0/24"), conf("b", "10.62.0.0/24"), "10.61.0.1", "10.62.0.1"),
    "wide-address": combination(conf("a", "10.61.5.0/24", "10.61.0.2/16"), network("b"), "10.61.5.1", "10.61.9.9", B),
    "many-addresses": combination(conf("a", "10.71.0.0/16, 10.61.1.0/24", "10.61.0.2/24, 10.61.1.2/24"), network("b"),
                                  A, "10.61.1.9", B),
    # a provider beside networks
    "provider-and-network": combination(provider("a"), network("b"), A, B, NET, LAN),
    "network-and-provider": combination(network("a"), provider("b"), A, B, NET, LAN),
    "provider-last": combination(provider("a"), network("b"), A, B, NET, order=["b", "a"]),
    "provider-both-families": combination(provider("a", v6=True), network("b", v6=True), NET, NET6, B, B6, LAN6),
    "provider-v4-only": combination(provider("a"), network("b", v6=True), NET, NET6, B6),
    "provider-v6-only": combination(conf("a", "::/0", v6=True), network("b"), NET, NET6, B),
    "provider-each-family": combination(provider("a"), conf("b", "::/0", v6=True), NET, NET6),
    "provider-and-two": combination(provider("a"), network("b"), network("c"), NET, B, C),
    "network-v6-endpoint": combination(provider("a", v6=True), network("b", endpoint="[2001:db8:113::2]:51822"), NET,
                                       B, NET6),
    "halves": combination(conf("a", "0.0.0.0/1, 128.0.0.0/1"), network("b"), NET, B, but="loop halves"),
    "halves-by-hand": combination(conf("a", "0.0.0.0/1, 128.0.0.0/1", None,
                                       "PostUp = ip route add 203.0.113.1 via 198.51.100.1"), network("b"), NET, B,
                                  but="halves"),
    "endpoint-in-own": combination(conf("a", "203.0.113.0/24, 10.71.0.0/16"), network("b"), A, B, "203.0.113.77",
                                   but="loop"),
    "endpoint-in-other": combination(conf("a", "203.0.113.2/32, 10.71.0.0/16"), network("b"), A, B),
    "three-levels": combination(conf("a", "203.0.113.2/32"), conf("b", "203.0.113.3/32"), network("c"), C),
    "provider-and-chain": combination(provider("a"), conf("b", "203.0.113.3/32, 10.72.0.0/16"), network("c"), NET, B,
                                      C),
    "dead-server": combination(provider("a"), network("b", endpoint="203.0.113.99:1"), NET, B),
    "dead-provider": combination(provider("a", endpoint="203.0.113.99:1"), network("b", "FwMark = 51820"), NET, B),
    # equal prefixes
    "two-providers": combination(provider("a"), provider("b"), A, NET, LAN, but="loop"),
    "two-providers-other-order": combination(provider("a"), provider("b"), NET, order=["b", "a"], but="loop"),
    "two-providers-v6": combination(provider("a", v6=True), provider("b", v6=True), NET, NET6, but="loop"),
    "two-providers-one-mark": combination(provider("a", "FwMark = 51820"), provider("b", "FwMark = 51820"), NET,
                                          but="refused"),
    "two-providers-metric": combination(provider("a", "# tunion: Metric = 2"), provider("b", "# tunion: Metric = 1"),
                                        NET, but="loop"),
    "two-providers-via": combination(provider("a", "# tunion: Via = b"), provider("b"), NET, but="loop"),
    "router-export": combination(conf("a", "192.168.178.0/24, 0.0.0.0/0"), provider("b"), NET, "192.168.178.9",
                                 but="loop"),
    "one-network-twice": combination(conf("a", "10.71.0.0/16, 10.73.0.0/16"), conf("b", "10.71.0.0/16, 10.72.0.0/16"),
                                     A, B, C, but="refused"),
    "one-network-twice-v6": combination(network("a", v6=True), conf("b", "fd71::/32, fd72::/32", v6=True), A6, B6,
                                        but="refused"),
    "one-address-network": combination(conf("a", "10.61.0.0/24", "10.61.0.2/24"),
                                       conf("b", "10.61.0.0/24, 10.72.0.0/16", "10.61.0.3/24"), "10.61.0.1", B,
                                       but="owner"),
    "one-address": combination(network("a"), conf("b", "10.72.0.0/16", "10.61.0.2/32"), A, B),
    "one-name-server": combination(conf("a", "10.64.0.1/32, 10.71.0.0/16"), conf("b", "10.64.0.1/32, 10.72.0.0/16"),
                                   A, B, "10.64.0.1", but="refused"),
    # marks, sources, rules and tables of the host
    "uplinks-by-mark": combination(network("a", "FwMark = 1"), network("b", "FwMark = 2"), A, B, NET, NET + " mark 1",
                                   NET + " mark 2", setup=UPLINKS),
    "uplinks-and-provider": combination(provider("a"), network("b", "FwMark = 2"), B, NET, NET + " mark 2",
                                        after=UPLINKS),
    "uplinks-before": combination(provider("a"), network("b", "FwMark = 2"), B, NET, NET + " mark 2", setup=UPLINKS,
                                  but="first"),
    "network-past-provider": combination(provider("a"), network("b", "FwMark = 51820"), NET, B),
    "mark-without-rule": combination(provider("a"), network("b", "FwMark = 77"), NET, B, but="mark"),
    "provider-with-mark": combination(provider("a", "FwMark = 0x1234"), network("b"), NET, B, NET + " mark 0x1234"),
    "source-after": combination(provider("a"), network("b"), NET, f"{NET} from {SECOND}", B, after=BY_SOURCE),
    "source-before": combination(provider("a"), network("b"), NET, f"{NET} from {SECOND}", B, setup=BY_SOURCE, but="first"),
    "mesh-after": combination(provider("a"), network("b"), NET, "100.64.3.3", B, after=MESH),
    "mesh-before": combination(provider("a"), network("b"), NET, "100.64.3.3", B, setup=MESH, but="first"),
    "port-after": combination(provider("a"), network("b"), NET, NET + " port 22", after=BY_PORT),
    "second-uplink-first": combination(network("a"), network("b"), A, B, NET,
                                       setup="ip route add 203.0.113.2/32 via 198.51.101.1"),
    "table-main": combination(network("a", "Table = main"), network("b"), A, B, NET),
    "source-not-fixed": combination(network("a", "# tunion: SourceFix = off"),
                                    network("b", "# tunion: SourceFix = off"), A, B),
    # names
    "dns-of-one": combination(provider("a", "DNS = 10.61.0.53"), network("b"), "name www.example", NET),
    "dns-of-network": combination(network("a"), network("b", "DNS = 10.72.0.53, b.lan"), "name www.example",
                                  "name x.b.lan", A, B),
    "dns-of-both": combination(provider("a", "DNS = 10.61.0.53"), network("b", "DNS = 10.72.0.53, b.lan"),
                               "name www.example", "name x.b.lan", NET, but="names"),
    "dns-of-two-networks": combination(network("a", "DNS = 10.71.0.53, a.lan"),
                                       network("b", "DNS = 10.72.0.53, b.lan"), "name www.example", "name x.a.lan",
                                       "name x.b.lan", A, B, but="names"),
    "dns-public": combination(network("a", "DNS = 198.18.0.9"), network("b", "DNS = 198.18.0.9"), "name www.example",
                              A),
    "dns-public-two": combination(network("a", "DNS = 198.18.0.8"), network("b", "DNS = 198.18.0.9"),
                                  "name www.example", A, but="names"),
    "dns-public-and-provider": combination(provider("a", "DNS = 198.18.0.9"), network("b", "DNS = 198.18.0.9"),
                                           "name www.example", NET),
    "dns-v6": combination(provider("a", v6=True), network("b", "DNS = fd72::53", v6=True), "name www.example", NET6),
    # who calls us
    "hub-and-provider": combination(provider("a"), hub(), "10.64.0.9", NET, calls=CALL),
    "hub-and-network": combination(network("a"), hub(), "10.64.0.9", A, NET, calls=CALL),
    "hub-second-uplink": combination(provider("a"), hub(), "10.64.0.9", NET, calls="198.51.101.2:51999"),
    "hub-by-mark": combination(provider("a"), hub("FwMark = 51820"), "10.64.0.9", NET, calls=CALL),
    "hub-site": combination(provider("a"), network("b"), hub(allowed="10.64.0.9/32, 10.74.0.0/16"), "10.64.0.9",
                            "10.74.0.5", B, NET, calls=CALL),
    "hub-v6": combination(provider("a", v6=True), hub(allowed="fd74::/64", address="fd64::1/64"), "fd74::5", NET6,
                          NET, calls="[2001:db8:1::2]:51999"),
    # the LAN
    "lan-collision": combination(conf("a", "192.168.50.0/24, 10.71.0.0/16"), network("b"), A, B, LAN, but="refused"),
    "lan-in-network": combination(conf("a", "192.168.0.0/16"), network("b"), LAN, "192.168.60.5", B),
    "lan-part": combination(conf("a", "192.168.50.128/25"), network("b"), LAN, "192.168.50.200", B),
    "lan-address": combination(conf("a", "10.71.0.0/16", "192.168.50.77/24"), network("b"), LAN, A, B),
    "lan-metric": combination(conf("a", "192.168.50.0/24"), network("b"), LAN, B, setup=LAN_METRIC, but="lan"),
    "lan-v6": combination(conf("a", "fd50::/64, fd71::/32", v6=True), network("b"), LAN6, A6, B),
    "lan-and-provider": combination(provider("a"), conf("b", "192.168.50.0/24"), LAN, NET, but="refused"),
    # a file with a tun of its own
    "policy-table": combination(provider("a"), provider("b", *TABLE), NET, NET + " port 22", A, LAN),
    "policy-table-and-network": combination(network("a"), provider("b", *TABLE), NET, NET + " port 22", A),
    "policy-table-v6": combination(provider("a", v6=True),
                                   provider("b", "Table = 1234",
                                            "PostUp = ip -6 rule add ipproto udp dport 22 table 1234", v6=True), NET,
                                   NET6, NET6 + " port 22"),
    "policy-by-source": combination(provider("a"),
                                    provider("b", "Table = 1234", "PostUp = ip rule add from 10.62.0.2 table 1234"),
                                    NET),
    "policy-by-mark": combination(provider("a"),
                                  provider("b", "Table = 1234", "PostUp = ip rule add fwmark 9 table 1234"), NET,
                                  NET + " mark 9"),
    "two-policy-tables": combination(provider("a", "Table = 1001", "PostUp = ip rule add fwmark 8 table 1001"),
                                     provider("b", "Table = 1002", "PostUp = ip rule add fwmark 9 table 1002"), NET,
                                     NET + " mark 8", NET + " mark 9"),
    "table-off": combination(provider("a"), provider("b", "Table = off", "PostUp = ip route add 10.72.0.0/16 dev %i"),
                             NET, B),
    "table-off-bound": combination(network("a"), provider("b", "Table = off"), NET, A, B),
    "hook-names-it": combination(provider("a"), network("b", "PostUp = ip route add 10.99.0.0/16 dev b"), NET, B,
                                 "10.99.0.1"),
    "tun-own": combination(network("a"), network("b", "# tunion: Tun = own"), A, B, NET),
    "tun-own-and-provider": combination(provider("a"), network("b", "# tunion: Tun = own"), A, B, NET, LAN),
    "tun-own-two-providers": combination(provider("a"), provider("b", "# tunion: Tun = own"), NET, LAN, but="loop"),
    "tun-own-carrier": combination(provider("a", "# tunion: Tun = own"), network("b", "# tunion: Via = a"), A, B, NET),
    "tun-own-provider": combination(provider("a", "# tunion: Tun = own"), network("b"), A, B, NET, LAN, but="carries"),
}


def addresses(text):
    """Of a file, without lengths."""
    return [a.split("/")[0] for line in re.findall(r"^Address = (.*)", text, re.M) for a in line.split(", ")]


def usable(text):
    return IPV6 or ":" not in text


def probes(c):
    """What the client asks: for each destination also with each source and each interface."""
    texts = []
    for p in c["probes"]:
        texts.append(p)
        if " " in p:
            continue
        sources = [a for text in c["files"].values() for a in addresses(text)] + ["198.51.100.2", "2001:db8:1::2"]
        texts += [f"{p} from {s}" for s in sources if (":" in s) == (":" in p)]
        texts += [f"{p} on {i}" for i in [*c["files"], "eth0"]]
    return list(filter(usable, dict.fromkeys(texts)))


def calls(c):
    """What the far end asks: each address of the client, through each tunnel and from the LAN."""
    texts = []
    for a in (a for text in c["files"].values() for a in addresses(text)):
        for server in c["files"]:
            n = number(server)
            texts.append(f"{a} on {server} from " + (f"fd7{n}::9" if ":" in a else f"10.7{n}.0.9"))
        texts.append(f"{a} on lan from {LAN6 if ':' in a else LAN}")
    return list(filter(usable, dict.fromkeys(texts)))


class World:
    """The far end, and one client after the other."""

    def __init__(self, lab, n):
        self.lab, self.n, self.clients = lab, n, 0
        self.serving = []  # on the present client
        self.far = lab.host(f"far{n}")
        for server, (_, _, port) in SERVERS.items():
            text = (f"[Interface]\nPrivateKey = {SERVER_KEYS[server].private}\nListenPort = {port}\n[Peer]\n"
                    f"PublicKey = {CLIENT_KEYS[server].public}\nAllowedIPs = {ALL}\n")
            self.far.wireguard_go(server, text)
        all_to_itself = [f"rule add iif {i} lookup 100" for i in [*LINKS, *SERVERS]]
        self.batch(self.far, *(f"addr add {v4}/32 dev lo" for v4, _, _ in SERVERS.values()),
                   "route add local 0.0.0.0/0 dev lo table 100", *all_to_itself,
                   *(f"route add 10.6{number(s)}.0.0/16 dev {s}" for s in SERVERS))
        if IPV6:
            self.batch6(self.far, *(f"addr add {v6}/128 dev lo nodad" for _, v6, _ in SERVERS.values()),
                        "route add local ::/0 dev lo table 100", *all_to_itself,
                        *(f"route add fd6{number(s)}::/64 dev {s}" for s in SERVERS),
                        *(f"route add default dev {s} table {200 + number(s)}" for s in SERVERS),
                        *(f"rule add oif {s} lookup {200 + number(s)}" for s in SERVERS))
        self.far.run("echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter; echo 0 >/proc/sys/net/ipv4/conf/default/rp_filter")
        serve_on(self.far)

    def batch(self, host, *lines, family="-4"):
        subprocess.run(["ip", family, "-n", host.name, "-batch", "-"], text=True, check=True,
                       input="".join(line + "\n" for line in lines))

    def batch6(self, host, *lines):
        self.batch(host, *lines, family="-6")

    def client(self):
        self.clients += 1
        c = self.lab.host(f"c{self.n}-{self.clients}")
        subprocess.run(["ip", "-batch", "-"], text=True, check=True, input="".join(
            f"link add {i} netns {c.name} type veth peer name {i} netns {self.far.name}\n" for i in LINKS))
        for host, last in ((self.far, 1), (c, 2)):
            self.batch(host, *(f"addr add {v4}{last}/{length} dev {i}" for i, (v4, _, length) in LINKS.items()),
                       *(f"link set {i} up" for i in LINKS), *(HOST.strip().splitlines() if host is c else ()))
            if IPV6:
                self.batch6(host, *(f"addr add {v6}{last}/64 dev {i} nodad" for i, (_, v6, _) in LINKS.items()),
                            *([HOST6] if host is c else ()))
        path = os.path.join(c.run_dir, "resolv.conf")
        with open(path, "w") as f:
            f.write("nameserver 198.18.0.53\n")
        c.binds.append((path, "/etc/resolv.conf"))
        c.program("resolvconf", f"""
            case $1 in
            -a) cat >{path} ;;
            -d) echo nameserver 198.18.0.53 >{path} ;;
            esac""")
        return c

    def call(self, endpoint):
        """h's server calls the client there, whose file has no Endpoint, or forgets it."""
        key = CLIENT_KEYS["h"].public
        if endpoint:
            self.far.wg("set", "h", "peer", key, "endpoint", endpoint, "persistent-keepalive", "1")
            wait_for(lambda: self.far.handshake("h", key), "the server's handshake")
        else:
            self.far.wg("set", "h", "peer", key, "remove")
            self.far.wg("set", "h", "peer", key, "allowed-ips", ALL)

    def end(self, c):
        """Its processes end, and its links."""
        pids = subprocess.run(["ip", "netns", "pids", c.name], text=True, capture_output=True, check=True).stdout.split()
        for pid in pids:
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        while self.serving:
            self.serving.pop().wait()
        self.batch(self.far, *(f"link del {i}" for i in LINKS))
        subprocess.run(["ip", "netns", "del", c.name], check=True)


def wg_quick_up(c, files, order):
    """Returns what those that failed have said, by name."""
    said = {}
    for name in order:
        done = c.try_run(["wg-quick", "up", files[name]],
                         env=dict(c.environment(), WG_QUICK_USERSPACE_IMPLEMENTATION="wireguard-go"))
        if done.returncode:
            said[name] = done.stderr
    return said


def tunion_up(c, files, order):
    done = c.try_run([TUNION, "up", "--run-dir", c.run_dir, *UP_OPTIONS, os.path.dirname(files[order[0]])])
    return {"tunion": done.stderr} if done.returncode else {}


def outer(far, results):
    """Where each server that has answered sees the client."""
    servers = {answer.split()[0] for answer in results.values()} & set(SERVERS)
    found = {}
    for line in far.run(["wg", "show", "all", "endpoints"]).splitlines():
        server, _, at = line.split()
        if server in servers:
            found[f"server {server}"] = at.rsplit(":", 1)[0]
    return found


def ask_all(w, c, combo, quiet_s):
    """Both directions at once. Where the client is asked, it only counts where the question seems to come from."""
    w.serving.append(serve_on(c, by_route=True))
    asking = [start_asking(host, texts, quiet_s) for host, texts in ((c, probes(combo)), (w.far, calls(combo)))]
    results, called = (json.loads(a.line()) for a in asking)
    for a in asking:
        a.wait()
    results.update({f"called: {text}": answer.split(" ", 1)[-1] for text, answer in called.items()})
    results.update(outer(w.far, results))
    return results


def write_files(c, combo):
    folder = os.path.join(c.run_dir, "conf")
    os.makedirs(folder, mode=0o700)
    files = {name: os.path.join(folder, f"{name}.conf") for name in combo["files"]}
    for name, path in files.items():
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(combo["files"][name])
    return files


def phase(w, combo, up, quiet_s):
    """Returns (answers by probe, what the files that were refused have said)."""
    c = w.client()
    try:
        files = write_files(c, combo)
        c.run(combo["setup"] or "true")
        failed = up(c, files, combo["order"])
        c.run(combo["after"] or "true")
        if combo["calls"]:
            w.call(combo["calls"])
        return ask_all(w, c, combo, quiet_s), failed
    finally:
        w.end(c)
        if combo["calls"]:
            w.call(None)


# ---- what may differ

class Differs:
    """One probe with different answers."""

    def __init__(self, combo, text, theirs, ours, refused):
        self.files, self.text, self.theirs, self.ours = combo["files"], text, theirs, ours
        self.refused = refused  # names of the files that wg-quick refused
        self.called, self.is_server = text.startswith("called: "), text.startswith("server ")
        self.probe = Probe(text.removeprefix("called: "))
        self.on, self.source = self.probe.options.get("on"), self.probe.source
        self.by, _, self.seen = ours.partition(" from ")
        self.theirs_by = theirs.split()[0]

    def owner(self, address):
        """The file that has the address."""
        return next((name for name, text in self.files.items() if address in addresses(text)), None)

    def works(self):
        """It leaves by a tunnel with a right source, or is answered."""
        return (self.ours != NOTHING if self.called or self.is_server or self.probe.name else
                self.by in self.files and self.by in (self.owner(self.seen), self.on) or self.seen == self.source)


def from_another_file(d):
    owner = d.owner(d.source)
    return (owner and not d.called and d.by == d.owner(d.seen) != owner
            and d.theirs in (f"{d.by} from {d.source}", NOTHING))


def has_own_tun(name, text):
    return re.search(rf"^Table = (?!auto|main)|^# tunion: Tun = own|^(Pre|Post)(Up|Down) = .*\b{name}\b", text, re.M)


def bound_to_name(d):
    return (d.on in d.files and not has_own_tun(d.on, d.files[d.on]) and not d.called
            and d.theirs_by in (d.on, NOTHING) and (d.by in d.files or d.ours == NOTHING))


def refused(d):
    return d.refused and (d.works() or d.by in LINKS) and d.theirs_by in (*LINKS, NOTHING)


def rules_first(d):
    return d.is_server or d.theirs_by in d.files and (d.by in LINKS or d.ours == NOTHING and d.owner(d.source))


# name -> (may it differ so?, why). tunion.conf(5) tells users the same.
ALWAYS = {  # with any files
    "from-another-file": (from_another_file, "design 5: what leaves by a file has one of its addresses, so that the "
                          "answer comes back"),
    "bound-to-name": (bound_to_name, "design R14: the name of a file that shares the tun is a name of the tun, and the "
                      "destination decides; # tunion: Tun = own gives the file an interface"),
}
PERMITTED = {  # only where a combination says so
    "loop": (lambda d: d.works() and (d.theirs == NOTHING or d.theirs_by in d.files),
             "design R1: wg-quick leads the tunnels' own datagrams into themselves, or into each other, and nothing "
             "works, unless they had talked before the last one came up"),
    "refused": (refused, "design R3, section 4: wg-quick refuses a file with a prefix that is there already"),
    "first": (rules_first, "design 4: rules that were there before still decide; those of wg-quick go before them"),
    "lan": (lambda d: d.by == "lan" or d.called and d.on == "lan" and d.theirs == NOTHING,
            "design 4: the LAN that is there goes first; wg-quick takes it over if the metric of its route isn't 0"),
    "names": (lambda d: d.probe.name and d.ours != NOTHING or d.is_server,
              "design 4: the file that has the name's domain is asked, or the one with the default route, or the first "
              "one; with wg-quick the last one"),
    "owner": (lambda d: d.by == d.owner(d.source), "design R14: of equal prefixes, that of the file with the source"),
    "halves": (lambda d: d.called and d.on == "lan" and d.ours == NOTHING,
               "design 4: two halves are a default route: what comes in by the LAN to the file's address is dropped"),
    "mark": (lambda d: d.is_server, "design 4: no default route carries a file with a FwMark, whatever rules there are"),
    "carries": (lambda d: d.is_server, "design R14: a file with a tun of its own carries others only by Via"),
}


def compare(combo, theirs, ours, refused):
    """Returns (what differs and must not, {reason: how often})."""
    problems, seen = [], {name: 0 for name in combo["but"]}
    for text in dict.fromkeys([*theirs, *ours]):
        d = Differs(combo, text, theirs.get(text, NOTHING), ours.get(text, NOTHING), refused)
        if d.theirs == d.ours:
            continue
        reasons = {**ALWAYS, **{name: PERMITTED[name] for name in combo["but"]}}
        why = next((name for name, (may, _) in reasons.items() if may(d)), None)
        if why:
            seen[why] = seen.get(why, 0) + 1
        else:
            problems.append(f"{text:45} wg-quick: {d.theirs:35} tunion: {d.ours}")
    problems += [f"nothing differs because of {name}" for name, n in seen.items() if n == 0]
    return problems, seen


def run(w, name):
    """Once more with more patience, if they differ. Returns what has been compared, as text."""
    combo = COMBINATIONS[name]
    for quiet_s, tried in ((QUIET_S, ""), (4, " at the second try")):
        theirs, refused = phase(w, combo, wg_quick_up, quiet_s)
        ours, errors = phase(w, combo, tunion_up, quiet_s)
        check(not errors, f"tunion up fails: {errors}")
        problems, seen = compare(combo, theirs, ours, list(refused))
        if not any(answer.split()[0] in combo["files"] for answer in ours.values()):
            problems.append("no tunnel works with tunion")
        if not problems:
            return " ".join([f"{len(theirs)} probes{tried}", *(f"{why} {times}" for why, times in seen.items())])
    raise Failed("\n".join(["wg-quick and tunion differ:", *problems, *refused.values()]))


def test(lab):
    need("wg-quick", "wireguard-go", "nft", "bash")
    chosen = [name for name in COMBINATIONS if not sys.argv[1:] or name in sys.argv[1:]]
    asks_for_ipv6 = [name for name in chosen if any("::" in text for text in COMBINATIONS[name]["files"].values())]
    if asks_for_ipv6 and not with_ipv6(f"{len(asks_for_ipv6)} of {len(chosen)} combinations"):
        chosen = [name for name in chosen if name not in asks_for_ipv6]

    def begin(number):
        w = World(lab, number)
        return lambda name: run(w, name)
    failed = share_out(lab, chosen, begin)
    print("\nmay differ:")
    for name, (_, why) in {**ALWAYS, **PERMITTED}.items():
        print(f"  {name:18} {why}")
    check(not failed, "wg-quick and tunion differ")


main(test)
