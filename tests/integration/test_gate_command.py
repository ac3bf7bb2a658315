#!/usr/bin/env python3
"""`tunion gate` as an ordinary user without any namespace, tun or right: a WireGuard app in the same network, which
leaves out the user's programs by uid as Android does, sends everything to the gate; and what it fetches through
home > vpn arrives whole, while the uplink carries nothing but datagrams to the provider."""

import os
import signal
import sys

from app import ASK_ECHO, ECHO, LOOK_UP, PORT, RESOLVER, App, read, value
from lab import IPV6, check, equal, here, main, need, same_text, wait_for
from nameserver import NameServer
from ordinary import User, nothing_left, processes
from webserver import WebServer
from world import INTERNET, INTERNET6, LAN, LAN6, World, only_to

MEGABYTES = int(os.environ.get("TUNION_GATE_MEGABYTES", "100"))


def start(user, *options, files=None):
    """In the foreground, so that its log is kept."""
    gate = user.host.start(user.become() + [user.program, "gate", "--foreground", *options, files or user.dir], "gate")
    gate.wait_output("gate0 is up")
    return gate


def stop(user, gate):
    equal(user.tunion("down").returncode, 0, "tunion down")
    equal(gate.wait(), 0, "exit status of tunion gate --foreground:\n" + gate.output())
    nothing_left(user, "after down")


def state(user, *names):
    return os.path.join(user.home, ".local/state/tunion", *names)


def makes_its_files(user, gate):
    for path, mode in ((state(user), 0o40700), (state(user, "clients"), 0o40700), (state(user, "gate.conf"), 0o100600),
                       (state(user, "clients/phone.conf"), 0o100600)):
        equal(oct(os.stat(path).st_mode), oct(mode), f"the mode of {path}")
    check(f"{state(user, 'clients/phone.conf')} is new: import it" in gate.output(), "nothing is said of the new file")
    phone = read(state(user, "clients/phone.conf"))
    equal(value(phone, "Endpoint"), f"127.0.0.1:{PORT}", "Endpoint")
    equal(value(phone, "ExcludedApplications"), "com.termux", "ExcludedApplications")
    equal(value(phone, "DNS"), f"{RESOLVER}, home.lan", "DNS")
    equal(value(phone, "AllowedIPs"), "0.0.0.0/0, ::/0", "AllowedIPs")
    equal(user.tunion("gate", "--show", "phone").stdout, phone, "what --show prints")

    check(f"127.0.0.1:{PORT}" in user.host.run("ss -Huln"), "the gate doesn't listen on the loopback device")
    check(f"0.0.0.0:{PORT}" not in user.host.run("ss -Huln") and f"[::]:{PORT}" not in user.host.run("ss -Huln"),
          "the gate listens on all addresses")


def carries_all(w, user, server):
    uplink, loopback = w.client.capture("eth0"), w.client.capture("lo")
    inside, lan = w.vpn.capture("wg0", "udp"), w.lan.capture("eth0", "icmp or icmp6")
    for address in here(LAN, f"[{LAN6}]"):
        server.check_download(lambda argv: w.client.try_run(argv, seconds=300), address, os.path.join(user.home, "fetched"))
    for address in here(INTERNET, LAN, INTERNET6, LAN6):
        w.client.reach(address)
        wait_for(lambda a=address: w.client.ping(a, "-s", "3000"), f"a large ping of {address}")
    same_text(w.client.run([sys.executable, "-c", ASK_ECHO, LAN]), "1 True\n1300 True\n4000 True\n", "UDP")
    same_text(w.client.run([sys.executable, "-c", LOOK_UP, "web.example", "nas.home.lan"]),
              f"web.example {INTERNET}\nnas.home.lan {LAN}\n", "names through the virtual resolver")
    to_vpn, others = only_to(uplink.lines(), "203.0.113.2.51820")
    check(len(to_vpn) > 100, f"only {len(to_vpn)} datagrams to the provider")
    equal(others[:20], [], "what else the uplink carried")
    equal([line for line in loopback.lines() if f"127.0.0.1.{PORT}" not in line][:20], [], "what else the loopback carried")
    check(len(only_to(inside.lines(), "192.0.2.2.51821")[0]) > 100, "home's datagrams don't come out of vpn's tunnel")
    equal(sorted({line.split()[1] for line in lan.lines() if "echo request" in line}), ["10.77.0.2"] + ["fd77::2"] * IPV6,
          "the sources that the home network sees")


def works_with_the_other_commands(w, user):
    status = user.status("gate0")
    equal(sorted(d["name"] for d in status["devices"]), ["gate", "home", "vpn"], "the devices of status")
    mount = f"mount --bind {user.run_dir}/tunion/gate0.wireguard /run/wireguard"
    shown = w.client.try_run(["sh", "-c", f"{mount} && wg show gate"])
    check(f"listening port: {PORT}" in shown.stdout and "latest handshake" in shown.stdout, "wg show: " + shown.stdout + shown.stderr)
    for port in ("51899", PORT):  # on the same address
        w.client.run(["sh", "-c", f"{mount} && wg set gate listen-port {port}"])
        check(f"127.0.0.1:{port}" in w.client.run("ss -Huln") and f"0.0.0.0:{port}" not in w.client.run("ss -Huln"), "wg set listen-port")
    wait_for(lambda: w.client.ping(LAN), "the client is back", 40)


