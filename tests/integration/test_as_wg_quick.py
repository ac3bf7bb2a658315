#!/usr/bin/env python3
"""One file, brought up by wg-quick (over wireguard-go), by wg-quick over wireguard-tunion, and by tunion, each on the
same host: what the host has afterwards is the same, but for what DIFFERENCES lists with its reason; after down it is as
before.

The tun of tunion is given the name that wg-quick's interface has."""

import os
import re
import sys

from lab import Failed, Keys, Tunion, check, drop_in, main, need, same_text, share_out, six, wait_for, with_ipv6

NAME = "tun7"

# (part of the snapshot, what is replaced in each of its lines, by what, why it may differ)
NO_LINK_LOCAL = [  # the only ones with wireguard-tunion
    ("addresses", r"^inet6 fe80::.*", "", "a tun of tunion has no link-local address, nor does the kernel's wg"),
    ("firewall", r".* ip6 daddr fe80::.*", "", "that address"),
    ("saved", r"^Address = fe80::.*", "", "that address"),
    ("routes", r"^(local )?(fe80|ff00).*|^multicast ff00.*", "", "that address"),
    ("wg", r"^ListenPort.*", "", "drawn at random where the file has none"),
]
DIFFERENCES = NO_LINK_LOCAL + [
    ("ways", r" mtu \d+", "", "design 4: each route carries the device's effective MTU"),
    ("routes", r" mtu \d+| src \S+", "", "design 4: each route carries src and mtu"),
    ("routes", r"^unreachable .* metric 42949\d+.*", "", "design 4, fail closed: what stops packets when the tun is gone"),
    ("firewall", r"\btunion-", "wg-quick-", "the table is named after the program"),
    ("addresses", r" nodad", "", "no detection of duplicates where there is nobody else: a route's src must be usable at once"),
    ("firewall", r"^icmpv6 type nd-redirect drop$", "", "a redirect would lead packets past the tun"),
]

PEER, OTHER = Keys(), Keys()
OWN = Keys()
PSK = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


class WgQuick:
    implementation = "wireguard-go"

    def __init__(self, h, path):
        self.h, self.path = h, path

    def up(self):
        return self.h.try_run(["wg-quick", "up", self.path],
                              env=dict(self.h.environment(), WG_QUICK_USERSPACE_IMPLEMENTATION=self.implementation))

    def down(self):
        return self.h.try_run(["wg-quick", "down", self.path])


class DropIn(WgQuick):
    def __init__(self, h, path):
        super().__init__(h, path)
        self.implementation = drop_in(h)


class OurWay:
    def __init__(self, h, path):
        self.t = Tunion(h, tun=NAME)
        self.path = path

    def up(self):
        return self.t.try_run("up", self.path)

    def down(self):
        return self.t.try_run("down")


def peer(allowed, endpoint="203.0.113.9:51820", key=PEER, more=""):
    where = f"Endpoint = {endpoint}\n" if endpoint else ""
    return f"[Peer]\nPublicKey = {key.public}\n" + (f"AllowedIPs = {allowed}\n" if allowed else "") + where + more


def case(interface, *peers, ways=(), status=0, ours=None, down=0, but=()):
    """status: do all come up, or does each fail? ours: that of tunion, where it differs. down: its exit status.
    but: like DIFFERENCES, for this case."""
    return {"text": f"[Interface]\nPrivateKey = {OWN.private}\n{interface}\n" + "".join(peers),
            "ways": ways, "status": status, "ours": status if ours is None else ours, "down": down, "but": list(but)}


V4, BOTH = "Address = 10.8.0.2/24", "Address = 10.8.0.2/24, fd08::2/64"
INSIDE = [("ways", r"^(\S+) marked.*", r"\1 marked", "R1: an endpoint inside a file's own prefix stands behind a rule with "
           "the mark; wg-quick leads the tunnel into itself"),
          ("ways", r" table \d+| table local", "", "that rule's table"),
          ("routes", r" table \d+", "", "likewise"),
          ("rules", r".*lookup 5182\d$|.*suppress_prefixlength.*", "", "likewise"),
          ("firewall", r".*", "", "as for every rule"), ("src_valid_mark", r".*", "", "likewise"),
          ("wg", r"^FwMark.*", "", "likewise")]
