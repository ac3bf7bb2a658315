#!/usr/bin/env python3
"""What `tunion gate` says, to an ordinary user, when something is not as it should be: one clear line each, and
nothing is left running. And what it says when the clients have to do something."""

import os
import re
import shutil
import signal

from lab import Keys, check, equal, main, wait_for
from ordinary import User, nothing_left, processes

ON_A_TERMINAL = """
import os, pty, subprocess, sys
ours, theirs = pty.openpty()
process = subprocess.Popen(sys.argv[1:], stdout=theirs, stderr=theirs)
os.close(theirs)
try:
    while data := os.read(ours, 65536):
        sys.stdout.buffer.write(data.replace(b"\\r", b""))
except OSError:
    pass
sys.exit(process.wait())
"""

# Refuses sockets of the family AF_NETLINK to the program, as strict systems do: a filter of seccomp(2).
WITHOUT_NETLINK = """
import ctypes, os, struct, sys
call = {"x86_64": 41, "aarch64": 198}[os.uname().machine]
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
code = [(LOAD, 0, 0, 0), (EQUAL, 0, 3, call), (LOAD, 0, 0, 16), (EQUAL, 0, 1, 16), (RETURN, 0, 0, 0x50000 | 13),
        (RETURN, 0, 0, 0x7fff0000)]
text = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *c) for c in code))
program = ctypes.create_string_buffer(struct.pack("@HP", len(code), ctypes.addressof(text)))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0):
    sys.exit(os.strerror(ctypes.get_errno()))
os.execv(sys.argv[1], sys.argv[1:])
"""
HOLD_PORT = """
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 51829))
print("held", flush=True)
time.sleep(1000)
"""
STATE = ".local/state/tunion"


def conf(address, allowed, *lines):
    mine, other = Keys(), Keys()
    return "\n".join(["[Interface]", f"PrivateKey = {mine.private}", f"Address = {address}", *lines, "[Peer]",
                      f"PublicKey = {other.public}", f"AllowedIPs = {allowed}", "Endpoint = 192.0.2.1:1", ""])


def refused(user, expected, *options, files=None, environment=()):
    done = user.host.try_run(user.become() + ["env", *environment, user.program, "gate", *options, *(files or [user.dir])])
    equal(done.returncode, 1, f"exit status of gate {options}: {done.stderr}")
    lines = done.stderr.splitlines()
    equal((len(lines), expected in done.stderr), (1, True), f"one line with {expected!r}: {done.stderr}")
    equal(done.stdout, "", "what it prints")
    nothing_left(user, expected)


def says(user, *expected, options=(), unsaid=(), down=True):
    """Goes up in the background, and says so much."""
    done = user.tunion("gate", *options, user.dir)
    equal(done.returncode, 0, f"exit status of gate {options}: {done.stderr}")
    for text in expected:
        check(text in done.stderr, f"{text!r} isn't said: {done.stderr}")
    for text in unsaid:
        check(text not in done.stderr, f"{text!r} is said: {done.stderr}")
    if down:
        equal(user.tunion("down").returncode, 0, "tunion down")
        nothing_left(user, "after down")


def shows(user, name, status, expected):
    done = user.tunion("gate", "--show", name)
    equal(done.returncode, status, f"exit status of --show {name}: {done.stderr}")
    check(expected in (done.stdout if status == 0 else done.stderr), f"{expected!r} isn't said: {done.stderr}")
    check(status == 0 or (not done.stdout and done.stderr.count("\n") == 1), f"more than one line: {done.stderr}")


def needs_no_netlink(user):
    if os.uname().machine not in ("x86_64", "aarch64"):
        print("left out, since the numbers of this machine's system calls are not known here: no netlink")
        return
    gate = user.host.start(user.become() + [user.python, "-c", WITHOUT_NETLINK, user.program, "gate", "--foreground", user.dir], "gate")
    gate.wait_output("gate0 is up")
    check("doesn't tell us of changes of the network (Permission denied): they are noticed when a peer" in gate.output(), gate.output())
    equal([d["mtu"] for d in user.status("gate0")["devices"]], [1420, 1420], "MTUs where nothing is known")
    equal(user.tunion("reload").returncode, 0, "tunion reload")
    equal(user.tunion("down").returncode, 0, "tunion down")
    equal(gate.wait(), 0, "its exit status")


