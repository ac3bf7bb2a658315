"""peers - builds what tunion is compared with, once, into a cache directory

Where: $TUNION_BENCH_CACHE, else $XDG_CACHE_HOME/tunion-bench, else ~/.cache/tunion-bench. What
can't be built here is named with the reason, and tried again next time. The versions are those
below; after a change of them, delete the directory.
"""

import os
import re
import shutil
import signal
import subprocess

import lab

NETSTACK_OF = "golang.zx2c4.com/wireguard"
NETSTACK_VERSION = "v0.0.0-20260522210424-ecfc5a8d5446"
GO_PACKAGES = {  # program: (package, tags, versions to try in this order)
    "wireguard-go": (NETSTACK_OF, "", [NETSTACK_VERSION]),
    # v1.14 needs modules that not every proxy serves.
    "sing-box": ("github.com/sagernet/sing-box/cmd/sing-box", "with_wireguard,with_gvisor",
                 ["v1.13.0", "v1.12.12"]),
    "wireproxy": ("github.com/windtf/wireproxy/cmd/wireproxy", "", ["v1.0.9"]),
}
NETSTACK = "netstack-gate"  # mains of ours over wireguard-go's network stack
NETSTACK_SOCKS = "netstack-socks"
NETSTACK_MAINS = {NETSTACK: "netstack_gate.go", NETSTACK_SOCKS: "netstack_socks.go"}
CRATES = {"boringtun-cli": ("boringtun-cli", "0.7.1"), "gotatun": ("gotatun-cli", "0.10.2"),
          "onetun": ("onetun", "0.3.10")}  # program: (crate, version)
PROXIES = ("sing-box", "wireproxy", NETSTACK_SOCKS, "onetun")  # bench/run_proxy's
TUNNELS = ("wireguard-go", "sing-box", NETSTACK, "boringtun-cli", "gotatun")  # bench/run's
BUILD_SECONDS = 1800
SLOW = {"sing-box", *CRATES}  # minutes; not built by --quick
OLD = "wireguard-go, old"  # as the system has it, if it is from before the offloads
OFFLOADS_SINCE = 20230301


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("TUNION_BENCH_CACHE") or os.path.join(base, "tunion-bench")


class Peers:
    """Programs by name, and why the others are missing."""

    def __init__(self):
        self.dir = cache_dir()
        self.programs = {}
        self.absent = {}

    def path(self, program):
        return os.path.join(self.dir, "bin", program)

    def find(self, quick, programs):
        """These: as built before, else built now."""
        os.makedirs(os.path.join(self.dir, "bin"), exist_ok=True)
        for program in programs:
            if not os.access(self.path(program), os.X_OK):
                if quick and program in SLOW:
                    self.absent[program] = "not built by --quick"
                    continue
                error = self.build(program)
                if error:
                    self.absent[program] = error
                    continue
            self.programs[program] = self.path(program)

    def find_old(self):
        """New ones have no switch for their offloads."""
        path = shutil.which("wireguard-go")
        version = re.fullmatch(r"v?0\.0\.(\d{8})", version_of(path)) if path else None
        if version and int(version.group(1)) < OFFLOADS_SINCE:
            self.programs[OLD] = path
        else:
            self.absent[OLD] = "no wireguard-go from before March 2023 is installed; Debian 12's package is one"

    def build(self, program):
        if program in GO_PACKAGES:
            return self.build_go(program)
        return self.build_netstack(program) if program in NETSTACK_MAINS else self.build_crate(program)

    def build_netstack(self, program):
        if not shutil.which("go"):
            return "no go compiler"
        directory = os.path.join(self.dir, program)
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        shutil.copy(os.path.join(os.path.dirname(os.path.abspath(__file__)), NETSTACK_MAINS[program]), directory)
        for words in (["mod", "init", program], ["mod", "edit", f"-require={NETSTACK_OF}@{NETSTACK_VERSION}"],
                      ["mod", "tidy"], ["build", "-o", self.path(program), "."]):
            error = self.run(["go", *words], {}, directory)
            if error:
                return error
        return None

    def build_go(self, program):
        package, tags, versions = GO_PACKAGES[program]
        if not shutil.which("go"):
            return "no go compiler"
        directory = os.path.join(self.dir, "go")
        errors = []
        for version in versions:
            error = self.run(["go", "install", "-tags", tags, f"{package}@{version}"], {"GOBIN": directory})
            if not error:
                os.replace(os.path.join(directory, os.path.basename(package)), self.path(program))
                return None
            errors.append(f"{version}: {error}")
        return "; ".join(errors)

    def build_crate(self, program):
        if not shutil.which("cargo"):
            return "no cargo"
        crate, version = CRATES[program]
        return self.run(["cargo", "install", "--root", self.dir, "--version", version, crate],
                        {"CARGO_TARGET_DIR": os.path.join(self.dir, "target")})

    def run(self, argv, environment, directory=None):
        """Why there is no such program now, or None."""
        print("building:", " ".join(argv), flush=True)
        child = subprocess.Popen(argv, cwd=directory or self.dir, env={**os.environ, **environment}, text=True,
                                 start_new_session=True, preexec_fn=lab.die_with_parent,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            output, _ = child.communicate(timeout=BUILD_SECONDS)
        except subprocess.TimeoutExpired:
            return f"{argv[0]} did not end within {BUILD_SECONDS} s"
        finally:
            if child.poll() is None:  # also after Ctrl-C: it and the compilers that it started
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        return None if child.returncode == 0 else f"{argv[0]} {argv[1]}: {reason(output)}"


def reason(output):
    """The line that says why, without the address that was asked."""
    lines = output.strip().splitlines() or ["no output"]
    errors = [line for line in lines if re.match(r"error|go: (?!downloading)", line)] or lines
    return re.sub(r"reading https?://\S+: ", "", errors[-1].strip())


def version_of(path):
    """What it was built from: Go and Rust programs say it in different ways."""
    if shutil.which("go"):
        done = subprocess.run(["go", "version", "-m", path], text=True, capture_output=True)
        for line in done.stdout.splitlines():
            words = line.split()
            if len(words) > 2 and words[2] != "(devel)" and (words[0] == "mod" or words[1] == NETSTACK_OF):
                return words[2]
    done = subprocess.run([path, "--version"], text=True, capture_output=True, stdin=subprocess.DEVNULL)
    text = (done.stdout or done.stderr).strip()
    return text.splitlines()[0].split()[-1] if text else "?"