LOG = "HOOKS"  # the file that hooks write to
CASES = {
    "specific": case(V4, peer("10.9.0.0/16")),
    "no-length": case("Address = 10.8.0.2, fd08::2", peer("10.9.0.0/16, fd09::/32")),
    "netmask": case("Address = 10.8.0.2/255.255.255.0", peer("10.9.0.0/16")),
    "many-addresses": case("Address = 10.8.0.2/24, 10.8.0.3/24 10.18.0.2/32\nAddress = fd08::2/64,fd18::2",
                           peer("10.9.0.0/16, fd09::/32, 10.8.0.0/24"), ways=["10.8.0.3", "10.18.0.2", "fd18::2"]),
    "no-address": case("MTU = 1400", peer("10.9.0.0/16")),
    "no-peer": case(BOTH),
    "peer-alone": case(V4, peer("", None)),
    "dns": case(V4 + "\nDNS = 10.8.0.1", peer("0.0.0.0/0")),
    "dns-search": case(V4 + "\nDNS = 10.8.0.1, fd08::1, home.lan\nDNS = office.lan,10.8.0.3", peer("10.9.0.0/16")),
    "search-only": case(V4 + "\nDNS = home.lan", peer("10.9.0.0/16")),
    "mtu": case(BOTH + "\nMTU = 1300", peer("0.0.0.0/0, ::/0")),
    "mtu-twice": case(V4 + "\nMTU = 1300\nMTU = 1380", peer("10.9.0.0/16")),
    "mtu-of-path": case(V4, peer("10.9.0.0/16", "198.18.5.5:1")),
    "mtu-no-endpoint": case(V4, peer("10.9.0.0/16", None)),
    "table-off": case(V4 + "\nTable = off", peer("0.0.0.0/0, 10.9.0.0/16")),
    "table-auto": case(V4 + "\nTable = auto", peer("0.0.0.0/0")),
    "table-number": case(BOTH + "\nTable = 1234", peer("0.0.0.0/0, 10.9.0.0/16, 10.8.0.0/24, ::/0")),
    "table-hex": case(V4 + "\nTable = 0x4d2", peer("10.9.0.0/16")),
    "table-main": case(V4 + "\nTable = main", peer("10.9.0.0/16, 172.16.0.0/12")),
    "fwmark": case(V4 + "\nFwMark = 0x1234", peer("0.0.0.0/0")),
    "fwmark-no-default": case(V4 + "\nFwMark = 77", peer("10.9.0.0/16")),
    "fwmark-off": case(V4 + "\nFwMark = off", peer("0.0.0.0/0")),
    "hooks": case(V4 + "".join(f"\n{kind} = echo {kind} {number} %i %%i $INTERFACE >>{LOG}; "
                               f"ip link show %i >/dev/null 2>&1 && echo there >>{LOG} || true"
                               for kind in ("PostDown", "PreUp", "PostUp", "PreDown") for number in (1, 2)),
                  peer("10.9.0.0/16"), but=[("hooks", "^there", "", "the newer wg-quick runs PreUp once the device is there")]),
    "hooks-see-host": case(V4 + f"\nPostUp = ip -o route get 8.8.8.8 | grep -o .*src >>{LOG}; ip rule >>{LOG}\n"
                           f"PreDown = ip -4 -o addr show %i | grep -o '10[.0-9]*/' >>{LOG}\n"
                           f"PostDown = ip rule >>{LOG}", peer("0.0.0.0/0")),
    "hooks-are-bash": case(V4 + f"\nPostUp = a=(1 2 3); [[ ${{a[1]}} == 2 ]] && echo ${{a[@]}} >>{LOG}; cd /; umask >>{LOG}\n"
                           f"PostUp = true; f() {{ echo f $1 >>{LOG}; }}; f x", peer("10.9.0.0/16")),
    "kill-switch": case(V4 + f"\nPostUp = echo $(wg show %i fwmark) >>{LOG}", peer("0.0.0.0/0")),
    "key-by-hook": case(V4 + f"\nPostUp = wg set %i peer {PEER.public} persistent-keepalive 21; "
                        f"wg show %i persistent-keepalive >>{LOG}", peer("10.9.0.0/16")),
    "port-by-hook": case(V4 + f"\nPostUp = wg set %i listen-port 51990; wg show %i listen-port >>{LOG}", peer("10.9.0.0/16")),
    "mark-by-hook": case(V4 + f"\nPostUp = wg set %i fwmark 0x77; wg show %i fwmark >>{LOG}", peer("10.9.0.0/16")),
    "postup-fails": case(BOTH + f"\nPostUp = echo before >>{LOG}; false; echo after >>{LOG}\nPostDown = echo x >>{LOG}",
                         peer("0.0.0.0/0, ::/0"), status=1),
    "postdown-fails": case(V4 + f"\nPostDown = echo before >>{LOG}; exit 4\nPostDown = echo after >>{LOG}",
                           peer("0.0.0.0/0"), down=4),
    "preup-fails": case(V4 + "\nPreUp = exit 3", peer("10.9.0.0/16"), status=1),
    "v4-only": case(V4, peer("0.0.0.0/0")),
    "v6-only": case("Address = fd08::2/64", peer("::/0", "[2001:db8:5::9]:51820")),
    "v6-default-no-v6-address": case(V4, peer("0.0.0.0/0, ::/0")),
    "both": case(BOTH, peer("0.0.0.0/0, ::/0")),
    "both-v6-endpoint": case(BOTH, peer("0.0.0.0/0, ::/0", "[2001:db8:5::9]:51820")),
    "nested-prefixes": case(V4, peer("10.9.0.0/16, 10.9.1.0/24, 10.9.1.7/32, 10.0.0.0/9")),
    "connected-prefixes": case(BOTH, peer("10.8.0.0/24, 10.8.0.7/32, 10.8.0.0/16, fd08::/64, fd08::7/128, fd08::/32")),
    "lan-more-specific": case(V4, peer("10.64.0.0/10, 0.0.0.0/0"), ways=["10.66.1.1", "10.67.1.1", "192.0.2.9"]),
    # design 4: it yields, and the rest of the file works
    "lan-collision": case(V4, peer("10.66.0.0/16"), status=1, ours=0),
    "lan-inside": case(V4, peer("192.0.0.0/16, 10.66.7.0/24"), ways=["10.66.7.7", "192.0.2.9", "192.0.3.9"]),
    "two-peers": case(V4, peer("10.9.0.0/16, 10.10.0.0/16"), peer("10.9.0.0/16, 10.11.0.0/16", "203.0.113.10:5", OTHER),
                      ways=["10.10.0.1", "10.11.0.1"]),
    "peers-of-hub": case("Address = 10.8.0.1/24\nListenPort = 51999", peer("10.8.0.2/32", None),
                         peer("10.8.0.3/32, fd09::3/128", None, OTHER)),
    "keepalive-psk": case(V4 + "\nListenPort = 51998", peer("10.9.0.0/16", more=f"PersistentKeepalive = 25\nPresharedKey = {PSK}\n"),
                          peer("10.19.0.0/16", key=OTHER, more="PersistentKeepalive = off\n")),
    "host-bits": case(V4, peer("10.9.0.7/16, 172.16.3.4/12"), ways=["172.17.0.1"]),
    "odd-text": case("aDDress = 10.8.0.2/24 # here\n  DNS=10.8.0.1;x\n".replace(";x", ""), peer(" 10.9.0.0/16 , 10.10.0.0/16")),
    "halves": case(V4, peer("0.0.0.0/1, 128.0.0.0/1"), but=INSIDE),
    "endpoint-inside": case(V4, peer("203.0.112.0/23, 10.9.0.0/16"), ways=["203.0.113.77"], but=INSIDE),
    "save": case(BOTH + "\nDNS = 10.8.0.1\nMTU = 1400\nSaveConfig = true\nListenPort = 51997\nPostUp = true %i\n"
                 f"PreDown = wg set {NAME} peer {PEER.public} persistent-keepalive 9 allowed-ips 10.9.0.0/16,10.10.0.0/16; echo {PSK} >PSKFILE; "
                 f"wg set {NAME} peer {OTHER.public} allowed-ips 10.11.0.0/16 preshared-key PSKFILE endpoint 203.0.113.3:7",
                 peer("10.9.0.0/16")),
    "table-254": case(V4 + "\nTable = 254", peer("10.9.0.0/16")),
    "table-0": case(V4 + "\nTable = 0", peer("10.9.0.0/16")),
    "table-is-mark": case(V4 + "\nTable = 51820\nFwMark = 51820", peer("0.0.0.0/0, 10.9.0.0/16")),
    "mtu-1200": case(V4 + "\nMTU = 1200", peer("0.0.0.0/0")),
    "address-of-lan": case("Address = 192.0.2.2/24", peer("10.9.0.0/16"),
                           but=[("addresses", r" metric \d+", "", "design 4: its network yields to the LAN")]),
    "address-two-lengths": case("Address = 10.8.0.2/24\nAddress = 10.8.0.2/16", peer("10.9.0.0/16")),
    "address-31-127": case("Address = 10.8.0.2/31, fd08::2/127", peer("10.9.0.0/16, fd09::/48")),
    "default-per-peer": case(BOTH, peer("0.0.0.0/0"), peer("::/0", "203.0.113.10:5", OTHER)),
    "default-last-peer": case(BOTH, peer("0.0.0.0/0"), peer("0.0.0.0/0", "203.0.113.10:5", OTHER)),
    "v6-halves": case(BOTH, peer("::/1, 8000::/1")),
    "multicast": case(V4, peer("224.0.0.0/4, fe80::/10, 169.254.0.0/16")),
    "dns-twice": case(BOTH + "\nDNS = 10.8.0.1, 10.8.0.1, a.lan, A.lan", peer("0.0.0.0/0, ::/0"),
                      but=[("resolvconf", " A.lan", "", "a search domain is said once")]),
    "endpoint-on-host": case(V4, peer("10.9.0.0/16", "127.0.0.1:9"),
                             but=[("mtu", "6545[56]", "65456", "no packet of the engine is longer than 65535 - 80")]),
    "no-key": dict(case(V4), text=f"[Interface]\n{V4}\n" + peer("10.9.0.0/16")),
    "empty": dict(case(""), text=""),
    "save-mark": case(V4 + "\nSaveConfig = true\nFwMark = 0x5\nTable = 77", peer("10.9.0.0/16"),
                      but=[("saved", r"ListenPort.*", "", "random")]),
    "save-full": case(BOTH + "\nSaveConfig = true\nDNS = 10.8.0.1, fd08::1\nPreUp = true a#b", peer("0.0.0.0/0, ::/0"),
                      but=[("saved", r"ListenPort.*", "", "random"), ("saved", "a#b", "a", "the newer wg-quick keeps the #")]),
    "predown-fails": case(V4 + f"\nPreDown = echo x >>{LOG}; [ ! -e {LOG}.stay ] || exit 6", peer("0.0.0.0/0")),
}
BASE_WAYS = ["8.8.8.8", "128.1.1.1", "10.8.0.1", "10.8.0.2", "10.8.0.7", "10.8.3.1", "10.9.0.1", "10.9.1.1", "10.9.1.7",
             "10.66.1.1", "192.0.2.1", "192.0.2.2", "192.168.7.1", "203.0.113.9", "203.0.113.10", "198.18.5.5",
             "2001:4860::8", "fd08::1", "fd08::2", "fd08::7", "fd09::1", "2001:db8::7", "2001:db8:5::9"]


