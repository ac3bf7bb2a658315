"""protocol - what WireGuard promises, tried with a peer that is another implementation

Four tunnels with preshared keys, over IPv4 and IPv6; two are begun by tunion, and two by the peer. Whoever does not
begin knows no endpoint, so he can only answer. Data goes both ways in each; then tunion's host gets other
addresses, and then the peer's. With TUNION_LONG=yes there are also the passive keepalive, both ways, and the new session
after 120 s, which whoever has begun must make without loss of a packet: about three minutes.

    client  203.0.113.9, 2001:db8:9::9    tN  10.90.N.2 -- wgN  10.90.N.1    203.0.113.2, 2001:db8:9::2  peer
"""

import os

from lab import IPV6, Keys, Tunion, check, equal, genkey, wait_for
from world import peer as peer_section

LONG = os.environ.get("TUNION_LONG") == "yes"
KEEPALIVE_BYTES = 32
PORT = 51830


class GoPeer:
    """wireguard-go in a host of the lab."""

    tmp = "/run"

    def __init__(self, host):
        self.host = host

    def sh(self, text, seconds=60):
        return self.host.run(text, seconds=seconds)

    def add(self, name, keys, port, theirs, psk, allowed, endpoint, address):
        lines = [f"PresharedKey = {psk}"] + ([f"Endpoint = {endpoint}"] if endpoint else [])
        self.host.wireguard_go(name, f"[Interface]\nPrivateKey = {keys.private}\nListenPort = {port}\n"
                               + peer_section(theirs, allowed, *lines), [address])

    def moved(self, tunnels):
        """wireguard-go goes on sending from the address that it has no longer, which fails, until it makes a new session
        15 s later, or gets an endpoint."""
        for t in tunnels:
            self.host.wg("set", t.far, "peer", t.ours.public, "endpoint", t.at(8, PORT + 10 + t.number))


class KernelPeer:
    """The kernel of a guest."""

    tmp = "/tmp"

    def __init__(self, guest):
        self.guest = guest

    def moved(self, tunnels):
        pass

    def sh(self, text, seconds=60):
        status, out = self.guest.run(text, seconds)
        check(status == 0, f"guest: {text} gave {status}:\n{out}")
        return out.replace("\r", "")

    def add(self, name, keys, port, theirs, psk, allowed, endpoint, address):
        to = f"endpoint {endpoint}" if endpoint else ""
        self.sh(f"echo '{keys.private}' >/tmp/{name}.key; echo '{psk}' >/tmp/{name}.psk; ip link add {name} type wireguard && "
                f"wg set {name} private-key /tmp/{name}.key listen-port {port} peer {theirs} preshared-key /tmp/{name}.psk "
                f"allowed-ips {allowed} {to} && ip addr add {address} dev {name} && ip link set {name} up")


class Tunnel:
    def __init__(self, client, peer, number, six, begins):
        self.client, self.peer, self.number, self.six, self.begins = client, peer, number, six, begins
        self.near, self.far = f"t{number}", f"wg{number}"  # the devices
        self.ours, self.theirs = Keys(), Keys()
        self.what = f"IPv{6 if six else 4}, {'tunion' if begins else 'the peer'} begins"
        self.psk = genkey()
        peer.add(self.far, self.theirs, PORT + number, self.ours.public, self.psk, f"10.90.{number}.2/32",
                 None if begins else self.at(9, PORT + 10 + number), f"10.90.{number}.1/30")

    def at(self, host, port):
        return f"[2001:db8:9::{host}]:{port}" if self.six else f"203.0.113.{host}:{port}"

    def conf(self):
        lines = [f"PresharedKey = {self.psk}"]
        if self.begins:
            lines.append(f"Endpoint = {self.at(2, PORT + self.number)}")
        return (f"[Interface]\nPrivateKey = {self.ours.private}\nListenPort = {PORT + 10 + self.number}\n"
                f"Address = 10.90.{self.number}.2/30\n" + peer_section(self.theirs.public, f"10.90.{self.number}.1/32", *lines))

    # ---- each end

    def ping(self, from_us, seconds=2):
        to = f"10.90.{self.number}.{1 if from_us else 2}"
        text = f"ping -c 1 -W {seconds} {to} >/dev/null && echo answered || echo silence"
        return "answered" in (self.client.run(text) if from_us else self.peer.sh(text))

    def show(self, of_us, what):
        """The words about the one peer behind its key."""
        text = self.client.wg("show", self.near, what) if of_us else self.peer.sh(f"wg show {self.far} {what}")
        key = self.theirs.public if of_us else self.ours.public
        return text[text.index(key) + len(key):].split()

    def endpoint(self, of_us):
        return self.show(of_us, "endpoints")[0].rpartition(":")[0]

    def received(self, by_us):
        return int(self.show(by_us, "transfer")[0])

    def handshake(self, of_us):
        return int(self.show(of_us, "latest-handshakes")[0])


