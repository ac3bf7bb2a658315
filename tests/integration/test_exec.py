#!/usr/bin/env python3
"""`tunion exec` as an ordinary user: what the command fetches through home > vpn arrives whole, and the uplink
carries nothing but datagrams to the provider. The command has the user's ids, no capabilities, its own exit
status and signals, and no child that it hasn't made. What is not in the union is unreachable at once."""

import os
import re
import signal

from lab import check, equal, here, main, same_text, wait_for
from ordinary import UID, User, nothing_left
from webserver import WebServer
from world import INTERNET, INTERNET6, LAN, LAN6, World, only_to

MEGABYTES = 100

PING = """
import socket, sys
v6 = ":" in sys.argv[1]
s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM,
                  socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP)
s.settimeout(2)
for _ in range(15):
    s.sendto(bytes([128 if v6 else 8, 0, 0, 0, 0, 0, 0, 1]) + b"hello", (sys.argv[1], 0))
    try:
        print(s.recv(100)[8:].decode())
        break
    except TimeoutError:
        pass
"""

CONNECT = """
import errno, socket, sys, time
for address in sys.argv[1:]:
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    began = time.monotonic()
    try:
        s.connect((address, 80))
        print(address, "connected")
    except OSError as error:
        print(address, errno.errorcode[error.errno], "at once" if time.monotonic() - began < 1 else "late")
"""

# Waits for all its children, as some programs do; there must be none.
CHILDREN = """
import os
try:
    print(os.wait())
except ChildProcessError:
    print("no children")
"""


def fetches(w, user):
    server = WebServer(w.lan, MEGABYTES)
    uplink = w.client.capture("eth0")
    inside = w.vpn.capture("wg0", "udp")
    out = os.path.join(user.home, "fetched")
    for address in here(LAN, f"[{LAN6}]"):
        server.check_download(lambda argv: user.exec(*argv, seconds=120), address, out)
        equal(os.stat(out).st_uid, UID, "the owner of a file that the command made")
    to_vpn, others = only_to(uplink.lines(), "203.0.113.2.51820")
    check(len(to_vpn) > 100, f"only {len(to_vpn)} datagrams between client and vpn server")
    check(not others, "the uplink carried something else:\n" + "\n".join(others[:20]))
    check(len(only_to(inside.lines(), "192.0.2.2.51821")[0]) > 100, "home's datagrams don't come out of vpn's tunnel")


def is_as_if_alone(w, user):
    equal(user.exec("true").returncode, 0, "exit status of true")
    equal(user.exec("false").returncode, 1, "exit status of false")
    done = user.exec("test -S run/nest/exec0.sock", options=("--run-dir", "run/nest"), cwd=user.home)
    equal(done.returncode, 0, "a relative run directory: " + done.stderr)
    windows = user.exec("cd /proc/sys/net/ipv4; cat tcp_rmem tcp_wmem; exit 77")
    equal(windows.returncode, 77, "exit status of exit 77")
    most = [int(line.split()[2]) for line in windows.stdout.splitlines()]
    check(len(most) == 2 and min(most) >= 16 << 20, f"the largest windows: {windows.stdout}")
    equal(user.exec("kill -TERM $$").returncode, -signal.SIGTERM, "the end by SIGTERM")
    equal(user.exec("kill -KILL $$").returncode, -signal.SIGKILL, "the end by SIGKILL")
    ignoring = [user.python, "-c", "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execvp(sys.argv[1], sys.argv[1:])"]
    equal(w.client.run([*ignoring, *user.argv("echo", "runs")]), "runs\n", "started by who ignores SIGCHLD")
    shell = w.client.try_run(["sh", "-c", '"$@"; echo $?', "sh", *user.argv("kill -TERM $$")])
    equal(shell.stdout, f"{128 + signal.SIGTERM}\n", "what a shell says of the end by SIGTERM")
    equal(user.exec(f"{user.home}/nothing").returncode, 127, "exit status without such a command")
    equal(user.exec(user.home).returncode, 126, "exit status of what can't be executed")
    equal(user.exec(user.python, "-c", CHILDREN).stdout, "no children\n", "the command's children")
    view = "id; cd; pwd; umask; ulimit -a; ls -l /proc/self/fd | wc -l; grep -E '^(Cap|NoNewPrivs|Seccomp|Sig)' /proc/self/status; ls -ld ~; env | sort"
    outside = w.client.run(user.become() + ["sh", "-c", view], stdin=open(os.devnull))
    inside = user.exec(view, stdin=open(os.devnull))
    equal(inside.stderr, "", "what is said on standard error")
    same_text(inside.stdout, outside, "ids, limits, capabilities, environment")
    closed = w.client.run(["sh", "-c", '"$@" <&- 2>&-', "sh", *user.argv("[ -e /proc/$$/fd/0 ] || echo closed")])
    equal(closed, "closed\n", "standard input that was closed")
    long = user.start("sleep", "1000")
    wait_for(user.status, "the status of the instance")
    equal(long.stop(signal.SIGTERM), -signal.SIGTERM, "the end of tunion exec by SIGTERM")
    nothing_left(user, "after SIGTERM")