def ways(h, targets):
    """How the kernel resolves each, without and with the mark."""
    mark = re.search(r"fwmark (0x[0-9a-f]+)", h.run("ip -6 rule; ip rule"))
    lines = []
    for label, option in (("", ""), (" marked", f" mark {mark.group(1) if mark else '0xca6c'}")):
        done = h.try_run(["ip", "-o", "-force", "-batch", "-"], input="".join(f"route get {t}{option}\n" for t in targets))
        for line in done.stdout.splitlines():
            line = re.sub(r"\\.*| uid \d+| mark \S+| metric \d+| pref medium| cache| proto kernel", "", line)
            words = re.sub(r"^(local|unreachable|blackhole) (\S+)", r"\2 \1", line).split()
            lines.append(" ".join([words[0] + label] + words[1:]))
    return "\n".join(lines)


def tidy_routes(text):
    lines = [re.sub(r" proto \S+| scope \S+| metric \d+| pref medium| linkdown| cache| error.*", "", line).strip()
             for line in text.splitlines()]
    return "\n".join(sorted(line.replace(" table main", "") for line in lines if NAME in line))


def wg_text(h):
    """As showconf, peers in order."""
    parts = re.split(r"(?=\[Peer\])", h.run(["wg", "showconf", NAME]))
    return "\n".join(["\n".join(sorted(line for line in p.splitlines() if line)) for p in [parts[0]] + sorted(parts[1:])])


