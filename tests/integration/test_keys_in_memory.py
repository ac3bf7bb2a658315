#!/usr/bin/env python3
"""Where are keys in the memory of the processes? Of all that a core dump would contain, nowhere. And those of a file that
is gone are nowhere at all: not in freed memory, not on a stack, not in a buffer."""

import base64
import json
import os
import re
import signal

from lab import Keys, Skip, Tunion, check, equal, genkey, main, wait_for
from world import INTERNET, LAN, World


def forms(key):
    """What a key looks like: raw (also as curve25519 takes it), base64, and as `wg` and the processes write it."""
    raw = base64.b64decode(key)
    clamped = bytes([raw[0] & 248]) + raw[1:31] + bytes([raw[31] & 127 | 64])
    return [raw, clamped, key.encode(), raw.hex().encode(), clamped.hex().encode()]


class Memory:
    """All that a process has now: (bytes, would they be in a core dump?, which mapping)."""

    def __init__(self, pid):
        self.pieces = []
        try:
            with open(f"/proc/{pid}/smaps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
                for text in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", maps.read()):
                    first, last, access = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", text).groups()
                    flags = re.search(r"^VmFlags:(.*)$", text, re.M)
                    if not flags:
                        raise Skip("this kernel doesn't tell which memory is left out of core dumps")
                    # Also that which the process itself can't read; but not what is no memory
                    if "[vvar" in text or "[vsyscall" in text:
                        continue
                    bytes_ = self.read(mem, int(first, 16), int(last, 16))
                    self.pieces.append((bytes_, " dd" not in flags[1], text.splitlines()[0]))
        except PermissionError:
            raise Skip("this user may not read the memory of the processes") from None

    @staticmethod
    def read(mem, first, last):
        try:
            mem.seek(first)
            return mem.read(last - first)
        except OSError:  # a guard page
            return b""

    def find(self, key, guarded):
        """In which mappings the key is: in all, or only in those that a core dump contains."""
        return [where for bytes_, dumped, where in self.pieces if dumped or guarded
                for form in forms(key) if form in bytes_]


def processes(t):
    status = t.status()
    return {"supervisor": status["pid"], "worker": status["engine_pid"]}


def absent(t, keys, when, guarded):
    """keys: their names, and the keys."""
    for process, pid in processes(t).items():
        memory = Memory(pid)
        for name, key in keys.items():
            equal(memory.find(key, guarded), [], f"{when}: the {process} has {name} in")


def present(t, process, key):
    """Otherwise the test proves nothing."""
    check(Memory(processes(t)[process]).find(key, True), f"the test doesn't find a key in the {process}")


def kill_worker(w, t):
    before = t.status()["engine_pid"]
    os.kill(before, signal.SIGKILL)

    def another():
        done = t.try_run("status", "--json")
        return done.returncode == 0 and json.loads(done.stdout)["engine_pid"] != before
    wait_for(another, "another worker")
    w.client.reach(LAN)


def test(lab):
    w = World(lab)
    psk, late_psk, late = genkey(), genkey(), Keys()
    w.start_vpn()
    w.start_home(peer_lines=[f"PresharedKey = {psk}"])
    saves = w.home_conf(interface_lines=["SaveConfig = true"], peer_lines=[f"PresharedKey = {psk}"])
    t = Tunion(w.client, {"vpn.conf": w.vpn_conf(), "home.conf": saves})
    of_vpn = {"vpn's private key": w.vpn_client.private}
    of_home = {"home's private key": w.home_client.private, "home's preshared key": psk,
               "the preshared key that `wg` has set": late_psk}
    every = {**of_vpn, **of_home}
    t.up("--no-watch")
    for address in (INTERNET, LAN):
        w.client.reach(address)
    present(t, "worker", w.home_client.private)
    present(t, "worker", psk)
    absent(t, every, "after up", guarded=False)

    # What `wg` reads and writes passes through both
    w.client.run(["wg", "set", "home", "peer", late.public, "preshared-key", "/dev/stdin"], input=late_psk)
    check(late_psk in w.client.wg("showconf", "home"), "the preshared key isn't shown")
    present(t, "worker", late_psk)
    absent(t, every, "after `wg set` and `wg showconf`", guarded=False)
    kill_worker(w, t)
    absent(t, every, "in a second worker", guarded=False)

    # Another key for the same peer, and then none of the file at all
    w.client.run(["wg", "set", "home", "peer", late.public, "preshared-key", "/dev/stdin"], input=late_psk)
    os.remove(os.path.join(t.dir, "home.conf"))
    check("1 removed" in t.run("reload"), "home is still there")
    absent(t, of_vpn, "after a reload", guarded=False)
    absent(t, of_home, "after the file has gone", guarded=True)
    present(t, "worker", w.vpn_client.private)

    # Once more, from the beginning to SaveConfig
    t.write("home.conf", saves)
    t.run("reload")
    w.client.reach(LAN)
    t.write("vpn.conf", w.vpn_conf().replace(w.vpn_client.private, late.private))
    t.run("reload")
    absent(t, every, "after a change of the key", guarded=False)
    absent(t, of_vpn, "after a change of the key", guarded=True)
    t.down()
    with open(os.path.join(t.dir, "home.conf")) as f:
        check(psk in f.read(), "SaveConfig hasn't written home.conf")


main(test)