def ports_of_one_after_the_other(w, user):
    """The instance of a command ends a moment after it; the next one waits for the port. If it goes on running, the
    error says so, and what to do."""
    user.write("vpn.conf", w.vpn_conf(interface_lines=["ListenPort = 51999"]))
    loop = w.client.try_run(["sh", "-c", 'for i in 1 2 3 4 5; do "$@" || exit 1; done', "sh", *user.argv("true")])
    equal((loop.returncode, loop.stderr), (0, ""), "five commands, one after the other")
    first = user.start("sleep", "1000")
    wait_for(user.status, "the status of the first one")
    done = user.exec("true")
    path = f"{user.dir}/vpn.conf"
    check(done.returncode == 1 and re.fullmatch(
        rf"{path}:\d+: ListenPort 51999 is in use by (exec\d+), which is running: tunion exec --in \1 -- COMMAND joins "
        r"that, or leave out ListenPort\n", done.stderr), f"two at once: {done.returncode} {done.stderr}")
    first.stop(signal.SIGTERM)
    nothing_left(user, "after two at once")
    user.write("vpn.conf", w.vpn_conf())


def commands_of_tunion_inside(w, user):
    """What can't be done in there is said in one line."""
    nothing_left(user, "before commands of tunion inside")
    join = f"{user.program} exec --in exec0 -- true"
    done = user.exec(join)
    equal((done.returncode, done.stderr), (1, "tunion: --in: this is inside that instance already: run the command as it is, without "
                                              "tunion exec\n"), "--in of the instance where one is")
    nothing_left(user, "after --in of the instance where one is")  # or the next one isn't exec0
    first = user.start("sleep", "1000")
    wait_for(user.status, "the status of the first one")
    done = user.exec(join)
    check(done.returncode == 1 and re.fullmatch("tunion: can't enter the namespaces of the instance: .*; inside another exec it is "
                                                "not possible: run it outside\n", done.stderr), f"--in of another one: {done.stderr}")
    first.stop(signal.SIGTERM)
    nothing_left(user, "after commands of tunion inside")
    for command, what in (("proxy", "this proxy"), ("gate --client a", "this gate")):
        done = user.exec(f"{user.program} {command} --no-watch {user.dir}; {user.program} down --tun {command.split()[0]}0")
        check(f"tunion: {what} is inside exec0, so only programs in there reach it: start it outside of tunion exec for all "
              "others\n" in done.stderr, f"tunion {command} inside: {done.stderr}")
        nothing_left(user, f"after tunion {command} inside")


def has_no_other_way(w, user):
    user.write("vpn.conf", w.vpn_conf(allowed="10.66.0.0/24, 2001:db8:3::/64, 192.0.2.0/24"))
    done = user.exec(user.python, "-c", CONNECT, INTERNET, INTERNET6, "198.51.100.1", "2001:db8:1::1", "8.8.8.8")
    same_text(done.stdout, "".join(f"{a} ENETUNREACH at once\n" for a in
                                   (INTERNET, INTERNET6, "198.51.100.1", "2001:db8:1::1", "8.8.8.8")),
              "addresses outside of the union")
    check("hello" in user.exec(user.python, "-c", PING, LAN).stdout, "what is in the union is still reached")
    changed = user.exec("ip link set lo down; ip route add default dev exec0; ip addr add 1.2.3.4 dev lo; umount /etc/resolv.conf; echo x >/etc/resolv.conf")
    check(changed.returncode != 0, "the command can change its network")
    equal(user.exec("ip -o -4 route | grep -c default").stdout, "0\n", "default routes after that")


def leaves_out_what_needs_a_tun_of_its_own(w, user):
    """A provider's file with `Table = off` is in no union, but it carries the home network's, which names it."""
    user.write("vpn.conf", w.vpn_conf(interface_lines=["Table = off"]))
    user.write("home.conf", w.home_conf(interface_lines=["# tunion: Via = vpn"]))
    uplink = w.client.capture("eth0", "udp")
    done = user.exec(f"{user.python} -c '{PING}' {LAN}; ip -o addr show dev exec0; ip route")
    check(f"{user.dir}/vpn.conf:4: warning: Table: the file would need a tun of its own" in done.stderr, "what is said: " + done.stderr)
    check("hello" in done.stdout and "10.77.0.2" in done.stdout, "home by vpn: " + done.stdout)
    check("10.66.0.2" not in done.stdout and "default" not in done.stdout, "vpn is used: " + done.stdout)
    to_vpn, others = only_to(uplink.lines(), "203.0.113.2.51820")
    check(to_vpn and not others, f"not by vpn: {others}")


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    before = w.client.snapshot()
    user = User(lab, w.client, {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf()})
    fetches(w, user)
    for address in here(INTERNET, INTERNET6, LAN, LAN6):
        done = user.exec(user.python, "-c", PING, address)
        equal((done.stdout, done.stderr), ("hello\n", ""), f"ping of {address} without capabilities")
    equal(user.exec("ping", "-n", "-c", "1", "-W", "5", "127.0.0.1").returncode, 0, "ping of the loopback device")
    is_as_if_alone(w, user)
    commands_of_tunion_inside(w, user)
    ports_of_one_after_the_other(w, user)
    has_no_other_way(w, user)
    leaves_out_what_needs_a_tun_of_its_own(w, user)
    nothing_left(user, "at the end")
    same_text(w.client.snapshot(), before, "the client after all")


main(test)
