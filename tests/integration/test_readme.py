#!/usr/bin/env python3
"""README.md is run from top to bottom, as somebody does who reads it, in a root such as a new container has: each block, and
each command and option that a sentence names. What README shows is what comes."""

import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import sys

from freshroot import UID, FreshRoot
from lab import TOP, Failed, Keys, Skip, check, equal, main, need, same_text, wait_for
from world import HOME_ENDPOINT, INTERNET, VPN_ENDPOINT, World, peer

LIMIT = 900
LIMIT_BUILD = 600

CLONE = "/root/tunion"
HOME = "/home/me"
PAGE = "the page of a host of the LAN"

# What differs from run to run.
VARIES = (
    (r"[A-Za-z0-9+/]{43}=", "KEY"),
    (r"[A-Za-z0-9+/]{4}…[A-Za-z0-9+/]{4}", "KEY"),
    (r"\b(198\.51\.100\.2)\.\d+\b", r"\1.PORT"),
    (r"listening port: \d+", "listening port: PORT"),
    (r"length \d+", "length N"),
    (r"time=[\d.]+", "time=N"),
    (r"up for .*, ", "up for N, "),
    (r"latest handshake: .*", "latest handshake: N"),
    (r"\b\d+ s ago|\bnow\b", "N ago"),
    (r"\b[\d.]+ (B|KiB)\b", "N B"),
    (r"\b10\.213\.\d+\.", "10.213.N."),
    (r"\bfd[0-9a-f:]+::(\d)/128", r"fdN::\1/128"),
    (r" +", " "),
)

# A block, or what a sentence has between backquotes.
PARTS = re.compile(r"^```\n(.*?)^```$|`([^`]+)`", re.M | re.S)

# Is that a command, or an option of one?
COMMAND = re.compile(r"(sudo|apt-get|tunion|wireguard-tunion|systemctl|curl|kill|ping|tcpdump|wg-quick|make|\./quickstart|build-aux/\S+"
                     r"|[A-Z_]+=\S+ \S+|--?[A-Za-z][a-z-]*|tunion@NAME)([ =].*)?$", re.S)


def parts():
    """(block, None) or (None, words), in order."""
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as f:
        for match in PARTS.finditer(f.read()):
            block, words = match.groups()
            yield (block.strip("\n"), None) if block is not None else (None, " ".join(words.split()))


def as_always(text):
    lines = []
    for line in text.splitlines():
        for pattern, replacement in VARIES:
            line = re.sub(pattern, replacement, line)
        lines.append(line.strip())
    return [line for line in lines if line and ": note: 0.0.0.0/0 without ::/0: " not in line]  # README's host has no IPv6


def compare(command, shown, got):
    expected, got = as_always(shown), as_always(got)
    if command.startswith(("wg ", "tunion status")):  # home was taken out and in again
        expected, got = sorted(expected), sorted(got)
    if "…" in expected:  # more follows
        expected = expected[:expected.index("…")]
        got = got[:len(expected)]
    if re.match(r"(build/)?tunion |wg |ls ", command):
        same_text("\n".join(got), "\n".join(expected), f"$ {command}")
    else:  # README leaves lines out
        rest = iter(got)
        for line in expected:
            check(line in rest, f"$ {command}\n{line!r} is not next in:\n" + "\n".join(got))


# ---- building and installing

