"""What `tunion plan --json` prints is accepted by VpnService.Builder (vpn_builder.py), and its routes are the
union of the files, not an address more or less: over the directories of tests/cli, the examples, and others
that are drawn at random; one of them has 5,000 prefixes. TUNION_SEED repeats a run."""

import bisect
import glob
import ipaddress
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

import vpn_builder

TOP = os.path.abspath(os.environ.get("top_srcdir", os.path.join(os.path.dirname(__file__), "../..")))
TUNION = os.environ.get("TUNION", os.path.join(os.path.abspath(os.environ.get("top_builddir", ".")), "tunion"))
DRAWN, MANY = 30, 5000
LOOPBACK = [ipaddress.ip_network(n) for n in ("127.0.0.0/8", "::1/128", "::ffff:0:0/96")]
VIRTUAL = {"192.0.0.53", "fd2b:915e:3ca7::53"}
NO_KEY = "{:A<43}="


def words(value):
    return [word for word in re.split(r"[,\s]+", value) if word]


class File:
    """The little that matters here of a tunnel file, read again by other means."""

    def __init__(self, path):
        self.values = {}
        with open(path, "rb") as f:
            for line in f.read().decode("latin-1").splitlines():
                setting = re.match(r"#\s*tunion:(.*)", line.strip())
                key, _, value = (setting.group(1) if setting else line.split("#")[0]).partition("=")
                self.values.setdefault(key.strip().lower(), []).append(value.strip())

    def all(self, key):
        return [word for value in self.values.get(key, ()) for word in words(value)]

    def is_left_out(self):
        """A gate, or a file that needs a tun of its own."""
        table = self.values.get("table", ["auto"])[-1]
        return (table not in ("auto", "main", "254", "0") or "own" in self.all("tun") or "on" in self.all("gate"))

    def prefixes(self):
        nets = [ipaddress.ip_network(word, strict=False) for word in self.all("allowedips")]
        return [n for n in nets if not any(n.version == l.version and n.subnet_of(l) for l in LOOPBACK)]


def collapse(nets):
    return [net for v in (4, 6) for net in ipaddress.collapse_addresses([n for n in nets if n.version == v])]


class Cover:
    """Which addresses are in networks that don't overlap?"""

    def __init__(self, nets):
        self.nets = sorted(nets, key=lambda n: (n.version, int(n.network_address)))
        self.starts = [(n.version, int(n.network_address)) for n in self.nets]

    def has(self, version, address):
        i = bisect.bisect_right(self.starts, (version, address)) - 1
        return i >= 0 and self.nets[i].version == version and address <= int(self.nets[i].broadcast_address)


