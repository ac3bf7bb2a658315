#!/usr/bin/env python3
"""An app's VPN, as on Android: `tunion up` with a tun that an app gives it, by descriptor or by socket, and sockets that the
app protects. It is an ordinary user's, may not use rtnetlink, and changes nothing on the host: see phone.py. Three tunnels
share the tun: home is inside vpn, and side is beside them. Programs use the wrong source for each of them, in all ways. The
VPN is established anew while a TCP connection is under way, and revoked. The app refuses to protect sockets, is slow, dies,
and comes back; whatever it does, nothing is sent by a socket that isn't protected."""

import os
import re
import socket
import sys
import threading

from app import ASK_ECHO, ECHO, LOOK_UP, RESOLVER
from lab import check, equal, here, main, need, same_text, wait_for
from nameserver import NameServer
from ordinary import nothing_left
from phone import ANDROID, OF_SIDE, PREFIX, SIDE, Phone, made_no_forbidden_calls, three_tunnels
from vpnservice import Protector, VpnService, send_fd
from webserver import WebServer
from world import INTERNET, INTERNET6, LAN, LAN6, World, only_to

OF_VPN, OF_HOME, OF_VPN6, OF_HOME6 = "10.66.0.2", "10.77.0.2", "fd66::2", "fd77::2"
RUN_DIR = PREFIX + "/var/run/tunion"

TCP_ECHO = """
import socket, threading
def serve(c):
    while data := c.recv(65536):
        c.sendall(data)
server = socket.create_server(("", 9001))
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=[server.accept()[0]], daemon=True).start()
"""

# ASK_ECHO by a source of one's own choice
ASK_FROM = ASK_ECHO.replace("s.settimeout(2)", "s.bind((sys.argv[2], 0))\ns.settimeout(2)")


class OtherApp(Phone):
    """Not Termux, but an app with what Android gives to all."""

    def become(self, filtered=True):
        words = super().become(filtered)
        return ["env", "-i", "ANDROID_ROOT=/system", "ANDROID_DATA=/data", "PATH=/system/bin", *words[words.index(ANDROID):]]

    def tunion(self, *words, **kw):
        return super().tunion(*words, "--run-dir", RUN_DIR, **kw)


class Instance:
    """`tunion up` of the app."""

    def __init__(self, phone):
        self.phone = phone
        self.tun_path, self.protect_path = PREFIX + "/tmp/tun", PREFIX + "/tmp/protect"
        self.process = None

    def start(self, *options, fds=()):
        self.process = self.phone.host.start(
            self.phone.become() + [self.phone.program, "up", "--foreground", "--resolver", "198.51.100.1",
                                    "--run-dir", RUN_DIR, "--protect-path", self.protect_path, *options, PREFIX + "/etc/tunion"],
            "tunion", fds)
        self.process.wait_output("tunion0 is up")

    def give(self, fd):
        equal(send_fd(self.phone.root + self.tun_path, fd), 0, "the answer to a tun")
        os.close(fd)

    def waits_for(self, text, times=1):
        wait_for(lambda: self.process.output().count(text) >= times, f"{text!r} in the log", 40)

    def is_revoked(self):
        equal(self.process.wait(), 3, "exit status after the VPN was revoked")
        check("the VPN was revoked" in self.process.output(), "nothing is said of it")
        nothing_left(self.phone, "after the VPN was revoked")


def refuses_at_first(w, protector, instance, vpn):
    """Then there are packets for the tunnels, and nothing goes out, neither by the network nor into the VPN."""
    uplink = w.client.capture("eth0")
    asked = protector.asked
    for address in (SIDE, LAN):
        check(not w.client.ping(address, "-W", "1"), "a ping was answered, though no socket is protected")
    wait_for(lambda: protector.asked > asked, "it is asked again")
    check("the app refuses it" in instance.process.output(), "nothing is said of the refusal")
    protector.answers = "hang up"
    asked = protector.asked
    wait_for(lambda: protector.asked > asked, "it is asked again")
    equal([line for line in uplink.lines() if not line.startswith("ARP") and "IP6" not in line][:5], [], "what the uplink carried")
    equal(vpn.own[:5], [], "what was sent into the VPN itself")
    equal(instance.process.output().count("isn't protected by"), 1, "how often this is said")
    protector.answers = "grant"
    instance.waits_for("protects sockets again")
    w.client.reach(LAN)