class Sources:
    """The clone, in the fresh root."""

    def __init__(self, root):
        need("autoreconf", "automake", "make", "pkg-config", "git")
        self.root = root
        self.top = root.path(CLONE)
        os.makedirs(self.top)
        # what autogen.sh has made is copied, too, since it would take its time to make it twice
        names = self.listed() + [name for name in self.listed("--others", "--ignored") if not re.match(r"build(-(?!aux)[^/]*)?/|.*__pycache__", name)]
        if names:
            subprocess.run(["cp", "-a", "--parents", "--no-preserve=ownership", "-t", self.top, *names], check=True, cwd=TOP)
        else:  # an archive of `make dist`
            shutil.copytree(TOP, self.top, symlinks=True, dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("build", "build-*[!x]", "autom4te.cache"))
        root.write("/etc/config.site", "cache_file=/tmp/config.cache\n")  # configure is run twice
        check(os.path.isdir(os.path.join(self.top, "build-aux")), "the copy lacks build-aux")

    def listed(self, *options):
        """Files of the clone; none if it is no clone."""
        done = subprocess.run(["git", "-c", "safe.directory=*", "-C", TOP, "ls-files", "-z", "--exclude-standard", *options],
                              capture_output=True, text=True)
        return [name for name in done.stdout.split("\0")[:-1] if os.path.lexists(os.path.join(TOP, name))]

    def run(self, command):
        # little optimisation, since the build is to be quick; the demo wants to be, too
        return self.root.run(command, cwd=CLONE, seconds=LIMIT_BUILD, CFLAGS="-O1", MAKEFLAGS=f"-j{os.cpu_count()}",
                             CONFIG_SITE="/etc/config.site")

    def packages_of(self, system, variable):
        """What quickstart has in that variable for the system."""
        with open(os.path.join(TOP, "quickstart")) as f:
            case = re.search(rf"^\t{system}\)\n(.*?);;", f.read(), re.M | re.S).group(1)
        return re.search(rf'{variable}="([^"]*)"', case).group(1).split()

    def packages(self, text):
        """The lists of build packages are quickstart's. On Debian the line is run: where all of them are there, apt-get
        needs no network."""
        variable = "build_packages" if "gcc" in text else None
        for line in text.splitlines():
            system, command = line.split(None, 1)
            names = [w for w in command.split() if w not in ("apt-get", "apk", "pkg", "install", "add")]
            if variable:
                equal(names, self.packages_of(system.lower(), variable), f"packages for {system}")
            if system == "Debian" and self.root.has("apt-get"):
                self.apt_get(command, names)

    def apt_get(self, command, names):
        missing = [name for name in names if not self.is_installed(name)]
        if not missing:
            check("0 newly installed" in self.root.run(command), command)
            return
        print(f"left out, since {' '.join(missing)} can't be installed without a network: {command}")

    def is_installed(self, package):
        return "ok installed" in self.root.try_run(f"dpkg-query -W -f '${{Status}}' {package}").stdout

    def quickstart(self, text):
        """What it would install is here, or the test is skipped; and nothing here has a network, which it would want for
        lwIP. `check` is what runs this test."""
        for command in text.splitlines():
            if command == "./quickstart check":
                with open(os.path.join(TOP, ".ci/run")) as f:
                    check("./quickstart --yes check" in f.read(), ".ci/run does not run ./quickstart check")
                continue
            if command == "./quickstart build":
                self.build()
            else:
                said = self.run(command.replace("./quickstart", "./quickstart --no-install"))
                check("checks hold" in said, said[-3000:])

    def build(self):
        missing = [p for p in self.packages_of("debian", "build_packages") if self.root.has("dpkg-query") and not self.is_installed(p)]
        if missing:
            raise Skip(f"to build it, these packages are missing: {' '.join(missing)}")
        self.run("./quickstart --no-install build")

    def install(self, text):
        self.run(text)
        for program in ("tunion", f"{CLONE}/build/tunion"):
            said = self.root.run(f"{program} up --help")
            check("The default DIR is /etc/tunion;" in said, f"{program} up --help:\n{said}")
        for page in ("man8/tunion.8", "man8/wireguard-tunion.8", "man5/tunion.conf.5", "man5/tunion-json.5"):
            check(os.path.exists(self.root.path(f"/usr/local/share/man/{page}")), f"{page} is not installed")


# ---- the example