def read(path):
    try:
        with open(path) as f:
            return f.read()
    except FileNotFoundError:
        return ""


class Files:
    """What programs were given and have written."""

    def __init__(self, h):
        self.hooks = os.path.join(h.run_dir, "hooks")
        self.resolvconf = h.resolvconf()
        self.take()

    def take(self):
        text = {"resolvconf": read(self.resolvconf), "hooks": read(self.hooks)}
        for path in (self.resolvconf, self.hooks):
            if os.path.exists(path):
                os.unlink(path)
        return text


def host_now(h, files, targets):
    link = h.run(["ip", "-o", "link", "show", "dev", NAME])
    now = {
        "mtu": re.search(r"mtu \d+", link).group(0) + (" up" if "UP" in re.search(r"<(.*)>", link).group(1).split(",") else ""),
        "addresses": "\n".join(re.sub(r".*(inet6? .*?) *\\.*", r"\1", line).replace(f" {NAME}", "")
                               for line in h.run(["ip", "-o", "addr", "show", "dev", NAME]).splitlines()),
        "ways": ways(h, targets),
        "routes": tidy_routes(h.run("ip -4 route show table all; ip -6 route show table all")),
        "rules": h.try_run("ip -4 rule; ip -6 rule").stdout,
        "firewall": "\n".join(line.strip() for line in sorted(h.run("nft -s list ruleset").splitlines())),
        "src_valid_mark": read_in(h, "/proc/sys/net/ipv4/conf/all/src_valid_mark"),
        "wg": wg_text(h),
    }
    now.update(files.take())
    return now


