#!/usr/bin/env python3
"""Hosts on which somebody else has rules and routing tables: a mesh VPN, a VRF, containers, virtual machines, a second
uplink chosen by source or by mark. What works without tunion works with it, in either order, and `down` leaves the host
as it was. Where nobody else decides, everything goes through the tunnel."""

from lab import Tunion, equal, main, same_text, six, wait_for
from world import INTERNET, World

MARK = "0x80000/0xff0000"


def way(h, words):
    """The device that the kernel takes, or "local", or "none"."""
    done = h.try_run(f"ip route get {words}")
    text = done.stdout.split()
    return "none" if done.returncode else "local" if text[0] == "local" else text[text.index("dev") + 1]


def answered(h, words):
    return "yes" if h.try_run(f"ping -n -c 1 -W 1 {words}").returncode == 0 else "no"


class Guest:
    """Something behind a bridge of the host: a container, or a virtual machine."""

    def __init__(self, lab, h, bridge, network):
        self.host = lab.host(f"{h.name}-guest")
        lab.link(h, "veth0", "", self.host, "eth0", f"{network}.2/24")
        h.run(f"ip link add {bridge} type bridge; ip link set veth0 master {bridge}; ip addr add {network}.1/24 dev {bridge};"
              f"ip link set {bridge} up; nft 'add table ip nat; add chain ip nat post {{ type nat hook postrouting priority 100; }};"
              f" add rule ip nat post ip saddr {network}.0/24 oifname != {bridge} masquerade'")
        h.forward()
        self.host.run(f"ip route add default via {network}.1")


def mesh(lab, h, exit_node=False):
    other = lab.host(f"{h.name}-mesh")
    lab.link(h, "ts0", "100.100.0.2/32", other, "eth0", "100.100.3.3/32")
    other.run("ip route add 100.100.0.2 dev eth0")
    if exit_node:
        lab.link(other, "eth1", "198.51.102.2/24", h.net, h.name + "m", "198.51.102.1/24")
        h.net.run(f"ip route replace 198.51.102.0/24 dev {h.name}m")
        other.run("ip route add default via 198.51.102.1; nft 'add table ip nat; add chain ip nat post { type nat hook "
                  "postrouting priority 100; }; add rule ip nat post oifname eth1 masquerade'")
        other.forward()
    h.run("ip route add 100.64.0.0/10 dev ts0 table 52;" + ("ip route add default via 100.100.3.3 dev ts0 onlink table 52;" if exit_node else "") +
          f"ip rule add pref 5210 fwmark {MARK} lookup main; ip rule add pref 5230 fwmark {MARK} lookup default;"
          f"ip rule add pref 5250 fwmark {MARK} unreachable; ip rule add pref 5270 lookup 52")
    return [("a host of the mesh", lambda: answered(h, "100.100.3.3")),
            ("the mesh's own datagrams", lambda: way(h, f"{INTERNET} mark 0x80000"))]


def mesh_exit(lab, h):
    return mesh(lab, h, exit_node=True)


def vrf(lab, h):
    h.run("ip rule add pref 32765 lookup local; ip rule del pref 0;" +
          six("ip -6 rule add pref 32765 lookup local; ip -6 rule del pref 0"))
    probes = [("the host's own address", lambda: answered(h, h.address)), ("where that is", lambda: way(h, h.address))]
    if h.try_run("ip link add red type vrf table 10").returncode != 0:
        print("left out, since this kernel has no VRF devices: a host in the VRF")
        return probes
    h.run("ip link set red up; ip link set wan2 master red; ip route add default via 198.51.101.1 table 10")
    return probes + [("a host in the VRF", lambda: answered(h, f"-I red {INTERNET}"))]


def docker(lab, h):
    guest = Guest(lab, h, "docker0", "172.17.0")
    return [("a container", lambda: answered(h, "172.17.0.2")),
            ("a container asks the host", lambda: answered(guest.host, "172.17.0.1")),
            ("a container and the internet", lambda: answered(guest.host, INTERNET))]


def libvirt(lab, h):
    guest = Guest(lab, h, "virbr0", "192.168.122")
    return [("a virtual machine", lambda: answered(h, "192.168.122.2")),
            ("a virtual machine and the internet", lambda: answered(guest.host, INTERNET))]


