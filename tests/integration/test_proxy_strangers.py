#!/usr/bin/env python3
"""Who means no harm, and who does, at the port of `tunion proxy`: 2,000 connections with garbage in SOCKS and HTTP, an unknown
name, a port that refuses, a tunnel whose other end is dead, clients that vanish at any time and some that never read. Each
is answered within 10 s as its protocol wants it; and afterwards the processes have the descriptors and the memory that they
had before."""

import os
import random
import sys

from lab import UP_OPTIONS, Skip, check, equal, in_time, main, wait_for
from nameserver import NameServer
from ordinary import User, processes
from world import LAN, World

AGAIN_WITH = "--stack lwip"
SEED = int(os.environ.get("TUNION_SEED", random.randrange(1 << 32)))
PROXY = "tunion-worker" if "lwip" in UP_OPTIONS else "tunion-proxy"  # who has the connections
SLOW, UNREAD_KIB = 40, 512  # clients that don't read, and what may be in memory of each
DEAD = "10.66.0.1"  # in the prefix of a tunnel that nobody answers

# What runs among the clients: argv[1] says what, and prints what came of it.
CLIENTS = r"""
import random, select, socket, struct, sys, time

PROXY = ("127.0.0.1", 1080)
RESET = struct.pack("ii", 1, 0)


def connect():
    s = socket.create_connection(PROXY)
    s.settimeout(15)
    return s


def garbage(seed):
    r = random.Random(seed)
    begin = [b"", b"\5", b"\5\1\0", b"\5\1\0\5\1\0\1", b"\5\1\0\5\1\0\3", b"\5\1\0\5\3\0\1", b"\4\1\0\x50", b"\4\1\0\x50\0\0\0\1a\0",
             b"GET http://", b"GET / HTTP/1.1\r\n", b"GET /proxy.pac HTTP/1.1\r\nHost: a\r\n\r\n", b"POST http://192.168.77.10:9/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
             b"CONNECT 192.168.77.10:9 HTTP/1.1\r\n\r\n", b"CONNECT [::1]:9 HTTP/1.1\r\n", b"OPTIONS * HTTP/1.0\r\n\r\n"]
    open_ones = []
    for i in range(2000):
        s = connect()
        s.sendall(r.choice(begin) + r.randbytes(r.randrange(200)) + r.choice([b"", b"\r\n\r\n", b"\0"]))
        how = r.randrange(4)
        if how == 0:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        elif how == 1:
            s.shutdown(socket.SHUT_WR)
        if how < 2 or len(open_ones) < 50:
            open_ones.append(s)
        else:
            s.close()
        if len(open_ones) >= 100:
            open_ones.pop(r.randrange(100)).close()
    for s in open_ones:
        s.close()
    print("done")


def ask(*words):
    # all at once; each word is KIND:HOST:PORT
    began, waiting, answers = time.monotonic(), {}, {}
    for word in words:
        kind, host, port = word.split(":")
        s = connect()
        if kind == "socks5":
            s.sendall(b"\5\1\0\5\1\0\3" + bytes([len(host)]) + host.encode() + struct.pack("!H", int(port)))
        elif kind == "socks4":
            s.sendall(b"\4\1" + struct.pack("!H", int(port)) + b"\0\0\0\1me\0" + host.encode() + b"\0")
        elif kind == "connect":
            s.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\n\r\n".encode())
        else:
            s.sendall(f"GET http://{host}:{port}/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        waiting[s] = (word, kind)
    while waiting:
        for s in select.select(list(waiting), [], [], 15)[0] or sys.exit("no answer within 15 s: " + str(list(waiting.values()))):
            word, kind = waiting.pop(s)
            if kind == "socks5":
                answer = str((s.recv(2, socket.MSG_WAITALL) + s.recv(2, socket.MSG_WAITALL))[3])
            elif kind == "socks4":
                answer = str(s.recv(2, socket.MSG_WAITALL)[1])
            else:
                answer = s.recv(12, socket.MSG_WAITALL).decode().split()[1]
            print(word, answer, int((time.monotonic() - began) * 1000), flush=True)


def vanish(seed, address):
    # asks, and goes: before the answer, after it, in the middle of the data
    r = random.Random(seed)
    for i in range(150):
        s = connect()
        s.sendall(r.choice([b"\5\1\0\5\1\0\1" + socket.inet_aton(address) + struct.pack("!H", 8080) + b"GET / HTTP/1.0\r\n\r\n",
                            b"CONNECT %s:8080 HTTP/1.1\r\n\r\nGET / HTTP/1.0\r\n\r\n" % address.encode(),
                            b"GET http://%s:8080/ HTTP/1.1\r\n\r\n" % address.encode()]))
        for _ in range(r.randrange(3)):
            s.recv(r.randrange(1, 5000))
        if r.randrange(2):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        s.close()
    print("done")


def never_read(address, count):
    clients = []
    for i in range(int(count)):
        s = connect()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.sendall([b"GET http://%s:8081/ HTTP/1.1\r\n\r\n", b"CONNECT %s:8081 HTTP/1.1\r\n\r\nGET / HTTP/1.0\r\n\r\n"][i % 2] % address.encode())
        clients.append(s)
    time.sleep(600)  # is ended before


globals()[sys.argv[1]](*sys.argv[2:])
"""

