#!/usr/bin/env python3
"""The worker is locked in, as root and as a user, with `up`, `exec`, `gate` and `proxy`: system calls that are made from
inside it, by ptrace, are refused: those that open, make, remove and execute files, make sockets and connect them, make
processes and send them signals, trace them, type into a terminal, and widen what it may. It has the user, the namespaces and
the descriptors that it should have, and goes on working."""

import os
import re
import subprocess

from lab import TUNION, Skip, Tunion, check, equal, main, wait_for
from ordinary import UID, User, processes
from world import LAN, World

INSIDE = os.path.join(os.environ["top_builddir"], "tests/integration/inside")
WORKER_UID = 65521
CALLS = 26
SLICE = 4  # of the calls, if each of them kills the worker: it is started again so often in a minute

next_slice = 0


def kills():
    """Is this the build in which a refused call ends the worker?"""
    status = os.path.join(os.path.dirname(TUNION), "config.status")
    return os.path.exists(status) and "enable-sandbox-kill" in subprocess.run([status, "--config"], capture_output=True, text=True).stdout


def facts(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def terminal_of(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rpartition(")")[2].split()[4]


def is_locked_in(status, uid, user_namespace):
    pid, supervisor = status["engine_pid"], status["pid"]
    missing = {s["stage"]: s["why"] for s in status["sandbox"] if not s["in_force"]}
    if missing:
        raise Skip(f"the sandbox lacks here: {missing}")
    try:
        os.listdir(f"/proc/{pid}/fd")
    except PermissionError:
        raise Skip("root may not look into a process that can't be dumped (CAP_SYS_PTRACE)") from None
    f = facts(pid)
    equal(f["Uid"].split(), [str(uid)] * 4, "the worker's users")
    equal(f["Gid"].split(), [str(uid)] * 4, "the worker's groups")
    equal([f[c] for c in ("CapEff", "CapPrm", "CapInh", "CapAmb")], ["0" * 16] * 4, "its capabilities")
    equal((f["NoNewPrivs"], f["Seccomp"]), ("1", "2"), "no_new_privs, and seccomp by a filter")
    equal(terminal_of(pid), "0", "its controlling terminal")
    equal(os.listdir(f"/proc/{pid}/root/"), [], "its root directory")
    for kind in ("mnt", "net", "ipc"):
        check(os.readlink(f"/proc/{pid}/ns/{kind}") != os.readlink(f"/proc/{supervisor}/ns/{kind}"), f"{kind}: the supervisor's namespace")
    own = os.readlink(f"/proc/{pid}/ns/user") != os.readlink(f"/proc/{supervisor}/ns/user")
    equal(own, user_namespace, "has it a user namespace of its own?")
    kinds = {re.sub(r":.*", "", os.readlink(f"/proc/{pid}/fd/{fd}")) for fd in os.listdir(f"/proc/{pid}/fd")}
    check(kinds <= {"/dev/null", "anon_inode", "socket", "/dev/net/tun"}, f"its descriptors: {kinds}")
    with open(f"/proc/{pid}/limits") as limits:
        text = limits.read()
    for name, most in (("Max processes", "0"), ("Max file size", "0"), ("Max core file size", "0")):
        check(re.search(rf"{name} +{most} +{most} ", text), f"its limits:\n{text}")


def inside(status, path, *words):
    done = subprocess.run([INSIDE, str(status["engine_pid"]), path, str(status["pid"]), *map(str, words)], capture_output=True, text=True)
    if done.returncode == 77:
        raise Skip(done.stderr.strip())
    equal((done.returncode, done.stderr), (0, ""), "the end of inside")
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def may_do_nothing(get_status, path):
    if not kills():
        said = inside(get_status(), path)
        equal(said.pop("getpid"), "allowed", "getpid")
        equal(len(said), CALLS, "how many calls were made")
        equal({name: what for name, what in said.items() if what != "refused 1"}, {}, "calls that aren't refused with EPERM")
        return
    global next_slice
    for i in range(next_slice, next_slice + SLICE):
        before = get_status()["engine_pid"]
        said = inside(get_status(), path, i % CALLS, 1)
        equal(list(said.values()), ["killed"], f"what becomes of the worker by {list(said)}")
        wait_for(lambda: (get_status() or {}).get("engine_pid", before) != before, "another worker")
    next_slice += SLICE


def lives(status, before):
    if not kills():
        equal((status["engine_pid"], status["engine_restarts"]), (before["engine_pid"], 0), "the worker is the same one")


def up_as_root(w):
    t = Tunion(w.client, {"home.conf": w.home_conf(), "vpn.conf": w.vpn_conf()})
    t.up("--no-dns", "--log-level", "debug")
    before = t.status()
    is_locked_in(before, WORKER_UID, False)
    w.client.reach(LAN)
    check("sandbox of the worker process, calls: in force" in t.log(), "the log says nothing of the sandbox")
    check("system call" not in t.log(), "the worker has needed a call that it may not make:\n" + t.log())
    may_do_nothing(t.status, os.path.join(t.dir, "home.conf"))
    w.client.reach(LAN)
    lives(t.status(), before)
    t.down()


def as_user(w, user, command, tun):
    process = w.client.start(command, name=tun)
    wait_for(lambda: user.status(tun), f"{tun} is up")
    before = user.status(tun)
    is_locked_in(before, UID, True)
    may_do_nothing(lambda: user.status(tun), os.path.join(user.dir, "home.conf"))
    lives(user.status(tun), before)
    process.stop()
    wait_for(lambda: not processes(), f"{tun}: processes left: {processes()}")


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    if os.environ["TUNION_LAB"] != "root":
        raise Skip("only root can look into a process that can't be dumped")
    up_as_root(w)
    user = User(lab, w.client, {"home.conf": w.home_conf(), "vpn.conf": w.vpn_conf()})
    as_user(w, user, user.argv("sleep 1000"), "exec0")
    program = [*user.become(), user.program]
    as_user(w, user, [*program, "gate", "--foreground", user.dir], "gate0")
    as_user(w, user, [*program, "proxy", "--foreground", user.dir], "proxy0")


if __name__ == "__main__":
    main(test)