class Example:
    """A client in whose home is README's `tunnels`."""

    def __init__(self, lab):
        self.w = w = World(lab)
        self.client = w.client
        self.root = root = FreshRoot(lab, w.client)
        root.lend("wg", "wg-quick", "nft", "tcpdump", "ping", "curl", "ip")
        self.sources = Sources(root)
        self.ran, self.mentioned = set(), set()
        self.user_with_namespaces = "me"
        if root.try_run("unshare --user true", user="me").returncode != 0:
            print("left out, since an ordinary user may not make namespaces: tunion exec and proxy are run by root")
            self.user_with_namespaces = "root"
        os.makedirs(os.path.join(lab.dir, "site"))
        with open(os.path.join(lab.dir, "site", "index.html"), "w") as f:
            f.write(PAGE)
        w.lan.start([sys.executable, "-u", "-m", "http.server", "80", "-d", os.path.join(lab.dir, "site")], "site").wait_output("Serving HTTP")
        w.start_vpn()
        w.start_home()
        os.symlink(f"{CLONE}/conf-examples", root.path(f"{HOME}/conf-examples"))
        self.write_files(f"{HOME}/tunnels", UID)

    def write_files(self, folder, owner=0):
        w = self.w
        for name, keys, address, server, allowed, endpoint in (
                ("vpn", w.vpn_client, "10.66.0.2/32", w.vpn_keys, "0.0.0.0/0", VPN_ENDPOINT),
                ("home", w.home_client, "10.77.0.2/24", w.home_keys, "10.77.0.0/24, 192.168.77.0/24", HOME_ENDPOINT)):
            self.root.write(f"{folder}/{name}.conf", f"[Interface]\nPrivateKey = {keys.private}\nAddress = {address}\n"
                            + peer(server.public, allowed, f"Endpoint = {endpoint}"), owner=owner)
        os.chmod(self.root.path(folder), 0o700)
        os.chown(self.root.path(folder), owner, owner)

    def user_of(self, command):
        """An ordinary user runs what needs no rights."""
        if re.match(r"tunion (exec|proxy)\b", command):
            return self.user_with_namespaces
        if command.startswith("tunion down"):
            return "root" if glob.glob(self.root.path("/run/tunion/*.sock")) else "me"
        return "me" if command.startswith(("tunion gate", "curl ")) else "root"

    def sh(self, command, **kw):
        self.ran.add(" ".join(command.split()[:2]))
        cwd = CLONE if command.startswith("build/") else HOME
        return self.root.run(command, cwd=cwd, user=self.user_of(command), **kw)

    def dump(self, command):
        """tcpdump ends with us: so it runs while there is something to see."""
        process = self.root.start(f"exec {command} --immediate-mode -l -Z root")
        process.wait_output("listening on")
        self.client.reach("192.168.77.10")
        wait_for(lambda: "> 198.51.100.2" in process.output(), f"the answer in {command}")
        process.stop()
        return process.output()

    def run(self, command, shown):
        program = command.split()[0]
        if program in ("tcpdump", "ping", "wg") and not self.root.has(program):
            print(f"left out, since {program} is not installed: {command}")
            return
        if command == "tunion status":
            self.client.reach(INTERNET)
            self.client.reach("192.168.77.10")
        compare(command, shown, self.dump(command) if program == "tcpdump" else self.sh(f"{command} 2>&1"))

    def block(self, text):
        for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
            command, _, shown = part.partition("\n")
            self.run(command, shown)

    # ---- what sentences name

    def needs(self, what, *programs):
        """Can it be run here?"""
        for program in programs:
            if not self.root.has(program):
                print(f"left out, since {program} is not installed: {what}")
                return False
        return True

    def once_up(self, options):
        """These options of up are taken."""
        self.sh(f"tunion up {options} tunnels")
        self.sh("tunion down")

    def in_help(self, command, option):
        said = self.root.run(f"tunion {command} --help")
        check(re.search(rf"^  {re.escape(option)}\b", said, re.M), f"tunion {command} --help has no {option}:\n{said}")

    def check_default(self):
        self.write_files("/etc/tunion")
        check("files: 2, prefixes: 3, warnings: 0" in self.sh("tunion check"), "tunion check of /etc/tunion")

    def unit_text(self, name):
        """As it was installed. Without systemd nothing is, and it is made all the same."""
        path = self.root.path(f"/usr/local/lib/systemd/system/{name}")
        if not os.path.exists(path):
            print(f"left out, since systemd is not installed: that {name} is installed where it looks")
            self.sources.run(f"make -s -C build dist/systemd/{name}")
            path = self.root.path(f"{CLONE}/build/dist/systemd/{name}")
        elif self.root.has("systemctl"):  # in a root without a running one it makes the link
            self.root.run(f"systemctl --root=/ enable {name.replace('@', '@work')}")
            link = self.root.path(f"/etc/systemd/system/multi-user.target.wants/{name.replace('@', '@work')}")
            check(os.path.islink(link), f"systemctl enable {name} has not made {link}")
        with open(path) as f:
            return f.read()

    def service(self, unit, tun, shows):
        """Enabled for real where there is a systemctl; started as systemd does it, since no namespace of a test has one."""
        text = self.unit_text(unit)
        command = re.search(r"^ExecStart=(.*)$", text, re.M).group(1).replace("%i", tun)
        for folder in re.search(r"^RuntimeDirectory=(.*)$", text, re.M).group(1).split():
            os.makedirs(self.root.path(f"/run/{folder}"), mode=0o755, exist_ok=True)
        notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notices.settimeout(20)
        notices.bind(self.root.path(f"/run/{tun}.notify"))
        process = self.root.start(f"exec {command}", unit, NOTIFY_SOCKET=f"/run/{tun}.notify")
        equal(notices.recv(4096), b"READY=1", f"what {unit} tells the service manager; it says:\n{process.output()}")
        said = self.sh(f"tunion status --tun {tun}")
        check(shows in said, said)
        equal(process.stop(signal.SIGTERM), 0, f"exit status of {unit}")

    def services(self):
        self.service("tunion.service", "tunion0", "home > vpn > network")

    def folder_service(self):
        self.root.write("/etc/tunion/work/only.conf", f"[Interface]\nPrivateKey = {Keys().private}\nAddress = 10.9.0.2/32\n"
                        + peer(Keys().public, "10.9.0.0/24", "Endpoint = 192.0.2.9:51820"))
        self.service("tunion@.service", "work", "files in /etc/tunion/work")

    def in_and_out(self):
        """down home, and up home."""
        self.sh("tunion down home")
        check("\nhome" not in self.sh("tunion status"), "home is still there")
        self.sh("tunion up home")
        self.client.reach("192.168.77.10")

    def watch(self):
        if self.needs("tunion status --watch", "script"):  # which gives it a terminal
            process = self.root.start("exec script -qec 'tunion status --watch' /dev/null", "watch", TERM="xterm")
            process.wait_output("home > vpn > network")
            process.stop()

    def metrics(self):
        check('tunion_device_state{tun="tunion0",device="home",state="session"} 1' in self.sh("tunion status --metrics"), "metrics")

    def trace(self):
        check("home > vpn > network" in self.sh("tunion trace 192.168.77.10"), "trace of the running instance")

    def gate_of_server(self):
        self.root.write(f"{HOME}/wg0.conf", f"[Interface]\nPrivateKey = {Keys().private}\nListenPort = 51820\nAddress = 10.9.0.1/24\n"
                        + peer(Keys().public, "10.9.0.2/32"))
        self.sh("tunion up --gate wg0.conf tunnels")
        check("wg0" in self.sh("tunion status"), "there is no gate")
        self.sh("tunion down")

    def killed(self):
        """What belongs to the tunnels is unreachable."""
        self.sh("tunion up tunnels")
        self.client.reach(INTERNET)
        with open(self.root.path("/run/tunion/tunion0.pid")) as f:
            os.kill(int(f.readline()), signal.SIGKILL)
        wait_for(lambda: self.root.try_run("tunion status").returncode == 1, "status to know that it was killed")
        wait_for(lambda: "No route to host" in self.client.try_run(["ip", "route", "get", INTERNET]).stderr, "the internet to be unreachable")
        check(not self.client.ping(INTERNET, "-W", "1"), "after kill -9 the internet is reached")
        self.sh("tunion down")
        self.client.reach(INTERNET)

    def proxy(self, options=""):
        return self.sh(f"tunion proxy {options}tunnels")

    def curl(self, command):
        if self.needs(command, "curl"):
            equal(self.sh(command.replace("curl ", "curl -sS -m 20 ")), PAGE, command)
        self.sh("tunion down")

    def proxy_options(self):
        self.root.write(f"{HOME}/users", "somebody:secret\n", owner=UID)
        self.proxy("-L 8080:192.168.77.10:80 -R 8081:127.0.0.1:8080 --auth users --direct ")
        self.curl("curl http://127.0.0.1:8080/")

    def gate_options(self):
        self.sh("tunion gate --listen 127.0.0.1:51822 --client laptop --page 127.0.0.1:1081 tunnels")
        address = self.root.run("tunion status --page", user="me").strip()
        if self.needs("the page of the gate", "curl"):
            check("<html" in self.sh(f"curl -sS -m 20 {address}"), f"the page at {address}")
        self.sh("tunion down")

    def drop_in(self, command):
        self.sh(command)
        check("listening port" in self.sh("wg show wg0"), "wg show wg0")
        self.root.run("ip link del wg0")
        wait_for(lambda: not os.path.exists(self.root.path("/run/wireguard/wg0.sock")), "wg0 to go")

    def wg_quick(self, command):
        self.root.write("/etc/wireguard/wg0.conf", f"[Interface]\nPrivateKey = {Keys().private}\nAddress = 10.9.0.2/32\n"
                        + peer(Keys().public, "10.9.0.0/24", "Endpoint = 192.0.2.9:51820"))
        check("do you mean wg-quick's /etc/wireguard/wg0.conf?" in self.root.try_run("tunion up wg0").stderr, "tunion up wg0")
        if self.needs(command, "wg-quick"):
            self.sh(command)
            check("10.9.0.0/24" in self.sh("wg show wg0"), "wg show wg0")
            self.sh("wg-quick down wg0")

    def another_machine(self, what, word):
        """Too long for this test, or it needs a network: quickstart does it, for CI."""
        with open(os.path.join(TOP, "quickstart")) as f:
            check(word in f.read(), f"quickstart doesn't do {what}")

    def bench(self):
        check("bench/run" in self.sources.run("make -n -C build bench"), "make bench doesn't begin bench/run")

    def handlers(self):
        """What is done for each command and option that a sentence names."""
        return {
            "make -C build install": lambda: self.sources.run("make -C build install"),
            "--no-firewall": lambda: self.once_up("--no-firewall"),
            "--no-dns": lambda: self.once_up("--no-dns"),
            "tunion check": self.check_default,
            "systemctl enable --now tunion": self.services,
            "tunion@NAME": self.folder_service,
            "build-aux/lwip": lambda: self.another_machine("build-aux/lwip", "build-aux/lwip ||"),
            "--with-lwip=FOLDER": lambda: check("--with-lwip" in self.sources.run("./configure --help"), "configure --help"),
            "build-aux/static x86_64": lambda: self.another_machine("build-aux/static", 'build-aux/static "$arch"'),
            "tunion down home": self.in_and_out,
            "tunion up home": lambda: None,  # with the one before
            "--watch": self.watch,
            "--json": lambda: self.sh("tunion status --json"),
            "--metrics": self.metrics,
            "tunion trace ADDRESS": self.trace,
            "tunion up --gate wg0.conf tunnels": self.gate_of_server,
            "kill -9": self.killed,
            "tunion proxy tunnels": self.proxy,
            "curl -x socks5h://127.0.0.1:1080 http://192.168.77.10/":
                lambda: self.curl("curl -x socks5h://127.0.0.1:1080 http://192.168.77.10/"),
            "-L": self.proxy_options,
            "-R": lambda: self.in_help("proxy", "-R"),
            "--auth": lambda: self.in_help("proxy", "--auth"),
            "--direct": lambda: self.in_help("proxy", "--direct"),
            "--listen": lambda: self.in_help("gate", "--listen"),
            "--client": lambda: self.in_help("gate", "--client"),
            "--page 127.0.0.1:1081": self.gate_options,
            "wireguard-tunion wg0": lambda: self.drop_in("wireguard-tunion wg0"),
            "WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-tunion wg-quick up wg0":
                lambda: self.wg_quick("WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-tunion wg-quick up wg0"),
            "make bench": self.bench,
        }


