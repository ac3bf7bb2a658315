"""farend - who answers a probe, and from where was it sent?

Serve answers each UDP datagram to one of PORTS at whatever address (the host routes all that comes in to itself): with
the name of the interface that it came in by, and with its source. To a DNS query the answer is a TXT record that also
has the server's address.

ask() sends probes, see Probe, and returns {text: answer}. A probe that is not answered is sent again, until all are
answered, or for some time nothing has come; its answer is NOTHING.

serve_on() and start_asking() do this in a process of its own on a host of the lab; a fork, since a new Python takes longer
than the whole work."""

import json
import os
import select
import socket
import struct
import time
import traceback

from lab import check

PORTS = (22, 53, 80)
NOTHING = "nothing"
AGAIN_S = 0.12

TRANSPARENT = {socket.AF_INET: (socket.SOL_IP, 19), socket.AF_INET6: (socket.IPPROTO_IPV6, 75)}
IP_PKTINFO, SO_MARK, SO_BINDTODEVICE = 8, 36, 25


class Probe:
    """"DESTINATION [from SOURCE] [on INTERFACE] [mark NUMBER] [port NUMBER]", or "name NAME": a question for the
    first name server in /etc/resolv.conf."""

    def __init__(self, text):
        words = text.split()
        self.text = text
        self.options = dict(zip(words[1::2], words[2::2])) if words[0] != "name" else {}
        self.name = words[1] if words[0] == "name" else None
        self.destination = words[0] if not self.name else None
        self.port = int(self.options.get("port", 53 if self.name else 80))
        self.source = self.options.get("from")


def encode(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def query(name):
    return b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0" + encode(name) + b"\0\x10\0\1"


def is_query(message):
    return len(message) > 16 and message[2:12] == b"\x01\0\0\x01\0\0\0\0\0\0"


def txt_answer(message, text):
    end = message.index(b"\0", 12) + 5
    record = b"\xc0\x0c\0\x10\0\1\0\0\0\0" + struct.pack("!HB", len(text) + 1, len(text)) + text
    return message[:2] + b"\x85\x80\0\1\0\1\0\0\0\0" + message[12:end] + record


class Serve:
    def __init__(self, by_route):
        self.by_route = by_route
        self.epoll = select.epoll()
        self.sockets = {}
        for port in PORTS:
            self.listen(socket.AF_INET, port)
            if os.path.exists("/proc/net/if_inet6"):
                self.listen(socket.AF_INET6, port)

    def listen(self, family, port):
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.setsockopt(*TRANSPARENT[family], 1)
        if family == socket.AF_INET:
            s.setsockopt(socket.SOL_IP, IP_PKTINFO, 1)
        else:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind(("", port))
        self.sockets[s.fileno()] = (s, family)
        self.epoll.register(s.fileno(), select.EPOLLIN)

    def answer(self, s, family):
        message, ancillary, _, who = s.recvmsg(2048, 256)
        if family == socket.AF_INET:
            index, _, to = struct.unpack("I4s4s", ancillary[0][2])
            info = (socket.SOL_IP, IP_PKTINFO, struct.pack("I4s4s", 0 if self.by_route else index, to, b"\0" * 4))
        else:
            to, index = struct.unpack("16sI", ancillary[0][2])
            info = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, struct.pack("16sI", to, 0 if self.by_route else index))
        text = f"{socket.if_indextoname(index)} from {who[0]}"
        if is_query(message):
            reply = txt_answer(message, f"{text} at {socket.inet_ntop(family, to)}".encode())
        else:
            reply = message + b" " + text.encode()
        s.sendmsg([reply], [info], 0, who)

    def run(self, out):
        out.write("ready\n")
        out.flush()
        while True:
            for fd, _ in self.epoll.poll():
                try:
                    self.answer(*self.sockets[fd])
                except OSError:
                    pass  # it has gone, or has no route: then there is no answer


class Asked:
    """A probe under way."""

    def __init__(self, probe, number):
        self.probe, self.s = probe, None
        self.message = query(probe.name) if probe.name else f"{number}".encode()
        self.answer = NOTHING

    def open(self):
        probe, options = self.probe, self.probe.options
        to = probe.destination or name_server()
        family = socket.AF_INET6 if ":" in to else socket.AF_INET
        s = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            if "on" in options:
                s.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, options["on"].encode())
            if "mark" in options:
                s.setsockopt(socket.SOL_SOCKET, SO_MARK, int(options["mark"], 0))
            if probe.source:
                self.bind(s, family)
            s.connect((to, probe.port))
        except OSError:
            s.close()
            return
        self.s = s

    def bind(self, s, family):
        """On the far end it may be any address."""
        try:
            s.bind((self.probe.source, 0))
        except OSError:
            s.setsockopt(*TRANSPARENT[family], 1)
            s.bind((self.probe.source, 0))

    def send(self):
        """Again, if it has not been answered."""
        if not self.s:
            self.open()
        try:
            if self.s:
                self.s.send(self.message)
        except OSError:
            pass

    def receive(self):
        """Has an answer come that was not there?"""
        try:
            reply = self.s.recv(2048)
        except OSError:
            return False
        if self.answer != NOTHING:
            return False
        if self.probe.name:
            at = len(self.message) + 12
            self.answer = reply[at + 1:at + 1 + reply[at]].decode()
        else:
            self.answer = reply.decode().split(" ", 1)[1]
        return True


def name_server():
    with open("/etc/resolv.conf") as f:
        return next(line.split()[1] for line in f if line.startswith("nameserver"))


def ask(texts, quiet_s):
    """In rounds, all of them at once."""
    asked = [Asked(Probe(text), number) for number, text in enumerate(texts)]
    last = time.monotonic()  # when an answer has come that was not there
    while any(a.answer == NOTHING for a in asked) and time.monotonic() - last < quiet_s:
        for a in asked:
            if a.answer == NOTHING:
                a.send()
        until = time.monotonic() + AGAIN_S
        while (left := until - time.monotonic()) > 0:
            waiting = {a.s: a for a in asked if a.s and a.answer == NOTHING}
            if not waiting:
                break
            for s in select.select(waiting, [], [], left)[0]:
                if waiting[s].receive():
                    last = time.monotonic()
    return {a.probe.text: a.answer for a in asked}


class Started:
    """A child process that does some work on a host and gives back what comes of it."""

    def __init__(self, host, work, *args):
        self.host = host
        read, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self.be_child(write, work, args)
        os.close(write)
        self.pipe = os.fdopen(read)

    def be_child(self, write, work, args):
        status = 1
        try:
            self.host.enter()
            with os.fdopen(write, "w") as out:
                work(out, *args)
            status = 0
        except BaseException:
            traceback.print_exc()
        os._exit(status)

    def line(self):
        """The next one that it has written."""
        return self.pipe.readline()

    def wait(self):
        os.waitpid(self.pid, 0)
        self.pipe.close()


def serve_on(host, by_route=False):
    """Returns once it is ready; by_route: an answer takes the host's routes, not the interface of the question."""
    server = Started(host, lambda out: Serve(by_route).run(out))
    check(server.line() == "ready\n", f"{host.name} doesn't serve")
    return server


def start_asking(host, texts, quiet_s):
    """Its line() is the answer, in JSON."""
    return Started(host, lambda out: out.write(json.dumps(ask(texts, quiet_s)) + "\n"))
