#!/usr/bin/env python3
"""wireguard-tunion in the place of wireguard-go: one interface, which wg and ip configure. How it begins and ends, what it
takes from its environment, and that wg syncconf loses no packet of a peer that stays. (test_as_wg_quick.py has it under
wg-quick.)"""

import base64
import os
import signal

from lab import Keys, check, drop_in, equal, main, need, wait_for

MTU = 8000  # more than it has at the start, so that it must hear of another one

# Opens a tun and the socket, and becomes the program.
GIVES_FDS = """
import fcntl, os, socket, struct, sys
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH22x", b"given0", 0x1001))
uapi = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
uapi.bind("/run/wireguard/given0.sock")
uapi.listen()
for fd in (tun, uapi.fileno()):
    os.set_inheritable(fd, True)
env = dict(os.environ, WG_TUN_FD=str(tun), WG_UAPI_FD=str(uapi.fileno()), WG_PROCESS_FOREGROUND="1")
os.execvpe("wireguard-tunion", ["wireguard-tunion", "another"], env)
"""


def socket_of(h, name):
    return os.path.join(h.run_dir, "wireguard", f"{name}.sock")


def has_link(h, name):
    return h.try_run(["ip", "link", "show", "dev", name]).returncode == 0


def foreground(h, name, *words, **env):
    """Once wg can use it."""
    argv = ["env", *(f"{key}={value}" for key, value in env.items()), *(words or (drop_in(h), "-f", name))]
    process = h.start(argv, name=name)

    def ready():
        check(process.alive(), f"it ended:\n{process.output()}")
        return os.path.exists(socket_of(h, name)) and h.try_run(["wg", "show", name]).returncode == 0
    wait_for(ready, f"{name} to be ready")
    return process


def ended(h, name, process):
    equal(process.wait(), 0, f"exit status of {name}:\n{process.output()}")
    wait_for(lambda: not has_link(h, name), f"the link {name} to go")
    check(not os.path.exists(socket_of(h, name)), "the socket stays")


def configure(h, name, keys, peer, allowed, address, more="", port=0):
    text = (f"[Interface]\nPrivateKey = {keys.private}\n" + (f"ListenPort = {port}\n" if port else "") +
            f"[Peer]\nPublicKey = {peer.public}\nAllowedIPs = {allowed}\n{more}")
    h.run(["wg", "setconf", name, "/dev/stdin"], input=text)
    h.run(f"ip addr add {address} dev {name}; ip link set dev {name} mtu {MTU} up")


def carries_packets(a, b):
    """In the background; with wireguard-go at the other end; up and down."""
    keys, peer = Keys(), Keys()
    equal(a.run([drop_in(a), "wg0"]), "", "what it prints")
    equal(a.wg("show", "wg0", "private-key").strip(), "(none)", "the key at the start")
    b.wireguard_go("go0", f"[Interface]\nPrivateKey = {peer.private}\nListenPort = 51820\n[Peer]\nPublicKey = {keys.public}\n"
                          "AllowedIPs = 10.8.0.2/32\n", ["10.8.0.1/24"], mtu=MTU)
    configure(a, "wg0", keys, peer, "10.8.0.0/24", "10.8.0.2/24", "Endpoint = 192.0.2.2:51820\nPersistentKeepalive = 25\n")
    wait_for(lambda: a.handshake("wg0", peer.public), "a handshake when the link is set up")
    b.reach("10.8.0.2")
    wait_for(lambda: a.ping("10.8.0.1", "-M", "do", "-s", str(MTU - 28)), "a packet of the MTU that was set")
    check(not a.ping("10.8.0.1", "-M", "do", "-s", str(MTU)), "a larger one")
    a.run("ip link set wg0 down")
    wait_for(lambda: not b.ping("10.8.0.2"), "no answer while the link is down")
    a.run("ip link set wg0 up; ip route replace 10.8.0.0/24 dev wg0")
    a.reach("10.8.0.1")
    # another one at the same time, which can't have the same port
    a.run([drop_in(a), "wg1"])
    equal(set(a.wg("show", "interfaces").split()), {"wg0", "wg1"}, "interfaces")
    port = a.wg("show", "wg0", "listen-port").strip()
    refused = a.try_run(["wg", "set", "wg1", "listen-port", port])
    check(refused.returncode != 0 and "Address already in use" in refused.stderr, refused.stderr)
    a.wg("set", "wg1", "fwmark", "0x77")
    equal(a.wg("show", "wg1", "fwmark").strip(), "0x77", "fwmark")
    a.run("ip link del wg0; ip link del wg1")
    wait_for(lambda: not a.wg("show", "interfaces").strip(), "both to end")
    b.run("ip link del go0")


def how_it_ends(a):
    p = foreground(a, "wg0", LOG_LEVEL="verbose")
    a.run("ip link del wg0")
    ended(a, "wg0", p)
    check("the interface was removed" in p.output(), p.output())
    p = foreground(a, "wg0", drop_in(a), "wg0", WG_PROCESS_FOREGROUND="1")
    os.unlink(socket_of(a, "wg0"))
    ended(a, "wg0", p)
    p = foreground(a, "wg0")
    equal(p.output(), "", "what it says without LOG_LEVEL")
    second = a.try_run([drop_in(a), "wg0"])
    check(second.returncode == 1 and "already exists" in second.stderr, second.stderr)
    equal(p.stop(signal.SIGTERM), 0, "exit status after SIGTERM")
    ended(a, "wg0", p)


