#!/usr/bin/env python3
"""Files with a tun of their own beside one that shares the tun: a policy table, a hook that names its
interface, a carrier by Via; through reloads, deaths and a removed link, and all is as before at the end."""

import os
import signal

from lab import TUNION, Keys, Tunion, check, equal, main, same_text, wait_for
from world import INTERNET, LAN, World, peer

WHO = f"""
import socket, select
ports = [socket.create_server(("{INTERNET}", port)) for port in (22, 80)]
print("ready", flush=True)
while True:
    for s in select.select(ports, [], [])[0]:
        c, who = s.accept()
        c.sendall(who[0].encode())
        c.close()
"""

ASK = """
import socket, sys
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 2) as s:
        print(s.recv(100).decode())
except OSError as error:
    print(error)
"""

POLICY = ("Table = 1234", "PostUp = ip rule add ipproto tcp dport 22 table 1234",
          "PreDown = ip rule delete ipproto tcp dport 22 table 1234")
VPN, HOME = "10.66.0.2", "10.77.0.2"  # the client's addresses in the tunnels


class Client:
    def __init__(self, w):
        self.w, self.c = w, w.client
        self.t = Tunion(w.client, {"vpn.conf": w.vpn_conf(), "home.conf": self.home(POLICY)})

    def home(self, lines=()):
        return self.w.home_conf(allowed="0.0.0.0/0", interface_lines=lines)

    def asks(self, port):
        return self.c.run(["python3", "-c", ASK, INTERNET, str(port)]).strip()

    def leaves_by(self, port, address):
        wait_for(lambda: self.asks(port) == address, f"port {port} leaves by {address}, not {self.asks(port)}")

    def by_policy(self):
        self.leaves_by(22, HOME)
        self.leaves_by(80, VPN)

    def device(self, name):
        return next(d for d in self.t.status()["devices"] if d["name"] == name)

    def links(self):
        return set(self.c.run("ip -o link | cut -d: -f2").split())


def shown(x):
    t = x.t
    equal([(d["name"], d["own_tun"]) for d in sorted(t.status()["devices"], key=lambda d: d["name"])],
          [("home", True), ("vpn", False)], "which tun the status shows")
    trace = x.c.run([TUNION, "trace", "--run-dir", x.c.run_dir, "--tun", t.tun, INTERNET])
    check("in its own tun home: home" in trace, "trace of the instance:\n" + trace)
    check("in its own tun home: home" in t.trace(INTERNET), "trace of the files:\n" + t.trace(INTERNET))
    check('tunion_device_own_tun{tun="tunion0",device="home"} 1' in t.run("status", "--metrics"), "metrics")
    routes = x.c.run("ip route show table 1234")
    check(routes.startswith("default dev home"), f"table 1234: {routes}")
    address = x.c.run("ip -4 -o addr show dev home")
    check(f"inet {HOME}/24" in address, f"addresses of home: {address}")
    check(HOME not in x.c.run("ip -4 -o addr show dev tunion0"), "home's address is on the shared tun, too")
    check(x.c.ping(INTERNET, "-I", "home"), "bound to home")


def hook_with_its_name(x):
    """wg-quick's servers mostly have the name of their interface in their hooks."""
    w, c = x.w, x.c
    hub, road = Keys(), Keys()
    c.run("nft add table inet t; nft 'add chain inet t in { type filter hook input priority 0; }'")
    x.t.write("hub.conf", "\n".join(["[Interface]", f"PrivateKey = {hub.private}", "Address = 10.88.0.1/24", "ListenPort = 51999",
                                     "PostUp = nft add rule inet t in iifname hub counter",
                                     "PostDown = nft delete table inet t", ""]) + peer(road.public, "10.88.0.2/32"))
    w.home.wireguard_go("road0", f"[Interface]\nPrivateKey = {road.private}\n"
                        + peer(hub.public, "10.88.0.0/24", "Endpoint = 198.51.100.2:51999"), ["10.88.0.2/24"])
    x.t.run("reload")
    w.home.reach("10.88.0.1")
    check("hub" in x.links(), "the hub has no tun")
    check("packets 0" not in c.run("nft list chain inet t in"), "the hook's filter sees nothing")
    os.unlink(os.path.join(x.t.dir, "hub.conf"))
    x.t.run("reload")
    check("hub" not in x.links(), "the tun of a removed file")
    equal(c.try_run("nft list table inet t").returncode, 1, "its PostDown")


