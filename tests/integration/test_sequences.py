#!/usr/bin/env python3
"""Random sequences of all that may befall an instance: files come, change, go and break; either process is killed or
stopped; servers restart; the link goes down, gets another address, the path another MTU; other programs take rules
and routes away. Meanwhile apps send, and the wire outside the client is watched: while the instance is meant to be
up nothing but datagrams to the servers may leave the client of what belongs to the union. After each sequence
everything is reachable again, and after `down` the host is as it was.

TUNION_SEED=N repeats a run, TUNION_SEQUENCES=N says how many sequences (by hand some hundreds). It prints each
sequence's own seed: TUNION_SEED of that with TUNION_SEQUENCES=1 repeats this one alone.

What is not watched: from the `down` or `up` that follows the kill of a supervisor to the end of that `up`, and
from the moment somebody else took our rules and routes away until they are back. An engine that dies more than eight
times within a minute is not tried: the pause before the next one becomes longer each time."""

import json
import os
import random
import re
import signal
import subprocess
import time

from lab import IPV6, Capture, Keys, Process, Tunion, check, equal, here, main, need, same_text, six, wait_for
from world import HOME_ENDPOINT6, INTERNET, INTERNET6, LAN, LAN6, VPN_ENDPOINT6, World

LIMIT = 3600
SEQUENCES = 5
STEPS = 7
SERVERS = ("203.0.113.2", "2001:db8:2::2", "192.0.2.2", "2001:db8:3::2")
ALL, HOME = "everything", "the home network"
OWN_TUN = "# tunion: Tun = own"

APPS = f"""
import socket, time
to = [(socket.AF_INET, "{INTERNET}"), (socket.AF_INET, "{LAN}"), (socket.AF_INET6, "{INTERNET6}"),
      (socket.AF_INET6, "{LAN6}")]
while True:
    for family, address in to:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as s:
                s.sendto(b"sent at %.6f" % time.time(), (address, 4444))
        except OSError:
            pass
    time.sleep(0.01)
"""


class Watcher:
    """What leaves the client, and when that was allowed to."""

    def __init__(self, w):
        servers = " or ".join(f"dst host {address}" for address in SERVERS)
        # the far end: it stays when the client's goes down
        self.capture = Capture(w.net, "client", f"not arp and not ip6 proto 0 and not ({servers}) and "
                               "not (icmp6 and ip6[40] >= 130 and ip6[40] <= 137)")
        self.spans = []  # (begin, end, what belongs to the union)
        self.begin = self.covers = None

    def set(self, covers):
        """From now on that belongs to the union; None: nothing is watched."""
        now = time.time()
        if self.covers:
            self.spans.append((self.begin, now, self.covers))
        self.begin, self.covers = now, covers

    def leaks(self):
        """Lines of tcpdump."""
        self.set(None)
        self.capture.process.stop(signal.SIGINT)
        out = subprocess.run(["tcpdump", "-Z", "root", "-nn", "-tt", "-A", "-r", self.capture.path], check=True,
                             capture_output=True, text=True, errors="replace").stdout
        packets = re.split(r"^(?=\d+\.\d+ )", out, flags=re.M)
        return [packet for packet in packets[1:] if self.is_leak(packet)]

    def is_leak(self, packet):
        """What an app has sent may have waited for the router's hardware address, perhaps since before `up`."""
        line = packet.splitlines()[0]
        sent = re.search(r"sent at (\d+\.\d+)", packet)
        when = float(sent[1] if sent else line.split()[0])
        found = re.search(r"IP6? (\S+) > (\S+):", line)
        if not found:
            return False
        source, destination = (re.sub(r"\.\d+$", "", a) if ":" in a or a.count(".") == 4 else a
                               for a in found.groups())
        if source.startswith(("198.51.100.1", "2001:db8:1::1")) and source in ("198.51.100.1", "2001:db8:1::1"):
            return False  # the router's own
        if destination.startswith(("198.51.100.", "2001:db8:1:", "fe80:", "ff0")):
            return False  # on the link
        for begin, end, covers in self.spans:
            if begin <= when <= end:
                return covers == ALL or destination in (LAN, LAN6)
        return False


