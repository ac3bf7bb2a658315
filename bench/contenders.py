"""contenders - the tunnels that are compared, each between the same two hosts

A contender is brought up once and stays up through all rounds; an idle one costs next to
nothing. It knows the address of its far end and its processes, so that their CPU time and
memory can be asked for. `i` parts their addresses, ports and names; sing-box takes the port of
`i` + 1 too.
"""

import base64
import json
import os
import re

from lab import TUNION, Keys, Tunion, check, wait_for

PORT = 51800
PLAIN_TUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "plain_tun.py")
PLAIN_FD = "9"  # its tun
IPERF_PORT = 5201
MTU = 1420
TICKS = os.sysconf("SC_CLK_TCK")


def children(pid):
    """The process and all that it started; the group of a tunnel's processes."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            below = [int(word) for word in f.read().split()]
    except OSError:
        return []
    return [pid] + [p for child in below for p in children(child)]


def cpu_seconds(pids):
    """User and system time of all threads so far."""
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def rss_kib(pids, field="Rss"):
    """What they hold in memory; `Pss`: pages that several share count in parts."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            total += sum(int(line.split()[1]) for line in f if line.startswith(field + ":"))
    return total


def wakeups(pids):
    """How often the kernel let them run because something had come."""
    total = 0
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/status") as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith("voluntary_ctxt"))
    return total


class Contender:
    def __init__(self, name, i):
        self.name = name
        self.i = i
        self.tun = None  # its name, on both hosts
        self.near, self.far = f"10.1.{i}.1", f"10.1.{i}.2"
        self.roots = []  # Process
        self.gate = None  # that of them which is measured on its own, too

    def pids(self):
        return [pid for p in self.roots for pid in children(p.popen.pid)]

    def cpu(self):
        return cpu_seconds(self.pids())

    def gate_pids(self):
        return children(self.gate.popen.pid) if self.gate else []

    def has_vnet_header(self, world):
        """None: it isn't known."""
        if not self.tun:
            return None
        found = re.search(r"\bvnet_hdr (on|off)", world.a.try_run(["ip", "-d", "link", "show", self.tun]).stdout)
        return found and found.group(1) == "on"


class Veth(Contender):
    """No tunnel."""

    def up(self, world):
        self.near, self.far = world.near, world.far


class Null(Contender):
    def __init__(self, name, i, *argv):
        super().__init__(name, i)
        self.argv = argv
        self.tun = f"null{i}"

    def up(self, world):
        tun, port = self.tun, str(PORT + self.i)
        for host, address, peer in ((world.a, self.near, world.far), (world.b, self.far, world.near)):
            self.roots.append(host.start([*self.argv, tun, port, peer, port]))
            wait_for(lambda h=host: h.try_run(f"ip link show {tun}").returncode == 0, tun)
            host.run(f"ip addr add {address}/24 dev {tun};"
                     f"ip link set {tun} mtu {MTU} gso_max_size 65000 gso_ipv4_max_size 65000 up"
                     f" || ip link set {tun} mtu {MTU} gso_max_size 65000 up")


def peer_text(public, allowed, endpoint):
    return f"[Peer]\nPublicKey = {public}\nAllowedIPs = {allowed}\nEndpoint = {endpoint}\n"


class Userspace(Contender):
    """Whatever makes an interface NAME and is configured by `wg` through its socket."""

    def __init__(self, name, i, argv):
        super().__init__(name, i)
        self.argv = argv
        self.tun = f"peer{i}"
        self.endpoints = None

    def up(self, world):
        device, port = self.tun, PORT + self.i
        keys = {world.a: Keys(), world.b: Keys()}
        ends = self.endpoints or (world.near, world.far)
        for host, other, address, endpoint in ((world.a, world.b, self.near, ends[1]),
                                               (world.b, world.a, self.far, ends[0])):
            self.roots.append(host.start([word.replace("NAME", device) for word in self.argv], name=device))
            wait_for(lambda h=host: h.try_run(["wg", "show", device]).returncode == 0, device)
            host.run(["wg", "setconf", device, "/dev/stdin"],
                     input=f"[Interface]\nPrivateKey = {keys[host].private}\nListenPort = {port}\n"
                     + peer_text(keys[other].public, f"10.1.{self.i}.0/24", f"{endpoint}:{port}"))
            host.run(f"ip addr add {address}/24 dev {device}; ip link set {device} mtu {self.mtu} up")

    mtu = MTU