def shows_a_qr_code(user):
    """On a terminal. Its blocks become a picture that a reader of such codes reads."""
    done = user.host.run(user.become() + [user.python, "-c", ON_A_TERMINAL, user.program, "gate", "--show", "phone"])
    check("PrivateKey = " in done, "the file itself is missing: " + done)
    if "built without libqrencode" in done:
        print("left out, since tunion was built without libqrencode: the QR code")
        return
    rows = []
    for line in re.findall("\033\\[40;97m(.*)\033\\[0m", done):
        rows += [[c in "\u2588\u2580" for c in line], [c in "\u2588\u2584" for c in line]]
    check(len(rows) > 40 and len({len(row) for row in rows}) == 1, "no QR code: " + done)
    path = os.path.join(user.home, "code.pgm")
    with open(path, "w") as f:
        f.write(f"P2\n{4 * len(rows[0])} {4 * len(rows)}\n1\n")
        for row in rows:
            f.write(4 * (" ".join(pixel for light in row for pixel in 4 * f"{light:d}") + "\n"))
    if not shutil.which("zbarimg"):
        print("left out, since zbarimg is not here: what the QR code says")
        return
    read = user.host.run(f"zbarimg --raw -q {path} 2>/dev/null")
    equal(read.strip(), user.tunion("gate", "--show", "phone").stdout.strip(), "what the QR code says")


def no_permission(user, state, own):
    """One line each."""
    refused(user, "/root/run: Permission denied", "--run-dir", "/root/run")
    os.chmod(own, 0)
    refused(user, "gate.conf: can't be read: Permission denied")
    os.chmod(own, 0o600)
    os.chmod(state, 0o500)
    refused(user, "gate.conf: can't be written: Permission denied", "--listen", "127.0.0.1:51828")
    os.chmod(state, 0o700)
    phone = os.path.join(state, "clients/phone.conf")
    os.chmod(phone, 0)
    refused(user, "phone.conf: can't be read: Permission denied")
    os.chmod(phone, 0o600)
    os.chmod(state, 0)
    refused(user, "can't open the folder of the gate's keys: Permission denied")
    os.chmod(state, 0o700)
    os.rename(state, state + ".away")
    os.chmod(os.path.dirname(state), 0o500)
    refused(user, "can't make the folder for the gate's keys: Permission denied; expected one in which you may write")
    os.chmod(os.path.dirname(state), 0o700)
    os.rename(state + ".away", state)


