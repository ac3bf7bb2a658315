"""lab - a network of namespaces for one integration test

A test is a program that calls main(test), where test(lab) builds hosts, starts real
wireguard-go servers and tunion, and asserts. The program runs itself again inside user (where
not root), mount, pid and network namespaces of its own, with an empty /run: so names never
clash, tests run side by side, nothing on the real host can change, and whatever ends the
program, Ctrl-C and SIGKILL too, the kernel ends all its processes and takes all its
namespaces away. Exit status: 0 passed, 1 failed, 77 skipped (the reason is printed).

A new network namespace has IPv6, also where the machine's administrator has disabled it. So if there
is none around the test, the test's hosts are made without it too: see IPV6.

Nothing here sleeps and hopes: wait_for() asks for a condition until a deadline.
"""

import concurrent.futures
import ctypes
import difflib
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import traceback

TOP = os.path.abspath(os.environ.get("top_srcdir", os.path.join(os.path.dirname(__file__), "../..")))
BUILD = os.path.abspath(os.environ.get("top_builddir", os.path.join(TOP, "build")))
TUNION = os.environ.get("TUNION", os.path.join(BUILD, "tunion"))
UP_OPTIONS = os.environ.get("TUNION_UP", "").split()  # of every `tunion up`
SECONDS = 20  # how long a condition may take; generous, for slow machines
IPV6 = os.environ.get("TUNION_LAB_IPV6") != "no"  # do the hosts have IPv6? Set by enter_namespaces
NO_IPV6 = "this machine has no IPv6"
DISABLE_IPV6 = "for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do [ ! -e $f ] || echo 1 >$f; done"

CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)


class Skip(Exception):
    """The test can't run here; says why."""


class Failed(Exception):
    """What was expected did not happen."""


def check(condition, text):
    if not condition:
        raise Failed(text)


def equal(got, expected, what):
    if got != expected:
        raise Failed(f"{what}:\n  got      {got!r}\n  expected {expected!r}")


def same_text(got, expected, what):
    """Several lines; shows only those that differ."""
    if got != expected:
        difference = difflib.unified_diff(expected.splitlines(), got.splitlines(), "expected", "got",
                                          lineterm="", n=0)
        raise Failed(f"{what}:\n" + "\n".join(difference))


