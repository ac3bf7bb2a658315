#!/usr/bin/env python3
"""`tunion trace` without files: the instance that is up answers, for the way as it is now: after a roaming, a
change by wg and a standby's taking over; where none is up, the default folder is read."""

import json
import os
import shutil
import tempfile

from lab import TUNION, Tunion, check, equal, main, wait_for, need
from world import HOME_ENDPOINT, VPN_ENDPOINT, World


def trace(host, address, *options):
    """Of the only instance in the default run directory."""
    return json.loads(host.run(["tunion", "trace", "--json", *options, address]))


def told_of_roots(host):
    """Another user's `status` and `trace`, which must not ask root's instance, but say that there is one."""
    if os.environ["TUNION_LAB"] != "root" or not shutil.which("setpriv"):
        return
    with tempfile.TemporaryDirectory() as folder:  # where others may go
        os.chmod(folder, 0o755)
        program = shutil.copy(TUNION, folder)
        user = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", "env", "-u", "XDG_RUNTIME_DIR", program]
        for words in (["status"], ["trace", "192.168.77.10"]):
            told = host.try_run([*user, *words])
            check(told.returncode == 1 and "tunion0 of root is: put sudo in front" in told.stderr, f"{words}: {told}")
            equal(told.stderr.count("\n"), 1, f"lines that {words} says: {told}")


def test(lab):
    need("nft")
    w = World(lab)
    w.start_vpn()
    w.start_home()
    c = w.client
    # with the default run directory, as people have it
    t = Tunion(c, {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf()})
    c.run(f"ln -s {t.argv('x')[0]} {c.bin}/tunion")
    none = c.try_run(["tunion", "trace", "192.168.77.10"])
    equal(none.returncode, 1, "exit status without instance and folder")
    check("/tunion" in none.stderr, f"no folder is named: {none.stderr}")
    none = c.try_run(["tunion", "trace", "--tun", "tunion7", "192.168.77.10"])
    check(none.returncode == 1 and "tunion7 is not up" in none.stderr, f"--tun: {none.stderr}")

    if c.ipv6:  # without ::/0, what the host does with IPv6 is told before `up`
        t.write("vpn.conf", w.vpn_conf(allowed="0.0.0.0/0"))
        text = c.run(["tunion", "trace", "2001:db8:2::2", t.dir])
        check("this host sends it in the clear to eth0, to the gateway 2001:db8:1::1\n" in text, text)
        noted = c.try_run(["tunion", "check", "--strict", t.dir])
        check(noted.returncode == 0 and ": note: 0.0.0.0/0 without ::/0: " in noted.stderr, f"check: {noted}")
        t.write("vpn.conf", w.vpn_conf())
        noted = c.try_run(["tunion", "check", t.dir])
        check("note: 0.0.0.0/0" not in noted.stderr, f"check: {noted}")
    c.run(["tunion", "up", t.dir])
    c.reach("192.168.77.10")
    text = c.run(["tunion", "trace", "192.168.77.10"])
    check("192.168.77.10: home > vpn > network\nby 192.168.77.0/24, as it is in force on tunion0\n" in text, text)
    equal(trace(c, "192.168.77.10")["host_link"], "tunion0", "where the host sends it")
    local = trace(c, "localhost")
    equal((local["name"], local["host_local"]), ("localhost", True), "a name, of this host itself")
    told_of_roots(c)
    now, files = trace(c, "192.168.77.10"), json.loads(c.run(["tunion", "trace", "--json", "192.168.77.10", t.dir]))
    equal(now["tun"], "tunion0", "who answers")
    equal(files["tun"], None, "who answers for files")
    for key in ("address", "state", "prefix", "device", "peer", "chain", "way"):
        equal(now[key], files[key], key)
    for live, planned in zip(now["hops"], files["hops"], strict=True):
        for key in ("device", "peer", "mtu", "source_address", "destination", "state"):
            equal(live[key], planned[key], f"a hop's {key}")
        equal(live["source_port"], int(c.wg("show", live["device"], "listen-port")), "the port in use")
    equal([hop["destination"] for hop in now["hops"]], [HOME_ENDPOINT, VPN_ENDPOINT], "where it goes")

    # what wg changes, and a new endpoint
    c.wg("set", "home", "peer", w.home_keys.public, "allowed-ips", "10.77.0.0/24", "endpoint", "203.0.113.2:7")
    wait_for(lambda: trace(c, "192.168.77.10")["chain"] == ["vpn", "network"], "wg's allowed-ips")
    equal(trace(c, "10.77.0.1")["hops"][0]["destination"], "203.0.113.2:7", "wg's endpoint")
    equal(trace(c, "10.77.0.1", "--tun", "tunion0")["chain"], ["home", "vpn", "network"], "with --tun")
    c.run(["tunion", "down"])

    # a standby takes over
    t.write("vpn.conf", w.vpn_conf(interface_lines=["# tunion: Metric = 1"]))
    t.write("home.conf", w.home_conf(allowed="0.0.0.0/0, ::/0",
                                     interface_lines=["# tunion: Metric = 2", "# tunion: Via = network"]))
    c.run(["tunion", "up", t.dir])
    equal(trace(c, "198.18.0.80")["device"], "vpn", "the active one")
    c.ping("198.18.0.80")
    w.vpn_process.stop()

    def taken_over():
        c.try_run(["ping", "-n", "-c", "1", "-W", "1", "198.18.0.80"])
        return trace(c, "198.18.0.80")["device"] == "home"
    wait_for(taken_over, "the standby in the trace", 60)
    c.run(["tunion", "down"])


main(test)
