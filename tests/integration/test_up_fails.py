#!/usr/bin/env python3
"""Whatever step of `up` fails, by something real: the exit status is 1, the reason is told, what had been done is
undone. And kill -9 of either process, at any moment of up, running and down: the next `up` or `down` finds its way
and leaves nothing stale. Prints a table of steps and results."""

import os
import random
import re
import signal
import time

from lab import Keys, Process, Tunion, check, equal, main, need, same_text, six, wait_for, with_ipv6

KILLS = 40
TUN = "t0"


def conf(number, *lines, allowed="", peer=""):
    return "\n".join(["[Interface]", f"PrivateKey = {Keys().private}", f"Address = 10.{number}.0.2/24, fd{number:02}::2/64",
                      *lines, "[Peer]", f"PublicKey = {Keys().public}",
                      f"AllowedIPs = {allowed or f'10.{number}.0.0/16'}", peer or "Endpoint = 192.0.2.1:1", ""])


class Bed:
    """A host with two files whose hooks are counted."""

    def __init__(self, lab):
        self.h = h = lab.host("h")
        net = lab.host("net")
        lab.link(h, "eth0", "192.0.2.2/24 2001:db8::2/64", net, "eth0", "192.0.2.1/24 2001:db8::1/64")
        h.run("ip route add default via 192.0.2.1;" + six("ip -6 route add default via 2001:db8::1;") + "nft list ruleset")
        self.resolvconf = h.resolvconf()
        self.log = lab.new_file("hooks")
        self.t = Tunion(h, tun=TUN)
        self.before = None

    def files(self, full=(), home=(), **more):
        hooks = [f"{kind} = echo {kind} >>{self.log}" for kind in ("PreUp", "PostUp", "PreDown", "PostDown")]
        for name in os.listdir(self.t.dir):
            os.unlink(os.path.join(self.t.dir, name))
        self.t.write("full.conf", conf(7, "DNS = 10.7.0.1", *hooks, *full, allowed="0.0.0.0/0, ::/0"))
        self.t.write("home.conf", conf(8, *hooks, *home))
        for name, text in more.items():
            self.t.write(f"{name}.conf", text)

    def hooks(self):
        try:
            with open(self.log) as f:
                text = f.read().split()
            os.unlink(self.log)
            return text
        except FileNotFoundError:
            return []

    def snapshot(self):
        h = self.h
        wait_for(lambda: not pids(), "tunion's processes to end")
        return (re.sub(r"\b(expires|valid_lft|preferred_lft) \S+", "", h.snapshot())
                + h.run(f"cd {h.run_dir}; ls -A . resolvconf wireguard | grep -v resolvconf.log"))

    def same(self, when):
        same_text(self.snapshot(), self.before, f"the host after {when}")


