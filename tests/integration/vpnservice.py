"""vpnservice - an app with a VPN, as Android's VpnService gives it one

It makes tuns without a vnet header, gives them to tunion, and answers at a socket when tunion asks for the protection of
one of its own. A protected socket has a mark; what else leaves the host goes into the VPN, also what tunion itself sends by
any other socket. So nothing that isn't protected can get past the VPN unseen."""

import array
import fcntl
import os
import select
import socket
import struct
import threading

from lab import IPV6, wait_for

MARK = 0x20000  # protectedFromVpn of Android's netd
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
PACKET_MAX = 65536


def send_fd(path, fd):
    """Gives a descriptor to whoever listens there; returns the byte that is answered, or None."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(path)
        s.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
        return (s.recv(1) or [None])[0]


class Protector:
    """The socket where protection is asked for. `answers` says what to do: grant, refuse, hang up, or wait until it
    says something else."""

    def __init__(self, path, answers="grant"):
        self.path, self.answers = path, answers
        self.ports = []  # of the sockets that were protected
        self.asked = 0
        self.listener = None
        self.start()

    def start(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen(16)
        threading.Thread(target=self.serve, args=[self.listener], daemon=True).start()

    def die(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.remove(self.path)

    def serve(self, listener):
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            with connection:
                self.answer(connection)

    def answer(self, connection):
        _, control, _, _ = connection.recvmsg(1, socket.CMSG_SPACE(4))
        fds = [fd for _, kind, data in control if kind == socket.SCM_RIGHTS for fd in array.array("i", data)]
        self.asked += 1
        wait_for(lambda: self.answers != "wait", "an end of the slowness", 60)
        for fd in fds:
            with socket.socket(fileno=fd) as s:
                if self.answers == "grant":
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, MARK)
                    self.ports.append(s.getsockname()[1])
        if self.answers != "hang up":
            try:
                connection.send(b"\0" if self.answers == "grant" else b"\1")
            except OSError:
                pass  # nobody waits for it any more


class VpnService:
    def __init__(self, host, addresses):
        """All addresses of all files, as the app has them from `tunion plan`."""
        self.host, self.addresses = host, addresses
        self.established = 0
        self.device = None
        self.own = []  # what tunion has sent by a socket that isn't protected
        for family in ("-4", "-6") if IPV6 else ("-4",):
            host.run(f"ip {family} rule add pref 12000 fwmark {MARK}/{MARK} lookup main; ip {family} rule add pref 13000 lookup 1000")

    def establish(self):
        """A new tun, with all addresses and routes; the one before is removed. Returns its descriptor."""
        self.established += 1
        name, old = f"app{self.established}", self.device
        fd = self.host.call(lambda: self.open(name))
        for address in self.host.usable(self.addresses):
            self.host.run(f"ip addr add {address} dev {name} {'nodad' if ':' in address else ''}")
        self.host.run(f"ip link set dev {name} mtu 1420 up")
        for family in ("-4", "-6") if IPV6 else ("-4",):
            self.host.run(f"ip {family} route replace default dev {name} table 1000")
        self.device = name
        if old:
            self.host.run(f"ip link set dev {old} down")  # as Android does it, before the app can give away the new one
        return fd

    @staticmethod
    def open(name):
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)  # it blocks: tunion has to change that
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
        return fd

    def pair(self, kind=socket.SOCK_SEQPACKET):
        """What stands between the newest tun and tunion: one end of a pair of sockets. Packets that tunion has sent itself
        (UDP to the port of one of the servers) are kept in `own`."""
        tun = self.establish()
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        threading.Thread(target=self.relay, args=[tun, ours], daemon=True).start()
        return ours, theirs.detach()

    def relay(self, tun, pair):
        while True:
            try:
                ready, _, _ = select.select([tun, pair], [], [])
                if tun in ready:
                    packet = os.read(tun, PACKET_MAX)
                    if packet[0] >> 4 == 4 and packet[9] == 17 and int.from_bytes(packet[22:24], "big") in (51820, 51821, 51822):
                        self.own.append(packet)
                    pair.send(packet)
                if pair in ready:
                    packet = pair.recv(PACKET_MAX)
                    if not packet:
                        return
                    os.write(tun, packet)
            except (OSError, ValueError):
                return  # the pair is closed