def cilium(lab, h):
    h.run("ip rule add pref 9 fwmark 0x200/0xf00 lookup 2004; ip rule add pref 10 fwmark 0xa00/0xf00 lookup 2005;"
          "ip rule add pref 100 lookup local; ip rule del pref 0; ip route add local default dev lo table 2004;"
          "ip route add default via 198.51.101.1 table 2005")
    return [("what the proxy takes", lambda: way(h, f"{INTERNET} mark 0x200")),
            ("what comes from the proxy", lambda: way(h, f"{INTERNET} mark 0xa00")),
            ("the host's own address", lambda: way(h, h.address))]


def by_source(lab, h):
    h.run("ip route add default via 198.51.101.1 table 102; ip rule add from 198.51.101.2 lookup 102")
    return [("the second uplink by its address", lambda: answered(h, f"-I 198.51.101.2 {INTERNET}")),
            ("where that goes", lambda: way(h, f"{INTERNET} from 198.51.101.2"))]


def by_mark(lab, h):
    h.run("ip route add default via 198.51.101.1 table 102; ip rule add fwmark 2 lookup 102;"
          f"ip route add default via {h.gateway} table 101; ip rule add fwmark 1 lookup 101")
    return [("the first uplink by its mark", lambda: way(h, f"{INTERNET} mark 1")),
            ("the second one", lambda: way(h, f"{INTERNET} mark 2"))]


HOSTS = [("mesh VPN (Tailscale)", mesh, "tunion0", "tunion0"),
         # the last one that comes up has what both want to have
         ("mesh VPN with an exit node", mesh_exit, "tunion0", "ts0"),
         ("VRF", vrf, "tunion0", "tunion0"),
         ("Docker", docker, "tunion0", "tunion0"),
         ("Cilium", cilium, "tunion0", "tunion0"),
         ("libvirt", libvirt, "tunion0", "tunion0"),
         ("uplinks by source", by_source, "tunion0", "tunion0"),
         ("uplinks by mark", by_mark, "tunion0", "tunion0")]


class Bench:
    def __init__(self, lab):
        self.lab = lab
        self.w = World(lab)
        self.w.start_vpn()
        self.clients = 0

    def client(self):
        """A host with two uplinks, and nobody's rules."""
        self.clients += 1
        n, lab = self.clients, self.lab
        h = lab.host(f"c{n}")
        h.address, h.gateway, h.net = f"198.51.{n}.2", f"198.51.{n}.1", self.w.net
        lab.link(h, "eth0", f"{h.address}/24", self.w.net, f"c{n}", f"{h.gateway}/24")
        lab.link(h, "wan2", "198.51.101.2/24", self.w.net, f"d{n}", "198.51.101.1/32")
        self.w.net.run(f"ip route replace 198.51.101.0/24 dev d{n}")
        h.run(f"ip route add default via {h.gateway}; nft list ruleset")
        return h, Tunion(h, {"vpn.conf": self.w.vpn_conf(allowed="0.0.0.0/0").replace(", fd66::2/128", "")})


def results(probes):
    return [probe() for _, probe in probes]


def one(b, name, make, first, second):
    h, t = b.client()
    probes = make(b.lab, h)
    before = h.snapshot()
    without = results(probes)
    t.up()
    h.reach(INTERNET)
    with_it = results(probes)
    equal(way(h, INTERNET), first, f"{name}: the way of all else")
    t.down()
    same_text(h.snapshot(), before, f"{name}: the host after down")
    equal(results(probes), without, f"{name}: what works after down")

    h, t = b.client()
    t.up()
    probes = make(b.lab, h)
    wait_for(lambda: results(probes) == without, f"{name}, tunion was first: {without} of {[p for p, _ in probes]}")
    equal(way(h, INTERNET), second, f"{name}, tunion was first: the way of all else")
    t.down()
    equal(results(probes), without, f"{name}, tunion was first: what works after down")
    for (probe, _), x, y in zip(probes, without, with_it):
        print(f"{name:28} {probe:36} {x:8} {y:8} {x:8}")
    equal(with_it, without, f"{name}: what works with tunion")


def test(lab):
    b = Bench(lab)
    print(f"{'host':28} {'':36} without  with     tunion first")
    for name, make, first, second in HOSTS:
        one(b, name, make, first, second)


main(test)
