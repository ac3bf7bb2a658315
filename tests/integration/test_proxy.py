#!/usr/bin/env python3
"""`tunion proxy` as an ordinary user: what curl fetches through home > vpn by SOCKS5, SOCKS4a, HTTP and CONNECT, by name
and by address of both families, arrives whole, and the uplink carries nothing but datagrams to the provider. What
can't be reached is refused as the protocol wants it: an address of no file, an unknown name, a port without a server."""

import json
import os
import re
import shutil
import signal
import socket
import sys

from lab import IPV6, UP_OPTIONS, Skip, check, equal, main, same_text, wait_for
from nameserver import NameServer
from ordinary import User, nothing_left, processes
from webserver import PORT, WebServer
from world import INTERNET, LAN, LAN6, World, only_to

AGAIN_WITH = "--stack lwip"
MEGABYTES = int(os.environ.get("TUNION_PROXY_MEGABYTES", "5"))
LARGE = MEGABYTES > 100  # then only that is fetched, and not in every way
LWIP = "lwip" in UP_OPTIONS
SOCKS5, SOCKS6 = "127.0.0.1:1080", "[::1]:1080"

# Asks a proxy at argv[1] in SOCKS5 for a list of HOST:PORT; prints the code of each answer and how long it took.
ASK = """
import socket, struct, sys, time
for word in sys.argv[2:]:
    host, port = word.rsplit(":", 1)
    s = socket.socket(socket.AF_UNIX) if sys.argv[1].startswith("/") else socket.socket()
    s.connect(sys.argv[1] if sys.argv[1].startswith("/") else (sys.argv[1].split(":")[0], int(sys.argv[1].split(":")[1])))
    s.settimeout(15)
    began = time.monotonic()
    s.sendall(b"\\5\\1\\0\\5\\1\\0\\3" + bytes([len(host)]) + host.encode() + struct.pack("!H", int(port)))
    answer = s.recv(2, socket.MSG_WAITALL) + s.recv(10, socket.MSG_WAITALL)
    print(word, answer[3], "in time" if time.monotonic() - began < 10 else "late")
"""

# Answers a datagram or a connection with what it was sent, and where from.
ECHO = """
import socket, sys
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind((sys.argv[1], int(sys.argv[2])))
tcp = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
import threading
def serve():
    while True:
        c, a = tcp.accept()
        c.sendall(c.recv(100) + b" from " + a[0].encode())
        c.close()
threading.Thread(target=serve, daemon=True).start()
while True:
    data, a = udp.recvfrom(2000)
    udp.sendto(data + b" from " + a[0].encode(), a)
"""

# A datagram by SOCKS5, until it is answered: UDP may be lost, and names have to be looked up.
DATAGRAM = """
import socket, struct, sys
c = socket.create_connection(("127.0.0.1", 1080))
c.sendall(b"\\5\\1\\0\\5\\3\\0\\1\\0\\0\\0\\0\\0\\0")
answer = c.recv(12, socket.MSG_WAITALL)
assert answer[:4] == b"\\5\\0\\5\\0", answer
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.settimeout(0.5)
host = sys.argv[1].encode()
head = b"\\0\\0\\0\\3" + bytes([len(host)]) + host + struct.pack("!H", 7)
for _ in range(20):
    u.sendto(head + b"hello", (socket.inet_ntoa(answer[6:10]), struct.unpack("!H", answer[10:])[0]))
    try:
        print(u.recv(2000)[10:].decode())
        break
    except TimeoutError:
        pass
"""

TALK = """
import socket, sys
kind, host, port = sys.argv[1:]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
s.settimeout(0.5 if kind == "udp" else 10)
s.connect((host, int(port)))
for _ in range(20):
    s.send(b"hello")
    try:
        print(s.recv(2000).decode())
        break
    except TimeoutError:
        pass
"""