class Sequence:
    def __init__(self, lab, w, watcher, seed):
        self.w, self.c, self.watcher = w, w.client, watcher
        self.draw = random.Random(seed)
        self.t = lab.tunions[0]
        for name in os.listdir(self.t.dir):
            os.unlink(os.path.join(self.t.dir, name))
        self.six = self.draw.random() < 0.3 and IPV6  # the servers are reached by IPv6
        self.dns = self.draw.random() < 0.5
        self.write_vpn()
        self.write_home()
        self.extra = set()
        self.supervisor = self.engine = None
        self.kills = []  # times
        self.restarts = 0
        self.said = []

    # ---- files

    def write_vpn(self, *lines):
        end = {"endpoint": VPN_ENDPOINT6} if self.six else {}
        lines = [*lines, "DNS = 10.66.0.1"] if self.dns else lines
        self.t.write("vpn.conf", self.w.vpn_conf(interface_lines=lines, peer_lines=["PersistentKeepalive = 1"], **end))

    def write_home(self, *lines, **kw):
        if self.six:
            kw["endpoint"] = HOME_ENDPOINT6
        self.t.write("home.conf", self.w.home_conf(interface_lines=lines, peer_lines=["PersistentKeepalive = 1"], **kw))

    def covers(self):
        """By the files in force, of which vpn.conf or home.conf has the LAN."""
        names = {d["name"] for d in self.status()["devices"]}
        return ALL if "vpn" in names else HOME if "home" in names else None

    def reload(self, status=0):
        """What belonged to the union and what will are both watched only as far as they are the same."""
        before = self.watcher.covers
        files = os.listdir(self.t.dir)
        after = ALL if "vpn.conf" in files else HOME if "home.conf" in files else None
        self.watcher.set(HOME if before and after and before != after else before if after else None)
        done = self.t.try_run("reload")
        equal(done.returncode, status, f"exit status of reload: {done.stdout}{done.stderr}")
        self.watcher.set(self.covers())

    # ---- the instance

    def status(self):
        return json.loads(self.t.run("status", "--json"))

    def up(self):
        self.process = Process(self.c, self.t.argv("up", "--foreground", *self.draw.choice(([], ["--no-watch"])),
                                                   self.t.dir), name="tunion")

        def ready():
            check(self.process.alive(), "tunion up ended:\n" + self.process.output())
            return self.t.try_run("status").returncode == 0
        wait_for(ready, "tunion up", 40)
        status = self.status()
        self.supervisor, self.engine, self.restarts = status["pid"], status["engine_pid"], 0
        self.kills = []
        self.watcher.set(self.covers())

    def down(self):
        self.watcher.set(None)
        done = self.t.try_run("down")
        equal(done.returncode, 0, f"exit status of down: {done.stderr}")
        equal(self.process.wait(), 0, "exit status of tunion up --foreground")

    # ---- steps

    def add_a_file(self):
        number = self.draw.randrange(2, 200)
        prefix = self.draw.choice([f"10.{number}.0.0/16", f"198.18.{number}.0/24", f"fd00:{number}::/32"])
        tun = self.draw.choice(("", "", OWN_TUN, "Table = off", f"Table = {number + 1000}", f"PreUp = : x{number}"))
        self.t.write(f"x{number}.conf", f"[Interface]\nPrivateKey = {Keys().private}\nAddress = 10.9.{number}.2/32\n"
                     f"{tun}\n[Peer]\nPublicKey = {Keys().public}\nAllowedIPs = {prefix}\n"
                     f"Endpoint = {self.draw.choice(('203.0.113.2', '192.0.2.2'))}:{50000 + number}\n")
        self.extra.add(f"x{number}.conf")
        self.reload()

    def remove_a_file(self):
        if self.extra:
            name = self.extra.pop()
            os.unlink(os.path.join(self.t.dir, name))
            self.reload()

    def remove_and_bring_back(self):
        name = self.draw.choice(("vpn", "home"))
        os.unlink(os.path.join(self.t.dir, f"{name}.conf"))
        self.reload()
        self.write_vpn() if name == "vpn" else self.write_home()
        self.reload()

    def change_home(self):
        lan = "10.77.0.0/24, 192.168.77.0/24, fd77::/64, fd77:1::/64"
        self.write_home(*self.draw.choice(([], ["MTU = 1300"], ["ListenPort = 41234"], [OWN_TUN])),
                        allowed=self.draw.choice((lan, f"{lan}, 172.30.0.0/16")))
        self.reload()

    def change_vpn(self):
        self.write_vpn(*self.draw.choice(([], ["MTU = 1360"], ["ListenPort = 41235"], ["Address = 10.66.0.77/32"])))
        self.reload()

    def remove_a_tun(self):
        """The file's own tun; a reload makes it anew."""
        own = [d["name"] for d in self.status()["devices"] if d["own_tun"]]
        if own:
            name = self.draw.choice(own)
            covers = self.watcher.covers
            self.watcher.set(None if name == "home" else covers)
            self.c.run(f"ip link del {name}")
            self.process.wait_output(f"{name}: its tun is gone")
            self.reload()
            check(self.c.try_run(f"ip link show {name}").returncode == 0, f"{name} is not there after a reload")
            self.watcher.set(covers)

    def break_and_mend(self):
        name = self.draw.choice(("vpn.conf", "home.conf"))
        path = os.path.join(self.t.dir, name)
        with open(path) as f:
            text = f.read()
        self.t.write(name, self.draw.choice(("[Interface]\nPrivateKey = nonsense\n", text.replace("AllowedIPs", "Alowed"),
                                             text[:30])))
        done = self.t.try_run("reload")
        check(done.returncode == 1, f"reload of a broken {name}: {done.stdout}{done.stderr}")
        equal(self.covers(), self.watcher.covers, "what is in force of a broken file")
        self.t.write(name, text)
        self.reload()

    def kill_the_engines(self):
        """One after the other, until there is a pause before the next one."""
        for _ in range(6):
            self.kill_the_engine()

    def kill_the_engine(self):
        now = time.monotonic()
        self.kills = [t for t in self.kills if now - t < 60] + [now]
        if len(self.kills) > 8:
            return
        os.kill(self.engine, signal.SIGKILL)
        self.restarts += 1

        def another():
            done = self.t.try_run("status", "--json")
            pid = json.loads(done.stdout)["engine_pid"] if done.returncode == 0 else self.engine
            return pid if pid != self.engine else None
        self.engine = wait_for(another, "another engine", 40)

    def kill_the_supervisor(self):
        os.kill(self.supervisor, signal.SIGKILL)
        self.process.wait()
        time.sleep(self.draw.uniform(0, 0.3))  # apps go on sending
        self.watcher.set(None)
        if self.draw.random() < 0.5:
            done = self.t.try_run("down")
            check(done.returncode == 0, f"down after a kill: {done.stderr}")
        self.up()

    def up_again(self):
        self.down()
        self.up()

    def restart_a_server(self):
        if self.draw.random() < 0.5:
            self.w.vpn_process.stop()
            self.w.start_vpn()
        else:
            self.w.home_process.stop()
            self.w.start_home()

    def link_down_and_up(self):
        self.c.run("ip link set eth0 down")
        time.sleep(self.draw.uniform(0, 0.5))
        self.c.run(network("198.51.100.2", "2001:db8:1::2"))

    def another_address(self):
        number = self.draw.randrange(3, 100)
        self.c.run(network(f"198.51.100.{number}", f"2001:db8:1::{number}"))

    def path_mtu(self):
        mtu = self.draw.choice((1400, 1300, 1500))
        self.w.net.run(f"ip link set vpn mtu {mtu}")
        self.w.vpn.run(f"ip link set eth0 mtu {mtu}")

    def others_flush_rules(self):
        self.deleted(["ip rule flush; ip rule add pref 32766 table main; ip rule add pref 32767 table default",
                      "ip -6 rule flush; ip -6 rule add pref 32766 table main"])

    def others_delete_routes(self):
        self.deleted(["ip route flush dev tunion0; ip route flush dev tunion0 table 51820",
                      "ip -6 route flush dev tunion0; ip -6 route flush dev tunion0 table 51820",
                      "ip -4 addr flush dev tunion0", "ip route del 192.168.77.0/24 dev tunion0"])

    def deleted(self, commands):
        """Then all of ours is as it was, after a reload at the latest. Routes that the kernel adds to an address are
        not ours."""
        covers = self.watcher.covers
        before = self.ours()
        self.watcher.set(None)
        self.c.try_run(self.draw.choice(commands))
        done = self.t.try_run("reload")
        equal(done.returncode, 0, f"exit status of reload: {done.stdout}{done.stderr}")
        end = time.monotonic() + 10
        while self.ours() != before and time.monotonic() < end:
            time.sleep(0.05)
        same_text(self.ours(), before, "what somebody else took away, after a reload")
        self.watcher.set(covers)

    def ours(self):
        """Sorted, except for the rules: addresses stand in the order in which they were added, which doesn't matter,
        since each route names its source."""
        return self.c.run("ip rule; ip -6 rule; ip -o addr show dev tunion0 | sed 's/^[0-9]*: //; s/valid_lft.*//' | sort; "
                          "(ip route show table all; ip -6 route show table all) | grep tunion0 "
                          "| grep -v '^fe80\\|ff00::/8\\|proto kernel\\|^anycast' | sort")

    def stop_for_a_while(self):
        pids = self.draw.choice(([self.engine], [self.supervisor], [self.engine, self.supervisor]))
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        if self.draw.random() < 0.3:
            check(self.t.try_run("status").returncode == 1, "status of a stopped instance")
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        wait_for(lambda: self.t.try_run("status").returncode == 0, "status of an instance that goes on")

    # ---- all of it

    def run(self):
        steps = [self.add_a_file, self.remove_a_file, self.remove_and_bring_back, self.change_home, self.change_vpn,
                 self.remove_a_tun, self.break_and_mend, self.kill_the_engine, self.kill_the_engines,
                 self.kill_the_supervisor, self.up_again,
                 self.restart_a_server, self.link_down_and_up, self.another_address, self.path_mtu,
                 self.others_flush_rules, self.others_delete_routes, self.stop_for_a_while]
        self.up()
        for step in self.draw.choices(steps, k=STEPS):
            self.said.append(step.__name__)
            step()
        self.said.append("everything is there")
        for address in here(INTERNET, INTERNET6, LAN, LAN6):
            self.c.reach(address, 60)
        equal(self.status()["engine_restarts"], self.restarts, "restarts of the engine")
        self.said.append("down")
        self.down()


