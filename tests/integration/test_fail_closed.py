#!/usr/bin/env python3
"""When both processes are gone, the tun is gone, too, and with it its routes; or somebody removes the tun, which ends
the instance. Still nothing that belongs to the tunnels leaves in the clear, until `down` or another `up`: each route has
an unreachable one behind it. `down` removes all of them, also those that such an instance has left."""

import os
import signal
import socket

from lab import Tunion, check, equal, here, main, need, same_text, six, wait_for
from nameserver import NameServer
from world import INTERNET, INTERNET6, LAN, LAN6, World

ELSEWHERE = "198.51.100.1"  # the router, on the link
RESOLVER = "198.18.0.53"
FULL = ["sh", "-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"]  # no file can be written


def clear(lines):
    """What is neither for the servers nor about the link."""
    return [line for line in lines if any(address in line for address in (INTERNET, INTERNET6, LAN, LAN6, "10.77.0.1"))]


def try_all(c, targets):
    for address in targets:
        check(not c.ping(address), f"{address} is reached although the tunnels are gone")


def kill(t):
    status = t.status()
    os.kill(status["pid"], signal.SIGKILL)
    t.process.wait()
    wait_for(lambda: not os.path.exists(f"/proc/{status['engine_pid']}"), "the worker to end with its supervisor")


def lose_the_tun(t):
    t.host.run(f"ip link del {t.tun}")
    equal(t.process.wait(), 1, "exit status after the tun was removed")
    check("tunion down gives it back to the network" in t.log(), t.log())


def senders(c, targets):
    """Processes that send all the time, whether that is refused or not."""
    text = """import socket, sys, time
at = [socket.getaddrinfo(address, 9, type=socket.SOCK_DGRAM)[0] for address in sys.argv[1:]]
while True:
    for family, kind, protocol, _, address in at:
        s = socket.socket(family, kind)
        try:
            s.sendto(b"x", address)
        except OSError:
            pass
        s.close()
    time.sleep(0.005)"""
    return [c.start(["python3", "-c", text, *targets], name="senders")]


def check_closed(w, capture, what):
    lines = clear(capture.lines())
    check(not lines, f"in the clear while {what}:\n" + "\n".join(lines[:20]))


