"""proxies - what bench/run_proxy compares: programs that carry connections into a tunnel without one of
their own, in front of the same far end

A contender is one process group on the near host, with a SOCKS5 port (or one forwarded port) on its
loopback. The far end is the same for all: one tunion with a file for each contender, and a server behind it.
"""

import json

from contenders import MTU, Contender, hexadecimal, peer_text
from lab import TUNION, Keys, Tunion, check

PORT = 51900
SERVER_PORT = 5201
LISTEN = 21080
FAR_WINDOW_BYTES = 64 << 20


class World:
    """Two hosts and a network between them that can be slow: see bench/slow_link.c."""

    near, far = "10.0.1.1", "10.0.2.2"

    def __init__(self, the_lab, slow_link):
        self.lab = the_lab
        self.slow_link = slow_link
        self.a, self.m, self.b = the_lab.host("a"), the_lab.host("m"), the_lab.host("b")
        the_lab.link(self.a, "eth0", self.near + "/24", self.m, "eth0", "10.0.1.254/24")
        the_lab.link(self.m, "eth1", "10.0.2.254/24", self.b, "eth0", self.far + "/24")
        self.a.run("ip route add default via 10.0.1.254")
        self.b.run("ip route add default via 10.0.2.254")
        self.m.forward()
        for name in ("tcp_rmem", "tcp_wmem"):  # so that the far end doesn't limit anybody
            self.b.run(f"set -- $(cat /proc/sys/net/ipv4/{name}); echo $1 $2 {FAR_WINDOW_BYTES} >/proc/sys/net/ipv4/{name}")
        self.far_end = Tunion(self.b, tun="far")
        self.slow = None

    def become(self, delay_ms, loss):
        """A round trip takes this much longer from now on, and so much is lost in each direction."""
        if self.slow:
            self.m.run("ip rule del iif eth0; ip rule del iif eth1")
            self.slow.stop()
            self.slow = None
        if not delay_ms and not loss:
            return
        self.slow = self.m.start([self.slow_link, "slow", str(round(delay_ms * 500)), str(round(loss * 1e6))], "slow")
        self.slow.wait_output("ready")
        self.m.run("ip link set slow txqueuelen 20000 up; ip route add default dev slow table 100;"
                   "echo 0 >/proc/sys/net/ipv4/conf/slow/rp_filter; echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter;"
                   "ip rule add iif eth0 lookup 100; ip rule add iif eth1 lookup 100")


class Proxy(Contender):
    asks = True  # in SOCKS5

    def __init__(self, name, i, program=None):
        super().__init__(name, i)
        self.program = program
        self.port = LISTEN + i
        self.keys = Keys(), Keys()

    def write_far(self, world):
        world.far_end.write(f"far{self.i}.conf", f"[Interface]\nPrivateKey = {self.keys[1].private}\n"
                            f"ListenPort = {PORT + self.i}\nAddress = {self.far}/32\nMTU = {MTU}\n"
                            f"[Peer]\nPublicKey = {self.keys[0].public}\nAllowedIPs = {self.near}/32\n")

    def up(self, world):
        raise NotImplementedError

    def again(self, world):
        """As new: without what the load before has left."""
        for process in self.roots:
            process.stop()
        self.roots = []
        self.up(world)

    def load_argv(self, program):
        return [program, str(self.port), self.far if self.asks else "-", str(SERVER_PORT)]

    def start(self, world, argv, ready):
        self.roots.append(world.a.start(argv, name=self.name.replace(" ", "-")))
        if ready:
            self.roots[0].wait_output(ready)


