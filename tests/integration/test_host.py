#!/usr/bin/env python3
"""src/host by itself: what the kernel has after up, after changes while it is up, after failures and kills; and
that all of it is as before after down. How long ten thousand routes take."""

import os
import re
import subprocess

from lab import BUILD, Keys, check, equal, here, in_time, main, need, same_text, six, wait_for, with_ipv6

DRIVER = os.path.join(BUILD, "tests/integration/host_driver")
STATE = "/run/t0.state"


class Driver:
    """host_driver on a host: one answer per command."""

    def __init__(self, host, tun="t0", state=STATE):
        self.host = host
        self.state = state
        self.dir = os.path.join(host.run_dir, f"conf-{tun}")
        os.makedirs(self.dir, mode=0o700, exist_ok=True)
        self.popen = subprocess.Popen([DRIVER, tun, state], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True, preexec_fn=host.enter,
                                      env=dict(os.environ, PATH=f"{host.run_dir}/bin:{os.environ['PATH']}"))

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(text)

    def files(self, **texts):
        for name in os.listdir(self.dir):
            os.unlink(os.path.join(self.dir, name))
        for name, text in texts.items():
            self.write(f"{name}.conf", text)

    def ask(self, command):
        """(last line, lines before it)"""
        self.popen.stdin.write(command + "\n")
        self.popen.stdin.flush()
        lines = []
        while True:
            line = self.popen.stdout.readline().rstrip("\n")
            if line.startswith(("ok", "failed")):
                return line, "\n".join(lines)
            check(self.popen.poll() is None or line, "host_driver ended:\n" + "\n".join(lines))
            lines.append(line)

    def do(self, command):
        answer, text = self.ask(command)
        check(answer.startswith("ok"), f"{command}: {answer}\n{text}")
        return answer

    def fails(self, command, *expected):
        answer, text = self.ask(command)
        check(answer.startswith("failed"), f"{command} succeeds\n{text}")
        for part in expected:
            check(part in text, f"{command} does not say {part!r}:\n{text}")

    def up(self):
        return self.do(f"up {self.dir}")

    def update(self):
        return self.do(f"update {self.dir}")

    def down(self):
        self.do("down")
        self.end()

    def end(self):
        self.popen.stdin.write("end\n")
        self.popen.stdin.close()
        equal(self.popen.wait(10), 0, "host_driver's exit status")

    def kill(self):
        self.popen.kill()
        self.popen.wait()


def conf(interface, *peers):
    return f"[Interface]\nPrivateKey = {Keys().private}\n{interface}\n" + "".join(
        f"[Peer]\nPublicKey = {Keys().public}\n{p}\n" for p in peers)


def way(host, address, mark=0):
    """(device, source, mtu, table) that the kernel takes for an address."""
    text = host.run(f"ip route get {address} {f'mark {mark}' if mark else ''}")

    def word(name):
        found = re.search(rf"\b{name} (\S+)", text)
        return found.group(1) if found else None
    return word("dev"), word("src"), word("mtu"), word("table")


def new_host(lab):
    h = lab.host("h")
    other = lab.host("net")
    lab.link(h, "eth0", "192.0.2.2/24 2001:db8::2/64", other, "eth0", "192.0.2.1/24 2001:db8::1/64")
    h.run("ip route add default via 192.0.2.1;" + six("ip -6 route add default via 2001:db8::1;") +
          "ip route add 10.66.0.0/16 via 192.0.2.1 metric 50; ip rule add from 192.0.2.2 lookup 99 pref 20000;"
          "ip route add 203.0.113.128/25 via 192.0.2.1; ip -6 rule add to fd99::/64 lookup 99 pref 20000")
    return h


FULL = ("Address = 10.8.0.2/24, fd08::2/64\nMTU = 1400", "AllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = 198.51.100.1:1")
HOME = ("Address = 10.9.0.2/32\nMTU = 1300", "AllowedIPs = 192.168.7.0/24, 203.0.113.0/24\nEndpoint = 203.0.113.9:1\n"
        "# tunion: Via = network")