def wait_for(condition, what, seconds=SECONDS):
    """Asks `condition` until it gives something true; returns that. `what` is waited for, or says what it is in the end."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise Failed(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.02)


def slowness():
    """How many times as long as on an idle machine of 2020 does some work take now, where others may use
    the processors too? At least 1."""
    begin, n = time.monotonic(), 0
    for i in range(600000):
        n = (n * 31 + i) & 0xffffffff
    return max(1, (time.monotonic() - begin) / 0.1)


def in_time(took_ms, limit_ms, what):
    """A limit that is meant for an idle machine. On another one it is not enforced more strictly than the
    machine is slow."""
    if took_ms > limit_ms:
        factor = 2 * slowness()
        print(f"{what}: {took_ms:.0f} ms, more than {limit_ms} ms; but this machine is {factor / 2:.1f} times slower")
        check(factor > 3 and took_ms <= limit_ms * factor, f"{what} took {took_ms:.0f} ms, limit {limit_ms} ms")


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")


def need_ipv6():
    """For a test whose subject is IPv6."""
    if not IPV6:
        raise Skip(NO_IPV6)


def with_ipv6(part):
    """Is there IPv6? If not, says that this part of the test is left out."""
    if not IPV6:
        print(f"left out, since {NO_IPV6}: {part}")
    return IPV6


def here(*addresses):
    """Those of a family that there is; says which are left out."""
    return [a for a in addresses if ":" not in a or with_ipv6(a)]


def six(text):
    """A piece of shell text or of a tunnel file that is only of use with IPv6."""
    return text if IPV6 else ""


def machine_has_ipv6():
    """Around the test, before it enters namespaces of its own."""
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close()
        with open("/proc/sys/net/ipv6/conf/all/disable_ipv6") as f:
            return f.read().strip() == "0"
    except OSError:
        return False


def call(name, *args):
    if getattr(libc, name)(*args) != 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")


def die_with_parent():
    """In a child, before exec."""
    call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def genkey():
    return subprocess.run(["wg", "genkey"], check=True, capture_output=True, text=True).stdout.strip()


def pubkey(private):
    return subprocess.run(["wg", "pubkey"], input=private, check=True, capture_output=True,
                          text=True).stdout.strip()


class Keys:
    """One WireGuard identity."""

    def __init__(self):
        self.private = genkey()
        self.public = pubkey(self.private)


class Process:
    """Something that runs in a host, its output in a file."""

    def __init__(self, host, argv, name=None, pass_fds=()):
        self.host = host
        self.argv = argv
        self.path = host.lab.new_file(f"{host.name}.{name or os.path.basename(argv[0])}.log")
        with open(self.path, "wb") as out:
            self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                          preexec_fn=host.enter, env=host.environment(), pass_fds=pass_fds)
        host.lab.processes.append(self)

    def output(self):
        with open(self.path, errors="replace") as f:
            return f.read()

    def alive(self):
        return self.popen.poll() is None

    def wait_output(self, text, seconds=SECONDS):
        def seen():
            if text in self.output():
                return True
            if not self.alive() and text not in self.output():
                raise Failed(f"{' '.join(self.argv)} ended with {self.popen.returncode}:\n{self.output()}")
            return False
        wait_for(seen, f"{text!r} from {' '.join(self.argv)}:\n{self.output()}", seconds)

    def wait(self, seconds=SECONDS):
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"still runs after {seconds} s: {' '.join(self.argv)}\n{self.output()}") from None

    def stop(self, sig=signal.SIGTERM):
        """Ends it by its pid; returns its exit status."""
        if self.alive():
            self.popen.send_signal(sig)
            try:
                self.popen.wait(5)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        return self.popen.wait()


class Capture:
    """tcpdump on one interface of a host."""

    def __init__(self, host, interface, expression=""):
        need("tcpdump")
        if os.environ["TUNION_LAB"] != "root":
            raise Skip("tcpdump wants to be root to change to root")
        self.host = host
        self.path = host.lab.new_file(f"{host.name}.{interface}.pcap")
        self.process = host.start(["tcpdump", "-Z", "root", "--immediate-mode", "-U", "-n", "-s", "160",
                                   "-B", "16384", "-i", interface, "-w", self.path]
                                  + expression.split(), name=f"tcpdump-{interface}")
        self.process.wait_output("listening on")

    def lines(self):
        """Stops capturing; one line of text per packet."""
        self.process.stop(signal.SIGINT)
        check(" 0 packets dropped by kernel" in self.process.output().replace("\n", " "),
              "the capture lost packets:\n" + self.process.output())
        out = subprocess.run(["tcpdump", "-Z", "root", "-nn", "-t", "-r", self.path],
                             check=True, capture_output=True, text=True).stdout
        return out.splitlines()


class Host:
    """A network namespace and the processes in it. It sees its own directory as /run/wireguard,
    so that the devices of two hosts may have one name and `wg` finds each."""

    def __init__(self, lab, name, ipv6=IPV6):
        self.lab = lab
        self.name = name
        self.ipv6 = ipv6
        self.run_dir = os.path.join(lab.dir, name)
        os.makedirs(os.path.join(self.run_dir, "wireguard"), mode=0o700)
        self.bin = os.path.join(self.run_dir, "bin")  # its programs come first
        os.makedirs(self.bin)
        self.binds = []  # (what is seen, instead of what)
        subprocess.run(["ip", "netns", "add", name], check=True)
        if not ipv6:
            self.run(DISABLE_IPV6)
        self.run("ip link set lo up")

    def enter(self):
        """In the child, before exec."""
        with open(f"/run/netns/{self.name}", "rb") as ns:
            call("setns", ns.fileno(), CLONE_NEWNET)
        call("unshare", CLONE_NEWNS)
        call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
        call("mount", os.path.join(self.run_dir, "wireguard").encode(), b"/run/wireguard", None, MS_BIND,
             None)
        for source, target in self.binds:
            call("mount", source.encode(), target.encode(), None, MS_BIND, None)
        die_with_parent()

    def environment(self):
        return dict(os.environ, PATH=f"{self.bin}:{os.environ['PATH']}")

    def program(self, name, text):
        """A shell script as a program of the host."""
        path = os.path.join(self.bin, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o755), "w") as f:
            f.write(f"#!/bin/sh\n{text}\n")
        return path

    def hide(self, *programs):
        """The host does not have them, from now on; undone by binds.clear()."""
        for name in programs:
            for folder in ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"):
                path = os.path.join(folder, name)
                if os.path.exists(path):
                    self.binds.append(("/dev/null", path))

    def resolvconf(self):
        """A resolvconf that writes down what it is given, in the file whose path is returned."""
        log, state = os.path.join(self.run_dir, "resolvconf.log"), os.path.join(self.run_dir, "resolvconf")
        os.makedirs(state, exist_ok=True)
        self.program("resolvconf", f'''
            [ "$1" = -l ] || echo "resolvconf $*" >>{log}
            case $1 in
            -a) tee {state}/"$2" >>{log} ;;
            -d) rm -f {state}/"$2" ;;
            -l) cat {state}/"$2" ;;
            esac''')
        return log

    def use_name_servers(self, *addresses):
        """An /etc/resolv.conf of its own, and a resolvconf that exchanges it as openresolv does with
        -x: that of the interface which came last is used. Before the processes that are to see it."""
        path = os.path.join(self.run_dir, "resolv.conf")
        with open(path, "w") as f:
            f.writelines(f"nameserver {a}\n" for a in addresses)
        self.binds.append((path, "/etc/resolv.conf"))
        os.mkdir(f"{path}.d")
        self.program("resolvconf", f'''
            newest() {{ ls -t {path}.d | head -n 1; }}
            case $1 in
            -a) [ "$(newest)" ] || cp /etc/resolv.conf {path}.before; cat >{path}.d/$2 ;;
            -d) rm {path}.d/$2 || exit 0 ;;
            esac
            if [ "$(newest)" ]; then cat {path}.d/$(newest); else cat {path}.before; fi >/etc/resolv.conf''')

    def try_run(self, command, seconds=60, **kw):
        """Runs shell text or a list of words; returns the CompletedProcess, whatever its status."""
        argv = ["sh", "-c", command] if isinstance(command, str) else command
        if re.search(r"\bnft (list|-)", argv[-1]):
            need("nft")
        kw.setdefault("env", self.environment())
        return subprocess.run(argv, text=True, capture_output=True, preexec_fn=self.enter,
                              timeout=seconds, **kw)

    def run(self, command, **kw):
        """The same; fails unless it exits 0; returns what it printed."""
        done = self.try_run(command, **kw)
        if done.returncode != 0:
            raise Failed(f"{self.name}: {command} gave {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self, argv, name=None, pass_fds=()):
        return Process(self, argv, name, pass_fds)

    def call(self, work):
        """Calls a function of ours in the host's network; returns its result. What it opens stays there."""
        def enter():
            with open(f"/run/netns/{self.name}", "rb") as ns:
                call("setns", ns.fileno(), CLONE_NEWNET)  # of this thread alone
            return work()
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            return thread.submit(enter).result()

    def capture(self, interface, expression=""):
        return Capture(self, interface, expression)

    def forward(self):
        self.run("echo 1 >/proc/sys/net/ipv4/ip_forward" + six("; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"))

    def usable(self, addresses):
        """Those that the host can have."""
        return [a for a in addresses if self.ipv6 or ":" not in a]

    def ping(self, address, *options, count=1):
        """One ping; true if answered."""
        return self.try_run(["ping", "-n", "-c", str(count), "-W", "2", *options, address]).returncode == 0

    def reach(self, address, seconds=SECONDS):
        """Pings until answered: handshakes take their time."""
        wait_for(lambda: self.ping(address), f"{self.name} pings {address}", seconds)

    def wg(self, *words):
        return self.run(["wg", *words])

    def handshake(self, device, public):
        """Seconds since the epoch of the latest handshake with a peer; 0: none."""
        for line in self.wg("show", device, "latest-handshakes").splitlines():
            key, when = line.split("\t")
            if key == public:
                return int(when)
        return 0

    def transfer(self, device, public):
        """(received, sent) bytes."""
        for line in self.wg("show", device, "transfer").splitlines():
            key, rx, tx = line.split("\t")
            if key == public:
                return int(rx), int(tx)
        return 0, 0

    def wait_addresses(self):
        """Until the kernel has seen that nobody else has this host's IPv6 addresses."""
        if self.ipv6:
            wait_for(lambda: "tentative" not in self.run("ip -6 addr"), "duplicate address detection")

    def snapshot(self):
        """All that a tunnel could change: compared before and after with same_text. The index of a tun, from which the
        metric of unreachable routes follows, doesn't count."""
        need("nft")
        self.wait_addresses()
        return self.run("""ip -o link | sed 's/^[0-9]*: //'; ip -o addr | sed 's/^[0-9]*: //; s/valid_lft.*//'
            (ip -4 route show table all; ip -6 route show table all) | sed 's/metric 42949[0-9]*/metric worst/'
            ip -4 rule; ip -6 rule
            nft list ruleset; cat /proc/sys/net/ipv4/conf/all/src_valid_mark
            ls -A /run/wireguard; cat /etc/resolv.conf""")

    def wireguard_go(self, name, text, addresses=(), mtu=1420):
        """A real server: wireguard-go, configured by the real wg with the text for `wg setconf`."""
        need("wireguard-go")
        process = self.start(["wireguard-go", "-f", name])
        socket = os.path.join(self.run_dir, "wireguard", f"{name}.sock")

        def ready():
            check(process.alive(), f"wireguard-go {name} ended:\n{process.output()}")
            return os.path.exists(socket) and self.try_run(["wg", "show", name]).returncode == 0
        wait_for(ready, f"wireguard-go {name}")
        self.run(["wg", "setconf", name, "/dev/stdin"], input=text)
        for address in self.usable(addresses):
            self.run(f"ip addr add {address} dev {name}")
        self.run(f"ip link set dev {name} mtu {mtu} up")
        return process

    def iperf3_server(self, port=5201):
        """Serves one client, then ends."""
        need("iperf3")
        server = self.start(["iperf3", "-s", "-1", "-p", str(port), "--forceflush"])
        server.wait_output("Server listening")
        return server

    def iperf3(self, address, megabytes, port=5201, seconds=180):
        """Sends that much by TCP; returns (bytes the server counted, seconds it took). The server does
        not count what was still in flight when the client said that it was done."""
        out = self.run(["iperf3", "-J", "-c", address, "-p", str(port), "-n", f"{megabytes}M"],
                       seconds=seconds)
        result = json.loads(out)
        check("error" not in result, out)
        received = result["end"]["sum_received"]
        return received["bytes"], received["seconds"]


