#!/usr/bin/env python3
"""Every block of README.md is run: quickstart and the install block in a copy of the sources, one after the
other and into a folder of their own; the example on its network, and what README shows is what comes."""

import os
import re
import shutil
import subprocess

from lab import TOP, TUNION, Failed, Skip, check, equal, main, need, same_text, wait_for
from world import HOME_ENDPOINT, INTERNET, VPN_ENDPOINT, World, peer

LIMIT = 900
LIMIT_BUILD = 600

# What differs from run to run.
VARIES = (
    (r"[A-Za-z0-9+/]{43}=", "KEY"),
    (r"[A-Za-z0-9+/]{4}…[A-Za-z0-9+/]{4}", "KEY"),
    (r"\b(198\.51\.100\.2)\.\d+\b", r"\1.PORT"),
    (r"listening port: \d+", "listening port: PORT"),
    (r"length \d+", "length N"),
    (r"time=[\d.]+", "time=N"),
    (r"up for .*", "up for N"),
    (r"latest handshake: .*", "latest handshake: N"),
    (r"\b\d+ s ago|\bnow\b", "N ago"),
    (r"\b[\d.]+ (B|KiB)\b", "N B"),
    (r"\b10\.213\.\d+\.", "10.213.N."),
    (r"\bfd[0-9a-f:]+::(\d)/128", r"fdN::\1/128"),
    (r" +", " "),
)


def blocks():
    """The texts between fences, in order."""
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as f:
        return [block.strip("\n") for block in f.read().split("```")[1::2]]


def as_always(text):
    lines = []
    for line in text.splitlines():
        for pattern, replacement in VARIES:
            line = re.sub(pattern, replacement, line)
        lines.append(line.strip())
    return [line for line in lines if line]


# ---- the example

