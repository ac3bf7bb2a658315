#!/usr/bin/env python3
"""Name look-ups inside `tunion exec` go to the files' servers, through the tunnels, and never to a resolver of the
host: neither to the servers of the network, nor through the sockets of nscd, systemd-resolved, avahi and D-Bus, even
if such a service begins or is started again meanwhile. A reload changes the servers inside."""

import os
import shutil
import socket
import sys

from lab import IPV6, check, equal, main, wait_for, with_ipv6
from nameserver import NameServer
from ordinary import User, nothing_left
from world import LAN, World

HOME_SERVER, LATE_ADDRESS = ("fd77::1", "fd77:1::10") if IPV6 else ("10.77.0.1", "192.168.77.6")
SOCKETS = ["nscd/socket", "systemd/resolve/io.systemd.Resolve", "avahi-daemon/socket", "dbus/system_bus_socket"]

# Stands for the service of the host: notes that it is asked, and hangs up. Outside of the namespaces nscd may be
# asked for users: only its requests about hosts count.
SERVICE = """
import os, socket, struct, sys
hosts = range(4, 8), (13, 14)  # GETHOSTBY..., GETFDHST, GETAI
s = socket.socket(socket.AF_UNIX)
try:
    os.unlink(sys.argv[1])
except FileNotFoundError:
    pass
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
s.listen()
print("listens", flush=True)
while True:
    with s.accept()[0] as c:
        c.settimeout(5)
        request = c.recv(8) if "nscd" in sys.argv[1] else b""
        if len(request) < 8 or any(struct.unpack("=ii", request)[1] in kind for kind in hosts):
            print("asked", flush=True)
"""

# Looks up names as programs do, and tries each socket of the host.
LOOK_UP = """
import os, socket, sys
os.environ["RES_OPTIONS"] = "timeout:2 attempts:5"  # handshakes take their time
for name in sys.argv[1].split():
    try:
        print(name, *sorted({a[4][0] for a in socket.getaddrinfo(name, 80)}))
    except OSError as error:
        print(name, "-")
for path in sys.argv[2:]:
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect(path)
        print("connected to", path)
    except OSError:
        pass
"""


def start_services(host, run="/run"):
    services = []
    for name in SOCKETS:
        path = os.path.join(run, name)
        if run == "/run":
            os.makedirs(os.path.dirname(path), exist_ok=True)
        service = host.start([sys.executable, "-c", SERVICE, path], name=os.path.basename(path))
        service.wait_output("listens")
        services.append(service)
    return services


def asked(services):
    return [s.argv[-1] for s in services if "asked" in s.output()]


def look_up(user, names, **kw):
    done = user.exec(user.python, "-c", LOOK_UP, names, *(f"/run/{s}" for s in SOCKETS),
                     *(f"/var/run/{s}" for s in SOCKETS), **kw)
    equal(done.stderr, "", "what the look-up says on standard error")
    return done.stdout


def own_etc(lab, host):
    """A copy of /etc, in which resolv.conf is what it is with systemd-resolved."""
    etc = os.path.join(lab.dir, "etc")
    shutil.copytree("/etc", etc, symlinks=True, ignore_dangling_symlinks=True,
                    ignore=lambda folder, names: [n for n in names if n not in (
                        "passwd", "group", "nsswitch.conf", "ld.so.cache", "ld.so.conf", "hosts", "alternatives", "resolv.conf",
                        "host.conf", "gai.conf")] if folder == "/etc" else [])
    path = os.path.join(etc, "resolv.conf")
    if os.path.lexists(path):
        os.unlink(path)
    os.symlink("../run/systemd/resolve/stub-resolv.conf", path)
    with open(os.path.join(etc, "nsswitch.conf"), "w") as f:
        f.write("passwd: files\ngroup: files\nhosts: mymachines resolve [!UNAVAIL=return] files myhostname dns\n")
    host.binds.append((etc, "/etc"))


def own_var(lab, host):
    """A /var in which run is a directory of its own."""
    var = os.path.join(lab.dir, "var")
    for name in SOCKETS:
        os.makedirs(os.path.join(var, "run", os.path.dirname(name)))
    host.binds.append((var, "/var"))
    return start_services(host, "/var/run")


def not_yet_there(w, user, lab):
    """resolv.conf is a link into a directory of the host's where nothing is yet. Nothing is made in there."""
    os.mkdir("/run/NetworkManager")
    path = os.path.join(lab.dir, "etc", "resolv.conf")
    os.unlink(path)
    os.symlink("../run/NetworkManager/resolv.conf", path)
    for before in (user.become(), []):
        done = w.client.try_run([*before, user.program, "exec", user.dir, "--", "echo", "runs"])
        check(done.returncode == 0 and done.stdout == "runs\n" and "warning: there is no /etc/resolv.conf" in done.stderr,
              f"without the file behind the link: {done}")
        equal(os.listdir("/run/NetworkManager"), [], "what was made on the host")