def start(user, *options):
    process = user.host.start(user.become() + [user.program, "proxy", "--foreground", *UP_OPTIONS, *options, user.dir], "proxy")
    process.wait_output("proxy0 is up")
    return process


def ask(user, proxy, *words):
    return user.host.run(user.become() + [user.python, "-c", ASK, proxy, *words])


def fetches(w, user, server):
    uplink = w.client.capture("eth0")
    out = os.path.join(user.home, "fetched")
    ways = [["-x", f"socks5h://{SOCKS5}", "nas.home.lan"], ["-x", f"socks4a://{SOCKS5}", "nas.home.lan"],
            ["-x", f"socks5://{SOCKS5}", LAN], ["-x", f"http://{SOCKS5}", "nas.home.lan"],
            ["-p", "-x", f"http://{SOCKS5}", LAN], ["-x", f"socks5h://{SOCKS5}", "bignas.home.lan"]]
    if IPV6:
        ways += [["-x", f"socks5h://{SOCKS6}", "nas6.home.lan"], ["-p", "-x", f"http://{SOCKS6}", f"[{LAN6}]"],
                 ["-x", f"http://{SOCKS5}", f"[{LAN6}]"]]
    if LARGE:
        ways = [way for way in ways if way[-1] == "nas.home.lan" and "socks4a" not in way[1]]
    for *options, host in ways:
        server.check_download(lambda argv: w.client.try_run(user.become() + argv + options, seconds=60 + MEGABYTES), host, out)
        if LARGE:
            print(f"{MEGABYTES} MiB of {host} by {' '.join(options)}: sha256 {server.sha256}, as sent", flush=True)
    if shutil.which("wget") and not LARGE:  # plain HTTP, told by the environment
        server.check_download(lambda argv: w.client.try_run(user.become() + ["env", f"http_proxy=http://{SOCKS5}", "wget", "-q",
                                                                             "-O", argv[3], argv[4]]), "nas.home.lan", out)
    to_vpn, others = only_to(uplink.lines(), "203.0.113.2.51820")
    check(len(to_vpn) > 100, f"only {len(to_vpn)} datagrams between client and vpn server")
    check(not others, "the uplink carried something else:\n" + "\n".join(others[:20]))
    if LARGE:
        print(f"the uplink carried {len(to_vpn)} packets of datagrams between client and provider, and nothing else")