class Inside(Userspace):
    """One inside another, by the host's routes."""

    mtu = MTU - 80

    def __init__(self, name, i, argv, carrier):
        super().__init__(name, i, argv)
        self.carrier = carrier
        self.endpoints = (carrier.near, carrier.far)

    def up(self, world):
        if not self.carrier.roots:
            self.carrier.up(world)
        super().up(world)

    def pids(self):
        return super().pids() + self.carrier.pids()


def write_levels(tunion_a, tunion_b, levels, port, net, ends):
    """The files of a pair of tunions: level 1 goes by the network, each further one's endpoint is
    an address of the level before it."""
    for level in range(1, levels + 1):
        keys = Keys(), Keys()
        for t, own, other, address, endpoint in ((tunion_a, 0, 1, 1, ends[1]), (tunion_b, 1, 0, 2, ends[0])):
            t.write(f"{t.tun}l{level}.conf",
                    f"[Interface]\nPrivateKey = {keys[own].private}\nListenPort = {port + level}\n"
                    f"Address = {net}.{level}.{address}/24\n"
                    + peer_text(keys[other].public, f"{net}.{level}.0/24", f"{endpoint}:{port + level}"))
        ends = (f"{net}.{level}.1", f"{net}.{level}.2")


class TunionPair(Contender):
    def __init__(self, name, i, levels=1, argv=()):
        super().__init__(name, i)
        self.tun = f"t{i}"
        self.levels = levels
        self.near, self.far = f"10.{100 + i}.{levels}.1", f"10.{100 + i}.{levels}.2"
        self.argv = argv

    def up(self, world):
        pair = [Tunion(host, tun=self.tun) for host in (world.a, world.b)]
        write_levels(*pair, self.levels, PORT + 10 * self.i, f"10.{100 + self.i}", (world.near, world.far))
        for t in pair:
            t.up(*self.argv)
            self.roots.append(t.process)


class TunionPlain(TunionPair):
    """Both ends have a plain tun, which somebody else has made and configures, as an app does."""

    def up(self, world):
        pair = [Tunion(host, tun=self.tun) for host in (world.a, world.b)]
        write_levels(*pair, self.levels, PORT + 10 * self.i, f"10.{100 + self.i}", (world.near, world.far))
        for t, address in zip(pair, (self.near, self.far)):
            t.process = t.host.start([PLAIN_TUN, t.tun, *t.argv("up", "--foreground", "--tun-fd", PLAIN_FD, t.dir)],
                                     name="tunion")
            wait_for(lambda t=t: not t.process.alive() or t.try_run("status").returncode == 0, "tunion up")
            check(t.process.alive(), "tunion up ended: " + t.process.output())
            t.host.run(f"ip addr add {address}/24 dev {t.tun}; ip link set {t.tun} mtu {MTU} up")
            self.roots.append(t.process)


class Gate(TunionPair):
    """An app with a tun, a gate in front of one tunnel beside it, and the tunnel's far end. The app
    is tunion as well, so that all gates are measured with the same."""

    def __init__(self, name, i):
        super().__init__(name, i)
        self.net = f"10.{100 + i}"

    def up(self, world):
        ends = [Tunion(host, tun=f"t{self.i}") for host in (world.a, world.b)]
        write_levels(*ends, 1, PORT + 10 * self.i, self.net, (world.near, world.far))
        ends[1].up()
        app = Tunion(world.a, tun=f"app{self.i}")
        self.start_gate(world, ends[0].dir, app)
        app.up()
        self.roots += [ends[1].process, self.gate, app.process]

    def start_gate(self, world, directory, app):
        state = os.path.join(world.a.run_dir, f"gate{self.i}")
        self.gate = world.a.start([TUNION, "gate", "--foreground", "--run-dir", world.a.run_dir, "--state", state,
                                   "--listen", f"127.0.0.1:{PORT + 10 * self.i}", "--client", app.tun, directory], name="gate")
        self.gate.wait_output("gate0 is up")
        with open(os.path.join(state, "clients", app.tun + ".conf")) as f:
            app.write(app.tun + ".conf", f.read())