class Tunion:
    """tunion on a host, with a run directory of its own."""

    def __init__(self, host, files=None, tun="tunion0"):
        self.host = host
        self.tun = tun
        self.dir = os.path.join(host.run_dir, f"conf-{tun}")
        os.makedirs(self.dir, mode=0o700)
        for name, text in (files or {}).items():
            self.write(name, text)
        self.process = None
        host.lab.tunions.append(self)

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(text)

    def has_default_route(self):
        for name in os.listdir(self.dir):
            try:
                with open(os.path.join(self.dir, name), errors="replace") as f:
                    if "/0" in f.read():
                        return True
            except OSError:
                pass
        return False

    def argv(self, command, *words):
        if command == "up" and self.has_default_route():
            need("nft")  # for the guard, without which `up` fails
        argv = [TUNION, command]
        if command not in ("check", "trace"):
            argv += ["--run-dir", self.host.run_dir, "--tun", self.tun]
        return argv + list(words)

    def try_run(self, command, *words, **kw):
        return self.host.try_run(self.argv(command, *words), **kw)

    def run(self, command, *words, **kw):
        return self.host.run(self.argv(command, *words), **kw)

    def up(self, *words):
        """In the foreground, so that its log is kept and it ends with the test."""
        self.process = self.host.start(self.argv("up", "--foreground", *UP_OPTIONS, *words, self.dir),
                                       name="tunion")

        def ready():
            check(self.process.alive(), "tunion up ended:\n" + self.process.output())
            return self.try_run("status").returncode == 0
        wait_for(ready, "tunion up")

    def down(self):
        self.run("down")
        if self.process:
            equal(self.process.wait(), 0, "exit status of tunion up --foreground")
            self.process = None

    def log(self):
        return self.process.output()

    def status(self):
        return json.loads(self.run("status", "--json"))

    def trace(self, address):
        return self.run("trace", address, self.dir)


