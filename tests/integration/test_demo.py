#!/usr/bin/env python3
"""`tunion demo`: as root and as a user it ends with 0 and leaves nothing behind; Ctrl-C at any time ends
all it started. A user who may not open the tun device is told what to do."""

import os
import shutil
import signal
import subprocess

from lab import TUNION, Skip, check, equal, main, need, tun_for_everybody, wait_for

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]


def programs():
    """Process ids of every tunion in this pid namespace."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm") as f, open(f"/proc/{pid}/stat") as stat:
                if f.read().startswith("tunion") and stat.read().rpartition(")")[2].split()[0] != "Z":
                    found.add(pid)
        except FileNotFoundError:
            pass
    return found


def clean(directory, what):
    wait_for(lambda: not programs(), f"{what}: processes left behind: {programs()}")
    equal(os.listdir(directory), [], f"{what}: files left behind")


def as_user(lab, host, program, directory):
    if os.environ["TUNION_LAB"] == "user":
        return  # all of the test is
    if subprocess.run([*NOBODY, "unshare", "--user", "true"], capture_output=True).returncode != 0:
        raise Skip("the system allows no user namespaces")
    node = tun_for_everybody(lab)
    host.binds.append((node, "/dev/net/tun"))
    demo(host, [*NOBODY, program], directory)
    # The other way: root's only
    os.chmod(node, 0o600)
    done = host.try_run([*NOBODY, program, "demo"])
    equal(done.returncode, 1, "exit status without the right to open the tun device")
    equal(done.stderr, "tunion: /dev/net/tun can't be opened: Permission denied; run the demo as root, or have root run: "
          "chmod 666 /dev/net/tun\n", "what is said then")
    host.binds.clear()
    clean(directory, "the demo that could not begin")


def demo(host, argv, directory):
    out = host.run([*argv, "demo"])
    check("checks hold" in out and "home > vpn > network" in out, out)
    check("your own files" in out and "tunion check" in out, out)
    check("\x1b" not in out, "colour where there is no terminal")
    clean(directory, "the demo")


def test(lab):
    need("nft")
    host = lab.host("host")
    directory = os.path.join(lab.dir, "tmp")
    os.makedirs(directory)
    os.chmod(lab.dir, 0o755)
    os.chmod(directory, 0o1777)
    program = os.path.join(lab.dir, "tunion")  # where a user may look
    shutil.copy(TUNION, program)
    os.environ["TMPDIR"] = directory
    before = host.snapshot()

    demo(host, [program], directory)
    keeping = host.start([program, "demo", "--keep"])
    keeping.wait_output("tunion status --run-dir")
    enter = next(line.split()[1:] for line in keeping.output().splitlines() if line.split()[:1] == ["client"]
                 and "nsenter" in line)
    answer = host.run([*enter, "ping", "-n", "-c", "1", "-W", "2", "192.168.77.10"])
    check("1 received" in answer, answer)
    equal(keeping.stop(signal.SIGINT), 0, "exit status of demo --keep after Ctrl-C")
    clean(directory, "demo --keep")

    # The reader goes away after the first lines, as with `tunion demo | head`
    gone = host.try_run(["sh", "-c", 'exec 3>&1; { "$0" demo; echo "status $?" >&3; } | head -n 3', program])
    check("status 1" in gone.stdout and gone.stderr == "", f"demo | head: {gone.stdout}{gone.stderr}")
    clean(directory, "demo | head")

    # Ctrl-C when so much has been printed: early, between the starts, during the transfer
    for text in ("five hosts", "AllowedIPs 10.77", "the union", "real traffic", "saw the client as 10.66"):
        process = host.start([program, "demo"])
        process.wait_output(text)
        status = process.stop(signal.SIGINT)
        check(status in (0, 1), f"exit status {status} after Ctrl-C at {text!r}")
        clean(directory, f"Ctrl-C at {text!r}")
    try:
        as_user(lab, host, program, directory)
    finally:
        check(host.snapshot() == before, "the demo changed the host's network")


main(test)