def follows_its_files(w, user, gate, app):
    home = w.home_conf(interface_lines=("DNS = 10.77.0.1, home.lan",))
    user.write("vpn.conf", w.vpn_conf(interface_lines=("DNS = 10.66.0.1",), allowed="0.0.0.0/1"))
    gate.wait_output("phone.conf has changed: import it again")
    allowed = value(read(app.path), "AllowedIPs").split(", ")
    check("0.0.0.0/1" in allowed and "192.0.0.53/32" in allowed and "192.168.77.0/24" in allowed,
          f"the union is not in AllowedIPs: {allowed}")
    equal(user.tunion("reload").returncode, 0, "tunion reload")
    user.write("vpn.conf", w.vpn_conf(interface_lines=("DNS = 10.66.0.1",)))
    wait_for(lambda: read(app.path) == app.text, "the client's file is as it was")
    user.write("home.conf", "[Interface]\nPrivateKey = x\n")
    gate.wait_output("home.conf:2")
    user.write("home.conf", home)
    equal(user.tunion("reload").returncode, 0, "tunion reload of good files")
    w.client.reach(LAN)
    # another address to listen on, and back
    own = read(state(user, "gate.conf"))
    user.write(state(user, "gate.conf"), own.replace("Listen = 127.0.0.1", "Listen = 127.0.0.2"))
    wait_for(lambda: f"127.0.0.2:{PORT}" in w.client.run("ss -Huln"), "it listens on 127.0.0.2")
    check(f"127.0.0.1:{PORT}" not in w.client.run("ss -Huln"), "it still listens on 127.0.0.1")
    user.write(state(user, "gate.conf"), own)
    wait_for(lambda: f"127.0.0.1:{PORT}" in w.client.run("ss -Huln"), "it listens on 127.0.0.1")
    wait_for(lambda: w.client.ping(LAN), "the client is back", 40)


def loop_drops(user):
    gate = next(d for d in user.status("gate0")["devices"] if d["name"] == "gate")
    return gate["drops"].get("gate-loop", 0)


def mtu(user, name):
    return next(d for d in user.status("gate0")["devices"] if d["name"] == name)["mtu"]


def names_a_forgotten_exclusion(w, user, gate, app):
    """In the middle of large packets: they come back in pieces."""
    before = mtu(user, "vpn")
    pings = w.client.start(["ping", "-q", "-i", "0.01", "-s", "1400", LAN])
    app.forget_to_exclude()
    wait_for(lambda: w.client.ping(LAN, "-W", "1") or loop_drops(user) > 0, "the loop is recognised", 60)
    gate.wait_output("comes back through this gate: in the WireGuard app, exclude the app in which tunion runs", 30)
    check(not w.client.ping(LAN), "a ping was answered although everything goes round")
    check("gate-loop" in user.tunion("status").stdout, "status doesn't say it:\n" + user.tunion("status").stdout)
    check(loop_drops(user) < 10000, "they go round")
    pings.stop()
    app.exclude()
    wait_for(lambda: w.client.ping(LAN), "traffic recovers", 40)
    wait_for(lambda: mtu(user, "vpn") == before, "the path's MTU is known again")


def survives_a_dead_worker(w, user):
    os.kill(user.status("gate0")["engine_pid"], signal.SIGKILL)
    wait_for(lambda: (user.status("gate0") or {}).get("engine_restarts") == 1, "another worker")
    wait_for(lambda: w.client.ping(LAN), "the client handshakes again", 60)


def keeps_its_keys(w, user, gate, app):
    """And makes a second client, in the background, ended by a signal."""
    stop(user, gate)
    gate = user.tunion("gate", "--client", "laptop", user.dir)
    equal(gate.returncode, 0, "tunion gate in the background")
    check("phone.conf" not in gate.stderr and "laptop.conf is new" in gate.stderr, "what it says: " + gate.stderr)
    equal(read(app.path), app.text, "the file of the phone")
    wait_for(lambda: w.client.ping(LAN), "the client handshakes again", 60)
    laptop = App(w, user, "laptop", "wg1")
    check(laptop.addresses != app.addresses, "two clients have one address")
    address = laptop.addresses[0].split("/")[0]
    w.client.run(f"ip route add default dev wg1 table 1002; ip rule add pref 11000 from {address} lookup 1002")
    wait_for(lambda: w.client.ping(LAN, "-I", address), "the laptop pings the home network", 40)
    check(w.client.ping(LAN), "the phone pings the home network")
    equal(user.tunion("down").returncode, 0, "tunion down")
    nothing_left(user, "after down")


def test(lab):
    need("curl", "ss")
    w = World(lab)
    w.start_vpn()
    w.start_home()
    NameServer(w.vpn, "10.66.0.1", {"web.example": [INTERNET]})
    NameServer(w.home, "10.77.0.1", {"nas.home.lan": [LAN]})
    w.client.use_name_servers(RESOLVER)
    user = User(lab, w.client, {"vpn.conf": w.vpn_conf(interface_lines=("DNS = 10.66.0.1",)),
                                "home.conf": w.home_conf(interface_lines=("DNS = 10.77.0.1, home.lan",))}, namespaces=False)
    server = WebServer(w.lan, MEGABYTES)
    w.lan.start([sys.executable, "-c", ECHO], name="echo").wait_output("ready")
    before = w.client.snapshot()
    gate = start(user)
    same_text(w.client.snapshot(), before, "the host with a gate")
    makes_its_files(user, gate)
    app = App(w, user, "phone")
    app.route_everything()
    w.client.reach(LAN)
    carries_all(w, user, server)
    works_with_the_other_commands(w, user)
    follows_its_files(w, user, gate, app)
    names_a_forgotten_exclusion(w, user, gate, app)
    survives_a_dead_worker(w, user)
    keeps_its_keys(w, user, gate, app)
    check(not processes(), f"processes left: {processes()}")


main(test)