def read_in(h, path):
    return h.run(["cat", path])


def apply(part, text, differences):
    for where, pattern, replacement, _ in differences:
        if where == part.split(" ")[0]:
            text = "\n".join(re.sub(pattern, replacement, line) for line in text.splitlines())
    return "\n".join(line for line in text.splitlines() if line)


def compare(theirs, ours, differences, when):
    problems = []
    for part in theirs:
        try:
            same_text(apply(part, ours[part], differences), apply(part, theirs[part], differences), f"{when}: {part}")
        except Failed as e:
            problems.append(str(e))
    return problems


def new_host(lab, name):
    h, net = lab.host(f"h-{name}"), lab.host(f"n-{name}")
    lab.link(h, "eth0", "192.0.2.2/24 2001:db8::2/64", net, "eth0", "192.0.2.1/24 2001:db8::1/64")
    h.run("ip route add default via 192.0.2.1;" + six("ip -6 route add default via 2001:db8::1;") +
          "ip route add 10.66.0.0/16 via 192.0.2.1; ip route add 198.18.0.0/15 via 192.0.2.1 mtu 1400; nft list ruleset")
    return h


def snapshot(h):
    wait_for(lambda: NAME not in h.run("ls -A /run/wireguard; ip -o link"), f"{NAME} to go")
    return re.sub(r"\b(expires|valid_lft|preferred_lft) \S+", "", h.snapshot())