def carries_wrong_sources(w, server):
    """Every device's address, to every tunnel: TCP, UDP and its fragments, ICMP and its fragments."""
    client = w.client
    for to, sources in ((LAN, (OF_VPN, OF_SIDE, OF_HOME)), (SIDE, (OF_VPN, OF_HOME)), (INTERNET, (OF_HOME, OF_SIDE)),
                        (LAN6, (OF_VPN6,)), (INTERNET6, (OF_HOME6,))):
        for source in sources if here(to) else ():
            for size in ("56", "3000"):
                wait_for(lambda: client.ping(to, "-I", source, "-s", size), f"a ping of {size} bytes from {source} to {to}")
    for to, source in ((LAN, OF_SIDE), (SIDE, OF_HOME), (LAN6, OF_VPN6)):
        if here(to):
            where = f"[{to}]" if ":" in to else to
            server[to == SIDE].check_download(lambda argv: client.try_run(argv[:1] + ["--interface", source] + argv[1:], seconds=60),
                                              where, os.path.join(client.run_dir, "fetched"))
    for to, source in ((LAN, OF_VPN), (SIDE, OF_HOME)):
        same_text(client.run([sys.executable, "-c", ASK_FROM, to, source]), "1 True\n1300 True\n4000 True\n", f"UDP from {source} to {to}")
    same_text(client.run([sys.executable, "-c", LOOK_UP, "web.example", "nas.home.lan"]),
              f"web.example {INTERNET}\nnas.home.lan {LAN}\n", "names through the virtual resolver")


class Connection:
    """A TCP connection to the home network from a wrong source, which says the same as it hears."""

    def __init__(self, host):
        self.socket = host.call(lambda: socket.create_connection((LAN, 9001), 20, source_address=(OF_SIDE, 0)))
        self.socket.settimeout(20)

    def lives(self):
        for _ in range(4):
            text, got = os.urandom(20000), b""
            sender = threading.Thread(target=self.socket.sendall, args=[text])
            sender.start()
            while len(got) < len(text):
                got += self.socket.recv(65536)
            sender.join()
            equal(got, text, "what came back by TCP")


