"""phone - a root directory like an unrooted phone's, and programs that run there as Android runs those of an app

They are an ordinary user's, and android.c ends them for what Android ends a process for, and refuses what it refuses. A
tunion for another processor runs under an emulator of user programs, which needs other system calls than the program: then
no filter is installed, and the emulator's own list of the program's calls is read instead."""

import os
import re
import shutil
import struct
import subprocess

from lab import BUILD, TOP, TUNION, Keys, Skip, check, equal, need
from ordinary import UID, User
from world import peer

FILES = "/data/data/com.termux/files"
PREFIX = FILES + "/usr"
ANDROID = os.path.join(BUILD, "tests/integration/android")
# A server on the host net, beside the two of world.
SIDE, SIDE_ENDPOINT, OF_SIDE = "10.88.0.1", "198.51.100.1:51822", "10.88.0.2"
MACHINES = {62: "x86_64", 183: "aarch64"}  # e_machine of elf(5)


def three_tunnels(w):
    """Starts the server side, and returns the three files: home is inside vpn, and side beside them. vpn's Endpoint is a
    name, which only the phone's name server knows."""
    server, client = Keys(), Keys()
    w.net.wireguard_go("side", f"[Interface]\nPrivateKey = {server.private}\nListenPort = 51822\n"
                       + peer(client.public, f"{OF_SIDE}/32"), [f"{SIDE}/24"])
    return {"vpn.conf": w.vpn_conf(endpoint="vpn.example:51820", interface_lines=("DNS = 10.66.0.1",)),
            "home.conf": w.home_conf(interface_lines=("DNS = 10.77.0.1, home.lan",)),
            "side.conf": f"[Interface]\nPrivateKey = {client.private}\nAddress = {OF_SIDE}/32\n# tunion: Via = network\n"
                         + peer(server.public, "10.88.0.0/24", f"Endpoint = {SIDE_ENDPOINT}")}


def elf(path):
    """The processor of a program, and whether it needs shared libraries."""
    with open(path, "rb") as f:
        head = f.read(4096)
    machine, = struct.unpack_from("<H", head, 18)
    offset, = struct.unpack_from("<Q", head, 32)
    size, count = struct.unpack_from("<HH", head, 54)
    kinds = [struct.unpack_from("<I", head, offset + i * size)[0] for i in range(count)]
    return MACHINES.get(machine), 3 in kinds  # PT_INTERP


class Phone(User):
    """A root directory on the client with Termux in it; paths are as they are outside, `program` as it is inside."""

    def __init__(self, lab, host):
        if os.environ["TUNION_LAB"] != "root":
            raise Skip("only root can become an ordinary user")
        self.lab, self.host = lab, host
        self.root = os.path.join(host.run_dir, "phone")
        for path in (lab.dir, host.run_dir):
            os.chmod(path, 0o755)
        for path in ("/dev", "/proc", "/system", os.path.dirname(FILES)):
            os.makedirs(self.root + path, mode=0o755)
        host.binds.append(("/proc", self.root + "/proc"))
        os.mknod(self.root + "/dev/null", 0o666 | 0o020000, os.makedev(1, 3))
        os.chmod(self.root + "/dev/null", 0o666)
        self.home = self.root + FILES + "/home"
        self.dir = self.root + PREFIX + "/etc/tunion"
        self.run_dir = self.root + PREFIX + "/var/run"
        for path in ("", "/home", "/usr", "/usr/bin", "/usr/etc", "/usr/etc/tunion", "/usr/tmp", "/usr/var"):
            self.make_dir(self.root + FILES + path)
        self.program = PREFIX + "/bin/tunion"
        shutil.copy(TUNION, self.root + self.program)
        self.emulator = []
        machine, dynamic = elf(TUNION)
        if machine != os.uname().machine:
            self.emulator = self.take_emulator(machine)
        elif dynamic:
            self.take_libraries()

    def take_emulator(self, machine):
        need(f"qemu-{machine}-static")
        shutil.copy(shutil.which(f"qemu-{machine}-static"), self.root + "/system/qemu")
        return ["/system/qemu", "-strace"]

    def take_libraries(self):
        for path in filter(os.path.isdir, ("/lib", "/lib64", "/usr/lib")):
            if os.path.exists(self.root + path):
                continue
            os.makedirs(self.root + path)
            self.host.binds.append((path, self.root + path))

    def become(self, filtered=True):
        return ["env", "-i", f"PREFIX={PREFIX}", f"HOME={FILES}/home", f"TMPDIR={PREFIX}/tmp", f"PATH={PREFIX}/bin",
                ANDROID, *(["--no-filter"] if self.emulator or not filtered else []), self.root, str(UID), *self.emulator]

    def tunion(self, *words, **kw):
        emulator, self.emulator = self.emulator, self.emulator[:1]  # without the list of calls
        try:
            return super().tunion(*words, **kw)
        finally:
            self.emulator = emulator


    def take_shell(self):
        """Programs of Termux that the manual's commands need; false if they can't be had here."""
        busybox = shutil.which("busybox")
        if not busybox:
            return False
        names = set(subprocess.run([busybox, "--list"], capture_output=True, text=True).stdout.split())
        wanted = {"sh", "mkdir", "chmod", "unzip", "rm", "printf", "ln", "cp"}
        if wanted - names:
            return False
        if elf(busybox)[1]:
            self.take_libraries()
        shutil.copy(busybox, self.root + PREFIX + "/bin/busybox")
        for name in wanted:
            os.symlink("busybox", self.root + PREFIX + "/bin/" + name)
        self.program_file("termux-setup-storage", "")
        self.program_file("install", 'cp "$3" "$4" && chmod "$2" "$4"')  # -m MODE FROM TO; Debian's busybox has none
        return True

    def program_file(self, name, text):
        path = self.root + PREFIX + "/bin/" + name
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o755), "w") as f:
            f.write(f"#!{PREFIX}/bin/sh\n{text}\n")


def made_no_forbidden_calls(gate):
    """By the emulator's list, for instance "1234 mount(..."."""
    with open(os.path.join(TOP, "tests/integration/android.c")) as f:
        text = f.read()
    killed = set(re.findall(r"SYS_(\w+)", text[text.index("killed[] ="):text.index("refused[] =")]))
    made = set(re.findall(r"^\d+ (\w+)\(", gate.output(), re.M))
    check(len(made) > 30 and len(killed) > 30, f"no list of calls: {made}")
    equal(sorted(made & killed), [], "forbidden calls")
    check("/proc/net" not in gate.output(), "it has looked into /proc/net")