def kernel_follows(h):
    """The kernel's own answers while both are up."""
    d = Driver(h)
    d.files(full=conf(*FULL), home=conf(*HOME))
    mark = int(re.search(r"mark (\d+)", d.up()).group(1))
    equal(mark, 51820, "mark")
    for address, expected in {
        "8.8.8.8": ("t0", "10.8.0.2", "1400", "51820"),
        "198.51.100.1": ("t0", "10.8.0.2", "1400", "51820"),
        "192.168.7.1": ("t0", "10.9.0.2", "1300", None),
        "203.0.113.9": ("t0", "10.9.0.2", "1300", "51821"),
        "203.0.113.200": ("eth0", "192.0.2.2", None, None),  # the LAN's is longer than home's
        "10.8.0.77": ("t0", "10.8.0.2", None, None),
        "192.0.2.7": ("eth0", "192.0.2.2", None, None),
        "10.66.1.1": ("eth0", "192.0.2.2", None, None),
        "2001:4860::1": ("t0", "fd08::2", "1400", "51820"),
        "2001:db8::7": ("eth0", "2001:db8::2", None, None),
    }.items():
        if here(address):
            equal(way(h, address), expected, f"the way to {address}")
    for address in ("8.8.8.8", "198.51.100.1", "203.0.113.9"):
        equal(way(h, address, mark)[0], "eth0", f"the way of our own datagrams to {address}")
    if with_ipv6("the ways by IPv6"):
        equal(way(h, "2001:4860::1", mark)[0], "eth0", "the way of our own IPv6 datagrams")
    equal(d.do("mtu 203.0.113.9"), "ok 1500", "the path's MTU is asked for with the mark")
    h.run("ip route add 203.0.113.9 via 192.0.2.1 mtu 1350")
    equal(d.do("mtu 203.0.113.9"), "ok 1350", "the MTU of a route")
    h.run("ip route replace 203.0.113.9 via 192.0.2.1 mtu lock 1350")
    equal(d.do("mtu 203.0.113.9"), "ok 1500", "a locked one does not count")
    h.run("ip route del 203.0.113.9")
    check("proto kernel" in h.run("ip -d rule show pref 32764"), "networkd would delete the rules")
    equal(h.run("cat /proc/sys/net/ipv4/conf/all/src_valid_mark").strip(), "1", "src_valid_mark")
    check("tunion-t0" in h.run("nft list ruleset"), "no guard")
    check("fe80" not in h.run("ip -6 addr show dev t0"), "a link-local address")
    d.down()


def changes_while_up(h):
    """Each change leaves what a fresh up of the same files would."""
    steps = [
        {"full": conf(*FULL)},
        {"full": conf(*FULL), "home": conf(*HOME)},
        {"home": conf(*HOME)},
        # first address of a subnet goes: the kernel takes the second one along
        {"a": conf("Address = 10.20.0.2/24, 10.20.0.3/24\nMTU = 1400", "AllowedIPs = 10.30.0.0/16")},
        {"a": conf("Address = 10.20.0.3/24\nMTU = 1400", "AllowedIPs = 10.30.0.0/16")},
        # a connected route takes the place of a prefix, and gives it back
        {"a": conf("Address = 10.20.0.3/32\nMTU = 1400", "AllowedIPs = 10.20.0.0/24")},
        {"a": conf("Address = 10.20.0.3/24\nMTU = 1400", "AllowedIPs = 10.20.0.0/24")},
        {"a": conf("Address = 10.20.0.3/32\nMTU = 1400", "AllowedIPs = 10.20.0.0/24")},
        # an endpoint moves into its own prefix and out again
        {"a": conf("Address = 10.20.0.3/32\nMTU = 1300", "AllowedIPs = 10.21.0.0/16\nEndpoint = 10.21.0.9:1")},
        {"a": conf("Address = 10.20.0.3/32\nMTU = 1300", "AllowedIPs = 10.21.0.0/16\nEndpoint = 10.22.0.9:1")},
        # IPv6: an address comes with another length
        {"a": conf("Address = fd20::3/128\nMTU = 1300", "AllowedIPs = fd21::/64")},
        {"a": conf("Address = fd20::3/64\nMTU = 1300", "AllowedIPs = fd21::/64, ::/0")},
        {"a": conf("MTU = 1280\nTable = 77", "AllowedIPs = fd21::/64, 10.0.0.0/8")},
    ]

    def settled():
        # what follows from the order of coming only: the tun's number and that of the addresses
        lines = h.snapshot().splitlines()
        return "\n".join(sorted(line for line in lines if line))

    d = Driver(h)
    d.files(**steps[0])
    d.up()
    for number, step in enumerate(steps[1:], 1):
        d.files(**step)
        d.update()
        got = settled()
        fresh = Driver(h, "t0", "/run/other.state")  # not while t0 is up: only prepared here
        d.down()
        fresh.files(**step)
        fresh.up()
        # the tables' numbers are kept over the changes; they count from the first need
        numbers = re.compile(r"\b518[23]\d\b|table \d{5}")
        same_text(numbers.sub("N", got), numbers.sub("N", settled()), f"after change {number}")
        fresh.down()
        d = Driver(h)
        d.files(**step)
        d.up()
    d.down()