def pids():
    """tunion's processes, in this pid namespace."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                name, rest = f.read().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue
        # While it ends it has no command line any more, but still its sockets.
        if name.startswith("tunion") and rest.split()[0] != "Z":
            found.append(int(pid))
    return found


# ---- steps: (what fails, how it is made to, what `up` says); undone by what the step returns

def bad_file(b):
    b.files(bad="[Interface]\nPrivateKey = x\n")


def files_that_contradict(b):
    b.files(full=["ListenPort = 4000"], home=["ListenPort = 4000"])


def name_taken(b):
    b.h.run(f"ip link add {TUN} type veth peer name peer0")
    return lambda: b.h.run(f"ip link del {TUN}")


def no_tun(b):
    empty = os.path.join(b.h.run_dir, "bin")
    b.h.binds.append((empty, "/dev/net"))
    return b.h.binds.clear


def pid_file_is_a_directory(b):
    path = os.path.join(b.h.run_dir, f"{TUN}.pid")
    os.mkdir(path)
    return lambda: os.rmdir(path)


def state_is_a_directory(b):
    path = os.path.join(b.h.run_dir, f"{TUN}.state.tmp")
    os.mkdir(path)
    return lambda: os.rmdir(path)


def hooks_anyone_may_write(b):
    path = os.path.join(b.t.dir, "home.conf")
    os.chmod(path, 0o666)
    return lambda: os.chmod(path, 0o600)


def pre_up(b):
    b.files(home=["PreUp = exit 7"])


def port_in_use(b):
    b.files(home=["ListenPort = 4001"])
    p = b.h.start(["python3", "-c", "import socket, time\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                   "s.bind(('', 4001))\nprint('bound', flush=True)\ntime.sleep(100)"], name="port")
    p.wait_output("bound")
    return p.stop


def uapi_in_use(b):
    p = b.h.start(["python3", "-c", "import socket, time\ns = socket.socket(socket.AF_UNIX)\n"
                   f"s.bind('{b.h.run_dir}/wireguard/home.sock')\ns.listen()\nprint('bound', flush=True)\n"
                   "time.sleep(100)"], name="uapi")
    p.wait_output("bound")

    def end():
        p.stop()
        os.unlink(f"{b.h.run_dir}/wireguard/home.sock")
    return end


def ipv6_only_on_the_uplink(b):
    b.h.run("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6")
    return lambda: b.h.run("echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6")


def no_resolvconf(b):
    path = os.path.join(b.h.bin, "resolvconf")
    os.rename(path, path + "~")
    b.h.hide("resolvconf", "resolvectl")

    def end():
        os.rename(path + "~", path)
        b.h.binds.clear()
    return end


def resolvconf_fails(b):
    path = os.path.join(b.h.bin, "resolvconf")
    os.rename(path, path + "~")
    b.h.program("resolvconf", "[ $1 = -d ] && exit 0; cat >/dev/null; echo bad day >&2; exit 4")
    return lambda: os.rename(path + "~", path)


def table_occupied(b):
    b.files(full=["FwMark = 99"], home=["FwMark = 98"])
    b.h.run("ip route add default via 192.0.2.1 table 99")
    return lambda: b.h.run("ip route flush table 99")


def no_priorities(b):
    b.h.run("ip rule add pref 1 lookup main")
    return lambda: b.h.run("ip rule del pref 1")


def no_firewall(b):
    b.h.hide("nft", "iptables-restore", "ip6tables-restore")
    return b.h.binds.clear


def firewall_fails(b):
    b.h.program("nft", f"case $(cat) in *hook*) echo broken >&2; exit 1;; esac")
    return lambda: os.unlink(os.path.join(b.h.bin, "nft"))


def post_up(b):
    b.files(home=["PostUp = exit 8"])


def interrupted(b):
    b.files(home=["PostUp = kill -TERM $PPID"])


def socket_is_a_directory(b):
    path = os.path.join(b.h.run_dir, f"{TUN}.sock")
    os.mkdir(path)
    return lambda: os.rmdir(path)


STEPS = [
    (bad_file, "bad.conf:2: ", 0),
    (files_that_contradict, "ListenPort", 0),
    (pid_file_is_a_directory, "Is a directory", 0),
    (hooks_anyone_may_write, "home.conf:", 0),
    (name_taken, "already exists", 0),
    (no_tun, "/dev/net/tun", 0),
    (state_is_a_directory, f"{TUN}.state", 0),
    (pre_up, "PreUp failed with exit status 7", 0),
    (port_in_use, "ListenPort 4001 is in use", 0),
    (uapi_in_use, "home", 0),
    (ipv6_only_on_the_uplink, "IPv6 is disabled", 0),
    (no_resolvconf, "full.conf:4: DNS needs the program resolvconf, which is missing: install the package openresolv", 0),
    (no_resolvconf, "--no-dns", 0),
    (resolvconf_fails, "bad day", 0),
    (resolvconf_fails, "--no-dns", 0),
    (table_occupied, "another device already has this route", 0),
    (no_priorities, "no free priority for routing rules", 0),
    (no_firewall, "install the package nftables", 0),
    (firewall_fails, "the firewall rules", 0),
    (firewall_fails, "--no-firewall", 0),
    (post_up, "PostUp failed with exit status 8", 1),
    (interrupted, "interrupted", 2),
    (socket_is_a_directory, f"{TUN}.sock", 2),
]


def each_step_fails(b):
    for step, expected, were_up in STEPS:
        if step is ipv6_only_on_the_uplink and not with_ipv6(step.__name__.replace("_", " ")):
            continue
        b.files()
        restore = step(b)
        changed = b.snapshot()
        done = b.t.try_run("up", b.t.dir)
        name = step.__name__.replace("_", " ")
        check(done.returncode == 1, f"{name}: up gave {done.returncode}:\n{done.stderr}")
        check(expected in done.stderr, f"{name}: {expected!r} is not in:\n{done.stderr}")
        same_text(b.snapshot(), changed, f"{name}: the host after a failed up")
        hooks = b.hooks()
        equal([hooks.count(kind) for kind in ("PreDown", "PostDown")], [were_up] * 2, f"{name}: hooks of files that were up")
        if restore:
            restore()
        b.same(name)
        said = next(line for line in done.stderr.splitlines() if expected in line)
        print(f"{name:26} exit 1, nothing left; {said.replace(b.t.dir, 'DIR')[:130]}")


def what_is_left_is_told(b):
    """The file with its own tun fails, and of what was done before it not all can be undone; down does it later."""
    b.files(home=["# tunion: Tun = own", "PostUp = exit 8"])
    path = os.path.join(b.h.bin, "resolvconf")
    os.rename(path, path + "~")
    b.h.program("resolvconf", f"[ $1 = -a ] && exec {path}~ $*; echo bad day >&2; exit 4")
    done = b.t.try_run("up", b.t.dir)
    equal(done.returncode, 1, "exit status of up: " + done.stderr)
    check("bad day" in done.stderr and "unless a warning above says otherwise" in done.stderr, done.stderr)
    os.rename(path + "~", path)
    b.t.run("down")
    b.hooks()
    b.same("an up of which something was left, and down")


# ---- kills

def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(word) for word in f.read().split()]
    except OSError:
        return []


def kill_one(p, which):
    """The supervisor, or the engine, which is its first child."""
    victims = [p.popen.pid] if which == "supervisor" else children(p.popen.pid)[:1]
    for pid in victims:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def start(b):
    return Process(b.h, b.t.argv("up", "--foreground", b.t.dir), name="killed")


def ready(b, p):
    wait_for(lambda: not p.alive() or b.t.try_run("status").returncode == 0, "up")


def one_kill(b, moment, which, then, delay):
    p = start(b)
    if moment != "up":
        ready(b, p)
    if moment == "down":
        p.popen.send_signal(signal.SIGTERM)
    time.sleep(delay)
    kill_one(p, which)
    if which == "supervisor" or moment == "down":
        p.wait()
    else:
        ready(b, p)  # it has restarted the engine, or given up and undone
    wait_for(lambda: p.alive() or not pids(), "the other process to end")
    if not p.alive() and then == "up":
        b.t.run("up", b.t.dir)
        check("full" in b.t.run("status"), "status after the second up")
    done = b.t.try_run("down")
    check(done.returncode == 0 or "is not up" in done.stderr or "no instance" in done.stderr, done.stderr)
    p.wait()


def kills(b):
    seed = int(os.environ.get("TUNION_SEED", random.randrange(1 << 32)))
    print(f"TUNION_SEED={seed}")
    draw = random.Random(seed)
    b.files()
    began = time.monotonic()
    p = start(b)
    ready(b, p)
    took = time.monotonic() - began
    b.t.run("down")
    b.same("a plain up and down")
    for number in range(KILLS):
        moment = draw.choice(("up", "up", "running", "down", "down"))
        which = draw.choice(("supervisor", "engine"))
        then = draw.choice(("up", "down"))
        delay = draw.uniform(0, took if moment != "running" else 0.05)
        one_kill(b, moment, which, then, delay)
        b.hooks()
        b.same(f"kill {number}: of the {which} {delay * 1000:.0f} ms into {moment}, then {then}")
    print(f"{KILLS} kills over {took * 1000:.0f} ms of up and down: nothing stale")


def a_program_outlives_it(b):
    """Killed while resolvconf runs: what that does afterwards is undone all the same."""
    b.files()
    h, state = b.h, os.path.join(b.h.run_dir, "resolvconf")
    path, gate, began = (os.path.join(h.run_dir, name) for name in ("bin/resolvconf", "gate", "began"))
    os.rename(path, path + "~")
    os.mkfifo(gate)
    h.program("resolvconf", f'[ $1 = -d ] && {{ rm -f {state}/$2; exit; }}; touch {began}; read x <{gate}; cat >{state}/$2')
    p = start(b)
    wait_for(lambda: os.path.exists(began), "resolvconf")
    kill_one(p, "supervisor")
    p.wait()
    down = Process(h, b.t.argv("down"), name="down")
    limit = time.monotonic() + 0.5
    wait_for(lambda: not down.alive() or time.monotonic() > limit, "down to wait, or not")
    with open(gate, "w"):
        pass
    equal(down.wait(), 0, "down after a kill: " + down.output())
    os.unlink(path), os.unlink(gate), os.unlink(began)
    os.rename(path + "~", path)
    b.hooks()
    b.same("a kill while resolvconf ran")


def test(lab):
    need("nft", "python3")
    b = Bed(lab)
    b.before = b.snapshot()
    each_step_fails(b)
    what_is_left_is_told(b)
    a_program_outlives_it(b)
    kills(b)


main(test)
