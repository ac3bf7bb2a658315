#!/usr/bin/env python3
"""Where the system refuses what `tunion exec` needs, one line says what that is and how to get it, the exit status is
1, and nothing is left: no user namespaces (by the system's setting, by seccomp, their number 0), a security module that
takes the rights in them away, a tun device for root only, no tun device. So it is with mistakes of the user."""

import os
import platform
import sys

from lab import Skip, check, equal, main
from ordinary import UID, User, nothing_left
from world import World

# seccomp: unshare(2) gives EPERM if its flags contain CLONE_NEWUSER ("user"), or if they don't ("others").
SECCOMP = """
import ctypes, os, struct, sys
NUMBER, NEWUSER, ALLOW, EPERM = int(sys.argv[2]), 0x10000000, 0x7fff0000, 0x00050001
refuse_user = sys.argv[1] == "user"
code = [(0x20, 0, 0, 0), (0x15, 0, 3, NUMBER), (0x20, 0, 0, 16),
        (0x45, 0 if refuse_user else 1, 1 if refuse_user else 0, NEWUSER), (0x06, 0, 0, EPERM), (0x06, 0, 0, ALLOW)]
text = b"".join(struct.pack("HBBI", *c) for c in code)
buffer = ctypes.create_string_buffer(text)
program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(buffer))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, program, 0, 0) == 0, os.strerror(ctypes.get_errno())
os.execvp(sys.argv[3], sys.argv[3:])
"""