def failures(h, before):
    d = Driver(h)
    h.run("ip link add t0 type veth peer name t1")
    d.files(full=conf(*FULL))
    d.fails(f"up {d.dir}", "`t0' already exists")
    h.run("ip link del t0")
    d.files(a=conf("Address = 10.8.0.2/32", "AllowedIPs = 10.66.0.0/16, 203.0.113.128/25"))
    answer, text = d.ask(f"up {d.dir}")
    check(answer.startswith("ok") and "a.conf:6: warning: 203.0.113.128/25 yields to eth0" in text, f"{answer}: {text}")
    check("10.66" not in text, text)
    equal(way(h, "203.0.113.200")[0], "eth0", "the way to what is there already")
    equal(way(h, "10.66.1.1")[0], "t0", "the way to what is there with a worse metric, through a gateway")
    d.do("down")
    for table in ("main", "254", "0"):
        d.files(a=conf(f"Address = 10.8.0.2/24\nTable = {table}", "AllowedIPs = 10.8.0.0/24"))
        d.fails(f"up {d.dir}", "a.conf:7: ", "10.8.0.0/24", "it comes with the Address of this network")
    same_text(h.snapshot(), before, "after a route that is there already")
    d.files(a=conf("Address = 10.8.0.2/32\nPreUp = ip link show %i >&2\nPostUp = false", "AllowedIPs = 0.0.0.0/0"))
    d.fails(f"up {d.dir}", "a.conf:5: PostUp failed with exit status 1")
    same_text(h.snapshot(), before, "after a PostUp that fails")
    log = os.path.join(h.run_dir, "hooks")
    d.files(a=conf(f"PostUp = echo a >>{log}\nPreDown = echo a down >>{log}\nPostDown = echo a gone >>{log}"),
            b=conf(f"PostUp = echo b >>{log}\nPreDown = echo b down >>{log}\nPostDown = echo b gone >>{log}"),
            c=conf(f"PostUp = false\nPreDown = echo c down >>{log}"))
    d.fails(f"up {d.dir}", "c.conf:3: PostUp failed")
    with open(log) as f:
        equal(f.read().split("\n"), ["a", "b", "b down", "a down", "b gone", "a gone", ""], "hooks")
    if with_ipv6("IPv6 on the uplink, but not on the tun"):
        h.run("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6")
        d.files(full=conf(*FULL))
        d.fails(f"up {d.dir}", "IPv6 is disabled on this host")
        h.run("echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6")
    h.run("ip route add 10.77.0.0/16 via 192.0.2.1 table 51820")
    d.files(full=conf(*FULL))
    check("mark 51821 " in d.up(), "a table in use is taken")
    d.do("down")
    h.run("ip route flush table 51820")
    d.end()
    same_text(h.snapshot(), before, "after all failures")