# Names of programs in sentences, not commands to be typed.
ONLY_NAMES = {"sudo", "wg-quick up", "./quickstart", "./quickstart build", "tunion exec FILES -- PROGRAM"}


def is_about_a_command(words):
    """"tunion COMMAND": the name of a command which other parts of README run."""
    return re.fullmatch(r"tunion [a-z]+", words)


def run_sentence(example, handlers, words):
    if words in handlers:
        if handlers[words]:
            handlers[words]()
        handlers[words] = None  # once
    elif is_about_a_command(words):
        example.mentioned.add(words)
    elif COMMAND.match(words) and words not in ONLY_NAMES:
        raise Failed(f"nobody runs `{words}` of README.md")


def run_block(example, text):
    """Returns what it was."""
    sources = example.sources
    if text.startswith("./quickstart build"):
        # One command: what is pasted behind quickstart's question would be its answer.
        first, *others = text.split(" &&\n")
        check("\n" not in "".join([first, *others]), f"not one command:\n{text}")
        sources.quickstart(first)
        for command in others:
            example.sh(command)
        return "first"
    for kind, begin, run in (("example", "$ ", example.block), ("quickstart", "./quickstart ", sources.quickstart),
                             ("packages", "Debian ", sources.packages), ("install", "./autogen.sh", sources.install)):
        if text.startswith(begin):
            run(text)
            return kind
    if "apps -> host's routes" not in text:
        raise Failed(f"nobody runs this block of README.md:\n{text}")
    return "picture"


def test(lab):
    if os.environ["TUNION_LAB"] != "root":
        raise Skip("only root can make a root with an ordinary user in it")
    example = Example(lab)
    handlers = example.handlers()
    kinds = []
    for block, words in parts():
        if block is not None:
            kinds.append(run_block(example, block))
        else:
            run_sentence(example, handlers, words)
    unused = [words for words, handler in handlers.items() if handler]
    check(not unused, f"README.md does not have {unused} any more")
    equal(example.mentioned - example.ran, set(), "commands that README.md names and never shows")
    equal(kinds, ["first", "example", "quickstart", "quickstart", "packages", "install", "packages"] + ["example"] * 11 + ["picture"],
          "blocks of README.md")


main(test)