def establishes_anew(w, instance, vpn, connection):
    """With another kind of tun each time."""
    handshakes = w.home.wg("show", "wg0", "latest-handshakes")
    ours = None
    for kind in (None, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        ours, fd = vpn.pair(kind) if kind else (None, vpn.establish())
        instance.give(fd)
        connection.lives()
    ours.send(b"")  # by a mistake of the app; it is not the end of the pair
    connection.lives()
    equal(w.home.wg("show", "wg0", "latest-handshakes"), handshakes, "the session")
    for wrong in (socket.socketpair()[0], open("/dev/null", "r+")):
        equal(send_fd(instance.phone.root + instance.tun_path, wrong.fileno()), 1, "the answer to what is no tun")
    instance.waits_for("a stream socket doesn't keep packets apart")
    connection.lives()
    return ours


def changes_sockets(w, phone, protector, instance, connection, conf, change):
    """Another port means other sockets. While the app has not protected these, the old ones are used."""
    def shows(port):
        return f":{port}\n" in w.net.wg("show", "side", "endpoints")
    port, hinder, recover = change
    hinder()
    asked = protector.asked
    phone.write("side.conf", conf.replace("[Interface]\n", f"[Interface]\nListenPort = {port}\n"))
    wait_for(lambda: protector.asked > asked or "No such file or directory" in instance.process.output(), "the app is asked")
    check(phone.status(), "tunion status while the app doesn't answer")
    connection.lives()
    w.client.reach(SIDE)
    equal((port in protector.ports, shows(port)), (False, False), "the new port is in use")
    recover()
    wait_for(lambda: port in protector.ports, f"port {port} is protected")
    wait_for(lambda: w.client.ping(SIDE) and shows(port), f"port {port} is used")


def is_slow_and_dies(w, phone, protector, instance, connection, conf):
    def becomes(answers):
        return lambda: setattr(protector, "answers", answers)
    changes_sockets(w, phone, protector, instance, connection, conf, (40001, becomes("wait"), becomes("grant")))
    changes_sockets(w, phone, protector, instance, connection, conf, (40002, protector.die, protector.start))


def inherits_a_descriptor(w, phone, instance, vpn):
    fd = vpn.establish()
    instance.start("--tun-fd", str(fd), fds=(fd,))
    os.close(fd)
    w.client.reach(LAN)
    check(w.client.ping(INTERNET, "-I", OF_HOME), "a ping from a wrong source")
    w.client.run(f"ip link del dev {vpn.device}")
    instance.is_revoked()


def refuses_what_is_wrong(phone):
    for words, why in ((["--tun-fd", "x"], "expected the number of an open descriptor"),
                       (["--tun-fd", "99"], "it is not open in this process"),
                       (["--tun-fd", "1"], "it must be open for reading and writing"),
                       (["--protect-path", "/tmp/p"], "--protect-path needs --tun-fd or --tun-path"),
                       (["--tun-path", "@"], "expected a path of at most 107 bytes")):
        done = phone.tunion("up", *words, PREFIX + "/etc/tunion")
        equal(done.returncode, 1, f"exit status of up {words}")
        check(why in done.stderr, f"up {words}: {done.stderr}")


def made_no_netlink_socket(instance):
    made_no_forbidden_calls(instance.process)
    equal(re.findall(r"^.*NETLINK.*$", instance.process.output(), re.M), [], "calls that have to do with netlink")


def test(lab):
    need("curl")
    w = World(lab)
    w.start_vpn()
    w.start_home()
    NameServer(w.net, "198.51.100.1", {"vpn.example": ["203.0.113.2"]})
    NameServer(w.vpn, "10.66.0.1", {"web.example": [INTERNET]})
    NameServer(w.home, "10.77.0.1", {"nas.home.lan": [LAN]})
    phone = OtherApp(lab, w.client)
    texts = three_tunnels(w)
    for name, text in texts.items():
        phone.write(name, text)
    servers = WebServer(w.lan, 1), WebServer(w.net, 1)
    for host, program in ((w.lan, ECHO), (w.net, ECHO), (w.lan, TCP_ECHO)):
        host.start([sys.executable, "-c", program], name="echo").wait_output("ready")
    w.client.use_name_servers(RESOLVER)
    w.client.run("sysctl -qw net.ipv4.ping_group_range='0 2147483647'")
    vpn = VpnService(w.client, [OF_VPN, OF_HOME, OF_SIDE, OF_VPN6 + "/128", OF_HOME6 + "/128"])
    instance = Instance(phone)
    protector = Protector(phone.root + instance.protect_path, "refuse")
    refuses_what_is_wrong(phone)
    before = w.client.snapshot()
    instance.start("--tun-path", instance.tun_path)
    instance.waits_for("waiting for a tun")
    same_text(w.client.snapshot(), before, "the host")
    instance.give(vpn.pair()[1])
    refuses_at_first(w, protector, instance, vpn)
    carries_wrong_sources(w, servers)
    connection = Connection(w.client)
    connection.lives()
    ours = establishes_anew(w, instance, vpn, connection)
    is_slow_and_dies(w, phone, protector, instance, connection, texts["side.conf"])
    equal(vpn.own[:5], [], "what was sent into the VPN itself")
    ours.shutdown(socket.SHUT_WR)
    instance.is_revoked()
    if phone.emulator:
        made_no_netlink_socket(instance)
    inherits_a_descriptor(w, phone, instance, vpn)


main(test)