def shake_hands(tunnels):
    for t in tunnels:
        wait_for(lambda t=t: t.ping(t.begins), f"{t.what}: data", 60)
        check(t.ping(not t.begins), f"{t.what}: no data from whoever did not begin")
        for us in (True, False):
            check(t.handshake(us) > 0, f"{t.what}: no handshake is shown by {'tunion' if us else 'the peer'}")
        print(f"{t.what}: handshake with a preshared key, data both ways")


def quiet(client, peer, yes):
    """Do both hosts leave pings without an answer?"""
    text = f"echo {int(yes)} >/proc/sys/net/ipv4/icmp_echo_ignore_all"
    client.run(text)
    peer.sh(text)


def passive_keepalive(client, peer, tunnels):
    """10 s after data that nothing has followed. In each tunnel first from one end, then from the other."""
    for first in (True, False):
        for t in tunnels:
            check(t.ping(t.begins == first), f"{t.what}: a ping before")
        quiet(client, peer, True)
        before = []
        for t in tunnels:
            check(not t.ping(t.begins == first, 1), "a ping is answered")
            before.append(t.received(t.begins == first))
        for t, n in zip(tunnels, before):
            us = t.begins == first
            wait_for(lambda t=t, us=us, n=n: t.received(us) != n, f"{t.what}: a keepalive", 25)
            equal(t.received(us) - n, KEEPALIVE_BYTES, f"{t.what}: bytes of the keepalive")
            print(f"{t.what}: {'the peer' if us else 'tunion'} sends a passive keepalive")
        quiet(client, peer, False)


def new_session(client, peer, tunnels):
    """After REKEY_AFTER_TIME, 120 s, while a ping goes each second."""
    before = [[t.handshake(us) for us in (True, False)] for t in tunnels]
    pings = [client.start(["ping", "-n", "-c", "130", f"10.90.{t.number}.1"], name=t.near) if t.begins else
             peer.sh(f"ping -c 130 10.90.{t.number}.2 >{peer.tmp}/{t.far}.ping 2>&1 </dev/null & true") for t in tunnels]
    for t, times, ping in zip(tunnels, before, pings):
        for us, then in zip((True, False), times):
            wait_for(lambda t=t, us=us, then=then: t.handshake(us) > then, f"{t.what}: a new session", 160)
        if t.begins:
            ping.wait(60)
        else:
            wait_for(lambda t=t: "packet loss" in peer.sh(f"cat {peer.tmp}/{t.far}.ping"), f"{t.what}: the end of the pings", 60)
        said = ping.output() if t.begins else peer.sh(f"cat {peer.tmp}/{t.far}.ping")
        check(" 0% packet loss" in said, f"{t.what}: {said}")
        print(f"{t.what}: a new session after {t.handshake(True) - times[0]} s, of 130 pings none is lost")


def renumber(six, old, new):
    text = (f"ip addr add 203.0.113.{new}/24 dev eth0; ip addr del 203.0.113.{old}/24 dev eth0; "
            f"ip addr add 203.0.113.{new}/24 dev eth0 2>/dev/null; ")
    if six:
        text += f"ip -6 addr add 2001:db8:9::{new}/64 dev eth0; ip -6 addr del 2001:db8:9::{old}/64 dev eth0; "
    return text + "true"


def roam(client, peer, tunnels, we):
    six = any(t.six for t in tunnels)
    if we:
        client.run(renumber(six, 9, 8))
    else:
        peer.sh(renumber(six, 2, 3))
        peer.moved(tunnels)
    for t in tunnels:
        expected = t.at(8 if we else 3, 0).rpartition(":")[0]
        wait_for(lambda t=t: t.ping(we) and t.endpoint(not we) == expected,
                 f"{t.what}: {'the peer follows tunion' if we else 'tunion follows the peer'} to {expected}", 60)
        check(t.ping(not we), f"{t.what}: no data to the new address")
        print(f"{t.what}: {'the peer follows tunion' if we else 'tunion follows the peer'} to {expected}")


def exercise(client, peer):
    """`client` and the peer are on one link, eth0, with their addresses."""
    for run in (client.run, peer.sh):
        run("echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad" if IPV6 else "true")
    tunnels = [Tunnel(client, peer, n, six, begins) for n, (six, begins) in enumerate(
        (six, begins) for six in ((False, True) if IPV6 else (False,)) for begins in (True, False))]
    t = Tunion(client, {f"{t.near}.conf": t.conf() for t in tunnels}, tun="protocol")
    t.up()
    shake_hands(tunnels)
    if LONG:
        passive_keepalive(client, peer, tunnels)
        new_session(client, peer, tunnels)
    roam(client, peer, tunnels, True)
    roam(client, peer, tunnels, False)
    t.down()
