#!/usr/bin/env python3
"""Root brings up a plain user's folder again and again, reloads, saves and takes down, while its owner swaps the
folder, its files, links and owners under root's hands: for files with hooks, for links to what only root can read or
write, and for what is no file. No hook of a file that others can write runs as root, nothing outside the folder is
written, no part of a file that isn't his comes into messages, and he can't keep the instance up.

TUNION_SWAPS=N says how many swaps (100; a thousand by hand), TUNION_SEED=N repeats their order."""

import ctypes
import mmap
import os
import random
import shutil
import signal
import struct
import sys
import time

from lab import Keys, Skip, Tunion, check, equal, main, same_text, wait_for

LIMIT = 900
SWAPS = int(os.environ.get("TUNION_SWAPS", "100"))
SEED = int(os.environ.get("TUNION_SEED", random.SystemRandom().randrange(1 << 32)))
USER = 12345  # who has no rights at all
SECRET = "THIS_IS_SECRET"
KINDS = ("PreUp", "PostUp", "PreDown", "PostDown")
AT_FDCWD, RENAME_EXCHANGE = -100, 2
libc = ctypes.CDLL(None, use_errno=True)


def conf(number, *lines, keys=None):
    return "\n".join(["[Interface]", f"PrivateKey = {(keys or Keys()).private}", f"Address = 10.{number}.0.2/24", *lines,
                      "[Peer]", f"PublicKey = {Keys().public}", f"AllowedIPs = 10.{number}.0.0/16",
                      "Endpoint = 192.0.2.1:1", ""])


def put(path, text, mode=0o600):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as f:
        f.write(text)


def exchange(a, b):
    if libc.renameat2(AT_FDCWD, a.encode(), AT_FDCWD, b.encode(), RENAME_EXCHANGE) < 0:
        raise OSError(ctypes.get_errno(), f"{a} and {b}")


class Swapper:
    """The folder's owner, in a process of his own. Each swap is undone soon, so that most of the time all is well."""

    def __init__(self, home, root):
        self.home, self.root = home, root
        self.folder, self.file = os.path.join(home, "conf"), os.path.join(home, "conf", "a.conf")
        self.other = os.path.join(home, "other")  # what is swapped in
        self.evil = conf(7, *(f"{kind} = id -u >>{root}/marker" for kind in KINDS), "SaveConfig = true")
        self.count = mmap.mmap(-1, 8)
        self.random = random.Random(SEED)
        self.pid = 0

    def start(self):
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid:
            return
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            while True:
                self.one()
        except BaseException as e:  # pylint: disable=broad-except
            print(f"the swapper: {e!r}", flush=True)
        finally:
            os._exit(1)

    def stop(self):
        """Between two swaps."""
        os.kill(self.pid, signal.SIGTERM)
        equal(os.waitpid(self.pid, 0)[1], signal.SIGTERM, "how the swapper has ended")
        os.chown(self.file, USER, USER)

    def runs(self):
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def swaps(self):
        return struct.unpack("q", self.count[:8])[0]

    def pause(self, most_s):
        time.sleep(self.random.random() * most_s)

    def swap(self, do, undo):
        do()
        self.count[:8] = struct.pack("q", self.swaps() + 1)
        self.pause(0.006)
        undo()

    def clear(self):
        if os.path.isdir(self.other) and not os.path.islink(self.other):
            shutil.rmtree(self.other)
        elif os.path.lexists(self.other):
            os.unlink(self.other)

    def one(self):
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        os.chown(self.file, USER, USER)  # a save may have kept the owner that it had for a moment
        os.setegid(USER)
        os.seteuid(USER)
        self.clear()
        self.random.choice((self.file_with_hooks, self.file_to_secret, self.second_name, self.fifo, self.folder_of_root,
                            self.folder_of_all, self.folder_with_hooks, self.temporary, self.owner_of_file,
                            self.owner_of_folder))()
        os.seteuid(0)
        os.setegid(0)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        self.pause(0.02)

    def swap_with(self, path):
        self.swap(lambda: exchange(path, self.other), lambda: exchange(path, self.other))

    def file_with_hooks(self):
        put(self.other, self.evil)
        self.swap_with(self.file)

    def file_to_secret(self):
        os.symlink(f"{self.root}/secret/a.conf", self.other)
        self.swap_with(self.file)

    def second_name(self):
        os.seteuid(0)  # as he can himself where fs.protected_hardlinks is off
        os.link(f"{self.root}/secret/a.conf", self.other)
        self.swap_with(self.file)
        os.unlink(self.other)

    def fifo(self):
        os.mkfifo(self.other)
        self.swap_with(self.file)

    def folder_of_root(self):
        os.symlink(self.random.choice((f"{self.root}/secret", f"{self.root}/hooks")), self.other)
        self.swap_with(self.folder)

    def folder_of_all(self):
        """He moves the very file there."""
        there = f"{self.root}/all/a.conf"
        os.symlink(f"{self.root}/all", self.other)

        def do():
            os.rename(self.file, there)
            exchange(self.folder, self.other)

        def undo():
            os.seteuid(0)  # see one()
            exchange(self.folder, self.other)
            os.rename(there, self.file)
        self.swap(do, undo)

    def folder_with_hooks(self):
        os.mkdir(self.other)
        put(os.path.join(self.other, "a.conf"), self.evil)
        put(os.path.join(self.other, "b.conf"), self.evil.replace("10.7.", "10.8."))
        self.swap_with(self.folder)

    def temporary(self):
        path = f"{self.file}.tmp"
        self.swap(lambda: os.symlink(f"{self.root}/secret/a.conf", path), lambda: os.unlink(path))

    def owner_of_file(self):
        os.seteuid(0)
        self.swap(lambda: os.chown(self.file, 0, 0), lambda: os.chown(self.file, USER, USER))

    def owner_of_folder(self):
        os.seteuid(0)
        self.swap(lambda: os.chown(self.folder, 0, 0), lambda: os.chown(self.folder, USER, USER))