# A user namespace with root and the user in it, in which no more of them may be made. (The number is the namespace's
# own; that of the system stays.)
NO_MORE = """
import ctypes, os, sys
uid = int(sys.argv[1])
made, mapped = os.pipe(), os.pipe()
pid = os.fork()
if pid == 0:
    assert ctypes.CDLL(None, use_errno=True).unshare(0x10000000) == 0
    os.write(made[1], b"x")
    os.read(mapped[0], 1)
    with open("/proc/sys/user/max_user_namespaces", "w") as f:
        f.write("0")
    os.execvp(sys.argv[2], sys.argv[2:])
os.read(made[0], 1)
for which in ("uid_map", "gid_map"):
    with open(f"/proc/{pid}/{which}", "w") as f:
        f.write(f"0 0 1\\n{uid} {uid} 1\\n")
os.write(mapped[1], b"x")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""

UNSHARE = {"x86_64": 272, "aarch64": 97, "riscv64": 97}


def refused(user, expected, argv, what):
    done = user.host.try_run(argv)
    equal((done.returncode, done.stderr, done.stdout), (1, "tunion: " + expected + "\n", ""), what)
    nothing_left(user, what)


def as_root_says(reason):
    """Where root can change it, this is said first."""
    needs = "this needs root: " if "have root" in reason else ""
    return f"{needs}can't make a user namespace for the command: {reason}; root needs none"


def user_namespaces(lab, user):
    command = user.argv("echo", "runs")
    number = UNSHARE.get(platform.machine())
    if number is None:
        raise Skip(f"the number of unshare(2) on {platform.machine()} is not in the test")
    become = user.become()
    filtered = [*become, user.python, "-c", SECCOMP]
    refused(user, as_root_says("it is forbidden in a chroot, by the seccomp filter of a container, or by a security module; let the "
                               "container use the system calls unshare and setns (Docker: --security-opt "
                               "seccomp=unconfined)"),
            [*filtered, "user", str(number), *command[len(become):]], "seccomp's EPERM")
    refused(user, "this needs root: can't make a network namespace for the command: AppArmor or another security module takes away all rights in "
            "user namespaces; have root install the profile dist/apparmor/tunion from tunion's sources, or run: sysctl "
            "kernel.apparmor_restrict_unprivileged_userns=0",
            [*filtered, "others", str(number), *command[len(become):]], "no rights in a user namespace")
    refused(user, as_root_says("the system allows no more of them; have root run: sysctl user.max_user_namespaces=10000"),
            [sys.executable, "-c", NO_MORE, str(UID), *command], "no more user namespaces")
    settings = os.path.join(lab.dir, "settings")  # in the place of /proc/sys/kernel
    os.makedirs(settings)
    with open(os.path.join(settings, "unprivileged_userns_clone"), "w") as f:
        f.write("0\n")
    user.host.binds.append((settings, "/proc/sys/kernel"))
    refused(user, as_root_says("the system does not let ordinary users make user namespaces; have root run: sysctl "
                               "kernel.unprivileged_userns_clone=1"),
            [*filtered, "user", str(number), *command[len(become):]], "kernel.unprivileged_userns_clone=0")
    user.host.binds.pop()


def tun_device(lab, user):
    node, _ = user.host.binds[-1]
    os.chmod(node, 0o600)
    refused(user, "this needs root: /dev/net/tun cannot be opened: Permission denied; have root run: chmod 666 /dev/net/tun", user.argv("true"), "a tun device for root only")
    os.chmod(node, 0o666)
    empty = os.path.join(lab.dir, "empty")
    os.makedirs(empty)
    user.host.binds[-1] = (empty, "/dev/net")
    refused(user, "no tun device: neither /dev/net/tun nor /dev/tun exists; have root run: modprobe tun, or give the device to "
            "the container; tunion gate needs none, nor does tunion proxy --stack lwip", user.argv("true"), "no tun device")
    user.host.binds[-1] = (node, "/dev/net/tun")


def mistakes(w, user):
    user.write("bad.conf", "[Interface]\nPrivateKey = short\n")
    done = user.exec("echo", "runs")
    check(done.returncode == 1 and f"{user.dir}/bad.conf:2: " in done.stderr and not done.stdout,
          f"a mistake in a file: {done.stdout}{done.stderr}")
    os.unlink(os.path.join(user.dir, "bad.conf"))
    nothing_left(user, "a mistake in a file")
    for words in (["exec", user.dir, "true"], ["exec", user.dir, "--"], ["exec", "--in", "exec0", user.dir, "--", "true"],
                  ["exec", "--in", "exec0", "--", "true"], ["exec", "--nothing", "--", "true"],
                  ["exec", "--tun", "a/b", user.dir, "--", "true"]):
        done = user.tunion(*words)
        check(done.returncode == 1 and done.stderr and not done.stdout, f"tunion {words}: {done.stdout}{done.stderr}")
    user.write("vpn.conf", w.vpn_conf(interface_lines=["PostUp = touch hooked", "PostDown = touch hooked", "FwMark = 7", "Table = 9"]))
    done = user.exec("echo", "runs", cwd=user.home)
    path = f"{user.dir}/vpn.conf"
    equal((done.returncode, done.stdout), (0, "runs\n"), "a file with hooks, FwMark and Table")
    for text in (f"{path}:4: warning: hooks are not run", "warning: FwMark is not used", f"{path}:7: warning: Table: "):
        check(done.stderr.count(text) == 1, f"{text!r} is not said once: {done.stderr}")
    check(not os.path.exists(os.path.join(user.home, "hooked")), "a hook was run")
    nothing_left(user, "a file with hooks")
    user.write("vpn.conf", w.vpn_conf())


def run_directory(lab, user):
    """Without XDG_RUNTIME_DIR it is one in /tmp, where others may have been first."""
    tmp = os.path.join(lab.dir, "tmp")
    os.makedirs(tmp)
    os.chmod(tmp, 0o1777)
    user.host.binds.append((tmp, "/tmp"))
    words = user.become() + ["env", "-u", "XDG_RUNTIME_DIR", user.program]
    command = [*words, "exec", user.dir, "--", "sh", "-c",
               f"stat -c '%n %a %u' /tmp/tunion-*; {user.program} status --json | grep -o '\"tun\": *\"[a-z0-9]*\"'"]
    done = user.host.try_run(command)
    equal((done.returncode, done.stderr, done.stdout.replace(" ", "")),
          (0, "", f"/tmp/tunion-{UID} 700 {UID}\n\"tun\":\"exec0\"\n".replace(" ", "")), "a run directory in /tmp")
    os.chmod(os.path.join(tmp, f"tunion-{UID}"), 0o777)
    refused(user, f"/tmp/tunion-{UID} is not a directory that only you can change: remove it, set XDG_RUNTIME_DIR, or use "
            "--run-dir", command, "a directory that others can change")
    os.makedirs(os.path.join(tmp, "tunion"))
    os.chmod(os.path.join(tmp, "tunion"), 0o777)
    refused(user, "/tmp/tunion is not a directory that only you can change: remove it, set XDG_RUNTIME_DIR, or use --run-dir",
            [*user.become(), "env", "XDG_RUNTIME_DIR=/tmp", user.program, "exec", user.dir, "--", "true"], "an XDG_RUNTIME_DIR that others can change")
    user.host.binds.pop()


def test(lab):
    w = World(lab)
    user = User(lab, w.client, {"vpn.conf": w.vpn_conf()})
    before = w.client.snapshot()
    equal(user.exec("echo", "runs").stdout, "runs\n", "without any refusal")
    nothing_left(user, "without any refusal")
    tun_device(lab, user)
    user_namespaces(lab, user)
    mistakes(w, user)
    run_directory(lab, user)
    check(w.client.snapshot() == before, "the client has changed")


main(test)