def what_it_refuses(a):
    for words in (["not/a/name"], [], ["-f"], ["a", "b"], ["-x"]):
        done = a.try_run([drop_in(a), *words])
        check(done.returncode == 1 and done.stderr and not done.stdout, f"{words}: {done}")
    silent = a.try_run(["env", "LOG_LEVEL=silent", drop_in(a), "lo"])
    equal((silent.returncode, silent.stdout, silent.stderr), (1, "", ""), "LOG_LEVEL=silent")
    for variable in ("WG_TUN_FD=99", "WG_TUN_FD=0", "WG_UAPI_FD=x", "WG_UAPI_FD=1"):
        done = a.try_run(["env", variable, drop_in(a), "wg0"])
        check(done.returncode == 1 and done.stderr, f"{variable}: {done}")
    check(a.run([drop_in(a), "--version"]).startswith("wireguard-tunion "), "--version")


def descriptors_that_are_given(a):
    drop_in(a)
    p = foreground(a, "given0", "python3", "-c", GIVES_FDS)
    check(not has_link(a, "another"), "the name of its argument counts")
    os.unlink(socket_of(a, "given0"))
    ended(a, "given0", p)


def nothing_leaves_when_the_worker_dies(a):
    p = foreground(a, "wg0")
    a.run("ip link set wg0 up; ip route add 198.18.0.0/16 dev wg0")
    children = f"/proc/{p.popen.pid}/task/{p.popen.pid}/children"
    with open(children) as f:
        worker = int(f.read())
    os.kill(worker, signal.SIGKILL)
    p.wait_output("what wg had set is lost")
    equal(a.run(["ip", "-o", "route", "get", "198.18.0.1"]).split()[2], "wg0", "the way afterwards")
    wait_for(lambda: a.try_run(["wg", "show", "wg0"]).returncode == 0, "another worker")
    equal(p.stop(), 0, "exit status")


PEERS, LIVE, ALLOWED = 500, 4, 60
PINGS = 300


def random_key():
    return base64.b64encode(os.urandom(32)).decode()


def syncconf_loses_nothing(a, b):
    """Those that stay have so many AllowedIPs that a request has to end amid them."""
    keys = Keys()
    a.run([drop_in(a), "wg0"])
    live = []
    for i in range(LIVE):
        peer = Keys()
        b.run([drop_in(b), f"p{i}"])
        configure(b, f"p{i}", peer, keys, f"10.49.{i}.1/32", f"10.50.{i}.200/32", port=52000 + i)
        b.run(f"ip route add 10.49.{i}.1 dev p{i}")
        many = ", ".join(f"10.50.{i}.{141 + k}/32" for k in range(ALLOWED))
        live.append(f"[Peer]\nPublicKey = {peer.public}\nEndpoint = 192.0.2.2:{52000 + i}\nAllowedIPs = {many}\n")

    def others():
        return [f"[Peer]\nPublicKey = {random_key()}\nAllowedIPs = 10.{60 + k // 250}.{k % 250}.0/24\n"
                for k in range(PEERS - LIVE)]
    first = others()
    files = []
    for rest in (first, first[:250] + others()[250:]):
        for i in range(LIVE):
            rest = rest[:90 * (i + 1)] + [live[i]] + rest[90 * (i + 1):]
        path = os.path.join(a.run_dir, f"sync{len(files)}.conf")
        with open(path, "w") as f:
            f.write(f"[Interface]\nPrivateKey = {keys.private}\n" + "".join(rest))
        files.append(path)
    a.wg("syncconf", "wg0", files[0])
    a.run("ip link set dev wg0 up; ip route add 10.50.0.0/16 dev wg0;" +
          "".join(f"ip addr add 10.49.{i}.1/32 dev wg0;" for i in range(LIVE)))
    pings = []
    for i in range(LIVE):
        wait_for(lambda: a.ping(f"10.50.{i}.200", "-I", f"10.49.{i}.1"), f"the answer of peer {i}")
    for i in range(LIVE):
        pings.append(a.start(["ping", "-A", "-q", "-c", str(PINGS), "-W", "20", "-I", f"10.49.{i}.1", f"10.50.{i}.200"]))
    port, times = a.wg("show", "wg0", "listen-port"), 0
    while any(p.alive() for p in pings):
        times += 1
        a.wg("syncconf", "wg0", files[times % 2])
    for p in pings:
        check(f"{PINGS} packets transmitted, {PINGS} received" in p.output(), p.output())
    equal(len(a.wg("show", "wg0", "peers").split()), PEERS, "peers")
    equal(a.wg("show", "wg0", "listen-port"), port, "the port, which no file mentions")
    print(f"wg syncconf of {PEERS} peers {times} times, meanwhile {LIVE} x {PINGS} packets and as many answers: none lost")


def test(lab):
    need("wireguard-go", "ping")
    a, b = lab.host("a"), lab.host("b")
    lab.link(a, "eth0", "192.0.2.1/24", b, "eth0", "192.0.2.2/24", mtu=9000)
    what_it_refuses(a)
    how_it_ends(a)
    descriptors_that_are_given(a)
    nothing_leaves_when_the_worker_dies(a)
    carries_packets(a, b)
    syncconf_loses_nothing(a, b)


main(test)