class NetstackGate(Gate):
    """wireguard-go's own network stack as a gate: it ends TCP, and makes connections of its own in
    the tunnel. So what is measured goes to an address of the gate."""

    def __init__(self, name, i, program):
        super().__init__(name, i)
        self.program = program
        self.near, self.far = f"10.99.{i}.2", f"10.99.{i}.1"

    def start_gate(self, world, directory, app):
        with open(os.path.join(directory, f"t{self.i}l1.conf")) as f:
            values = dict(line.split(" = ", 1) for line in f.read().splitlines() if " = " in line)
        gate, client = Keys(), Keys()
        port = PORT + 10 * self.i
        app.write(app.tun + ".conf", f"[Interface]\nPrivateKey = {client.private}\nAddress = {self.near}/24\n"
                  + peer_text(gate.public, f"10.99.{self.i}.0/24", f"127.0.0.1:{port}"))
        settings = "\n".join((
            f"private_key={hexadecimal(gate.private)}", f"listen_port={port}",
            f"public_key={hexadecimal(client.public)}", f"allowed_ip={self.near}/32", "",
            f"private_key={hexadecimal(values['PrivateKey'])}", f"listen_port={values['ListenPort']}",
            f"public_key={hexadecimal(values['PublicKey'])}", f"allowed_ip={self.net}.1.0/24",
            f"endpoint={values['Endpoint']}", "", ""))
        path = world.a.lab.new_file(f"netstack{self.i}.conf")
        with open(path, "w") as f:
            f.write(settings)
        self.gate = world.a.start([self.program, path, self.far, f"{self.net}.1.1", str(IPERF_PORT), f"{self.net}.1.2"],
                                  name="netstack")
        self.gate.wait_output("ready")


def hexadecimal(key):
    return base64.b64decode(key).hex()


class SingBoxNested(Contender):
    """At the near end two WireGuard endpoints, the outer the inner's detour, as a user of two
    providers has them; at the far end the same two, the inner listening at the outer's address.
    All by the kernel's tun, which is sing-box's fastest way."""

    def __init__(self, name, i, program):
        super().__init__(name, i)
        self.program = program
        self.net = {"o": f"10.201.{i}", "i": f"10.1.{i}"}  # outer, inner: prefix, also of the tun's name

    def endpoint(self, level, own, keys, port, to):
        """`own`: 0 near, 1 far; who has no address to send to listens, and learns it."""
        peer = {"public_key": keys[1 - own].public, "allowed_ips": [f"{self.net[level]}.0/24"]}
        return {"type": "wireguard", "tag": level, "system": True, "name": f"sing{self.i}{level}",
                "mtu": MTU if level == "o" else MTU - 80, "address": [f"{self.net[level]}.{own + 1}/24"],
                "private_key": keys[own].private,
                **({"listen_port": port} if own else {"detour": "o"} if level == "i" else {}),
                "peers": [peer if own else {**peer, "address": to, "port": port}]}

    def up(self, world):
        outer, inner = (Keys(), Keys()), (Keys(), Keys())
        port = PORT + self.i
        for own, host in ((1, world.b), (0, world.a)):
            config = {"log": {"level": "warn"}, "endpoints": [
                self.endpoint("o", own, outer, port, world.far),
                self.endpoint("i", own, inner, port + 1, f"{self.net['o']}.2")]}
            path = host.lab.new_file(f"sing{self.i}{own}.json")
            with open(path, "w") as f:
                json.dump(config, f)
            self.roots.append(host.start([self.program, "run", "-c", path], name="sing-box"))
