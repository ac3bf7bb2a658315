#!/usr/bin/env python3
"""Files are added, changed, broken and removed while a TCP transfer runs through another device: each
takes effect within 2 s of its writing, and the transfer notices nothing."""

import os
import time

from lab import TUNION, Keys, Tunion, check, equal, in_time, main, wait_for
from world import LAN, World

SECONDS = 2      # from writing to effect
STALL_MS = 100   # between two pieces that the receiver gets

RECEIVER = """
import socket, sys, time
s = socket.create_server(("10.66.0.1", 5000))
print("ready", flush=True)
c, _ = s.accept()
last, bytes = time.monotonic(), 0
print("started", flush=True)
while piece := c.recv(1 << 20):
    now = time.monotonic()
    bytes += len(piece)
    if now - last > 0.02:
        print("gap", round(now, 3), round((now - last) * 1000), flush=True)
    last = now
print("bytes", bytes, flush=True)
"""

SENDER = """
import socket, sys, time
s = socket.create_connection(("10.66.0.1", 5000))
while True:
    s.sendall(bytes(16384))
    time.sleep(0.003)
"""


class Transfer:
    """Through vpn, from the client to its server; the receiver notes when nothing comes."""

    def __init__(self, w):
        self.receiver = w.vpn.start(["python3", "-c", RECEIVER], name="receiver")
        self.receiver.wait_output("ready")
        self.sender = w.client.start(["python3", "-c", SENDER], name="sender")
        self.receiver.wait_output("started")

    def longest_gap(self, since):
        """In ms; of those that ended after that time."""
        gaps = [line.split() for line in self.receiver.output().splitlines() if line.startswith("gap")]
        return max([int(ms) for _, when, ms in gaps if float(when) > since], default=0)