class TunionProxy(Proxy):
    def __init__(self, name, i, stack):
        super().__init__(name, i)
        self.stack = stack
        self.files = None

    def up(self, world):
        self.files = files = self.files or Tunion(world.a, tun=f"p{self.i}")
        files.write(f"near{self.i}.conf", f"[Interface]\nPrivateKey = {self.keys[0].private}\nAddress = {self.near}/32\n"
                    f"MTU = {MTU}\n" + peer_text(self.keys[1].public, f"{self.far}/32", f"{world.far}:{PORT + self.i}"))
        self.start(world, [TUNION, "proxy", "--foreground", "--stack", self.stack, "--listen", f"127.0.0.1:{self.port}",
                           "--run-dir", world.a.run_dir, "--tun", files.tun, files.dir], f"{files.tun} is up")


class NetstackSocks(Proxy):
    def up(self, world):
        path = world.lab.new_file("netstack-socks.conf")
        with open(path, "w") as f:
            f.write(f"private_key={hexadecimal(self.keys[0].private)}\npublic_key={hexadecimal(self.keys[1].public)}\n"
                    f"allowed_ip={self.far}/32\nendpoint={world.far}:{PORT + self.i}\n")
        self.start(world, [self.program, path, self.near, f"127.0.0.1:{self.port}"], "ready")


class Wireproxy(Proxy):
    def up(self, world):
        path = world.lab.new_file("wireproxy.conf")
        with open(path, "w") as f:
            f.write(f"[Interface]\nPrivateKey = {self.keys[0].private}\nAddress = {self.near}/32\nMTU = {MTU}\n"
                    + peer_text(self.keys[1].public, f"{self.far}/32", f"{world.far}:{PORT + self.i}")
                    + f"[Socks5]\nBindAddress = 127.0.0.1:{self.port}\n")
        self.start(world, [self.program, "-c", path], None)


class SingBox(Proxy):
    def up(self, world):
        path = world.lab.new_file("sing-box.json")
        endpoint = {"type": "wireguard", "tag": "wg", "system": False, "mtu": MTU, "address": [f"{self.near}/32"],
                    "private_key": self.keys[0].private,
                    "peers": [{"address": world.far, "port": PORT + self.i, "public_key": self.keys[1].public,
                               "allowed_ips": [f"{self.far}/32"]}]}
        with open(path, "w") as f:
            json.dump({"log": {"level": "warn"}, "endpoints": [endpoint], "route": {"final": "wg"},
                       "inbounds": [{"type": "socks", "listen": "127.0.0.1", "listen_port": self.port}]}, f)
        self.start(world, [self.program, "run", "-c", path], None)


class Onetun(Proxy):
    asks = False

    def up(self, world):
        self.start(world, [self.program, f"127.0.0.1:{self.port}:{self.far}:{SERVER_PORT}:TCP",
                           "--endpoint-addr", f"{world.far}:{PORT + self.i}", "--endpoint-public-key", self.keys[1].public,
                           "--private-key", self.keys[0].private, "--source-peer-ip", self.near,
                           "--max-transmission-unit", str(MTU)], None)


# ---- numbers

def load(world, c, program, what, count, seconds):
    """What bench/socks_load prints, in numbers."""
    done = world.a.try_run([*c.load_argv(program), what, str(count), str(int(seconds * 1000))], seconds=seconds + 60)
    check(done.returncode == 0, f"{c.name}, {what}: {done.stderr.strip()}")
    return [float(word) for word in done.stdout.split()]


def throughput(world, c, program, what, streams, seconds):
    """Gbit/s, and CPU seconds of the proxy per GB that arrived."""
    before = c.cpu()
    n, took = load(world, c, program, what, streams, seconds)
    check(n > 0, f"{c.name}, {what}: nothing has arrived")
    return {"gbit": n * 8 / took / 1e9, "cpu": (c.cpu() - before) / max(n / 1e9, 1e-9)}


def rate(world, c, program, seconds):
    before = c.cpu()
    n, took = load(world, c, program, "rate", 16, seconds)
    return {"per s": n / took, "cpu ms": 1000 * (c.cpu() - before) / max(n, 1)}


def first_byte(world, c, program, count=20):
    return {"us": load(world, c, program, "first", count, 1)[0]}