def drop_in(host):
    """The host has wireguard-tunion, as `make install` links it. Returns its name."""
    path = os.path.join(host.bin, "wireguard-tunion")
    if not os.path.islink(path):
        os.symlink(TUNION, path)
    return "wireguard-tunion"


class Lab:
    def __init__(self):
        self.processes = []
        self.tunions = []
        self.files = 0
        self.dir = tempfile.mkdtemp(prefix="lab.", dir="/run")
        self.networks = 0

    def new_file(self, name):
        self.files += 1
        return os.path.join(self.dir, f"{self.files:02}.{name}")

    def host(self, name, ipv6=IPV6):
        return Host(self, name, ipv6)

    def link(self, a, interface_a, address_a, b, interface_b, address_b, mtu=1500):
        """A cable between two hosts; an address may be several words. A host without IPv6 doesn't get those of IPv6."""
        self.networks += 1
        x, y = f"x{self.networks}", f"y{self.networks}"
        subprocess.run(["ip", "link", "add", "name", x, "type", "veth", "peer", "name", y], check=True)
        for end, host, interface, addresses in ((x, a, interface_a, address_a), (y, b, interface_b, address_b)):
            subprocess.run(["ip", "link", "set", end, "netns", host.name, "name", interface], check=True)
            for address in host.usable(addresses.split()):
                host.run(f"ip addr add {address} dev {interface} {'nodad' if ':' in address else ''}")
            host.run(f"ip link set dev {interface} mtu {mtu} up")

    def logs(self):
        for p in self.processes:
            text = p.output()
            if text:
                print(f"--- {p.host.name}: {' '.join(p.argv)}\n{text[-3000:]}")

    def close(self):
        for p in reversed(self.processes):
            p.stop()


