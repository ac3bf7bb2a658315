#!/usr/bin/env python3
"""guest - a real kernel with its WireGuard module, booted by qemu, as a host of the lab

The guest lives in memory: busybox, wg and the modules it needs in an initramfs that is written here. Its
one network card is a tap in a host of the lab. Kernel and modules come from the folder kernel of the build (unpacked there
by ./quickstart check) or from this system. x86-64 only; emulated in software, which works everywhere and boots in some seconds.

    guest.py --find-kernel     prints the kernel's path; exit status 1 if there is none
"""

import glob
import gzip
import lzma
import os
import re
import shutil
import stat
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import BUILD, Failed, Skip, need, wait_for  # noqa: E402

MODULES = ("virtio_pci", "virtio_net", "wireguard")  # with what they depend on
BOOT_SECONDS = 120


def module_name(path):
    return os.path.basename(path).split(".ko")[0].replace("-", "_")


def find_kernel():
    """(kernel, folder of its modules), or None."""
    for root in (os.path.join(BUILD, "kernel"), ""):
        for modules in sorted(glob.glob(f"{root}/lib/modules/*/kernel"), reverse=True):
            version = modules.split("/")[-2]
            image = f"{root}/boot/vmlinuz-{version}"
            if os.path.exists(image) and glob.glob(f"{modules}/drivers/net/wireguard/wireguard.ko*"):
                return image, modules
    return None


class Archive:
    """An initramfs: cpio in its "newc" form, as the kernel's buffer-format.rst describes it."""

    def __init__(self):
        self.out = bytearray()
        self.known = set()
        self.number = 0

    def add(self, name, mode, data=b"", device=(0, 0)):
        self.number += 1
        fields = (self.number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
        self.out += b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        self.out += b"\0" * (-len(self.out) % 4) + data
        self.out += b"\0" * (-len(self.out) % 4)

    def folder(self, path):
        path = path.strip("/")
        if path and path not in self.known:
            self.folder(os.path.dirname(path))
            self.known.add(path)
            self.add(path, stat.S_IFDIR | 0o755)

    def file(self, path, data):
        path = path.strip("/")
        if path not in self.known:
            self.folder(os.path.dirname(path))
            self.known.add(path)
            self.add(path, stat.S_IFREG | 0o755, data)

    def program(self, path):
        """With the libraries it is linked to."""
        with open(path, "rb") as f:
            self.file(f"bin/{os.path.basename(path)}", f.read())
        linked = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
        for library in re.findall(r"(/\S+\.so\S*)", linked):
            with open(library, "rb") as f:
                self.file(library, f.read())

    def finish(self):
        self.add("TRAILER!!!", 0)
        return gzip.compress(bytes(self.out), 1)


def add_modules(archive, folder):
    """Returns the paths in the guest, in the order to load them."""
    index = {module_name(path): path for path in glob.glob(f"{folder}/**/*.ko*", recursive=True)}
    order = []

    def add(name):
        path = index.get(name)
        guest_path = f"/modules/{name}.ko"
        if not path or guest_path in order:  # built into the kernel, or there already
            return
        depends = subprocess.run(["modinfo", "-F", "depends", path], check=True, capture_output=True, text=True)
        for other in filter(None, depends.stdout.strip().split(",")):
            add(other.replace("-", "_"))
        with open(path, "rb") as f:
            data = f.read()
        archive.file(guest_path, lzma.decompress(data) if path.endswith(".xz") else data)
        order.append(guest_path)

    for name in MODULES:
        add(name)
    return order


class Guest:
    """Boots on a tap in `host`; `setup` is shell text that runs before the guest is ready."""

    def __init__(self, host, tap, address, setup):
        need("qemu-system-x86_64", "modinfo", "busybox", "wg", "ldd")
        found = find_kernel()
        if not found:
            raise Skip(f"no kernel with a WireGuard module in {BUILD}/kernel or /boot (./quickstart check unpacks one)")
        image, modules = found
        busybox = shutil.which("busybox")
        archive = Archive()
        for folder in ("dev", "proc", "sys", "tmp"):
            archive.folder(folder)
        archive.program(busybox)
        archive.program(shutil.which("wg"))
        loading = "".join(f"insmod {path}\n" for path in add_modules(archive, modules))
        archive.file("init", f"""#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev
{loading}ip link set lo up
ip link set eth0 up
ip addr add {address} dev eth0
echo 1 >/proc/sys/net/ipv4/ip_forward
{setup}
stty -echo
echo GUEST READY
while read -r line; do eval "$line"; echo "GUEST DONE $?"; done
""".encode())
        initramfs = host.lab.new_file("initramfs.gz")
        with open(initramfs, "wb") as f:
            f.write(archive.finish())
        host.run(f"ip tuntap add dev {tap} mode tap && ip link set {tap} up")
        self.path = host.lab.new_file("guest.console")
        with open(self.path, "wb") as console:
            self.popen = subprocess.Popen(
                ["qemu-system-x86_64", "-M", "q35", "-cpu", "max", "-m", "256", "-nographic", "-no-reboot", "-nodefaults",
                 "-serial", "stdio", "-kernel", image, "-initrd", initramfs,
                 "-append", "console=ttyS0 quiet panic=-1 mitigations=off",
                 "-netdev", f"tap,id=n,ifname={tap},script=no,downscript=no", "-device", "virtio-net-pci,netdev=n,romfile="],
                stdin=subprocess.PIPE, stdout=console, stderr=console, preexec_fn=host.enter)
        self.wait("GUEST READY", BOOT_SECONDS)

    def console(self):
        with open(self.path, errors="replace") as f:
            return f.read()

    def wait(self, text, seconds, after=0):
        def seen():
            if text in self.console()[after:]:
                return True
            if self.popen.poll() is not None:
                raise Failed("the guest ended:\n" + self.console()[-3000:])
            return False
        try:
            wait_for(seen, f"{text!r} from the guest", seconds)
        except Failed as failure:
            raise Failed(f"{failure}\n{self.console()[-3000:]}") from None

    def run(self, line, seconds=60):
        """Runs a line of shell in the guest; returns (exit status, what it printed)."""
        before = len(self.console())
        self.popen.stdin.write((line + "\n").encode())
        self.popen.stdin.flush()
        self.wait("GUEST DONE", seconds, before)
        wait_for(lambda: re.search(r"GUEST DONE \d+\s", self.console()[before:]), "the guest's status")
        text = self.console()[before:]
        end = re.search(r"GUEST DONE (\d+)", text)
        return int(end.group(1)), text[:end.start()]


if __name__ == "__main__":
    kernel = find_kernel()
    if sys.argv[1:] == ["--find-kernel"]:
        print(kernel[0] if kernel else "no kernel with a WireGuard module")
        sys.exit(0 if kernel else 1)
    print(__doc__)
