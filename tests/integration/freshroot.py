"""freshroot - a root of its own for a host of the lab, such as a new container has

/usr is the machine's, read-only, but /usr/local is empty. /etc is a copy without tunnel files, units and services.
/root, /home/me, /run, /tmp and /var are new. So what is installed in it can be seen, and what it needs must be there. The
packages of the machine are those of the root; where nothing is missing, apt-get works in it without a network.
"""

import os
import shutil
import subprocess

from lab import MS_BIND, MS_REC, Skip, call, check, tun_for_everybody

UID = 54321  # of the ordinary user, whose name is me
MS_RDONLY, MS_REMOUNT = 1, 32
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# In mount namespaces of its own, as each process of a host is.
ENTER = 'cd "$1"; pivot_root . mnt; cd /; umount -l /mnt; cd "$2"; shift 2; exec "$@"'


def bind(source, target, flags=MS_BIND | MS_REC):
    call("mount", source.encode(), target.encode(), None, flags, None)


class FreshRoot:
    def __init__(self, lab, host):
        self.lab = lab
        self.host = host
        self.top = os.path.join(lab.dir, "fresh")
        os.makedirs(self.top)
        call("mount", b"tmpfs", self.top.encode(), b"tmpfs", 0, b"mode=755")
        for name in ("dev/net", "dev/pts", "dev/shm", "home", "mnt", "proc", "run", "sys", "tmp", "usr", "var/tmp", "var/cache/apt/archives/partial",
                     "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/apt/lists/partial", "var/log/apt"):
            os.makedirs(self.path(name))
        for name in ("tmp", "var/tmp", "dev/shm"):
            os.chmod(self.path(name), 0o1777)
        os.symlink("/run", self.path("var/run"))
        self.make_usr()
        self.make_etc()
        self.make_dev()
        os.makedirs(self.path("root"), mode=0o700)
        os.makedirs(self.path("home/me"), mode=0o700)
        os.chown(self.path("home/me"), UID, UID)
        done = self.try_run("true")
        if done.returncode != 0:
            raise Skip(f"no root of its own can be made here: {done.stderr.strip()}")

    def path(self, name):
        """That of a file of the root, seen from outside."""
        return os.path.join(self.top, name.lstrip("/"))

    def make_usr(self):
        bind("/usr", self.path("usr"))
        try:
            call("mount", b"none", self.path("usr").encode(), None, MS_BIND | MS_REMOUNT | MS_RDONLY, None)
        except OSError:
            pass  # a container that locks the flags of its mounts
        call("mount", b"tmpfs", self.path("usr/local").encode(), b"tmpfs", 0, b"mode=755")
        for name in ("bin", "lib", "lib32", "lib64", "libx32", "sbin"):
            if os.path.islink(f"/{name}"):
                os.symlink(os.readlink(f"/{name}"), self.path(name))
            elif os.path.isdir(f"/{name}"):
                os.makedirs(self.path(name))
                bind(f"/{name}", self.path(name))

    def make_etc(self):
        subprocess.run(["cp", "-a", "/etc", self.path("etc")], check=True, capture_output=True)
        for name in ("tunion", "wireguard", "systemd/system", "config.site"):
            shutil.rmtree(self.path(f"etc/{name}"), ignore_errors=True)
        for name, line in (("passwd", f"me:x:{UID}:{UID}::/home/me:/bin/sh"), ("group", f"me:x:{UID}:")):
            with open(self.path(f"etc/{name}")) as f:
                others = [other for other in f if not other.startswith("me:")]
            with open(self.path(f"etc/{name}"), "w") as f:
                f.writelines([*others, line + "\n"])
        if os.path.exists("/var/lib/dpkg/status"):
            shutil.copy("/var/lib/dpkg/status", self.path("var/lib/dpkg/status"))

    def make_dev(self):
        for name in filter(os.path.exists, (f"/dev/{n}" for n in ("null", "zero", "full", "random", "urandom", "tty"))):
            open(self.path(name), "w").close()
            bind(name, self.path(name), MS_BIND)
        open(self.path("dev/net/tun"), "w").close()
        bind(tun_for_everybody(self.lab), self.path("dev/net/tun"), MS_BIND)
        os.symlink("/proc/self/fd", self.path("dev/fd"))
        call("mount", b"devpts", self.path("dev/pts").encode(), b"devpts", 0, b"newinstance,ptmxmode=0666,mode=0620")
        os.symlink("pts/ptmx", self.path("dev/ptmx"))
        bind("/proc", self.path("proc"))
        bind("/sys", self.path("sys"))

    def lend(self, *programs):
        """Those that the machine has outside of its packages."""
        for name in programs:
            found = shutil.which(name)
            if found and found.startswith("/usr/local/"):
                shutil.copy(found, self.path(f"usr/local/bin/{name}"))

    def has(self, program):
        return any(os.access(self.path(f"{folder}/{program}"), os.X_OK) for folder in PATH.split(":"))

    def write(self, name, text, mode=0o600, owner=0):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as f:
            f.write(text)
        os.chown(path, owner, owner)

    def argv(self, command, cwd="/root", user="root", **env):
        """The words that run a text of the shell in the root."""
        if user != "root":
            become = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--inh-caps=-all"]
        else:
            become = []
        env = {"PATH": PATH, "HOME": "/root" if user == "root" else f"/home/{user}", "LC_ALL": "C.UTF-8", **env}
        return ["sh", "-ec", ENTER, "enter", self.top, cwd, *become, "env", "-i", *(f"{k}={v}" for k, v in env.items()),
                "bash", "-ec", command]

    def try_run(self, command, seconds=60, **kw):
        return self.host.try_run(self.argv(command, **kw), seconds=seconds, stdin=subprocess.DEVNULL)

    def run(self, command, **kw):
        """Fails unless it exits 0; returns what it printed on standard output."""
        done = self.try_run(command, **kw)
        check(done.returncode == 0, f"{command} gave {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout

    def start(self, command, name=None, **kw):
        return self.host.start(self.argv(command, **kw), name)