def refuses(w, user):
    equal(ask(user, SOCKS5, "8.8.8.8:53", "nothing.home.lan:80", f"{LAN}:9", f"{LAN}:{PORT}"),
          f"8.8.8.8:53 3 in time\nnothing.home.lan:80 4 in time\n{LAN}:9 5 in time\n{LAN}:{PORT} 0 in time\n", "answers in SOCKS5")
    for url, status in (("http://8.8.8.8/", "502"), ("http://nothing.home.lan/", "502"), (f"http://{LAN}:9/", "502"),
                        (f"http://{LAN}:{PORT}/", "200")):
        done = w.client.try_run(user.become() + ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-x", f"http://{SOCKS5}", url])
        equal(done.stdout, status, f"status of {url}: {done.stderr}")


def forwards(w, user, control):
    w.lan.start([sys.executable, "-c", ECHO, LAN, "7"], "echo").wait_output("ready")
    w.client.start([sys.executable, "-c", ECHO, "127.0.0.1", "2222"], "echo").wait_output("ready")

    def talk(host, kind, address, port):
        return host.run([sys.executable, "-c", TALK, kind, address, str(port)])
    equal(talk(w.client, "tcp", "127.0.0.1", 7001), "hello from 10.77.0.2\n", "TCP of -L")
    equal(talk(w.client, "udp", "127.0.0.1", 7002), "hello from 10.77.0.2\n", "UDP of -L")
    equal(talk(w.home, "tcp", "10.77.0.2", 22), "hello from 127.0.0.1\n", "TCP of -R")
    equal(talk(w.home, "udp", "10.77.0.2", 22), "hello from 127.0.0.1\n", "UDP of -R")
    done = w.home.try_run([sys.executable, "-c", TALK, "tcp", "10.77.0.2", "23"])
    equal(done.stdout, "", "-R to a name that the name server leads to this machine")
    for host in ("nas.home.lan", LAN):
        equal(w.client.run(user.become() + [user.python, "-c", DATAGRAM, host]), "hello from 10.77.0.2\n", f"a datagram to {host}")
    equal(ask(user, control, f"{LAN}:7"), f"{LAN}:7 0 in time\n", "a socket in the file system")


def page(w, user, process):
    """At the proxy's own port; its address is a secret, and it is for no other machine."""
    url = re.search(r"the status page is at (http://127\.0\.0\.1:1080/\w{32}/)\n", process.output())[1]

    def get(*words):
        return w.client.run(user.become() + ["curl", "-sS", *words])
    equal(user.tunion("status", "--page").stdout.strip(), url, "status --page")
    equal(sorted(d["name"] for d in json.loads(get(f"{url}status.json"))["devices"]), ["home", "vpn"], "devices on the page")
    equal(json.loads(get(f"{url}proxy.json")), {"users": False}, "proxy.json")
    check('"PROXY 127.0.0.1:1080"' in get("http://127.0.0.1:1080/proxy.pac"), "the PAC file")
    only_status = ["-o", "/dev/null", "-w", "%{http_code}"]
    for words, status in (([url], "200"), (["http://127.0.0.1:1080/"], "404"), (["-H", "Host: evil.test", url], "421"),
                          (["-X", "POST", url], "405")):
        equal(get(*only_status, *words), status, f"status of {words}")
    # nobody gets at it through the proxy
    equal(get(*only_status, "-x", f"http://{SOCKS5}", url), "502", "the page through the proxy")


def ask_with(user, host):
    return user.host.try_run(user.become() + ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-U", "me:secret",
                                              "-x", f"http://{SOCKS5}", f"http://{host}:{PORT}/"]).stdout


def memory(pid):
    pieces = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            first, last = (int(at, 16) for at in line.split()[0].split("-"))
            if last - first > 1 << 28:
                continue  # a sanitizer's
            try:
                mem.seek(first)
                pieces.append(mem.read(last - first))
            except (OSError, OverflowError):  # no memory
                pass
    return b"".join(pieces)


def knows_passwords(password):
    """Only who has clients that may use them."""
    serves = "tunion-worker" if LWIP else "tunion-proxy"
    others = ("tunion-page", "tunion-outlet")
    wait_for(lambda: {serves, *others} <= set(processes().values()), "the processes have their names")
    try:
        found = {name: password.encode() in memory(pid) for pid, name in processes().items() if name in (serves, *others)}
    except PermissionError:
        return  # this user may not read the memory of the processes
    equal(found, {serves: True, **{name: False for name in others}}, "who has the password in memory")