def test(lab):
    host = lab.host("phone")
    user = User(lab, host, namespaces=False)
    state = os.path.join(user.home, STATE)
    good = conf("10.8.0.2/32", "192.168.7.0/24, 10.8.0.0/24")
    # before there is a state folder
    user.write("a.conf", "[Interface]\nPrivateKey = x\n")
    refused(user, "a.conf:2: ")
    refused(user, "missing.conf", files=[os.path.join(user.home, "missing.conf")])
    check(not os.path.exists(state), "a folder with mistakes has left a state folder")
    user.write("a.conf", good)
    refused(user, "there is no HOME", environment=["-u", "HOME", "-u", "XDG_STATE_HOME"])
    refused(user, "Permission denied", "--state", "/root/tunion")
    refused(user, "--listen 192.0.2.77:51821: this host has no such address", "--listen", "192.0.2.77:51821")
    check(not os.path.exists(os.path.join(state, "gate.conf")), "it is kept")
    shows(user, "phone", 1, "there is no client `phone' here")
    for wrong in ("51821", "0.0.0.0:51821", "[::]:1", "127.0.0.1:0", "phone:51821", "224.0.0.1:1"):
        done = user.tunion("gate", "--listen", wrong, user.dir)
        check(done.returncode == 1 and f"--listen {wrong} is wrong; expected" in done.stderr, done.stderr)
    refused(user, "can't be the name of a client", "--client", "../x")
    # what clients have to do
    says(user, "phone.conf is new: import it", "no tunnel file has DNS", options=("--listen", "127.0.0.1:51821"))
    says(user, unsaid=("import", "listens on"))
    shows(user, "phone", 0, "AllowedIPs = 10.")
    shows_a_qr_code(user)
    shows(user, "laptop", 1, "there is no client `laptop' here")
    shows(user, "../gate", 1, "there is no client `../gate' here")
    with_dns = good.replace("[Peer]", "DNS = 10.8.0.1\n[Peer]")
    user.write("a.conf", with_dns)
    says(user, "phone.conf has changed: import it again", unsaid=("no tunnel file has DNS",))
    says(user, "phone.conf has changed: import it again", options=("--all",))
    shows(user, "phone", 0, "AllowedIPs = 0.0.0.0/0, ::/0")
    says(user, "phone.conf has changed: import it again", "laptop.conf is new", options=("--client", "laptop"))
    host.run("ip addr add 192.0.2.5/32 dev lo")
    says(user, "the gate listens on 192.0.2.5:51822: every machine", "phone.conf has changed", options=("--listen", "192.0.2.5:51822"))
    shows(user, "phone", 0, "Endpoint = 192.0.2.5:51822")
    check("ExcludedApplications" not in user.tunion("gate", "--show", "phone").stdout, "another machine leaves out an app")
    says(user, "the gate listens on 192.0.2.5:51822", unsaid=("import",))
    says(user, "phone.conf has changed", options=("--listen", "127.0.0.1:51821"))
    # what needs a tun of its own is left out, here and after a reload
    for table in ("off", "77"):
        user.write("a.conf", good.replace("[Peer]", f"Table = {table}\n[Peer]"))
        says(user, "a.conf:4: warning: Table: the file would need a tun of its own")
        shows(user, "phone", 0, "AllowedIPs = 10.")
        check("192.168.7.0" not in user.tunion("gate", "--show", "phone").stdout, "the client is told of it")
    user.write("a.conf", with_dns)
    says(user, "phone.conf has changed", options=("--no-watch",), down=False)
    user.write("a.conf", good.replace("[Peer]", "Table = off\n[Peer]"))
    done = user.tunion("reload")
    check("a.conf:4: warning: Table: the file would need" in done.stdout + done.stderr, f"what reload says: {done.stdout}{done.stderr}")
    wait_for(lambda: "192.168.7.0" not in user.tunion("gate", "--show", "phone").stdout, "the client's file without it")
    equal(user.tunion("down").returncode, 0, "tunion down")
    user.write("a.conf", with_dns)
    says(user, "phone.conf has changed")
    # one key, one gate, one port
    own = os.path.join(state, "gate.conf")
    os.rename(own, own + ".away")
    shows(user, "phone", 1, "phone.conf: this file is for an older key")
    says(user, "phone.conf was for an older key of the gate: import it again", "laptop.conf was for an older key")
    os.rename(own, own + ".new-one")
    os.rename(own + ".away", own)
    shows(user, "phone", 1, "phone.conf: this file is for an older key of the gate")
    says(user, "phone.conf was for an older key of the gate", down=False)
    done = user.tunion("gate", user.dir)
    check(done.returncode == 1 and done.stderr.count("\n") == 1 and "another gate is up with this folder" in done.stderr, done.stderr)
    other = os.path.join(user.home, "other")
    done = user.tunion("gate", "--state", other, user.dir)
    check(done.returncode == 1 and done.stderr.count("\n") == 1 and "gate.conf:4: ListenPort 51821 is in use" in done.stderr, done.stderr)
    done = user.tunion("gate", "--state", other, "--listen", "127.0.0.1:51823", user.dir)
    equal(done.returncode, 0, "a second gate beside the first one: " + done.stderr)
    check(user.status("gate0") and user.status("gate1"), "two gates")
    for tun in ("gate0", "gate1"):
        equal(user.tunion("down", "--tun", tun).returncode, 0, f"tunion down {tun}")
    # where it can't listen is not kept either, if there was another place before
    own = os.path.join(state, "gate.conf")
    before = open(own).read()
    holder = host.start([user.python, "-c", HOLD_PORT], "holder")
    holder.wait_output("held")
    refused(user, "--listen 127.0.0.1:51829: the port is in use by another program", "--listen", "127.0.0.1:51829")
    refused(user, "--listen [2001:db8::77]:1: ", "--listen", "[2001:db8::77]:1")
    equal(open(own).read(), before, "gate.conf")
    holder.stop()
    # what others could have done to the folder
    os.chmod(state, 0o770)
    refused(user, "others can write in this folder")
    os.chmod(state, 0o700)
    os.chmod(os.path.join(state, "clients"), 0o500)
    user.write("a.conf", good)
    says(user, "phone.conf: can't be written: Permission denied")
    refused(user, "can't be written: Permission denied", "--client", "tablet")
    os.chmod(os.path.join(state, "clients"), 0o700)
    no_permission(user, state, own)
    user.write(os.path.join(state, "clients/phone.conf"), "[Interface]\nPrivateKey = x\n")
    refused(user, "phone.conf:2: ")
    user.write(os.path.join(state, "clients/phone.conf"), "[Interface]\n")
    refused(user, "phone.conf: there is no PrivateKey")
    os.unlink(os.path.join(state, "clients/phone.conf"))
    says(user, "laptop.conf", unsaid=("phone.conf",))
    needs_no_netlink(user)
    # what a killed one has left is no obstacle
    says(user, unsaid=("phone.conf",), down=False)
    status = user.status("gate0")
    os.kill(status["pid"], signal.SIGKILL)
    wait_for(lambda: not processes(), f"processes left: {processes()}")
    says(user, unsaid=("phone.conf",))
    # a signal ends it in the foreground, as Ctrl-C does
    gate = host.start(user.become() + [user.program, "gate", "--foreground", user.dir], "gate")
    gate.wait_output("gate0 is up")
    wait_for(lambda: user.status("gate0"), "status")
    equal(gate.stop(signal.SIGINT), 0, "the end by SIGINT")
    nothing_left(user, "after SIGINT")


main(test)