def stays_when_replaced(user, lab):
    """dhclient, package managers and others put another file in the place of resolv.conf and nsswitch.conf."""
    etc = os.path.join(lab.dir, "etc")
    command = user.start("sleep", "1000")
    tun = wait_for(user.status, "the status")["tun"]
    for name, text in (("resolv.conf", "nameserver 198.51.100.1\n"), ("nsswitch.conf", "hosts: resolve\n")):
        def inside():
            return user.tunion("exec", "--in", tun, "--", "cat", f"/etc/{name}").stdout
        before = inside()
        check(HOME_SERVER in before or "hosts: files dns" in before, f"{name} inside: {before}")
        with open(os.path.join(etc, "new"), "w") as f:
            f.write(text)
        os.rename(os.path.join(etc, "new"), os.path.join(etc, name))
        wait_for(lambda: inside() == before, f"{name} is put back inside")
    done = user.tunion("exec", "--in", tun, "--", user.python, "-c", LOOK_UP, "six.home.lan leak.test")
    equal(done.stdout, f"six.home.lan {LATE_ADDRESS}\nleak.test -\n", "look-ups after the files were replaced")
    command.stop()


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    network = NameServer(w.net, "198.51.100.1", {"leak.test": ["192.0.2.99"]})
    of_vpn = NameServer(w.vpn, "10.66.0.1", {"public.test": ["198.18.0.80"], "six.test": ["2001:db8:80::80"]})
    of_home = NameServer(w.home, "10.77.0.1", {"nas.home.lan": [LAN], "six.home.lan": ["192.168.77.6"]})
    of_home6 = NameServer(w.home, HOME_SERVER, {"six.home.lan": [LATE_ADDRESS]}) if IPV6 else of_home
    vpn, home = (w.vpn_conf(interface_lines=["DNS = 10.66.0.1"]),
                 w.home_conf(interface_lines=["DNS = 10.77.0.1, home.lan"]))
    user = User(lab, w.client, {"vpn.conf": vpn})
    w.client.use_name_servers("198.51.100.1")
    services = start_services(w.client)

    # They are there: without exec, they are asked.
    w.client.try_run(user.become() + ["getent", "hosts", "leak.test"])
    check("/run/nscd/socket" in asked(services), "getent does not ask nscd outside, so the test proves nothing")
    outside = w.client.run(user.become() + [user.python, "-c", LOOK_UP, "leak.test", *(f"/run/{s}" for s in SOCKETS)])
    equal(outside.count("connected"), len(SOCKETS), "sockets that answer outside")
    check("leak.test" in network.process.output(), "the network's server is not asked outside")
    for service in services:
        service.stop()
    questions = network.process.output()
    services = start_services(w.client)

    # One file has servers: they are in the resolv.conf inside.
    equal(look_up(user, "public.test six.test leak.test"), "public.test 198.18.0.80\nsix.test 2001:db8:80::80\nleak.test -\n",
          "look-ups through vpn")
    check("nameserver 10.66.0.1\n" in user.exec("cat /etc/resolv.conf").stdout, "the resolv.conf inside")

    # Several: the virtual resolver asks the one that fits. Changed by a dropped file, while a command runs.
    command = user.start("sleep", "1000")
    wait_for(user.status, "the status")
    user.write("home.conf", home)
    inside = [user.program, "exec", "--in", user.status()["tun"], "--"]
    wait_for(lambda: "nameserver 192.0.0.53\nsearch home.lan\n" in w.client.run(
        user.become() + inside + ["cat", "/etc/resolv.conf"]), "the virtual resolver in the resolv.conf inside")

    # The services are started again, and one begins: they don't appear inside.
    for service in services:
        service.stop()
        shutil.rmtree(os.path.dirname(service.argv[-1]))
    services += start_services(w.client)
    done = w.client.run(user.become() + inside + [user.python, "-c", LOOK_UP, "nas nas.home.lan public.test leak.test",
                                                  *(f"/run/{s}" for s in SOCKETS)])
    equal(done, f"nas {LAN}\nnas.home.lan {LAN}\npublic.test 198.18.0.80\nleak.test -\n", "look-ups through both")
    check(of_home.count("nas.home.lan") > 0 and of_vpn.count("nas.home.lan") == 0, "home's name was asked at the wrong server")
    command.stop()
    nothing_left(user, "after the command")

    # IPv6 only, where there is IPv6
    with_ipv6("home's name server has an IPv6 address")
    user.write("vpn.conf", w.vpn_conf())
    user.write("home.conf", w.home_conf(interface_lines=[f"DNS = {HOME_SERVER}"]))
    equal(look_up(user, "six.home.lan leak.test"), f"six.home.lan {LATE_ADDRESS}\nleak.test -\n", "look-ups through home by IPv6")
    check(of_home6.count("six.home.lan") > 0, "home's IPv6 server was not asked")

    # without systemd-resolved, avahi answers on D-Bus
    shutil.rmtree("/run/systemd")
    equal(look_up(user, "leak.test"), "leak.test -\n", "look-ups beside avahi's D-Bus")

    # resolv.conf leads into the directory that is hidden
    own_etc(lab, w.client)
    equal(look_up(user, "six.home.lan leak.test"), f"six.home.lan {LATE_ADDRESS}\nleak.test -\n", "look-ups with systemd-resolved's link")

    stays_when_replaced(user, lab)
    services += own_var(lab, w.client)
    equal(look_up(user, "six.home.lan leak.test"), f"six.home.lan {LATE_ADDRESS}\nleak.test -\n", "look-ups beside another /var/run")
    not_yet_there(w, user, lab)
    equal(asked(services), [], "sockets of the host that were asked from inside")
    equal(network.process.output(), questions, "what the network's server was asked")
    nothing_left(user, "at the end")


main(test)