def with_users(w, user, network, home):
    user.write("home.conf", w.home_conf())
    path = os.path.join(user.home, "users")
    user.write(path, "me:secret\nanother:ey5Ohk7eiphi\n")
    process = start(user, "--auth", path, "--direct")
    knows_passwords("ey5Ohk7eiphi")
    for options, status in (("-U me:wrong", "407"), ("", "407"), ("-U me:secret", "200")):
        done = w.client.try_run(user.become() + ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-x", f"http://{SOCKS5}",
                                                 *options.split(), f"http://{LAN}:{PORT}/"])
        equal(done.stdout, status, f"curl {options}: {done.stderr}")
    url = re.search(r"the status page is at (\S+)", process.output())[1]
    for words, status in ((["-U", "me:secret"], "401"), (["-u", "me:wrong"], "401"), (["-u", "me:secret"], "200")):
        equal(w.client.run(user.become() + ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", *words, url]), status,
              f"the page with {words}")
    # --direct: outside of the union, by the network
    outside = WebServer(w.net, 1)
    out = os.path.join(user.home, "direct")
    for proxy in ("socks5h", "http"):
        outside.check_download(lambda argv: w.client.try_run(user.become() + argv + ["-U", "me:secret", "-x", f"{proxy}://{SOCKS5}"]),
                               INTERNET, out)
    # but not this machine, whose programs trust each other
    WebServer(w.client, 1)
    for host in ("127.0.0.1", "0.0.0.0", *(["[::ffff:127.0.0.1]"] if IPV6 else [])):
        equal(ask_with(user, host), "502", f"status of {host} by --direct")
    # no file has DNS: the network's server is asked, until a file that has some is dropped
    equal(ask_with(user, "outside.test"), "200", "a name by the network's server")
    check("no tunnel file has DNS" in process.output(), f"what is said of names: {process.output()}")
    user.write("home.conf", home)
    wait_for(lambda: ask_with(user, "nas.home.lan") == "200", "a name by home's server after a reload")
    questions = network.count("nas.home.lan")
    equal(ask_with(user, "nas.home.lan"), "200", "the same again")
    equal(network.count("nas.home.lan"), questions, "questions to the network's server")
    check("secret" not in process.output(), "a password in the log")
    check("is not in its list" not in process.output(), f"a system call was refused: {process.output()}")
    equal(process.stop(signal.SIGINT), 0, "the end by Ctrl-C")
    nothing_left(user, "after Ctrl-C")


def late_answer(w, user):
    """The outlet answers when the worker that asked has ended. The next one doesn't take that for its own answer."""
    process = start(user, "--direct")
    outlet, worker = (next(pid for pid, name in processes().items() if name == f"tunion-{which}") for which in ("outlet", "worker"))
    os.kill(outlet, signal.SIGSTOP)
    equal(ask(user, SOCKS5, f"{INTERNET}:{PORT}"), f"{INTERNET}:{PORT} 3 in time\n", "while nobody answers outside")
    os.kill(worker, signal.SIGKILL)
    os.kill(outlet, signal.SIGCONT)
    wait_for(lambda: user.status()["engine_pid"] not in (0, worker), "another worker")
    equal(ask(user, SOCKS5, f"{INTERNET}:9"), f"{INTERNET}:9 5 in time\n", "a port without a server, by the next worker")
    equal(process.stop(), 0, "the end after that")


def dies(w, user):
    """Nobody goes on without the process that has the connections. Over lwIP that is the worker: another one takes its place."""
    process = start(user)
    if LWIP:
        for _ in range(2):
            os.kill(user.status()["engine_pid"], signal.SIGKILL)
            wait_for(lambda: ask(user, SOCKS5, f"{LAN}:{PORT}") == f"{LAN}:{PORT} 0 in time\n", "a connection by another worker")
        equal(process.stop(), 0, "the end after that")
        nothing_left(user, "after the worker was killed")
        late_answer(w, user)
        return
    pid = next(pid for pid, name in processes().items() if name == "tunion-proxy")
    os.kill(pid, signal.SIGKILL)
    equal(process.wait(), 1, "exit status after the proxy was killed")
    check("has ended unexpectedly" in process.output(), f"what is said of that: {process.output()}")
    nothing_left(user, "after the proxy was killed")


def without_a_tun(w, user):
    """Without --stack, lwIP is taken where the kernel's TCP can't be had."""
    node, _ = user.host.binds[-1]
    os.chmod(node, 0o600)
    process = user.host.start(user.become() + [user.program, "proxy", "--foreground", user.dir], "proxy")
    process.wait_output("proxy0 is up")
    check("the proxy uses the lwIP stack, because /dev/net/tun cannot be opened: Permission denied; --stack" in process.output(),
          f"what is said of the stack: {process.output()}")
    equal(ask(user, SOCKS5, f"{LAN}:{PORT}"), f"{LAN}:{PORT} 0 in time\n", "a connection without a tun")
    equal(process.stop(), 0, "the end without a tun")
    os.chmod(node, 0o666)


def at_a_socket_of_somebody(user):
    """Who listens there has no time for more clients; the proxy neither waits for that nor takes its socket away."""
    path = os.path.join(user.home, "busy.sock")
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(path)
        os.chmod(path, 0o777)
        listener.listen(0)
        client.connect(path)
        done = user.tunion("proxy", *UP_OPTIONS, "--listen", f"unix:{path}", user.dir, seconds=10)
    check(done.returncode == 1 and f"can't listen on unix:{path}: " in done.stderr, f"at a socket of somebody: {done.stderr}")
    os.unlink(path)


def in_background(w, user):
    done = user.tunion("proxy", *UP_OPTIONS, user.dir)
    equal(done.returncode, 0, f"tunion proxy in the background: {done.stderr}")
    check(done.stdout.startswith("proxy0 is up in the background with ") and ", SOCKS5 and HTTP at 127.0.0.1:1080; tunion status" in done.stdout,
          f"what is said when it is up: {done.stdout}")
    again = user.tunion("proxy", *UP_OPTIONS, user.dir)
    check(again.returncode == 1 and "can't listen on 127.0.0.1:1080: proxy0 is already up there; tunion down" in again.stderr, f"a second one: {again.stderr}")
    equal(user.status()["tun"], "proxy0", "name of the instance")
    equal(ask(user, SOCKS5, f"{LAN}:{PORT}"), f"{LAN}:{PORT} 0 in time\n", "in the background")
    equal(user.tunion("down").returncode, 0, "tunion down")
    nothing_left(user, "after down")


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    NameServer(w.home, "10.77.0.1", {"nas.home.lan": [LAN], "nas6.home.lan": [LAN6], "bignas.home.lan": [LAN], "trap.home.lan": ["127.0.0.1"]})
    network = NameServer(w.net, "198.51.100.1", {"outside.test": [LAN]})
    w.client.use_name_servers("198.51.100.1")
    home = w.home_conf(interface_lines=["DNS = 10.77.0.1, home.lan"])
    # the provider carries home, but is no way to anywhere else
    vpn = w.vpn_conf(allowed="10.66.0.0/24, 192.0.2.0/24")
    user = User(lab, w.client, {"vpn.conf": vpn, "home.conf": home})
    if LWIP and "without lwIP" in user.tunion("proxy", *UP_OPTIONS, user.dir + "/none").stderr:
        raise Skip("tunion was built without lwIP")
    before = w.client.snapshot()
    server = WebServer(w.lan, MEGABYTES)
    control = os.path.join(user.home, "proxy.sock")
    process = start(user, "--listen", SOCKS5, *(["--listen", SOCKS6] if IPV6 else []), "--listen", f"unix:{control}",
                    "-L", f"7001:{LAN}:7", "-L", "127.0.0.1:7002:nas.home.lan:7/udp", "-R", "22:localhost:2222",
                    "-R", "10.77.0.2:22:127.0.0.1:2222/udp", "-R", "23:trap.home.lan:2222")
    fetches(w, user, server)
    if LARGE:
        equal(process.stop(), 0, "the end by SIGTERM")
        return
    refuses(w, user)
    forwards(w, user, control)
    page(w, user, process)
    equal(process.stop(), 0, "the end by SIGTERM")
    check("is not in its list" not in process.output(), f"a system call was refused: {process.output()}")
    nothing_left(user, "after SIGTERM")
    check(not os.path.exists(control), "the socket in the file system is left")
    with_users(w, user, network, home)
    dies(w, user)
    if LWIP:
        without_a_tun(w, user)
    at_a_socket_of_somebody(user)
    in_background(w, user)
    same_text(w.client.snapshot(), before, "the client after all")


main(test)