def reloads(x):
    """home shares the tun for a while; its session lives on."""
    w, c, t = x.w, x.c, x.t
    session = c.handshake("home", w.home_keys.public)
    t.write("home.conf", w.home_conf())
    t.run("reload")
    check("home" not in x.links(), "home's own tun is left")
    check("dport 22" not in c.run("ip rule"), "home's PreDown")
    c.reach(LAN)
    x.leaves_by(22, VPN)
    equal(x.device("home")["own_tun"], False, "home in the status")
    t.write("home.conf", x.home(POLICY))
    t.run("reload")
    x.by_policy()
    equal(c.handshake("home", w.home_keys.public), session, "home's session")
    # it can carry another one, which then shares the tun
    t.write("vpn.conf", w.vpn_conf(interface_lines=["# tunion: Via = home"]))
    t.run("reload")
    equal(x.device("vpn")["peers"][0]["way"], "vpn > home > network", "the way of vpn")
    sent = c.transfer("home", w.home_keys.public)[1]
    x.by_policy()
    check(c.transfer("home", w.home_keys.public)[1] > sent, "home does not carry vpn")
    t.write("vpn.conf", w.vpn_conf())
    # a hook that fails leaves all as it was
    t.write("home.conf", x.home(("Table = 77", "PreUp = false")))
    equal(t.try_run("reload").returncode, 0, "a hook of a file that stays where it is does not run")
    t.write("home.conf", w.home_conf(interface_lines=["PreUp = false"]))
    equal(t.try_run("reload").returncode, 1, "reload with a PreUp that fails")
    check("home" in x.links(), "home's tun after a refused reload")
    t.write("home.conf", x.home(POLICY))
    t.run("reload")


def deaths(x):
    c, t = x.c, x.t
    os.kill(t.status()["engine_pid"], signal.SIGKILL)
    wait_for(lambda: t.status()["engine_restarts"] == 1, "another worker")
    x.by_policy()
    c.run("ip link del home")
    t.process.wait_output("its tun is gone")
    wait_for(lambda: "dport 22" not in c.run("ip rule"), "home's PreDown after its tun is gone")
    x.leaves_by(22, VPN)
    check("home: its own tun is gone" in t.run("status"), t.run("status"))
    t.run("reload")
    equal(t.status()["health"], [], "what is wrong after reload")
    x.by_policy()


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    w.net.run("ip route add 10.77.0.0/24 via 192.0.2.2")
    w.net.start(["python3", "-c", WHO], name="who").wait_output("ready")
    before = w.client.snapshot()
    x = Client(w)
    x.t.up()
    x.by_policy()
    shown(x)
    hook_with_its_name(x)
    reloads(x)
    x.by_policy()
    deaths(x)
    x.t.down()
    same_text(w.client.snapshot(), before, "the host after down")

    # two of them, and nobody shares; a killed supervisor leaves what a later `down` finds
    x.t.write("vpn.conf", w.vpn_conf(allowed="0.0.0.0/0", interface_lines=["# tunion: Tun = own"]))
    x.t.up()
    x.leaves_by(80, VPN)
    check({"vpn", "home"} <= x.links(), f"two tuns: {x.links()}")
    check(x.c.ping(INTERNET, "-I", "home"), "bound to home, beside vpn")
    x.t.process.stop(signal.SIGKILL)
    x.t.run("down")
    same_text(w.client.snapshot(), before, "the host after a supervisor was killed")

    # all or nothing: the name is taken
    w.client.run("ip link add home type veth peer name peer0")
    taken = w.client.snapshot()
    done = x.t.try_run("up", x.t.dir)
    equal(done.returncode, 1, "up where another device has the name")
    check("home" in done.stderr, done.stderr)
    same_text(w.client.snapshot(), taken, "the host after a failed up")


if __name__ == "__main__":
    main(test)
