#!/usr/bin/env python3
"""The programs that `up` runs, missing or failing: without resolvconf systemd-resolved is told by resolvectl, if it is
in use; what fails is told once, with the option that does without; that option does."""

import os

from lab import Keys, Tunion, check, equal, main, same_text, six

RESOLVED, OTHER = "nameserver 127.0.0.53\noptions edns0\n", "nameserver 192.0.2.53\n"


def conf(allowed, *lines):
    return "\n".join(["[Interface]", f"PrivateKey = {Keys().private}", *lines, "[Peer]", f"PublicKey = {Keys().public}",
                      f"AllowedIPs = {allowed}", "Endpoint = 192.0.2.1:1", ""])


def errors(text):
    """What `up` says, but that nothing is up, and what it leaves out where there is no IPv6."""
    check("nothing is up: everything was undone" in text, text)
    return "".join(line for line in text.splitlines(True) if "nothing is up" not in line and "this host has no IPv6" not in line)


class Bed:
    def __init__(self, lab):
        self.h = lab.host("h")
        net = lab.host("net")
        lab.link(self.h, "eth0", "192.0.2.2/24 2001:db8::2/64", net, "eth0", "192.0.2.1/24 2001:db8::1/64")
        self.h.run("ip route add default via 192.0.2.1;" + six("ip -6 route add default via 2001:db8::1;") + "nft list ruleset")
        self.log = os.path.join(self.h.run_dir, "calls.log")
        self.resolv_conf = os.path.join(self.h.run_dir, "resolv.conf")
        self.set_resolv_conf(OTHER)
        self.h.hide("resolvconf", "resolvectl")
        self.h.binds.append((self.resolv_conf, "/etc/resolv.conf"))
        self.t = Tunion(self.h)

    def set_resolv_conf(self, text):
        with open(self.resolv_conf, "w") as f:
            f.write(text)

    def stub(self, name, text="exit 0"):
        """A program that writes down how it is called."""
        self.h.program(name, f'echo "{name} $*" >>{self.log}\n{text}')

    def calls(self):
        if not os.path.exists(self.log):
            return []
        with open(self.log) as f:
            lines = [line for line in f.read().splitlines() if line != "nft list ruleset"]  # snapshot's
        os.unlink(self.log)
        return lines

    def fails(self, *words):
        """What `up` says; the host is as before."""
        before = self.h.snapshot()
        done = self.t.try_run("up", *words, self.t.dir)
        equal(done.returncode, 1, "up's exit status")
        same_text(self.h.snapshot(), before, "the host after a failed up")
        print(done.stderr.strip().replace(self.t.dir, "DIR"))
        return errors(done.stderr)

    def works(self, *words):
        before = self.h.snapshot()
        self.t.run("up", *words, self.t.dir)
        calls = self.calls()
        self.t.run("down")
        same_text(self.h.snapshot(), before, "the host after down")
        return calls


def dns(b):
    b.t.write("a.conf", conf("10.7.0.0/16, fd07::/64", "Address = 10.7.0.2", "DNS = 10.7.0.1, a.lan", "DNS = fd07::1, b.lan"))
    where = os.path.join(b.t.dir, "a.conf") + ":4: "

    # neither program: the place, and the ways out
    said = b.fails()
    check(where in said and "resolvconf" in said and "--no-dns" in said, said)
    equal(said.count("\n"), 1, f"lines of\n{said}")

    # resolvectl is of no use to those who read a resolv.conf that leads elsewhere
    b.stub("resolvectl")
    check(where in b.fails(), "the place")
    equal(b.calls(), [], "calls of resolvectl")

    b.set_resolv_conf(RESOLVED)
    equal(b.works(), ["resolvectl dns tunion0 10.7.0.1 fd07::1", "resolvectl domain tunion0 ~. a.lan b.lan"], "resolvectl")
    equal(b.calls(), ["resolvectl revert tunion0"], "resolvectl at down")

    b.stub("resolvectl", '[ "$1" != domain ] || { echo "no bus today" >&2; exit 1; }')
    said = b.fails()
    check(where in said and "no bus today" in said and "--no-dns" in said, said)
    equal(b.calls()[-1], "resolvectl revert tunion0", "what was begun is undone")

    equal(b.works("--no-dns"), [], "calls with --no-dns")
    os.unlink(os.path.join(b.h.bin, "resolvectl"))
    equal(b.works("--no-dns"), [], "calls with --no-dns")
    equal(b.calls(), [], "calls with --no-dns")
    os.unlink(os.path.join(b.t.dir, "a.conf"))


def firewall(b):
    b.t.write("full.conf", conf("0.0.0.0/0, ::/0", "Address = 10.8.0.2, fd08::2"))
    lack = 'cat >/dev/null; echo "Error: Could not process rule: Operation not supported" >&2; exit 1'
    b.stub("nft", lack)
    said = b.fails()
    check("Operation not supported" in said and "--no-firewall" in said, said)
    equal(said.count("\n"), 1, f"lines of\n{said}")
    b.calls()
    b.works("--no-firewall")
    equal(b.calls(), [], "calls with --no-firewall")
    os.unlink(os.path.join(b.h.bin, "nft"))

    b.h.hide("nft")
    for name in ("iptables", "ip6tables"):
        b.stub(f"{name}-restore", lack)
        b.stub(f"{name}-save")
    before = b.h.try_run("ip -4 rule; ip -6 rule").stdout
    done = b.t.try_run("up", b.t.dir)
    equal(done.returncode, 1, "up's exit status")
    check("Operation not supported" in done.stderr and "--no-firewall" in done.stderr, done.stderr)
    equal(errors(done.stderr).count("\n"), 1, f"lines of\n{done.stderr}")
    equal(b.h.try_run("ip -4 rule; ip -6 rule").stdout, before, "the rules after a failed up")
    print(done.stderr.strip())


def what_is_left(b, *lines):
    """resolvconf fails whatever it is told. That nobody was killed is known: nothing is closed, and `down` tries it again."""
    b.t.write("a.conf", conf("0.0.0.0/0", "Address = 10.7.0.2", "DNS = 10.7.0.1", *lines))
    b.stub("resolvconf", "exit 5")
    before = b.h.snapshot()
    for _ in range(2):
        done = b.t.try_run("up", b.t.dir)
        equal(done.returncode, 1, "up's exit status")
        check("killed" not in done.stderr and "unreachable" not in done.stderr, done.stderr)
        same_text(b.h.snapshot(), before, "the host after a failed up")
    done = b.t.try_run("down")
    check(done.returncode == 1 and "not all that it had left on the host could be removed" in done.stderr, done.stderr)
    b.stub("resolvconf")
    done = b.t.try_run("down")
    check(done.returncode == 0 and "was removed" in done.stderr, done.stderr)
    equal([name for name in os.listdir(b.h.run_dir) if name.endswith((".state", ".pid"))], [], "what says that something is left")
    equal(b.calls()[-1].split()[:2], ["resolvconf", "-d"], "the last call")
    for path in (os.path.join(b.h.bin, "resolvconf"), os.path.join(b.t.dir, "a.conf")):
        os.unlink(path)


def test(lab):
    b = Bed(lab)
    dns(b)
    what_is_left(b)
    what_is_left(b, "# tunion: Tun = own")
    firewall(b)


main(test)