def borders(nets):
    """Both ends of each network, and the addresses beside them."""
    for net in nets:
        low, high = int(net.network_address), int(net.broadcast_address)
        for address in (low - 1, low, (low + high) // 2, high, high + 1):
            if 0 <= address < 1 << net.max_prefixlen:
                yield net.version, address


def expect(condition, text):
    if not condition:
        raise AssertionError(text)


def check_directory(directory, what):
    """Returns the number of routes, or None if the files have mistakes."""
    run = subprocess.run([TUNION, "plan", "--json", "--no-resolve", directory], text=True, capture_output=True)
    plan = json.loads(run.stdout)
    expect(plan["ok"] == (run.returncode == 0) == (not plan["errors"]), f"{what}: exit status {run.returncode}")
    if not plan["ok"]:
        expect(not plan["routes"] and not plan["addresses"], f"{what}: a plan in spite of errors")
        return None
    files = [f for f in map(File, sorted(glob.glob(os.path.join(directory, "*.conf")))) if not f.is_left_out()]
    builder = vpn_builder.build(plan)
    asked = {str(server) for server in builder.servers}
    own = {word for f in files for word in f.all("dns")}
    resolver = [ipaddress.ip_network(a) for a in VIRTUAL & asked - own]
    union = [net for f in files for net in f.prefixes()] + resolver
    check_routes(builder.routes, union, what)
    check_rest(builder, files, what)
    expect(len(run.stdout) < 1 << 20, f"{what}: {len(run.stdout)} bytes")
    return len(builder.routes)


def check_routes(routes, union, what):
    expect(sorted(map(str, routes)) == sorted(map(str, collapse(routes))), f"{what}: routes could be joined")
    found, wanted = Cover(routes), Cover(collapse(union))
    for version, address in borders(union + routes):
        expect(found.has(version, address) == wanted.has(version, address),
               f"{what}: {(ipaddress.IPv4Address, ipaddress.IPv6Address)[version == 6](address)} is "
               + ("missing" if wanted.has(version, address) else "too much"))


def check_rest(builder, files, what):
    """Addresses; who may use the VPN; that a default route closes a family without one."""
    addresses = {str(ipaddress.ip_interface(word).ip) for f in files for word in f.all("address")}
    expect({str(a) for a, _ in builder.addresses} == addresses, f"{what}: addresses")
    excluded = {word for f in files for word in f.all("excludedapplications")}
    for_some = all(f.all("includedapplications") for f in files)
    included = {word for f in files for word in f.all("includedapplications")} - excluded if for_some else set()
    expect(set(builder.included) == included, f"{what}: included {builder.included}")
    expect(set(builder.excluded) == (set() if for_some else excluded), f"{what}: excluded {builder.excluded}")
    if any(net.prefixlen == 0 for net in builder.routes):
        expect(not builder.families, f"{what}: a default route, and the other family is let past")
    else:
        expect(builder.passes(4) and builder.passes(6), f"{what}: a family without routes is blocked")


# ---- directories

def draw_prefix(r):
    """Few bits, so that prefixes touch, and some of them near what Android refuses."""
    kind = r.randrange(8)
    if kind == 0:
        return r.choice(["127.0.0.0/8", "127.3.0.0/16", "126.0.0.0/8", "126.0.0.0/7", "128.0.0.0/8", "::1/128",
                         "::/127", "::2/127", "::ffff:0:0/96", "::ffff:10.0.0.0/104", "::fffe:0:0/96"])
    if kind == 1:
        return r.choice(["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1", "2000::/3",
                         "224.0.0.0/4", "255.255.255.255/32", "ffff::/16"])
    if kind < 5:
        return f"10.{r.randrange(4)}.{r.randrange(8)}.{r.randrange(256)}/{r.randrange(14, 33)}"
    return f"fd00:{r.randrange(4)}::{r.randrange(16):x}/{r.randrange(30, 129)}"


def draw_file(r, i, some, allowed):
    lines = ["[Interface]", f"Address = 10.9.{i}.{r.randrange(1, 200)}/{r.randrange(16, 33)}",
             f"PrivateKey = {NO_KEY.format(f'k{i}')}"]
    apps = ["org.example." + letter for letter in "abcdef"]
    if some and (some == "all" or r.random() < 0.5):
        lines.append("IncludedApplications = org.example.z, " + ", ".join(r.sample(apps, 2)))
    for chance, line in ((0.4, f"Address = fd09::{i:x}:{r.randrange(1, 99)}/{r.randrange(64, 129)}"),
                         (0.4, f"DNS = 10.1.0.{r.randrange(1, 9)}, fd00::{r.randrange(1, 9)}, site{i}.example"),
                         (0.1, "DNS = 127.0.0.53"),
                         (0.3, f"MTU = {r.choice([576, 1280, 1420, 9000])}"),
                         (0.3, "ExcludedApplications = " + ", ".join(r.sample(apps, 2))),
                         (0.15, f"Table = {r.choice(['off', 'main', 'auto', 7])}"),
                         (0.1, "# tunion: Tun = own"), (0.1, "PostUp = ip rule add pref 9 table main")):
        if i == 0 and line.startswith(("Table", "# tunion")):
            continue  # one file stays in the tun
        if r.random() < chance:
            lines.append(line)
    for peer in range(r.randrange(1, 4)):
        lines += ["[Peer]", f"PublicKey = {NO_KEY.format(f'P{i}x{peer}')}", f"Endpoint = 192.0.2.{i + 1}:51820",
                  "AllowedIPs = " + ", ".join(allowed())]
    return "\n".join(lines) + "\n"


def fill(r, directory, allowed):
    some = r.choice([None, None, "some", "all"])
    for i in range(r.randrange(1, 6)):
        with open(os.path.join(directory, f"f{i}.conf"), "w") as f:
            f.write(draw_file(r, i, some, allowed))


def fill_large(r, directory):
    """No two touch, so each is a route."""
    nets = [f"{20 + i // 16384}.{i // 64 % 256}.{i % 64 * 4}.0/24" for i in range(MANY // 2)]
    nets += [f"2001:db8:{2 * i:x}:ffff:ffff:ffff:ffff:fffe/127" for i in range(MANY - MANY // 2)]
    r.shuffle(nets)
    for i in range(5):
        with open(os.path.join(directory, f"f{i}.conf"), "w") as f:
            part = nets[i::5]
            f.write(f"[Interface]\nAddress = 10.9.{i}.2, fd09::{i + 1}\n"
                    f"PrivateKey = {NO_KEY.format(f'k{i}')}\n[Peer]\nPublicKey = {NO_KEY.format(f'P{i}x0')}\n"
                    + "".join(f"AllowedIPs = {net}\n" for net in part))


def given():
    """Folders of files that somebody thought out."""
    paths = glob.glob(os.path.join(TOP, "tests/cli/cases/*/in/*.conf"))
    paths += glob.glob(os.path.join(TOP, "conf-examples/**/*.conf"), recursive=True)
    return sorted({os.path.dirname(path) for path in paths})


def main():
    seed = int(os.environ.get("TUNION_SEED", time.time_ns()))
    print(f"TUNION_SEED={seed}")
    r = random.Random(seed)
    results = [check_directory(d, d) for d in given()]
    with tempfile.TemporaryDirectory() as top:
        for i in range(DRAWN + 1):
            directory = os.path.join(top, str(i))
            os.mkdir(directory, 0o700)
            if i == DRAWN:
                fill_large(r, directory)
            else:
                fill(r, directory, lambda: [draw_prefix(r) for _ in range(r.randrange(1, 9))])
            what = f"directory {i} that was drawn"
            try:
                results.append(check_directory(directory, what))
            except (AssertionError, vpn_builder.Refused):
                for path in sorted(glob.glob(os.path.join(directory, "*.conf"))) if i < DRAWN else []:
                    with open(path) as f:
                        print(f"{os.path.basename(path)}:\n{f.read()}", file=sys.stderr)
                raise
            shutil.rmtree(directory)
    good = [n for n in results if n is not None]
    expect(len(good) >= DRAWN and good[-1] == MANY, f"{len(good)} plans, {good}: this tests too little")
    print(f"{len(good)} directories, {sum(good)} routes")


main()