def without_ipv6(lab):
    """All but IPv6 is there, and this is told once."""
    h = lab.host("without6", ipv6=False)
    other = lab.host("net6")
    lab.link(h, "eth0", "192.0.2.2/24", other, "eth0", "192.0.2.1/24")
    h.run("ip route add default via 192.0.2.1; nft list ruleset")
    before = h.snapshot()
    d = Driver(h)
    d.files(full=conf(*FULL), six=conf("Address = fd09::2/128", "AllowedIPs = fd77::/64\nEndpoint = [2001:db8::9]:1"))
    answer, text = d.ask(f"up {d.dir}")
    check(answer.startswith("ok"), text)
    equal(text.count("warning: this host has no IPv6"), 1, f"warnings in\n{text}")
    equal(way(h, "8.8.8.8"), ("t0", "10.8.0.2", "1400", "51820"), "the way by IPv4")
    equal(h.run("ip -6 addr; ip -6 route show table all; nft list tables ip6"), "", "addresses, routes and guard of IPv6")
    check("suppress_prefixlength" not in h.try_run("ip -6 rule").stdout, "rules of IPv6")
    d.files(full=conf(*FULL), home=conf(*HOME))
    answer, text = d.ask(f"update {d.dir}")
    check(answer.startswith("ok") and "IPv6" not in text, f"{answer}: {text}")
    if with_ipv6("a host that gets IPv6 later"):
        h.run("for f in all default eth0 t0; do echo 0 >/proc/sys/net/ipv6/conf/$f/disable_ipv6; done")
        h.run("ip addr add 2001:db8::2/64 dev eth0 nodad; ip -6 route add default via 2001:db8::1")
        d.update()
        equal(way(h, "2001:4860::1"), ("t0", "fd08::2", "1400", "51820"), "the way by IPv6, once there is IPv6")
        h.run("for f in all default eth0 t0; do echo 1 >/proc/sys/net/ipv6/conf/$f/disable_ipv6; done")
        answer, text = d.ask(f"update {d.dir}")
        check(answer.startswith("ok") and "this host has no IPv6" in text, f"once it is gone again: {answer}: {text}")
    d.down()
    same_text(h.snapshot(), before, "after a host without IPv6")


def kills(h, before):
    """A killed instance leaves rules, guard and sysctl; the next one of the name clears them."""
    log = os.path.join(h.run_dir, "killed")
    d = Driver(h)
    d.files(full=conf(FULL[0] + f"\nPostDown = echo gone %i >>{log}", FULL[1]), home=conf(*HOME))
    d.up()
    up = h.snapshot()
    d.kill()
    check("suppress_prefixlength" in h.run("ip rule"), "the kill leaves no rules")
    h.run(six("ip addr add fe80::7475:6e69:6f6e/128 dev lo"))  # as if it was there for the moment of the kill
    d = Driver(h)
    d.do("down")
    with open(log) as f:
        equal(f.read(), "gone t0\n", "the hooks of the killed one")
    same_text(h.snapshot(), before, "after a kill and the next start")
    d.files(full=conf(*FULL), home=conf(*HOME))
    d.up()
    same_text(h.snapshot(), up, "the second up")
    # two instances share src_valid_mark: it is put back when the last one goes
    other = Driver(h, "t1", "/run/t1.state")
    other.files(full=conf("Address = 10.99.0.2/32\nFwMark = 77", FULL[1].replace(", ::/0", "")))
    other.up()
    d.down()
    equal(h.run("cat /proc/sys/net/ipv4/conf/all/src_valid_mark").strip(), "1", "while t1 is up")
    other.down()
    same_text(h.snapshot(), before, "after both")
    h.run("echo 1 >/proc/sys/net/ipv4/conf/all/src_valid_mark")
    d = Driver(h)
    d.files(full=conf(*FULL))
    d.up()
    d.down()
    equal(h.run("cat /proc/sys/net/ipv4/conf/all/src_valid_mark").strip(), "1", "set by the user before")
    h.run("echo 0 >/proc/sys/net/ipv4/conf/all/src_valid_mark")


