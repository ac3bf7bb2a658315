"""scale - what grows with the number of devices and prefixes: memory, time to start"""

import os
import subprocess
import time

import lab
from contenders import children, peer_text, rss_kib
from lab import Keys, Tunion, wait_for

NETWORK = ("ip link add eth0 type veth peer name eth1; ip link set eth1 up; ip link set eth0 up;"
           "ip addr add 198.51.100.1/24 dev eth0")
COUNTS = (1, 10, 100, 1000)
PREFIXES = 10


def write_files(t, count, keys):
    """Files with PREFIXES prefixes each, whose peers never answer."""
    for i in range(count):
        allowed = ", ".join(f"10.{i // 200}.{i % 200}.{p * 16}/28" for p in range(PREFIXES))
        t.write(f"d{i:04}.conf",
                f"[Interface]\nPrivateKey = {keys.private}\nAddress = 172.16.{i // 250}.{i % 250 + 1}/32\n"
                + peer_text(keys.public, allowed, f"198.51.100.7:{10000 + i}"))


def tunion_of(the_lab, count):
    host = the_lab.host(f"scale{count}")
    host.run(NETWORK)
    t = Tunion(host)
    write_files(t, count, Keys())
    started = time.monotonic()
    done = t.try_run("check", t.dir)
    check_seconds = time.monotonic() - started
    started = time.monotonic()
    t.up()
    up_seconds = time.monotonic() - started
    pids = children(t.process.popen.pid)
    result = {"check s": check_seconds if done.returncode == 0 else None, "up s": up_seconds,
              "rss KiB": rss_kib(pids), "pss KiB": rss_kib(pids, "Pss"), "engine rss KiB": rss_kib(pids[-1:])}
    started = time.monotonic()
    t.down()
    result["down s"] = time.monotonic() - started
    return result


def wg_quick(the_lab, wireguard_go):
    """The time of one `wg-quick up` of one file, with the kernel's place taken by wireguard-go."""
    host = the_lab.host("wgquick")
    host.run(NETWORK)
    t = Tunion(host)
    write_files(t, 1, Keys())
    path = os.path.join(t.dir, "d0000.conf")
    environment = {**os.environ, "WG_QUICK_USERSPACE_IMPLEMENTATION": wireguard_go}
    started = time.monotonic()
    done = host.try_run(["wg-quick", "up", path], env=environment)
    seconds = time.monotonic() - started
    if done.returncode != 0:
        return {}
    host.try_run(["wg-quick", "down", path], env=environment)
    return {"up s": seconds}


def wireguard_go_rss(the_lab, wireguard_go):
    host = the_lab.host("wggo")
    process = host.start([wireguard_go, "-f", "idle0"])
    wait_for(lambda: host.try_run(["wg", "show", "idle0"]).returncode == 0, "idle0")
    return {"rss KiB": rss_kib([process.popen.pid])}


def program_lines(name):
    path = os.path.join(lab.BUILD, "bench", name)
    if not os.access(path, os.X_OK):
        return []
    return subprocess.run([path], text=True, capture_output=True).stdout.rstrip().splitlines()


def measure_all(the_lab, programs):
    scaled = {"devices": {}}
    for count in COUNTS:
        scaled["devices"][count] = tunion_of(the_lab, count)
        print(f"{count} devices done", flush=True)
    if "wireguard-go" in programs:
        scaled["wg-quick"] = wg_quick(the_lab, programs["wireguard-go"])
        scaled["wireguard-go idle"] = wireguard_go_rss(the_lab, programs["wireguard-go"])
    for name in ("aead", "union_lookup"):
        scaled[name] = program_lines(name)
    return scaled