def work(lab, names, begin, number, out):
    """In a child: its share of the names, one after the other."""
    failed = 0
    try:
        do = begin(number)
        for name in names:
            try:
                more = do(name)
                print(f"same: {name}" + (f": {more}" if more else ""), file=out, flush=True)
            except Exception as e:
                failed += 1
                print(f"FAILED {name}: {e}", file=out, flush=True)
                if not isinstance(e, Failed):
                    traceback.print_exc(file=out)
        lab.close()
    except BaseException:
        failed += 1
        traceback.print_exc(file=out)
    out.flush()
    os._exit(1 if failed else 0)


def share_out(lab, names, begin, workers=4):
    """To so many children, which work side by side. begin(NUMBER OF THE CHILD) gives a function that does what is
    to be done for a name, and returns what more there is to say of it. Prints all; returns how many children have
    failed."""
    children = []
    for number in range(workers):
        path = lab.new_file(f"worker{number}")
        pid = os.fork()
        if pid == 0:
            lab.networks = 100 * number
            with open(path, "w") as out:
                work(lab, names[number::workers], begin, number, out)
        children.append((pid, path))
    failed = 0
    for pid, path in children:
        failed += os.waitpid(pid, 0)[1] != 0
        with open(path) as f:
            print(f.read(), end="")
    return failed


