#!/usr/bin/env python3
"""A flood of initiations from 100,000 forged addresses, whose mac1 is right. An established tunnel keeps at
least half of its throughput, somebody new gets a cookie and comes in with it, and the worker hardly grows.

    friend  192.0.2.2     wireguard-go, has a session ---+
    guest   192.0.2.6     wireguard-go, has none --------+-- hub: tunion
    crowd   10.128.0.0/9  sends the flood ---------------+

The flood needs a processor too, and others may use this machine. So the throughput is compared with that
during the same flood at a port where nobody listens, and what doesn't hold is measured again.
FLOOD_RATE is how many datagrams the crowd sends each second; SECONDS_EACH how long a throughput is measured.
"""

import hashlib
import json
import os
import random
import socket
import struct
import sys
import time
from base64 import b64decode

from lab import Keys, Tunion, check, main, need, slowness, wait_for
from world import peer

RATE = int(os.environ.get("FLOOD_RATE", "10000"))
SECONDS_EACH = int(os.environ.get("SECONDS_EACH", "1"))
RATES = 3  # so often the rate may be doubled
MEASUREMENTS = 4 + RATES  # at most
GUESTS = 6  # at most, at a rate
BUSY = 3    # times as slow as an idle machine
SOURCES = 100000
PORT, NOBODY = 51820, 9
HUB = "10.66.0.1"


def initiation(public):
    """Random, but for type and mac1."""
    message = struct.pack("<I", 1) + os.urandom(112)
    key = hashlib.blake2s(b"mac1----" + b64decode(public)).digest()
    return message + hashlib.blake2s(message, key=key, digest_size=16).digest() + bytes(16)


def crowd(public, port, rate):
    """The program that runs in `crowd`, until it is ended."""
    udp = struct.pack(">HHHH", 7777, port, 8 + 148, 0)  # without a checksum
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp) + 148, 0, 0, 64, socket.IPPROTO_UDP, 0)
    to = socket.inet_aton("10.200.0.1")
    bodies = [to + udp + initiation(public) for _ in range(2000)]
    sources = [header + struct.pack(">I", 0x0a800000 + i) for i in random.sample(range(1 << 23), SOURCES)]
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    begin, sent, told = time.monotonic(), 0, False
    while True:
        while sent < (time.monotonic() - begin) * rate:
            try:
                raw.sendto(sources[sent % SOURCES] + bodies[sent % len(bodies)], ("10.200.0.1", 0))
            except OSError:
                pass  # its queue is full
            sent += 1
        if sent >= SOURCES and not told:
            print("all sources", flush=True)
            told = True
        time.sleep(0.001)


def worker_rss_kib():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with open(f"/proc/{pid}/status") as f:
            status = dict(line.split(":", 1) for line in f)
        if status["Name"].strip() == "tunion-worker":
            return int(status["VmRSS"].split()[0])
    raise AssertionError("there is no worker")


def under_load(t):
    return t.status()["devices"][0]["drops"].get("under-load", 0)


def arrived(hub):
    """So many packets of the crowd."""
    line = next(line for line in hub.run("cat /proc/net/dev").splitlines() if "eth2:" in line)
    return int(line.split(":")[1].split()[1])


def megabits(friend, hub):
    """How fast does TCP go from friend to hub, through the tunnel?"""
    server = hub.iperf3_server()
    out = friend.run(["iperf3", "-J", "-c", HUB, "-t", str(SECONDS_EACH)])
    server.wait()
    return json.loads(out)["end"]["sum_received"]["bits_per_second"] / 1e6


def comes_in_by_a_cookie(guest, client):
    """False: the hub has answered at once. That is right, too, if it was not under load at this very moment."""
    log = client()
    ping = guest.start(["ping", "-n", HUB])  # so that it wants a handshake

    def sent():
        return log.output().count("Sending handshake initiation")

    def came_in():
        return "Received handshake response" in log.output()

    def has_cookie():
        return "Receiving cookie response" in log.output()

    wait_for(lambda: has_cookie() or came_in(), "the guest gets a cookie, or comes in", 90)
    if not came_in():
        tries = sent()
        wait_for(lambda: sent() > tries or came_in(), "it tries again, with its cookie")
        begin = time.monotonic()
        wait_for(came_in, "the guest comes in", 2)
        print(f"a guest with a cookie comes in within {time.monotonic() - begin:.2f} s")
    ping.stop()
    log.stop()
    return has_cookie()


