"""peers - builds what tunion is compared with, once, into a cache directory

Where: $TUNION_BENCH_CACHE, else $XDG_CACHE_HOME/tunion-bench, else ~/.cache/tunion-bench. What
can't be built here is named with the reason, and tried again next time; delete the directory to
get newer ones.
"""

import os
import shutil
import subprocess

GO_PACKAGES = {  # program: (package, tags, versions to try in this order)
    "wireguard-go": ("golang.zx2c4.com/wireguard", "", ["latest"]),
    # Its newer versions need modules that not every proxy serves.
    "sing-box": ("github.com/sagernet/sing-box/cmd/sing-box", "with_wireguard,with_gvisor",
                 ["latest", "v1.13.0", "v1.12.12"]),
}
CRATES = {"boringtun-cli": "boringtun-cli", "gotatun": "gotatun-cli"}  # program: crate
BUILD_SECONDS = 1800
SLOW = {"sing-box", *CRATES}  # minutes; not built by --quick


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

    def build(self, quick):
        os.makedirs(os.path.join(self.dir, "bin"), exist_ok=True)
        for program in [*GO_PACKAGES, *CRATES]:
            if not os.access(self.path(program), os.X_OK):
                if quick and program in SLOW:
                    self.absent[program] = "not built by --quick"
                    continue
                error = self.build_go(program) if program in GO_PACKAGES else self.build_crate(program)
                if error:
                    self.absent[program] = error
                    continue
            self.programs[program] = self.path(program)

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
        return self.run(["cargo", "install", "--root", self.dir, CRATES[program]],
                        {"CARGO_TARGET_DIR": os.path.join(self.dir, "target")})

    def run(self, argv, environment):
        """Why there is no such program now, or None."""
        print("building:", " ".join(argv), flush=True)
        try:
            done = subprocess.run(argv, cwd=self.dir, env={**os.environ, **environment}, text=True, timeout=BUILD_SECONDS,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except subprocess.TimeoutExpired:
            return f"{argv[0]} did not end within {BUILD_SECONDS} s"
        lines = done.stdout.strip().splitlines() or ["no output"]
        errors = [line for line in lines if line.startswith("error")] or lines
        return None if done.returncode == 0 else f"{argv[0]} {argv[1]}: {errors[-1]}"


def version_of(path):
    """What it was built from: Go and Rust programs say it in different ways."""
    if shutil.which("go"):
        done = subprocess.run(["go", "version", "-m", path], text=True, capture_output=True)
        for line in done.stdout.splitlines():
            words = line.split()
            if len(words) > 2 and words[0] == "mod" and words[2] != "(devel)":
                return words[2]
    done = subprocess.run([path, "--version"], text=True, capture_output=True, stdin=subprocess.DEVNULL)
    text = (done.stdout or done.stderr).strip()
    return text.splitlines()[0].split()[-1] if text else "?"