def name_servers(h, before):
    """A resolvconf of our own writes down what it is given."""
    log = os.path.join(h.run_dir, "resolvconf.log")
    folder = os.path.join(h.run_dir, "bin")
    os.makedirs(folder, exist_ok=True)

    def said():
        with open(log) as f:
            text = f.read()
        os.unlink(log)
        return text

    def resolvconf(text):
        with open(os.open(os.path.join(folder, "resolvconf"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o755), "w") as f:
            f.write(f"#!/bin/sh\necho $* >>{log}\n{text}\n")

    resolvconf(f'case $1 in -a) cat >>{log};; esac')
    a = conf("Address = 10.8.0.2/32\nDNS = 10.8.0.1, a.lan", "AllowedIPs = 0.0.0.0/0")
    b = conf("Address = 10.9.0.2/32\nDNS = 10.9.0.1, b.lan", "AllowedIPs = 10.9.0.0/24")
    one = "-a t0 -m 0 -x\nnameserver 10.8.0.1\nsearch a.lan\n"
    d = Driver(h)
    d.files(a=a)
    d.up()
    equal(said(), one, "one file")
    d.update()
    check(not os.path.exists(log), "resolvconf is run although nothing has changed")
    d.files(a=a, b=b)
    d.update()
    equal(said(), "-a t0 -m 0 -x\nnameserver 192.0.0.53\nsearch a.lan b.lan\n", "two files")
    equal(way(h, "192.0.0.53")[0], "t0", "the way to the virtual resolver")
    d.files(b=conf("Address = 10.9.0.2/32", "AllowedIPs = 10.9.0.0/24"))
    d.update()
    equal(said(), "-d t0 -f\n", "none any more")
    d.files(a=a)
    d.update()
    equal(said(), one, "one again")
    d.kill()
    d = Driver(h)
    d.do("mtu 192.0.2.1")
    equal(said(), "-d t0 -f\n", "after a kill")
    resolvconf("echo no way >&2; exit 5")
    d.files(a=a)
    d.fails(f"up {d.dir}", "resolvconf failed (exit status 5): no way")
    d.end()
    check(os.path.exists(STATE), "nobody knows any more that resolvconf was told something")
    resolvconf("")
    d = Driver(h)
    d.do("mtu 192.0.2.1")
    equal(said().count("-d t0 -f\n"), 2, "how often it was told that they go")
    same_text(h.snapshot(), before, "after resolvconf failed")
    os.unlink(os.path.join(folder, "resolvconf"))
    d.fails(f"up {d.dir}", "install the package openresolv")
    same_text(h.snapshot(), before, "without resolvconf")
    d.end()


def every_failure(h, before):
    """Each system call and each allocation of up fails once: it fails and changes nothing, or does without."""
    ups, downs = (os.path.join(h.run_dir, name) for name in ("hooks.up", "hooks.down"))
    hooks = f"\nPostUp = echo >>{ups}\nPostDown = echo >>{downs}"
    d = Driver(h)
    d.files(full=conf(FULL[0] + hooks, FULL[1]), home=conf(*HOME))

    def lines(path):
        with open(path) as f:
            return len(f.read())

    def attempt(number):
        answer, text = d.ask(f"fail {number} up {d.dir}")
        check(answer.startswith("ok"), f"failure {number}: {answer}")
        return next(line for line in text.splitlines() if line.startswith("result ")).split()[1:], text

    (result, count, _), text = attempt(0)
    equal(result, "done", text)
    d.do("down")
    table = {}
    for number in range(1, int(count) + 1):
        (result, _, call), text = attempt(number)
        if result == "done":
            d.do("down")
        if call == "-":  # a list may come in more pieces or fewer
            check(number > int(count) - 4, f"call {number} of {count} did not come")
            break
        same_text(h.snapshot(), before, f"after call {number} of {count}, {call}, failed ({result}):\n{text}")
        check(not os.path.exists(STATE), f"a state file is left after call {number}, {call}, failed")
        table.setdefault((call, result), []).append(number)
    equal(lines(ups), lines(downs), "hooks of files that came up")
    for (call, result), numbers in sorted(table.items()):
        print(f"{call} fails {len(numbers)} times: {'nothing changed' if result == 'failed' else 'up without it'}: "
              f"calls {' '.join(map(str, numbers))}")
    d.end()


def every_failure_of_an_update(h, before):
    """What has failed is done by the next one, and nothing of it is forgotten at down."""
    d = Driver(h)
    full, home = conf("Address = 10.8.0.2/32\nMTU = 1400", "AllowedIPs = 0.0.0.0/0"), conf("MTU = 1300", "AllowedIPs = 192.168.7.0/24")
    rules = "ip rule; ip route show table all; nft list ruleset"
    number, count, unchanged = 0, 0, h.run(rules)
    while number <= count:
        d.files(full=full)
        d.up()
        d.files(home=home)
        answer, text = d.ask(f"fail {number} update {d.dir}")
        result, calls, call = next(line for line in text.splitlines() if line.startswith("result ")).split()[1:]
        d.update()
        got = re.sub(r"metric \d+", "metric worst", h.run(rules))
        if number == 0:
            count, expected = int(calls), got
            number = count * 3 // 5  # what is new is there by then
        same_text(got, expected, f"update again, after call {number} of {count}, {call}, failed ({result}):\n{text}")
        d.do("down")
        same_text(h.run(rules), unchanged, f"after call {number} of {count}, {call}, failed ({result}):\n{text}")
        number += 1
    d.end()
    same_text(h.snapshot(), before, "after all failures of an update")


def programs_fail(h, before):
    """What could not be done or undone is tried again."""
    h.program("resolvconf", "")
    d = Driver(h)
    d.files(full=conf(*FULL))
    d.up()
    nft = h.program("nft", "echo bad day >&2; exit 1")
    d.files(full=conf(FULL[0].replace("10.8.0.2/24", "10.8.0.2/24, 10.8.1.2/24") + "\nDNS = 10.8.0.1", FULL[1]))
    d.fails(f"update {d.dir}", "the firewall rules for t0 can't be set", "bad day")
    os.unlink(nft)
    d.update()
    check("10.8.1.2" in h.run("nft list ruleset"), "the guard is not set again after nft has failed")
    h.program("nft", "echo bad day >&2; exit 1")
    os.unlink(os.path.join(h.bin, "resolvconf"))
    answer, text = d.ask("down")
    for part in ("the firewall rules for t0 are left: nft failed (exit status 1): bad day", "the name servers of t0 are left", STATE):
        check(part in text, f"down does not say {part!r}:\n{text}")
    d.end()
    os.unlink(nft)
    h.program("resolvconf", "")
    d = Driver(h)
    d.end()
    os.unlink(os.path.join(h.bin, "resolvconf"))
    same_text(h.snapshot(), before, "after the programs are back")
    check(not os.path.exists(STATE), "a state file is left")


def many_routes(h):
    d = Driver(h)
    allowed = ", ".join(f"20.{i >> 8}.{i & 255}.0/24" for i in range(10000))
    d.files(many=conf("Address = 10.8.0.2/32\nMTU = 1400", f"AllowedIPs = {allowed}"))
    took = float(d.up().split()[-1])
    equal(len(h.run("ip route show dev t0").splitlines()), 10000, "routes")
    print(f"10,000 routes: up took {took:.0f} ms with reading the file")
    in_time(took, 1000, "10,000 routes")
    took = float(d.update().split()[-1])
    in_time(took, 500, "no change")
    d.down()


def test(lab):
    need("nft")
    h = new_host(lab)
    h.run("nft list ruleset")
    before = h.snapshot()
    for part in (kernel_follows, changes_while_up):
        part(h)
        same_text(h.snapshot(), before, f"after {part.__name__}")
    failures(h, before)
    without_ipv6(lab)
    kills(h, before)
    name_servers(h, before)
    programs_fail(h, before)
    every_failure_of_an_update(h, before)
    every_failure(h, before)
    many_routes(h)
    same_text(h.snapshot(), before, "at the end")
    wait_for(lambda: not os.path.exists(STATE), "the state file to go", 1)


main(test)