def within(condition, what):
    wait_for(condition, what, SECONDS)


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    c = w.client
    t = Tunion(c, {"vpn.conf": w.vpn_conf(allowed="198.18.0.0/16, 10.66.0.0/24")})
    path = os.path.join(t.dir, "home.conf")
    t.up()
    c.reach("10.66.0.1")
    one = c.snapshot()
    transfer = Transfer(w)
    calm = time.monotonic()
    time.sleep(3)
    noise = transfer.longest_gap(calm)
    handshake = c.handshake("vpn", w.vpn_keys.public)
    begin = time.monotonic()

    def devices():
        return set(c.wg("show", "interfaces").split())

    def prefixes():
        return set(c.wg("show", "home", "allowed-ips").split()[1:])

    def errors():
        return [(os.path.basename(e["file"] or ""), e["line"]) for e in t.status()["errors"]]

    # Added
    t.write("home.conf", w.home_conf())
    within(lambda: devices() == {"vpn", "home"}, "home is added")
    within(lambda: "192.168.77.0/24" in c.run("ip route"), "its routes")
    c.reach(LAN)
    session = c.handshake("home", w.home_keys.public)

    # Changed: written over, by a rename as editors do, by sed -i
    t.write("home.conf", w.home_conf(allowed="10.77.0.0/24, 192.168.77.0/24"))
    within(lambda: prefixes() == {"10.77.0.0/24", "192.168.77.0/24"}, "the changed AllowedIPs")
    within(lambda: "fd77" not in c.run("ip -6 route | sed '/^fd77::.64/d; /^unreachable fd77::.64/d'"), "routes of the changed file")
    t.write("new~", w.home_conf(allowed="10.77.0.0/24, 192.168.77.0/24, 172.31.0.0/16"))
    os.rename(os.path.join(t.dir, "new~"), path)
    within(lambda: "172.31.0.0/16" in prefixes(), "the renamed-over file")
    within(lambda: "172.31.0.0/16" in c.run("ip route"), "its route")
    c.run(["sed", "-i", "s/172.31.0.0/172.30.0.0/", path])
    within(lambda: "172.30.0.0/16" in prefixes() and "172.31.0.0/16" not in prefixes(), "what sed -i changed")
    c.reach(LAN)
    equal(c.handshake("home", w.home_keys.public), session, "home's session through its changes")
    c.run(["sed", "-i", "s/^PrivateKey.*/&\\nListenPort = 40123/", path])
    within(lambda: c.wg("show", "home", "listen-port").strip() == "40123", "the ListenPort")
    c.reach(LAN)

    # What wg set changed stays when another file changes
    other = Keys().public
    c.wg("set", "vpn", "peer", other, "allowed-ips", "10.99.0.0/24")

    # Broken: goes on as it was, and says so
    c.run(["sed", "-i", "s/^AllowedIPs.*/AllowedIPs = 300.0.0.0/", path])
    within(lambda: errors() != [], "the broken file in the status")
    line = [i for i, l in enumerate(open(path), 1) if l.startswith("AllowedIPs")][0]
    equal(errors(), [("home.conf", line)], "errors in the status")
    check(f"home.conf:{line}: " in t.log(), "the broken file in the log")
    check(f"home.conf:{line}: " in t.run("status"), "the broken file in the status for people")
    check("172.30.0.0/16" in prefixes(), "the broken file's old version is not in force")
    c.reach(LAN)

    # A file with a mistake beside a good one; half a file is not read before it is closed
    t.write("more.conf", f"[Interface]\nPrivateKey = {Keys().private}\nAddress = 10.88.0.1/32\n")
    within(lambda: "more" in devices(), "the good file beside the bad one")
    with open(os.path.join(t.dir, "slow.conf"), "w") as slow:
        slow.write("[Interface]\nPriv")
        slow.flush()
        time.sleep(0.7)
        check("slow.conf" not in t.log(), "a file is read before it is complete")
        slow.write(f"ateKey = {Keys().private}\n")
    within(lambda: "slow" in devices(), "the slowly written file")

    # Mended, renamed, removed
    t.write("home.conf", w.home_conf())
    within(lambda: errors() == [], "the mended file")
    os.rename(os.path.join(t.dir, "slow.conf"), os.path.join(t.dir, "slow2.conf"))
    within(lambda: "slow2" in devices() and "slow" not in devices(), "a renamed file")
    os.unlink(os.path.join(t.dir, "slow2.conf"))
    os.unlink(os.path.join(t.dir, "more.conf"))
    os.rename(path, path + ".off")
    within(lambda: devices() == {"vpn"}, "the removed files")
    check(other in c.wg("show", "vpn", "peers"), "a peer that wg set added is gone")
    c.wg("set", "vpn", "peer", other, "remove")
    wait_for(lambda: c.snapshot() == one, "the host is as with one file")

    # The directory goes and comes back
    os.rename(t.dir, t.dir + ".away")
    within(lambda: errors() != [], "the directory that is gone in the status")
    equal(devices(), {"vpn"}, "devices without a directory")
    os.rename(t.dir + ".away", t.dir)
    within(lambda: errors() == [], "the directory that is back in the status")
    t.write("home.conf", w.home_conf())
    within(lambda: devices() == {"vpn", "home"}, "a file in the directory that is back")

    stall = transfer.longest_gap(begin)
    print(f"longest pause of the transfer: {noise} ms in 3 s without changes, {stall} ms during changes")
    # Others may use the processors too: a fault of ours would show each time
    for _ in range(5):
        if stall <= STALL_MS:
            break
        begin = time.monotonic()
        c.run(["sed", "-i", "s/192.168.77.0/172.30.0.0/", path])
        within(lambda: "172.30.0.0/16" in prefixes() or "172.30.0.0/24" in prefixes(), "a change")
        os.unlink(path)
        within(lambda: devices() == {"vpn"}, "a removal")
        t.write("home.conf", w.home_conf())
        within(lambda: devices() == {"vpn", "home"}, "an addition")
        stall = transfer.longest_gap(begin)
        print(f"again: {stall} ms")
    in_time(stall, STALL_MS, "a pause of the transfer")
    equal(c.handshake("vpn", w.vpn_keys.public), handshake, "vpn's session")
    check(transfer.sender.alive() and transfer.receiver.alive(), "the transfer ended")
    transfer.sender.stop()
    t.down()

    # A list of files: those are followed, others of their directory are not
    names = [os.path.join(t.dir, n) for n in ("vpn.conf", "home.conf")]
    u = c.start([TUNION, "up", "--foreground", "--run-dir", c.run_dir, *names], name="tunion-list")
    u.wait_output("is up")
    t.write("more.conf", f"[Interface]\nPrivateKey = {Keys().private}\n")
    os.unlink(names[1])
    within(lambda: devices() == {"vpn"}, "a file of the list is removed")
    t.write("home.conf", w.home_conf())
    within(lambda: devices() == {"vpn", "home"}, "a file of the list is back")
    t.run("down")
    equal(u.wait(), 0, "exit status")


main(test)