def tun_for_everybody(lab):
    """A node of the tun device that every user may open, to be bound over /dev/net/tun: in containers that
    one is often for root only. In the test's own /run, so that nothing of the system is changed."""
    path = os.path.join(lab.dir, "tun-for-everybody")
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.stat("/dev/net/tun").st_rdev)
        os.chmod(path, 0o666)
        os.close(os.open(path, os.O_RDWR))
    except OSError as error:
        raise Skip(f"/dev/net/tun is for root only, and no other node can be made: {error}") from None
    return path


def inside():
    """Are we in namespaces of our own?"""
    return "TUNION_LAB" in os.environ


def argv_in_namespaces():
    """The words that run a program in new namespaces; a Skip says why that is impossible here."""
    need("unshare", "ip", "wg")
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        raise Skip("/dev/net/tun is missing or not ours to open")
    if not os.access(TUNION, os.X_OK):
        raise Failed(f"{TUNION} is not built")
    argv = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        argv += ["--user", "--map-root-user"]
    tried = subprocess.run(argv + ["true"], capture_output=True, text=True)
    if tried.returncode != 0:
        raise Skip(("no right to make namespaces: " if os.geteuid() == 0 else
                    "not root, and the system allows no user namespaces: ") + tried.stderr.strip())
    return argv


def enter_namespaces():
    """Runs this program again in new namespaces; returns its exit status. unshare takes no heed of
    SIGTERM; so we stay its parent, and it is killed when we end, in whichever way."""
    argv = argv_in_namespaces()
    os.environ["TUNION_LAB"] = "root" if os.geteuid() == 0 else "user"
    os.environ["TUNION_LAB_IPV6"] = "yes" if machine_has_ipv6() else "no"
    os.environ["LC_ALL"] = "C"
    child = subprocess.Popen(argv + [sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]],
                             preexec_fn=die_with_parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the test too, which then ends
    status = child.wait()
    return status if status >= 0 else 1


def be_init(pid):
    """Process 1 of the namespace: reaps orphans until the test has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
    while True:
        try:
            ended, status = os.wait()
        except InterruptedError:
            continue
        if ended == pid:
            return os.waitstatus_to_exitcode(status)


def run_test(test, show_logs):
    """In the namespaces, as process 2."""
    def terminated(*_):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, terminated)
    call("mount", b"tmpfs", b"/run", b"tmpfs", 0, b"mode=755")
    os.makedirs("/run/wireguard", mode=0o700)
    os.makedirs("/run/netns", mode=0o755)
    if not IPV6:
        subprocess.run(["sh", "-c", DISABLE_IPV6], check=True)
    lab = Lab()
    try:
        test(lab)
        return 0
    except Skip:
        raise
    except BaseException:  # also Ctrl-C: the logs are of use then too
        if show_logs:
            lab.logs()
        raise
    finally:
        lab.close()


def status_of(work):
    try:
        return work()
    except Skip as reason:
        print(f"skipped: {reason}")
        return 77
    except Failed as failure:
        traceback.print_exc()
        print(f"FAILED: {failure}")
    except KeyboardInterrupt:
        print("interrupted")
    except Exception:
        traceback.print_exc()
    return 1


def main(test, show_logs=True):
    if not inside():
        sys.exit(status_of(enter_namespaces))
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        status = status_of(lambda: run_test(test, show_logs))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    status = be_init(pid)
    sys.exit(status if status >= 0 else 1)
