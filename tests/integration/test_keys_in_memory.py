#!/usr/bin/env python3
"""Where are keys in the memory of the processes? Of all that a core dump would contain, nowhere. In the supervisor nowhere at
all once the worker has them, although it can give them to another worker. And those of a file that is gone are nowhere in
either: not in freed memory, not on a stack, not in a buffer."""

import base64
import json
import os
import re
import signal

from lab import Keys, Skip, Tunion, check, equal, genkey, main, wait_for
from world import INTERNET, LAN, World, peer


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
                for text in filter(None, re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", maps.read())):
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

    def secret(self):
        """The mappings that nobody but the process itself can read."""
        return [where for _, _, where in self.pieces if "secretmem" in where]


def processes(t):
    status = t.status()
    return {"supervisor": status["pid"], "worker": status["engine_pid"]}


def children(t):
    """What the memory of the supervisor's other processes is now. One may end meanwhile."""
    status = t.status()
    with open(f"/proc/{status['pid']}/task/{status['pid']}/children") as f:
        pids = [int(pid) for pid in f.read().split() if int(pid) != status["engine_pid"]]
    for pid in pids:
        try:
            yield f"process {pid}", Memory(pid)
        except (FileNotFoundError, ProcessLookupError):
            pass


def absent(t, keys, when, guarded):
    """keys: their names, and the keys. `guarded`: also where a core dump doesn't look, which is always so except in the
    worker."""
    for process, memory in [*((name, Memory(pid)) for name, pid in processes(t).items()), *children(t)]:
        for name, key in keys.items():
            equal(memory.find(key, guarded or process != "worker"), [], f"{when}: the {process} has {name} in")


def present(t, process, *keys):
    """Otherwise the test proves nothing."""
    memory = Memory(processes(t)[process])
    for key in keys:
        check(memory.find(key, True), f"the test doesn't find a key in the {process}")


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
    psk, late_psk, late, hook_psk, silent = genkey(), genkey(), Keys(), genkey(), Keys()
    w.start_vpn()
    w.start_home(peer_lines=[f"PresharedKey = {psk}"])
    saves = w.home_conf(interface_lines=["SaveConfig = true"], peer_lines=[f"PresharedKey = {psk}"])
    t = Tunion(w.client, {"home.conf": saves})
    hook_file, may_end = (os.path.join(t.dir, name) for name in ("psk", "may-end"))
    t.write("psk", hook_psk + "\n")
    # Nobody answers this peer
    vpn = w.vpn_conf(interface_lines=[f"PostUp = wg set %i peer {silent.public} preshared-key {hook_file}",
                                      f"PreDown = test -e {may_end}"]) \
        + peer(silent.public, "198.51.100.77/32")
    t.write("vpn.conf", vpn)
    of_vpn = {"vpn's private key": w.vpn_client.private, "the preshared key that a hook has set": hook_psk}
    of_home = {"home's private key": w.home_client.private, "home's preshared key": psk,
               "the preshared key that `wg` has set": late_psk}
    every = {**of_vpn, **of_home}
    t.up("--no-watch")
    for address in (INTERNET, LAN):
        w.client.reach(address)
    present(t, "worker", w.home_client.private, psk, hook_psk)
    absent(t, every, "after up", guarded=False)

    # What `wg` reads and writes passes through both
    w.client.run(["wg", "set", "home", "peer", late.public, "preshared-key", "/dev/stdin"], input=late_psk)
    check(late_psk in w.client.wg("showconf", "home"), "the preshared key isn't shown")
    present(t, "worker", late_psk)
    absent(t, every, "after `wg set` and `wg showconf`", guarded=False)
    kill_worker(w, t)
    present(t, "worker", w.home_client.private, psk, hook_psk)
    absent(t, every, "in a second worker", guarded=False)
    equal(Memory(processes(t)["worker"]).secret(), [], "the second worker has inherited")

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
    # As long as a name is looked up, there is another process
    t.write("vpn.conf", vpn.replace(w.vpn_client.private, late.private) + "Endpoint = silent.invalid:51820\n")
    t.run("reload")
    for process, memory in children(t):
        equal(memory.secret(), [], f"the {process} has inherited")
    absent(t, every, "after a change of the key", guarded=False)
    absent(t, {"vpn's private key": w.vpn_client.private}, "after a change of the key", guarded=True)

    # SaveConfig, and then a hook that doesn't let it end
    saved = os.path.join(t.dir, "home.conf")
    before = os.stat(saved).st_ino
    check(t.try_run("down").returncode != 0, "down isn't refused")
    check(os.stat(saved).st_ino != before, "SaveConfig hasn't written home.conf")
    with open(saved) as f:
        check(psk in f.read(), "SaveConfig has lost the preshared key")
    absent(t, every, "after SaveConfig", guarded=False)
    # All that was read has been sealed by one key, if there is secret memory here
    check(len(Memory(processes(t)["supervisor"]).secret()) <= 1, "the supervisor takes more secret memory with each reload")
    t.write("may-end", "")
    t.down()


main(test)