class Example:
    """A client in a folder that has README's `tunnels`."""

    def __init__(self, lab):
        self.w = w = World(lab)
        self.client = w.client
        self.folder = os.path.join(w.client.run_dir, "example")
        tunnels = os.path.join(self.folder, "tunnels")
        os.makedirs(tunnels, mode=0o700)
        os.symlink(TUNION, os.path.join(w.client.bin, "tunion"))
        os.symlink(os.path.join(TOP, "conf-examples"), os.path.join(self.folder, "conf-examples"))
        for name, keys, address, server, allowed, endpoint in (
                ("vpn", w.vpn_client, "10.66.0.2/32", w.vpn_keys, "0.0.0.0/0", VPN_ENDPOINT),
                ("home", w.home_client, "10.77.0.2/24", w.home_keys, "10.77.0.0/24, 192.168.77.0/24", HOME_ENDPOINT)):
            with open(os.open(os.path.join(tunnels, f"{name}.conf"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
                f.write(f"[Interface]\nPrivateKey = {keys.private}\nAddress = {address}\n"
                        + peer(server.public, allowed, f"Endpoint = {endpoint}"))
        w.start_vpn()
        w.start_home()

    def dump(self, command):
        """tcpdump ends with us: so it runs while there is something to see."""
        process = self.client.start(["sh", "-c", f"exec {command} --immediate-mode -l -Z root"])
        process.wait_output("listening on")
        self.client.reach("192.168.77.10")
        wait_for(lambda: "> 198.51.100.2" in process.output(), f"the answer in {command}")
        process.stop()
        return process.output()

    def run(self, command, shown):
        if command.startswith("tcpdump"):
            need("tcpdump")
            if os.environ["TUNION_LAB"] != "root":
                return
            got = self.dump(command)
        else:
            if command == "tunion status":
                self.client.reach(INTERNET)
            got = self.client.run(command, cwd=self.folder, env=dict(self.client.environment(), LC_ALL="C.UTF-8",
                                                                           XDG_STATE_HOME=self.folder))
        expected, got = as_always(shown), as_always(got)
        if command.startswith("wg "):  # it lists the devices in any order
            expected, got = sorted(expected), sorted(got)
        if "…" in expected:  # more follows
            expected = expected[:expected.index("…")]
            got = got[:len(expected)]
        if command.startswith(("tunion ", "wg ", "ls ")):
            same_text("\n".join(got), "\n".join(expected), f"$ {command}")
        else:  # README leaves lines out
            rest = iter(got)
            for line in expected:
                check(line in rest, f"$ {command}\n{line!r} is not next in:\n" + "\n".join(got))

    def block(self, text):
        for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
            command, _, shown = part.partition("\n")
            self.run(command, shown)


# ---- building and installing

class Sources:
    """A copy of the tree, as a clone has it."""

    def __init__(self, lab):
        need("autoreconf", "automake", "make", "pkg-config")
        self.top = os.path.join(lab.dir, "sources")
        self.root = os.path.join(lab.dir, "root")
        shutil.copytree(TOP, self.top, symlinks=True,
                        ignore=shutil.ignore_patterns("build", "build-*[!x]", ".git", "autom4te.cache"))
        check(os.path.isdir(os.path.join(self.top, "build-aux")), "the copy lacks build-aux")
        # little optimisation, since the build is to be quick; the demo wants to be, too
        self.env = dict(os.environ, CFLAGS="-O1", DESTDIR=self.root, MAKEFLAGS=f"-j{os.cpu_count()}")
        for name in ("MAKELEVEL", "MFLAGS", "srcdir", "top_srcdir", "top_builddir"):
            self.env.pop(name, None)

    def run(self, command, cwd=None):
        done = subprocess.run(["bash", "-e", "-c", command], cwd=cwd or self.top, env=self.env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=LIMIT_BUILD)
        if "missing packages" in done.stdout:
            raise Skip(done.stdout.strip().splitlines()[-1])
        check(done.returncode == 0, f"{command} gave {done.returncode}:\n{done.stdout[-3000:]}")
        return done.stdout

    def quickstart(self, text):
        commands = [line.split("#")[0].strip() for line in text.splitlines()]
        equal(commands, ["./quickstart demo", "./quickstart check"], "the quickstart block")
        self.run("./quickstart --no-install build")  # skips where it would install something
        self.run(commands[0])
        with open(os.path.join(TOP, ".ci/run")) as f:  # and that is what runs this test
            check("./quickstart --yes check" in f.read(), ".ci/run does not run ./quickstart check")

    def install(self, text):
        self.run(text)
        program = os.path.join(self.root, "usr/local/bin/tunion")
        for path in (program, os.path.join(self.top, "build/tunion")):
            done = subprocess.run([path, "up", "--help"], capture_output=True, text=True)
            check("The default DIR is /etc/tunion;" in done.stdout, f"{path} up --help:\n{done.stdout}")
        for page in ("man8/tunion.8", "man5/tunion.conf.5", "man5/tunion-json.5"):
            check(os.path.exists(os.path.join(self.root, "usr/local/share/man", page)), f"{page} is not installed")


def packages_of(system, variable):
    """What quickstart has in that variable for the system."""
    with open(os.path.join(TOP, "quickstart")) as f:
        case = re.search(rf"^\t{system}\)\n(.*?);;", f.read(), re.M | re.S).group(1)
    return re.search(rf'{variable}="([^"]*)"', case).group(1).split()


def check_packages(text, variable):
    """The lists of build packages are quickstart's; on Debian, apt knows all names."""
    for line in text.splitlines():
        system, words = line.split(None, 1)
        names = [w for w in words.split() if w not in ("apt-get", "apk", "pkg", "install", "add")]
        if variable:
            equal(names, packages_of(system.lower(), variable), f"packages for {system}")
        if system == "Debian" and shutil.which("apt-cache"):
            known = subprocess.run(["apt-cache", "policy", *names], capture_output=True, text=True).stdout
            if "Candidate: " not in known:
                continue  # without lists apt knows nothing
            for name in names:
                check(f"{name}:\n" in known, f"apt knows no package {name}")


def test(lab):
    sources = Sources(lab)
    example = Example(lab)
    ran = []
    for text in blocks():
        if "./quickstart" in text:
            ran.append("quickstart")
            sources.quickstart(text)
        elif text.startswith("$ "):
            ran.append("example")
            example.block(text)
        elif text.startswith("Debian"):
            ran.append("packages")
            check_packages(text, "build_packages" if "gcc" in text else None)
        elif text.startswith("./autogen.sh"):
            ran.append("install")
            sources.install(text)
        elif "apps -> host's routes" not in text:  # a picture
            raise Failed(f"nobody runs this block of README.md:\n{text}")
    equal(ran, ["example", "quickstart", "packages", "install", "packages"] + ["example"] * 10, "blocks")


main(test)
