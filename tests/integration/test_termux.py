#!/usr/bin/env python3
"""`tunion gate` as on an unrooted phone, in Termux: a root directory without /etc, an ordinary user, and what Android ends
a process for or refuses (see android.c). It takes its files, its run directory and its name servers from Termux's folders,
and is told of no change of the network. A WireGuard app beside it, which leaves it out by uid, sends everything to it: to
a home network by two nested tunnels, and by one beside them. Then it is killed, started again, put to sleep, and the
network changes."""

import os
import re
import shutil
import signal
import sys
import zipfile

from app import ASK_ECHO, ECHO, LOOK_UP, PORT, RESOLVER, App
from lab import TOP, TUNION, check, equal, here, main, need, same_text, wait_for
from nameserver import NameServer
from ordinary import nothing_left, processes
from phone import FILES, PREFIX, SIDE, SIDE_ENDPOINT, Phone, made_no_forbidden_calls, three_tunnels
from webserver import WebServer
from world import INTERNET, INTERNET6, LAN, LAN6, World, only_to



def follows_the_manual(phone, texts):
    """The commands of doc/termux.md, as they stand there, on what a user would have in the folder Download. Without the
    filter, since busybox makes calls that Termux's programs don't make."""
    downloads = phone.home + "/storage/downloads"
    for path in (os.path.dirname(downloads), downloads):
        phone.make_dir(path)
    shutil.copy(TUNION, downloads + "/tunion-aarch64")
    with zipfile.ZipFile(downloads + "/wireguard-export.zip", "w") as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    with open(os.path.join(TOP, "doc/termux.md")) as f:
        blocks = re.findall(r"^```termux\n(.*?)^```", f.read(), re.M | re.S)
    os.remove(phone.root + phone.program)
    os.rmdir(phone.dir)
    commands = "".join(blocks)
    done = phone.host.try_run(phone.become(filtered=False) + [PREFIX + "/bin/sh", "-exc", commands])
    equal(done.returncode, 0, f"the manual's commands:\n{done.stdout}{done.stderr}")
    equal(done.stdout.count("home > vpn > network"), 2, "what tunion check and tunion status print:\n" + done.stdout)
    check("phone.conf is new: import it" in done.stderr, "what tunion gate prints:\n" + done.stderr)
    equal(sorted(os.listdir(downloads)), ["tunion-aarch64", "wireguard-export.zip"], "the folder Download")
    for script in ("/usr/var/service/tunion/run", "/home/.termux/boot/services"):
        check(os.access(phone.root + FILES + script, os.X_OK), f"{script} can't be executed")
    equal(phone.tunion("down").returncode, 0, "tunion down")
    nothing_left(phone, "after down")


def start(phone, *options):
    gate = phone.host.start(phone.become() + [phone.program, "gate", "--foreground", "--log-level", "debug", *options], "gate")
    gate.wait_output("gate0 is up")
    return gate


def is_at_home_in_termux(phone, gate):
    check(phone.emulator or "doesn't tell us of changes of the network" in gate.output(), "nothing is said of netlink:\n" + gate.output())
    check("vpn.example is tried at 203.0.113.2:51820" in gate.output(), "the name is not known:\n" + gate.output())
    equal(sorted(os.listdir(phone.run_dir + "/tunion")), ["gate0.pid", "gate0.sock", "gate0.wireguard"], "the run directory")
    equal(sorted(d["name"] for d in phone.status()["devices"]), ["gate", "home", "side", "vpn"], "the devices")
    equal([d["mtu"] for d in phone.status()["devices"] if d["name"] == "vpn"], [1420], "vpn's MTU, from the path's")
    equal(phone.tunion("check").returncode, 0, "tunion check of the same folder")


def wake_ups(pid):
    with open(f"/proc/{pid}/status") as f:
        return re.search(r"^voluntary_ctxt_switches:\s*(\d+)$", f.read(), re.M).group(1)


def lets_the_phone_sleep(w, phone):
    """It waits for nothing but packets, clients and files, although nobody tells it of changes of the network."""
    pids = [phone.status()[key] for key in ("pid", "engine_pid")]
    before = [wake_ups(pid) for pid in pids]
    check(w.net.ping("203.0.113.2", "-i", "1", count=3), "two seconds of pings elsewhere")
    equal([wake_ups(pid) for pid in pids], before, "wake-ups of supervisor and worker meanwhile")


def carries_all(w, server):
    uplink, loopback = w.client.capture("eth0"), w.client.capture("lo")
    path = os.path.join(w.client.run_dir, "fetched")
    for address in here(LAN, f"[{LAN6}]", SIDE):
        server[address == SIDE].check_download(lambda argv: w.client.try_run(argv, seconds=60), address, path)
    for address in here(INTERNET, LAN, SIDE, INTERNET6, LAN6):
        wait_for(lambda a=address: w.client.ping(a, "-s", "3000"), f"a large ping of {address}")
    for address in (LAN, SIDE):
        same_text(w.client.run([sys.executable, "-c", ASK_ECHO, address]), "1 True\n1300 True\n4000 True\n", f"UDP to {address}")
    same_text(w.client.run([sys.executable, "-c", LOOK_UP, "web.example", "nas.home.lan"]),
              f"web.example {INTERNET}\nnas.home.lan {LAN}\n", "names through the virtual resolver")
    rest = uplink.lines()
    for text in ("203.0.113.2.51820", SIDE_ENDPOINT.replace(":", "."), "198.51.100.1.53"):
        _, rest = only_to(rest, text)
    equal(rest[:20], [], "what else the uplink carried")
    equal([line for line in loopback.lines() if f"127.0.0.1.{PORT}" not in line][:20], [], "what else the loopback carried")


