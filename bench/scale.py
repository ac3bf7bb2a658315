"""scale - what grows with the number of devices and prefixes: memory, time to start"""

import base64
import os
import subprocess
import time

import lab
from contenders import children, peer_text, rss_kib
from lab import Keys, Tunion

NETWORK = ("ip link add eth0 type veth peer name eth1; ip link set eth1 up; ip link set eth0 up;"
           "ip addr add 198.51.100.1/24 dev eth0")
COUNTS = (1, 10, 100, 1000)
QUICK_COUNTS = (10, 1000)
WG_QUICK_COUNTS = (1, 10, 100)  # 1000 would be minutes, and gigabytes
NO_AVX512 = ":~0xd0030000"
PREFIXES = 10


def private_key():
    """Any 32 bytes are one."""
    return base64.b64encode(os.urandom(32)).decode()


def write_files(t, count):
    """Files with a key and PREFIXES prefixes each, whose peers never answer."""
    peer = Keys()
    for i in range(count):
        allowed = ", ".join(f"10.{i // 200}.{i % 200}.{p * 16}/28" for p in range(PREFIXES))
        t.write(f"d{i:04}.conf",
                f"[Interface]\nPrivateKey = {private_key()}\nAddress = 172.16.{i // 250}.{i % 250 + 1}/32\n"
                + peer_text(peer.public, allowed, f"198.51.100.7:{10000 + i}"))


def seconds_of(work):
    """(seconds, what it returned)"""
    started = time.monotonic()
    result = work()
    return time.monotonic() - started, result


def tunion_of(the_lab, count):
    host = the_lab.host(f"scale{count}")
    host.run(NETWORK)
    t = Tunion(host)
    write_files(t, count)
    check_seconds, _ = seconds_of(lambda: t.run("check", t.dir))
    up_seconds, _ = seconds_of(t.up)
    lab.check("warning" not in t.log(), t.log())
    pids = children(t.process.popen.pid)
    return {"check s": check_seconds, "up s": up_seconds, "rss KiB": rss_kib(pids), "pss KiB": rss_kib(pids, "Pss"),
            "engine rss KiB": rss_kib(pids[-1:]), "down s": seconds_of(t.down)[0]}


def wireguard_go_pids():
    """They leave their parent; but only ours are in this namespace of processes."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().split(b"\0")
        except OSError:
            continue
        if os.path.basename(words[0]) == b"wireguard-go" and words[-2].startswith(b"d0"):
            found.append(int(pid))
    return found


def wg_quick_of(the_lab, wireguard_go, count):
    """The same files by wg-quick, one after the other, with wireguard-go in the kernel's place.
    `strip` only parses."""
    host = the_lab.host(f"wgquick{count}")
    host.run(NETWORK)
    t = Tunion(host)
    write_files(t, count)
    environment = {**host.environment(), "WG_QUICK_USERSPACE_IMPLEMENTATION": wireguard_go}

    def each(command):
        return host.run(f'for file in {t.dir}/*.conf; do wg-quick {command} "$file" || exit 1; done', seconds=300,
                        env=environment)
    strip_seconds, _ = seconds_of(lambda: each("strip"))
    up_seconds, _ = seconds_of(lambda: each("up"))
    pids = wireguard_go_pids()
    lab.equal(len(pids), count, "processes of wireguard-go")
    return {"check s": strip_seconds, "up s": up_seconds, "rss KiB": rss_kib(pids), "pss KiB": rss_kib(pids, "Pss"),
            "down s": seconds_of(lambda: each("down"))[0]}


def program_lines(name, *words, **environment):
    done = subprocess.run([os.path.join(lab.BUILD, "bench", name), *words], text=True, capture_output=True,
                          env={**os.environ, **environment})
    lab.check(done.returncode == 0, f"{name}: {done.stdout}{done.stderr}")
    return done.stdout.rstrip().splitlines()


def aead(rounds):
    """As tunion would choose; with AVX-512 then again as if there were only AVX2, for both."""
    runs = [program_lines("aead", "1420", rounds)]
    if any(line.startswith("avx512") for line in runs[0]):
        runs.append(program_lines("aead", "1420", rounds, "avx2", OPENSSL_ia32cap=NO_AVX512))
    return runs


def measure_all(the_lab, programs, quick):
    scaled = {"tunion": {}, "wg-quick": {}}
    for count in QUICK_COUNTS if quick else COUNTS:
        scaled["tunion"][count] = tunion_of(the_lab, count)
    if "wireguard-go" in programs and not quick:
        for count in WG_QUICK_COUNTS:
            scaled["wg-quick"][count] = wg_quick_of(the_lab, programs["wireguard-go"], count)
            print(f"{count} files by wg-quick done", flush=True)
    scaled["aead"] = aead("101" if quick else "301")
    scaled["union_lookup"] = program_lines("union_lookup")
    return scaled