def contents(top):
    """All that somebody could have changed there."""
    found = []
    for folder, _, files in os.walk(top):
        for name in [".", *files]:
            path = os.path.join(folder, name)
            st = os.lstat(path)
            text = open(path, "rb").read() if os.path.isfile(path) else b""
            found.append((path, st.st_ino, oct(st.st_mode), st.st_uid, st.st_gid, text))
    return sorted(found)


def make_folders(h):
    home, root = "/run/home/u", os.path.join(h.run_dir, "root")
    for path, mode in (("/run/home", 0o755), (home, 0o755), (f"{home}/conf", 0o755), (root, 0o755),
                       (f"{root}/secret", 0o755), (f"{root}/hooks", 0o755), (f"{root}/all", 0o1777)):
        os.mkdir(path)
        os.chmod(path, mode)
    for path in (os.path.dirname(h.run_dir), h.run_dir):
        os.chmod(path, 0o755)
    put(f"{root}/secret/a.conf", f"{SECRET} = {SECRET}\n{SECRET}\n")
    put(f"{root}/hooks/a.conf", conf(7, *(f"{kind} = id -u >>{root}/marker" for kind in KINDS)), mode=0o644)
    put(f"{root}/all/a.conf.tmp", "root's\n")
    put(f"{home}/conf/a.conf", conf(7, "SaveConfig = true"))
    for path in (home, f"{home}/conf", f"{home}/conf/a.conf"):
        os.chown(path, USER, USER)
    return home, root


class Commands:
    def __init__(self, h, folder):
        self.h = h
        self.t = Tunion(h, tun="t-swap")
        self.folder = folder
        self.ups = self.refused = self.saved = 0

    def run(self, command):
        done = self.t.try_run(command)
        check(SECRET not in done.stdout + done.stderr, f"{command} shows what is not the user's: {done.stderr}")
        return done

    def up(self):
        p = self.h.start(self.t.argv("up", "--foreground", self.folder), name="tunion")
        wait_for(lambda: not p.alive() or self.run("status").returncode == 0, "tunion up")
        return p

    def cycle(self):
        p = self.up()
        if p.alive():
            self.ups += 1
            self.run("reload")
            self.run("status")
            self.run("reload")
            done = self.run("down")
            equal(done.returncode, 0, f"exit status of down, which said {done.stderr}")
            self.saved += "not saved" not in done.stderr
            equal(p.wait(), 0, f"exit status of up, which said {p.output()}")
        else:
            self.refused += 1
            equal(p.wait(), 1, f"exit status of up, which said {p.output()}")
        check(SECRET not in p.output(), f"up shows what is not the user's: {p.output()}")


def test(lab):
    h, net = lab.host("h"), lab.host("net")
    lab.link(h, "eth0", "192.0.2.2/24", net, "eth0", "192.0.2.1/24")
    h.run("ip route add default via 192.0.2.1; nft list ruleset")
    home, root = make_folders(h)
    try:
        os.chown(f"{home}/conf", USER, USER)
    except OSError:
        raise Skip("only root can make files of another user")
    if not hasattr(libc, "renameat2"):
        raise Skip("the C library has no renameat2")
    before, files = h.snapshot(), contents(root)
    s, c = Swapper(home, root), Commands(h, f"{home}/conf")
    print(f"TUNION_SEED={SEED}")
    s.start()
    try:
        while s.swaps() < SWAPS or c.ups == 0:
            check(s.runs(), "the swapper has ended")
            c.cycle()
            check(not os.path.exists(f"{root}/marker"), "a hook has run")
    finally:
        s.stop()
    print(f"{s.swaps()} swaps: {c.ups} times up, {c.refused} times refused, {c.saved} times saved")
    # as all is at rest: his file is saved, and stays his
    p = c.up()
    check(p.alive(), f"it does not come up: {p.output()}")
    h.wg("set", "a", "listen-port", "5555")
    equal(c.run("down").returncode, 0, "exit status of down")
    with open(f"{home}/conf/a.conf") as f:
        check("ListenPort = 5555\n" in f.read(), "it is not saved")
    equal(os.stat(f"{home}/conf/a.conf").st_uid, USER, "whose file it is")
    equal(os.listdir(f"{home}/conf"), ["a.conf"], "files in the folder")
    check(not os.path.exists(f"{root}/marker"), "a hook has run")
    equal(contents(root), files, "what is root's")
    same_text(h.snapshot(), before, "after all")


main(test)