# Sends to everybody without end. Says so once nobody has taken anything of a connection for a second.
FLOOD = r"""
import socket, sys, threading

def serve(c):
    try:
        c.recv(4096)
        c.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        c.settimeout(1)
        while True:
            try:
                c.send(bytes(65536))
            except TimeoutError:
                print("stuck", flush=True)
                c.settimeout(None)
    except OSError:
        c.close()

listener = socket.create_server(("", int(sys.argv[1])), backlog=200)
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


def state(pids):
    """Descriptors and resident KiB of each."""
    def kib(pid):
        with open(f"/proc/{pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))
    return {name: (len(os.listdir(f"/proc/{pid}/fd")), kib(pid)) for name, pid in pids.items()}


class Watched:
    """The processes that strangers can have to do with."""

    def __init__(self, w, user):
        self.run = lambda *words, **kw: w.client.run(user.become() + [user.python, "-c", CLIENTS, *map(str, words)], **kw)
        self.start = lambda *words: w.client.start(user.become() + [user.python, "-c", CLIENTS, *map(str, words)], words[0])
        names = {PROXY, "tunion-page", "tunion-outlet"}
        wait_for(lambda: names <= set(processes().values()), "the processes have their names")
        self.pids = {name: pid for pid, name in processes().items() if name in names}
        equal(self.ask(f"socks5:{LAN}:8080"), {f"socks5:{LAN}:8080": "0"}, "a connection that opens what is kept")
        self.before = state(self.pids)
        self.settle("after the first one")
        self.before = state(self.pids)

    def ask(self, *words):
        """What is answered to each."""
        answers = {}
        for line in self.run("ask", *words, seconds=60).splitlines():
            word, answer, took_ms = line.split()
            answers[word] = answer
            in_time(int(took_ms), 10000, word)
        return answers

    def settle(self, what):
        """All that was opened for strangers is closed."""
        wait_for(lambda: all(n <= self.before[name][0] for name, (n, _) in state(self.pids).items()), f"{what}: the descriptors are closed", 40)

    def has_not_grown(self, what, by_kib=4096):
        for name, (_, now) in state(self.pids).items():
            before = self.before[name][1]
            check(now - before < by_kib, f"{what}: {name} has grown from {before} to {now} KiB")

    def check(self, what):
        self.settle(what)
        self.has_not_grown(what)


def refuses(watched):
    """The proper answer, and in time. Only a dead tunnel takes its time."""
    expected = {}
    for host, answers in ((f"{LAN}:8080", ("0", "90", "200", "200")), (f"{LAN}:9", ("5", "91", "502", "502")),
                          ("nothing.home.lan:80", ("4", "91", "502", "502")), ("8.8.8.8:80", ("3", "91", "502", "502")),
                          (f"{DEAD}:80", ("4", "91", "504", "504"))):
        for kind, answer in zip(("socks5", "socks4", "connect", "http"), answers):
            expected[f"{kind}:{host}"] = answer
    equal(watched.ask(*expected), expected, "answers")


def test(lab):
    print(f"TUNION_SEED={SEED}")
    w = World(lab)
    w.start_home()  # but not vpn
    NameServer(w.home, "10.77.0.1", {"nas.home.lan": [LAN]})
    user = User(lab, w.client, {"vpn.conf": w.vpn_conf(allowed="10.66.0.0/24"),
                                "home.conf": w.home_conf(interface_lines=["DNS = 10.77.0.1, home.lan"])})
    w.lan.start([sys.executable, "-c", FLOOD, "8080"], "flood").wait_output("ready")
    endless = w.lan.start([sys.executable, "-c", FLOOD, "8081"], "for clients that don't read")
    endless.wait_output("ready")
    if UP_OPTIONS and "without lwIP" in user.tunion("proxy", *UP_OPTIONS, user.dir + "/none").stderr:
        raise Skip("tunion was built without lwIP")
    process = w.client.start(user.become() + [user.program, "proxy", "--foreground", *UP_OPTIONS, user.dir], "proxy")
    process.wait_output("proxy0 is up")
    watched = Watched(w, user)
    equal(watched.run("garbage", SEED, seconds=60), "done\n", "garbage")
    watched.check("after garbage")
    refuses(watched)
    watched.check("after refusals")
    equal(watched.run("vanish", SEED, LAN, seconds=60), "done\n", "clients that vanish")
    watched.check("after clients that have vanished")
    slow = watched.start("never_read", LAN, SLOW)
    wait_for(lambda: endless.output().count("stuck") == SLOW, "nothing more is taken for clients that don't read", 30)
    equal(watched.ask(f"socks5:{LAN}:8080"), {f"socks5:{LAN}:8080": "0"}, "others are served meanwhile")
    watched.has_not_grown("while clients don't read", 4096 + SLOW * UNREAD_KIB)
    slow.stop()
    watched.check("after clients that didn't read")
    equal(process.stop(), 0, "the end by SIGTERM")


main(test)
