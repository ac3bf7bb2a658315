#!/usr/bin/env python3
"""tunion reload: what has changed in the files, and nothing else, is applied to a running instance."""

import json
import os

from lab import Keys, Tunion, check, equal, main, wait_for
from world import HOME_ENDPOINT, LAN, VPN_ENDPOINT, World, peer


def errors(t):
    return [(os.path.basename(e["file"] or ""), e["line"]) for e in t.status()["errors"]]


def reload(t, status, *expected):
    done = t.try_run("reload")
    equal(done.returncode, status, f"exit status of reload: {done.stdout}{done.stderr}")
    for text in expected:
        check(text in done.stdout + done.stderr, f"{text!r} is not in {done.stdout}{done.stderr}")


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    c = w.client
    before = c.snapshot()
    vpn = w.vpn_conf(allowed="198.18.0.0/16, 10.66.0.0/24")
    t = Tunion(c, {"vpn.conf": vpn})
    t.up("--no-watch")
    c.reach("10.66.0.1")
    one = c.snapshot()
    handshake = c.handshake("vpn", w.vpn_keys.public)

    reload(t, 0, "0 added, 0 changed, 0 removed")
    equal(c.snapshot(), one, "reload of the same files")

    # Added: with hooks, as wg-quick would
    log = os.path.join(c.run_dir, "hooks")
    hooks = [f"{kind} = echo {kind} %i >>{log}" for kind in ("PreUp", "PostUp", "PreDown", "PostDown")]
    t.write("home.conf", w.home_conf(interface_lines=hooks))
    reload(t, 0, "1 added, 0 changed, 0 removed")
    c.reach(LAN)
    equal(open(log).read(), "PreUp tunion0\nPostUp tunion0\n", "hooks of an added file")
    two = c.snapshot()

    # A comment more is no change
    t.write("home.conf", "# mine\n" + w.home_conf(interface_lines=hooks))
    reload(t, 0, "0 added, 0 changed, 0 removed")

    # What wg set changed stays, though another file changes, and though this one does elsewhere
    other = Keys()
    c.wg("set", "home", "peer", other.public, "allowed-ips", "10.99.0.0/24")
    c.wg("set", "vpn", "peer", w.vpn_keys.public, "persistent-keepalive", "21")
    home_handshake = c.handshake("home", w.home_keys.public)
    t.write("home.conf", w.home_conf(interface_lines=hooks + ["MTU = 1300"],
                                     allowed="10.77.0.0/24, 192.168.77.0/24"))
    reload(t, 0, "0 added, 1 changed, 0 removed")
    check(other.public in c.wg("show", "home", "peers"), "a peer that wg set added is gone")
    check("every 21 seconds" in c.wg("show", "vpn"), "the keepalive that wg set is gone")
    equal(c.handshake("home", w.home_keys.public), home_handshake, "home's session")
    equal(set(c.wg("show", "home", "allowed-ips").splitlines()[0].split("\t")[1].split()),
          {"10.77.0.0/24", "192.168.77.0/24"}, "allowed IPs of the changed file")
    check("fd77:1::/64" not in c.run("ip -6 route"), "a route of a prefix that has gone")
    check("mtu 1300" in c.run("ip route get " + LAN + " | cat; ip route show 192.168.77.0/24"), "MTU of the changed file")
    c.reach(LAN)

    # A bad file: the old version stays, the good one of the same run is applied
    t.write("home.conf", "[Interface]\nPrivateKey = nonsense\n")
    t.write("vpn.conf", w.vpn_conf(allowed="198.18.0.0/16, 10.66.0.0/24, 172.30.0.0/16"))
    reload(t, 1, "home.conf:2:", "0 added, 1 changed, 0 removed, 1 not in force (see above)\n")
    check("172.30.0.0/16" in c.run("ip route"), "the good file of the run is not applied")
    c.reach(LAN)
    equal(errors(t), [("home.conf", 2)], "errors in the status")
    check("home.conf:2: " in t.run("status"), "errors in the status for people")

    # Good again
    t.write("home.conf", w.home_conf(interface_lines=hooks))
    t.write("vpn.conf", vpn)
    reload(t, 0, "0 added, 2 changed, 0 removed\n")
    equal(errors(t), [], "errors in the status")
    equal(c.snapshot(), two, "the host after a change and the change back")
    c.reach(LAN)

    # Contradictions between files: the new one is refused, what runs goes on
    port = c.wg("show", "vpn", "listen-port").strip()
    t.write("vpn.conf", w.vpn_conf(allowed="198.18.0.0/16, 10.66.0.0/24", interface_lines=["ListenPort = 41000"]))
    reload(t, 0, "1 changed")
    check(c.wg("show", "vpn", "listen-port").strip() == "41000" != port, "the new ListenPort")
    c.reach("10.66.0.1")
    new = Keys()
    t.write("aaa.conf", f"[Interface]\nPrivateKey = {new.private}\nListenPort = 41000\n")
    t.write("bbb.conf", f"[Interface]\nPrivateKey = {new.private}\nAddress = 10.88.0.2/32\n")
    reload(t, 1, "ListenPort 41000 is also that of", "1 added, 0 changed")
    equal(set(c.wg("show", "interfaces").split()), {"vpn", "home", "bbb"}, "devices")
    # Via in a circle
    t.write("aaa.conf", f"[Interface]\nPrivateKey = {new.private}\n# tunion: Via = ccc\n")
    t.write("ccc.conf", f"[Interface]\nPrivateKey = {new.private}\n# tunion: Via = aaa\n")
    reload(t, 1, "Via goes round in a circle: aaa > ccc > aaa", "0 added")
    # A port that somebody else has
    os.unlink(os.path.join(t.dir, "ccc.conf"))
    user = c.start(["python3", "-c", "import socket, time; s = socket.socket(type=socket.SOCK_DGRAM); "
                    "s.bind(('', 41007)); time.sleep(100)"])
    wait_for(lambda: "41007" in c.run("ss -lun"), "a socket on the port")
    t.write("aaa.conf", f"[Interface]\nPrivateKey = {new.private}\nListenPort = 41007\n")
    reload(t, 1, "aaa.conf:3: ", "is in use by another program", "0 added")
    user.stop()
    reload(t, 0, "1 added")
    # Renamed: the port goes along
    os.rename(os.path.join(t.dir, "aaa.conf"), os.path.join(t.dir, "zzz.conf"))
    reload(t, 0, "1 added, 0 changed, 1 removed")
    equal(c.wg("show", "zzz", "listen-port").strip(), "41007", "ListenPort of the renamed file")
    check(not os.path.exists(os.path.join(c.run_dir, "wireguard", "aaa.sock")), "a removed device's socket stays")

    # A file that another one needs is not taken away, as long as that one is there
    t.write("via.conf", f"[Interface]\nPrivateKey = {new.private}\n# tunion: Via = zzz\n")
    reload(t, 0, "1 added")
    os.rename(os.path.join(t.dir, "zzz.conf"), os.path.join(t.dir, "zzz.off"))
    reload(t, 1, "via.conf:3: Via = zzz, but there is no tunnel file zzz.conf", "0 removed")
    check("zzz" in c.wg("show", "interfaces").split(), "a carrier that is needed is gone")
    os.unlink(os.path.join(t.dir, "via.conf"))
    reload(t, 0, "2 removed")
    os.rename(os.path.join(t.dir, "zzz.off"), os.path.join(t.dir, "zzz.conf"))
    reload(t, 0, "1 added")

    # A route that another device has, and that does not yield: told, and told again until it can be had; the rest
    # is applied
    c.run("ip route add default dev eth0 table 99")
    t.write("route.conf", f"[Interface]\nPrivateKey = {new.private}\nAddress = 10.90.1.1/32\nTable = 99\n"
            f"[Peer]\nPublicKey = {w.vpn_keys.public}\nAllowedIPs = 0.0.0.0/0, 10.91.0.0/24\n")
    reload(t, 1, "route.conf:7: ", "1 added")
    check("10.91.0.0/24 dev route" in c.run("ip route show table 99"), "the other route")
    reload(t, 1, "route.conf:7: ", "0 added")
    equal(errors(t), [("route.conf", 7)], "errors in the status")
    c.run("ip route del default dev eth0 table 99")
    reload(t, 0, "0 added")
    equal(errors(t), [], "errors in the status")
    check("default dev route" in c.run("ip route show table 99"), "the route that could not be had before")
    os.unlink(os.path.join(t.dir, "route.conf"))
    reload(t, 0, "1 removed")

    # Hooks that fail: that file does not come up, others do
    t.write("bad1.conf", f"[Interface]\nPrivateKey = {new.private}\nAddress = 10.89.0.1/32\nPreUp = false\n")
    t.write("bad2.conf", f"[Interface]\nPrivateKey = {new.private}\nAddress = 10.89.0.2/32\nPostUp = false\n"
            f"PreDown = echo wrong >>{log}\n")
    t.write("good.conf", f"[Interface]\nPrivateKey = {new.private}\nAddress = 10.89.0.3/32\n")
    t.write("over.conf", f"[Interface]\nPrivateKey = {new.private}\nAddress = 10.89.0.4/32\n# tunion: Via = bad2\n")
    reload(t, 1, "bad1.conf:4:", "bad2.conf:4:", "over.conf:4: goes down again, because bad2", "1 added")
    equal(set(c.wg("show", "interfaces").split()), {"vpn", "home", "bbb", "zzz", "good"}, "devices")
    check("10.89.0.4" not in c.run("ip addr"), "the address of a file whose carrier did not come up")
    check("10.89.0.2" not in c.run("ip addr") and "10.89.0.3" in c.run("ip addr"), "addresses")

    # Removed
    for name in ("bad1", "bad2", "over", "good", "bbb", "zzz"):
        os.unlink(os.path.join(t.dir, name + ".conf"))
    t.write("vpn.conf", vpn)
    os.unlink(os.path.join(t.dir, "home.conf"))
    open(log, "w").close()
    reload(t, 0, "0 added, 1 changed, 4 removed")
    equal(open(log).read(), "PreDown tunion0\nPostDown tunion0\n", "hooks of a removed file")
    equal(c.wg("show", "interfaces").split(), ["vpn"], "devices")
    equal(c.snapshot(), one, "the host after additions and removals")
    equal(c.handshake("vpn", w.vpn_keys.public), handshake, "vpn's session through all of it")
    c.reach("10.66.0.1")

    # The last one goes, and comes back
    os.unlink(os.path.join(t.dir, "vpn.conf"))
    reload(t, 0, "1 removed")
    equal(t.status()["devices"], [], "devices")
    t.write("vpn.conf", vpn)
    reload(t, 0, "1 added")
    c.reach("10.66.0.1")
    # The directory can't be read: all stays
    os.rename(t.dir, t.dir + ".away")
    reload(t, 1, t.dir)
    c.reach("10.66.0.1")
    os.rename(t.dir + ".away", t.dir)
    reload(t, 0)
    t.down()
    equal(c.snapshot(), before, "the host after down")
    done = t.try_run("reload")
    equal(done.returncode, 1, "exit status of reload without an instance")
    check("is not up" in done.stderr, done.stderr)


main(test)