def test(lab):
    need("iperf3")
    hub, friend, guest, crowd_host = (lab.host(name) for name in ("hub", "friend", "guest", "crowd"))
    lab.link(hub, "eth0", "192.0.2.1/30", friend, "eth0", "192.0.2.2/30")
    lab.link(hub, "eth1", "192.0.2.5/30", guest, "eth0", "192.0.2.6/30")
    lab.link(hub, "eth2", "10.200.0.1/9", crowd_host, "eth0", "10.200.0.2/9")
    hub.run("for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done; ip route replace 10.128.0.0/9 via 10.200.0.2")
    ours, of_friend, of_guest = Keys(), Keys(), Keys()
    t = Tunion(hub, {"hub.conf": f"[Interface]\nPrivateKey = {ours.private}\nListenPort = {PORT}\nAddress = {HUB}/24\n"
                     + peer(of_friend.public, "10.66.0.2/32") + peer(of_guest.public, "10.66.0.3/32")})
    t.up()

    def client(host, keys, address, at):
        return host.wireguard_go("wg0", f"[Interface]\nPrivateKey = {keys.private}\n"
                                 + peer(ours.public, f"{HUB}/32", f"Endpoint = {at}:{PORT}"), [f"{address}/24"])

    def flood(port, rate):
        return crowd_host.start([sys.executable, os.path.abspath(__file__), "--crowd", ours.public, str(port), str(rate)],
                                name="crowd")

    def too_much(rate):
        """A flood that is load at this moment, and its rate: a fast machine that does nothing else answers some ten thousand."""
        while True:
            f, dropped, end = flood(PORT, rate), under_load(t), time.monotonic() + 5
            wait_for(lambda: under_load(t) > dropped or time.monotonic() > end, "load is noticed, or not")
            if under_load(t) > dropped:
                return f, rate
            f.stop()
            check(rate < RATE << RATES, f"{rate} initiations a second are no load")
            rate *= 2

    client(friend, of_friend, "10.66.0.2", "192.0.2.1")
    friend.reach(HUB)
    busy = slowness()
    quiet = megabits(friend, hub)
    rss = worker_rss_kib()
    f, rate = too_much(RATE)
    f.stop()
    for _ in range(MEASUREMENTS):
        f = flood(NOBODY, rate)
        beside = megabits(friend, hub)
        f.stop()
        f, needed = too_much(rate)
        if needed > rate:  # others used this machine before
            f.stop()
            rate = needed
            continue
        begin, came = time.monotonic(), arrived(hub)
        during = megabits(friend, hub)
        came = (arrived(hub) - came) / (time.monotonic() - begin)
        print(f"{rate} initiations a second ({came:.0f} arrive): {quiet:.0f} Mbit/s without, {beside:.0f} beside, "
              f"{during:.0f} during the flood")
        if during >= beside / 2:
            break
        f.stop()
    else:  # where the worker has to wait for a processor, this tells nothing about the flood
        check(busy > BUSY, "the tunnel has less than half of its throughput")
        print(f"left out, since others use this machine, which is {busy:.1f} times slower: half of the throughput")
        f = flood(PORT, rate)

    os.environ["LOG_LEVEL"] = "verbose"  # of wireguard-go
    def any_by_a_cookie():
        return any(comes_in_by_a_cookie(guest, lambda: client(guest, of_guest, "10.66.0.3", "192.0.2.5")) for _ in range(GUESTS))

    if not any_by_a_cookie():
        more = flood(PORT, rate)
        if not any_by_a_cookie():
            print(f"left out, since the hub was under load at no moment when one of {2 * GUESTS} guests asked: a guest's cookie")
        more.stop()
    f.wait_output("all sources", 120)
    check(f.alive(), "the flood ended:\n" + f.output())
    f.stop()
    grown = worker_rss_kib() - rss
    print(f"{SOURCES} sources: the worker grew by {grown} KiB; {under_load(t)} messages were not answered under load")
    check(grown < 1024, "the worker has grown by a MiB or more")
    t.down()


if sys.argv[1:2] == ["--crowd"]:
    crowd(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
else:
    main(test)