def up_over_the_remains(w, before):
    """A slow `up` after a kill, and one that fails: nothing is open before the next one holds the same, or `down`."""
    c, targets = w.client, here(INTERNET, INTERNET6, LAN, LAN6)
    hooks = w.lab.new_file("hooks")
    slow = [f"{kind} = echo {kind} >>{hooks}" for kind in ("PostUp", "PreDown", "PostDown")]
    t = Tunion(c, {"vpn.conf": w.vpn_conf(interface_lines=[*slow, "DNS = 10.66.0.1"]), "home.conf": w.home_conf()}, tun="again")
    t.up()
    for address in targets:
        c.reach(address)
    kill(t)

    capture, sending = w.net.capture("client"), senders(c, targets)
    t.write("vpn.conf", w.vpn_conf(interface_lines=[*slow, "DNS = 10.66.0.1", "PreUp = sleep 0.5"]))
    t.write("lost.conf", w.home_conf("nowhere.example:51820", allowed="10.99.0.0/24").replace("10.77.0.2/24, fd77::2/64", "10.99.0.2/32"))
    t.up()
    for address in targets:
        c.reach(address)
    for p in sending:
        p.stop()
    check_closed(w, capture, "a slow up followed a kill")
    with open(hooks) as f:
        equal(f.read().split(), ["PostUp", "PreDown", "PostDown", "PostUp"], "hooks of a killed instance and the next one")
    os.unlink(os.path.join(t.dir, "lost.conf"))
    kill(t)

    # resolv.conf has only the tunnel's server, and that of the network is behind the barriers
    w.net.run(f"ip route del blackhole {RESOLVER}; ip addr add {RESOLVER}/32 dev lo")
    server = NameServer(w.net, RESOLVER, {"vpn.example": ["203.0.113.2"]})
    t.write("vpn.conf", w.vpn_conf("vpn.example:51820", interface_lines=[*slow, "DNS = 10.66.0.1"]))
    t.up()
    check("no address yet" not in t.log(), t.log())
    c.reach(INTERNET)
    server.process.stop()
    t.write("vpn.conf", w.vpn_conf(interface_lines=[*slow, "DNS = 10.66.0.1"]))
    kill(t)

    capture, sending = w.net.capture("client"), senders(c, targets)
    for line, hidden in (("MTU = a mistake", ()), ("PreUp = exit 7", ()), ("PostUp = exit 8", ()), ("PreUp = true", ("nft", "iptables-restore", "ip6tables-restore")),
                         ("PreUp = true", ("resolvconf",))):
        t.write("home.conf", w.home_conf(interface_lines=[line]))
        binds = list(c.binds)
        c.hide(*hidden)
        if "resolvconf" in hidden:
            c.binds.append(("/bin/false", os.path.join(c.bin, "resolvconf")))
        done = t.try_run("up", t.dir)
        c.binds[:] = binds
        equal(done.returncode, 1, "exit status of up: " + done.stderr)
        check("tunion down opens the host" in done.stderr.splitlines()[-1], done.stderr)
        done = t.try_run("status")
        check(done.returncode == 1 and "was killed" in done.stderr, "status after a failed up: " + done.stderr)
        try_all(c, targets)
    for name in ("vpn.conf", "home.conf"):
        os.unlink(os.path.join(t.dir, name))
    t.write("other.conf", w.home_conf(allowed="10.99.0.0/24", interface_lines=["PostUp = exit 9"]))
    for _ in range(9):
        equal(t.try_run("up", t.dir).returncode, 1, "exit status of up with another file, whose PostUp fails")
    t.write("other.conf", w.home_conf(allowed="10.99.0.0/24", interface_lines=["PostUp = kill -TERM $PPID"]))
    done = t.try_run("up", t.dir)
    check(done.returncode == 1 and "interrupted" in done.stderr and "tunion down opens the host" in done.stderr.splitlines()[-1], done.stderr)
    done = c.try_run([*FULL, *t.argv("up", t.dir)])
    check(done.returncode == 1 and "File too large" in done.stderr, "up that can't write a file: " + done.stderr)
    for p in sending:
        p.stop()
    check_closed(w, capture, "up failed after a kill")
    # the next one needs no firewall rules nor name servers, and can't remove those that are there; so `down` has to do
    # it after a kill
    binds = list(c.binds)
    c.hide("nft", "iptables-save")
    c.binds.append(("/bin/false", os.path.join(c.bin, "resolvconf")))
    t.write("other.conf", w.home_conf(allowed="10.99.0.0/24"))
    t.run("up", t.dir)
    pid = t.status()["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not os.path.exists(f"/proc/{pid}"), "the end of the supervisor")
    c.binds[:] = binds
    t.run("down")
    same_text(c.snapshot(), before, "the client after kill, failed up, and down")
    with open(hooks) as f:
        text = f.read().split()
    equal([text.count(kind) for kind in ("PostUp", "PreDown", "PostDown")], [text.count("PostUp")] * 3, "hooks")


def renamed_while_the_worker_ends(w, t, targets):
    """A reload finds the worker gone; the file that comes is taken in all the same, since that which goes had its prefixes."""
    status, capture, sending = t.status(), w.net.capture("client"), senders(w.client, targets)
    os.rename(os.path.join(t.dir, "vpn.conf"), os.path.join(t.dir, "renamed.conf"))
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(os.path.join(w.client.run_dir, t.tun + ".sock"))
        t.status()  # so the first one is accepted, too
        os.kill(status["pid"], signal.SIGSTOP)
        os.kill(status["engine_pid"], signal.SIGKILL)
        with open(f"/proc/{status['engine_pid']}/stat") as f:
            wait_for(lambda: f.seek(0) == 0 and ") Z " in f.read(), "the end of the worker")
        s.sendall(b"reload\n")
        os.kill(status["pid"], signal.SIGCONT)
        with s.makefile() as f:
            answer = f.read()
    check("1 added, 0 changed, 1 removed" in answer, answer)
    for address in targets:
        w.client.reach(address)
    for p in sending:
        p.stop()
    check_closed(w, capture, "a file was renamed and the worker ended")


def renamed_with_a_mistake(w, t, targets):
    """The new file is refused, so the old one stays until that is mended."""
    capture, sending = w.net.capture("client"), senders(w.client, targets)
    os.unlink(os.path.join(t.dir, "renamed.conf"))
    t.write("again.conf", w.vpn_conf(interface_lines=["PreUp = false"]))
    done = t.try_run("reload")
    equal(done.returncode, 1, "exit status of a reload with a file that is refused")
    check("renamed.conf: stays as it was: it gives up 0.0.0.0/0, and again, which is to have this or a part of it, is refused" in done.stderr, done.stderr)
    equal({d["name"] for d in t.status()["devices"]}, {"home", "renamed"}, "what is up")
    t.write("again.conf", w.vpn_conf(interface_lines=["# tunion: Via = nobody"]))
    done = t.try_run("reload")
    check("renamed.conf: stays as it was: it gives up" in done.stderr and "no tunnel file nobody.conf" in done.stderr, done.stderr)
    t.write("again.conf", w.vpn_conf())
    t.run("reload")
    equal({d["name"] for d in t.status()["devices"]}, {"home", "again"}, "what is up")
    for address in targets:
        w.client.reach(address)
    for p in sending:
        p.stop()
    check_closed(w, capture, "a file was renamed, and the new one refused")


def test(lab):
    need("nft", "tcpdump", "python3")
    w = World(lab)
    w.start_vpn()
    w.start_home()
    c = w.client
    c.use_name_servers(RESOLVER)
    w.net.run(f"ip route add blackhole {RESOLVER}")  # until it is there
    c.run("nft list ruleset")
    before = c.snapshot()
    c.reach(INTERNET)

    everything = {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf()}
    split = {"home.conf": w.home_conf()}
    for files, targets in ((everything, here(INTERNET, INTERNET6, LAN, LAN6, "10.77.0.1")), (split, here(LAN, LAN6, "10.77.0.1"))):
        t = Tunion(c, files, tun=f"t{len(files)}")
        t.up()
        for address in targets:
            c.reach(address)
        capture = w.net.capture("client")
        kill(t)
        try_all(c, targets)
        check(c.ping(ELSEWHERE), "the link itself is not reached")
        lines = clear(capture.lines())
        check(not lines, "in the clear:\n" + "\n".join(lines))
        equal(c.try_run("ip link show " + t.tun).returncode, 1, "the tun is gone")
        if files is split:
            c.reach(INTERNET)
        t.up()
        for address in targets:
            c.reach(address)
        lose_the_tun(t)
        try_all(c, targets)
        check("unreachable" in c.run("ip route show table all"), "no barrier")
        # without a default route no nft has to be told anything, which takes a file in memory
        done = c.try_run([*(FULL if files is split else []), *t.argv("down")])
        equal(done.returncode, 0, "exit status of down with a full disk: " + done.stderr)
        same_text(c.snapshot(), before, "the client after down of an instance that has lost its tun")
        c.reach(INTERNET)

    t = Tunion(c, everything)
    t.up("--no-watch")
    renamed_while_the_worker_ends(w, t, here(INTERNET, INTERNET6))
    renamed_with_a_mistake(w, t, here(INTERNET, INTERNET6))
    os.unlink(os.path.join(t.dir, "home.conf"))
    t.run("reload")
    routes = c.run("ip route; " + six("ip -6 route"))
    check("unreachable" not in routes, "barriers of a removed file are left:\n" + routes)
    c.run("ip route del unreachable default table 51820")
    wait_for(lambda: "unreachable" in c.run("ip route show table 51820"), "the barrier is put back")
    t.down()
    same_text(c.snapshot(), before, "the client after down")
    up_over_the_remains(w, before)


main(test)