def tidy_saved(text):
    """What a saved file says, whatever its order within a section."""
    parts = re.split(r"(?=^\[Peer\])", text, flags=re.M)
    return "\n".join("\n".join(sorted(re.sub(r"\s*=\s*", " = ", line, count=1) for line in p.splitlines() if line.strip()))
                     for p in [parts[0]] + sorted(parts[1:]))


def one(h, way, c, files, before):
    """What a program makes of the case: (state after up or None, what it wrote after down, saved file)."""
    path = os.path.join(h.run_dir, f"{NAME}.conf")
    text = c["text"].replace(LOG, files.hooks).replace("PSKFILE", os.path.join(h.run_dir, "psk"))
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(text)
    h.run("echo 0 >/proc/sys/net/ipv4/conf/all/src_valid_mark")
    files.take()
    who = way(h, path)
    done = who.up()
    expected = c["ours" if way is OurWay else "status"]
    check((done.returncode != 0) == (expected != 0), f"{way.__name__} up gave {done.returncode}:\n{done.stderr}")
    state = host_now(h, files, BASE_WAYS + list(c["ways"])) if done.returncode == 0 else None
    if state:
        stay = files.hooks + ".stay"
        if stay in text:
            open(stay, "w").close()
            refused = who.down()
            check(refused.returncode != 0, f"{way.__name__} down succeeds although PreDown failed")
            state["exit status of a refused down"] = f"{refused.returncode}\n"
            for part, now in host_now(h, files, BASE_WAYS).items():
                state[f"{part} after a refused down"] = now
            os.unlink(stay)
        down = who.down()
        check(down.returncode == c["down"], f"{way.__name__} down gave {down.returncode}:\n{down.stderr}")
    if issubclass(way, WgQuick):
        h.run("echo 0 >/proc/sys/net/ipv4/conf/all/src_valid_mark")  # stays 1 after wg-quick
    same_text(snapshot(h), before, f"the host after {way.__name__}")
    return state, files.take(), tidy_saved(read(path)) if "SaveConfig" in text else ""


def differences(way, c):
    if way is OurWay:
        return DIFFERENCES + c["but"]
    return NO_LINK_LOCAL + [d for d in c["but"] if d[0] == "saved" and "ListenPort" in d[1]]


def run_case(lab, name):
    c = CASES[name]
    h = new_host(lab, name)
    files = Files(h)
    before = snapshot(h)
    theirs = one(h, WgQuick, c, files, before)
    problems = []
    for way in (DropIn, OurWay):  # OurWay is last: the first rule of a namespace changes how it prints its routes
        ours, but = one(h, way, c, files, before), differences(way, c)
        found = compare(theirs[0], ours[0], but, "up") if theirs[0] and ours[0] else []
        found += compare(theirs[1], ours[1], but, "down")
        found += compare({"saved": theirs[2]}, {"saved": ours[2]}, but, "down")
        problems += [f"{way.__name__}: {text}" for text in found]
    if problems:
        raise Failed("\n".join(problems))


def test(lab):
    need("wg-quick", "wireguard-go", "nft", "bash")
    chosen = [name for name in CASES if not sys.argv[1:] or name in sys.argv[1:]]
    asks_for_ipv6 = [name for name in chosen if "::" in CASES[name]["text"]]
    if asks_for_ipv6 and not with_ipv6(f"{len(asks_for_ipv6)} of {len(chosen)} files, which wg-quick refuses"):
        chosen = [name for name in chosen if name not in asks_for_ipv6]
    failed = share_out(lab, chosen, lambda number: lambda name: run_case(lab, name))
    print("\nallowed to differ, always:")
    for part, pattern, _, why in DIFFERENCES:
        print(f"  {part:10} {pattern:40} {why}")
    check(not failed, "wg-quick and tunion differ, or wg-quick over wireguard-tunion does")


main(test)