def follows_the_network(w, gate):
    """Another address, as after a change from WiFi to mobile data; then no network for a while."""
    seen = gate.output().count("the network has changed")
    w.client.run("ip addr del 198.51.100.2/24 dev eth0; ip addr add 198.51.100.7/24 dev eth0; ip route add default via 198.51.100.1 dev eth0")
    w.client.reach(LAN)
    w.client.reach(SIDE)
    wait_for(lambda: "198.51.100.7:" in w.vpn.wg("show", "wg0", "endpoints"), "the provider sees the new address")
    wait_for(lambda: gate.output().count("the network has changed") > seen, "tunion has noticed it")
    w.client.run("ip link set eth0 down")
    check(not w.client.ping(LAN), "a ping was answered without a network")
    w.client.run("ip link set eth0 up; ip route add default via 198.51.100.1 dev eth0")
    w.client.reach(LAN)


def names_a_forgotten_exclusion(w, phone, gate, app):
    def drops():
        return next(d for d in phone.status()["devices"] if d["name"] == "gate")["drops"].get("gate-loop", 0)

    def dropped():
        w.client.ping(LAN, "-W", "1")
        return drops() > 0
    app.forget_to_exclude()
    wait_for(dropped, "the loop is recognised")
    gate.wait_output("comes back through this gate: in the WireGuard app, exclude the app in which tunion runs")
    check(not w.client.ping(LAN, "-W", "1"), "a ping was answered although everything goes round")
    app.exclude()
    w.client.reach(LAN, 40)


def sleeps_and_wakes(w, phone):
    pids = [phone.status()[key] for key in ("pid", "engine_pid")]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    check(not w.client.ping(LAN, "-W", "1"), "a stopped gate answers")
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    w.client.reach(LAN)


def is_killed_and_started(w, phone, gate, app):
    """As Android does it with an app that it thinks idle. The keys stay, so the app needs no other file."""
    worker = phone.status()["engine_pid"]
    os.kill(phone.status()["pid"], signal.SIGKILL)
    gate.wait()
    wait_for(lambda: worker not in processes(), "the worker ends with its supervisor")
    done = phone.tunion("gate", "--resolver", "198.51.100.1")
    equal(done.returncode, 0, f"tunion gate in the background: {done.stderr}")
    check("there is no syslog here" in done.stderr, f"nothing is said of the log: {done.stderr}")
    with open(app.path) as f:
        same_text(f.read(), app.text, "the app's file")
    app.switch_off_and_on()
    w.client.reach(LAN)
    equal(phone.tunion("down").returncode, 0, "tunion down")
    nothing_left(phone, "after down")


def serves_as_proxy(w, phone, servers):
    """Without the app, for single programs. A phone has no namespaces and no tun for it, so lwIP makes the connections."""
    proxy = phone.host.start(phone.become() + [phone.program, "proxy", "--foreground"], "proxy")
    wait_for(lambda: "is up" in proxy.output() or not proxy.alive(), "tunion proxy")
    if "without lwIP" in proxy.output():
        print("left out, since tunion was built without lwIP: tunion proxy")
        return
    check(proxy.alive() and "the proxy uses the lwIP stack" in proxy.output(), "tunion proxy:\n" + proxy.output())
    path = os.path.join(w.client.run_dir, "fetched")
    for way in ("socks5h", "http"):
        by_proxy = ["curl", "-x", f"{way}://127.0.0.1:1080"]
        servers[0].check_download(lambda argv, head=by_proxy: phone.host.try_run(head + argv[1:]), "nas.home.lan", path)
    equal(phone.tunion("down").returncode, 0, "tunion down")
    equal(proxy.wait(), 0, "exit status of tunion proxy")
    nothing_left(phone, "after the proxy")


def test(lab):
    need("curl")
    w = World(lab)
    w.start_vpn()
    w.start_home()
    NameServer(w.net, "198.51.100.1", {"vpn.example": ["203.0.113.2"]})
    NameServer(w.vpn, "10.66.0.1", {"web.example": [INTERNET]})
    NameServer(w.home, "10.77.0.1", {"nas.home.lan": [LAN]})
    phone = Phone(lab, w.client)
    phone.write(phone.root + PREFIX + "/etc/resolv.conf", "nameserver 198.51.100.1\n")
    texts = three_tunnels(w)
    if not phone.emulator and phone.take_shell():
        follows_the_manual(phone, texts)
    else:
        print("left out, since a shell for this processor is not here: the commands of doc/termux.md")
        for name, text in texts.items():
            phone.write(name, text)
    megabytes = 1 if phone.emulator else 20
    servers = WebServer(w.lan, megabytes), WebServer(w.net, megabytes)
    for host in (w.lan, w.net):
        host.start([sys.executable, "-c", ECHO], name="echo").wait_output("ready")
    w.client.use_name_servers(RESOLVER)
    gate = start(phone)
    is_at_home_in_termux(phone, gate)
    if not phone.emulator:
        lets_the_phone_sleep(w, phone)
    app = App(w, phone, "phone")
    app.route_everything()
    for address in here(LAN, INTERNET, SIDE, LAN6):
        w.client.reach(address)
    carries_all(w, servers)
    follows_the_network(w, gate)
    names_a_forgotten_exclusion(w, phone, gate, app)
    sleeps_and_wakes(w, phone)
    if phone.emulator:
        made_no_forbidden_calls(gate)
    is_killed_and_started(w, phone, gate, app)
    serves_as_proxy(w, phone, servers)
    check(not processes(), f"processes left: {processes()}")


main(test)
