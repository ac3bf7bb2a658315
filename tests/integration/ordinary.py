"""ordinary - an ordinary user of a host, who runs `tunion exec` or `tunion gate`

The user has no name, no capabilities and no rights but, for exec, to open the tun device. In a lab that is not
root's, the test itself is such a user.
"""

import json
import os
import shutil
import subprocess
import sys

from lab import TUNION, Skip, need, tun_for_everybody, wait_for

UID = 54321


class User:
    def __init__(self, lab, host, files=None, namespaces=True):
        """Without namespaces, for `tunion gate`, the user need not be allowed to make any, nor a tun."""
        need("setpriv")
        if os.environ["TUNION_LAB"] != "root":
            raise Skip("only root can become an ordinary user")
        self.lab = lab
        self.host = host
        os.chmod(lab.dir, 0o755)
        os.chmod(host.run_dir, 0o755)
        self.home = os.path.join(host.run_dir, "user")
        self.dir = os.path.join(self.home, "conf")
        self.run_dir = os.path.join(self.home, "run")
        for path in (self.home, self.dir, self.run_dir):
            self.make_dir(path)
        self.program = os.path.join(lab.dir, "tunion")  # where a user may look
        if not os.path.exists(self.program):
            shutil.copy(TUNION, self.program)
        if namespaces:
            host.binds.append((tun_for_everybody(lab), "/dev/net/tun"))
        for name, text in (files or {}).items():
            self.write(name, text)
        if namespaces and subprocess.run(self.become() + ["unshare", "--user", "true"], capture_output=True).returncode != 0:
            raise Skip("the system allows no user namespaces")

        self.python = next((p for p in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3")
                            if host.try_run(self.become() + ["test", "-x", p]).returncode == 0), None)
        if not self.python:
            raise Skip("an ordinary user may not run python3")

    def make_dir(self, path):
        os.makedirs(path, mode=0o700)
        os.chown(path, UID, UID)
        return path

    def become(self):
        return ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--inh-caps=-all",
                "env", "-u", "TUNION_LAB", f"HOME={self.home}", f"XDG_RUNTIME_DIR={self.run_dir}",
                f"TMPDIR={self.home}", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"]

    def write(self, name, text):
        path = os.path.join(self.dir, name)  # or an absolute one
        with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(text)
        os.chown(path + ".new", UID, UID)
        os.rename(path + ".new", path)

    def argv(self, *command, options=(), files=None):
        """The words of `tunion exec DIR -- COMMAND`; text is a command of sh."""
        words = ["sh", "-c", command[0]] if len(command) == 1 and " " in command[0] else list(command)
        return self.become() + [self.program, "exec", *options, files or self.dir, "--", *words]

    def exec(self, *command, options=(), **kw):
        return self.host.try_run(self.argv(*command, options=options), **kw)

    def start(self, *command, options=(), name=None, files=None):
        return self.host.start(self.argv(*command, options=options, files=files), name or "exec")

    def tunion(self, *words, **kw):
        """Another command of tunion, outside."""
        return self.host.try_run(self.become() + [self.program, *words], **kw)

    def status(self, tun=None):
        """None if it isn't up; without a name, of the only instance."""
        done = self.tunion("status", "--json", *(["--tun", tun] if tun else []))
        return json.loads(done.stdout) if done.returncode == 0 else None

    def left(self):
        """Files in the run directory."""
        found = []
        for folder, _, names in os.walk(os.path.join(self.run_dir, "tunion")):
            found += [os.path.join(folder, name) for name in names]
        return found


def pings(address):
    """A command that pings until it is answered: handshakes take their time, and wireguard-go answers two of a peer
    within 20 ms only once, even if they come from two instances, one after the other."""
    return f"until ping -n -c 1 -W 2 {address}; do sleep 0.1; done"


def processes():
    """Process ids of every tunion in this pid namespace, and their names."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm") as f, open(f"/proc/{pid}/stat") as stat:
                name = f.read().strip()
                if name.startswith("tunion") and stat.read().rpartition(")")[2].split()[0] != "Z":
                    found[int(pid)] = name
        except OSError:
            pass
    return found


def nothing_left(user, what):
    wait_for(lambda: not processes(), f"{what}: processes left: {processes()}")
    wait_for(lambda: not user.left(), f"{what}: files left: {user.left()}")