def network(address, address6):
    return (f"ip link set eth0 up; ip addr flush dev eth0 scope global; ip addr add {address}/24 dev eth0; "
            "ip route replace default via 198.51.100.1"
            + six(f"; ip addr add {address6}/64 dev eth0 nodad; ip -6 route replace default via 2001:db8:1::1"))


def snapshot(c):
    c.run(network("198.51.100.2", "2001:db8:1::2"))
    text = c.snapshot() + c.run(f"cd {c.run_dir}; ls -A . wireguard | grep -v resolv.conf.before")
    return re.sub(r"\b(expires|valid_lft|preferred_lft) \S+|\bmtu \d+ |\bhoplimit \d+|state \S+", "", text)


def one(lab, w, watcher, before, seed):
    sequence = Sequence(lab, w, watcher, seed)
    begin = time.monotonic()
    try:
        sequence.run()
        same_text(snapshot(w.client), before, "the host after down")
    except BaseException:
        print(f"FAILED after {' > '.join(sequence.said)}\nTUNION_SEED={seed} TUNION_SEQUENCES=1 repeats it")
        for command in ([*sequence.t.argv("status")], "ip rule; ip route show table all; ip -6 rule; ip -6 route show "
                        f"table all; ip addr; ip route get {INTERNET}; ip -6 route get {INTERNET6}"):
            done = w.client.try_run(command)
            print(done.stdout + done.stderr)
        raise
    print(f"{seed:10} {time.monotonic() - begin:5.1f} s  {' > '.join(sequence.said)}", flush=True)


def test(lab):
    need("nft", "tcpdump")
    seed = int(os.environ.get("TUNION_SEED", random.randrange(1 << 32)))
    count = int(os.environ.get("TUNION_SEQUENCES", SEQUENCES))
    print(f"TUNION_SEED={seed} TUNION_SEQUENCES={count}", flush=True)
    w = World(lab)
    w.client.use_name_servers("198.18.0.80")
    w.start_vpn()
    w.start_home()
    w.client.run("nft list ruleset" + six("; sysctl -qw net.ipv6.conf.eth0.keep_addr_on_down=0"))
    Tunion(w.client)
    before = snapshot(w.client)
    watcher = Watcher(w)
    w.client.start(["python3", "-c", APPS], name="apps")
    try:
        for number in range(count):
            one(lab, w, watcher, before, seed + number)
    finally:
        leaks = watcher.leaks()
    check(not leaks, f"{len(leaks)} packets in the clear, the first:\n" + "\n".join(leaks[:10]))


main(test)
