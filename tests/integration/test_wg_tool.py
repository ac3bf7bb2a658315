#!/usr/bin/env python3
"""The real wg: show, dump, showconf, set on each device; what it sets is in force at once."""

from lab import Keys, Tunion, check, equal, genkey, main, wait_for, with_ipv6
from world import HOME_ENDPOINT, LAN, World


def endpoint_reaches_host(c):
    """As one that was learned: what goes there must not come back to the tun."""
    key = Keys().public
    carrier = (f"[Interface]\nPrivateKey = {genkey()}\nAddress = 10.60.0.2/24\n[Peer]\nPublicKey = {Keys().public}\n"
               "AllowedIPs = 10.60.0.0/16\nEndpoint = 192.0.2.9:1\n")
    t = Tunion(c, {"alone.conf": f"[Interface]\nPrivateKey = {genkey()}\nAddress = 10.8.0.2/24\n[Peer]\n"
                                 f"PublicKey = {key}\nAllowedIPs = 10.9.0.0/16\n", "carrier.conf": carrier}, tun="tunion1")

    def has_rule():
        return "suppress_prefixlength 16" in c.run("ip -4 rule")

    t.up()
    check(not has_rule(), "a rule without an endpoint")
    c.wg("set", "alone", "peer", key, "endpoint", "10.9.0.7:51820")
    wait_for(has_rule, "a rule for the endpoint that wg has set")
    c.wg("set", "alone", "peer", key, "endpoint", "192.0.2.7:51820")
    wait_for(lambda: not has_rule(), "the end of that rule")
    # One that another tunnel carries stays one when other files change
    c.wg("set", "alone", "peer", key, "endpoint", "10.60.0.7:51820")
    wait_for(lambda: t.status()["devices"][0]["mtu"] == 1340, "the MTU inside a carrier")
    t.write("carrier.conf", carrier + "PersistentKeepalive = 99\n")
    t.run("reload")
    equal(t.status()["devices"][0]["mtu"], 1340, "the MTU after a reload")
    check(not has_rule(), "a rule for an endpoint inside a carrier")
    if with_ipv6("an endpoint with an interface"):
        local = "[fe80::1%eth0]:51820"
        c.wg("set", "alone", "peer", key, "endpoint", local)
        wait_for(lambda: c.wg("show", "alone", "endpoints").split()[1] == local, "a link-local endpoint in wg show")
        equal(t.status()["devices"][0]["peers"][0]["endpoint"], local, "the same in the status")
        check(local in t.run("status"), f"{local} is not in the status")
    t.down()


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    c = w.client
    t = Tunion(c, {"vpn.conf": w.vpn_conf(peer_lines=["PersistentKeepalive = 25"]),
                   "home.conf": w.home_conf(interface_lines=["ListenPort = 40000"])})
    t.up()
    c.reach(LAN)

    equal(set(c.wg("show", "interfaces").split()), {"vpn", "home"}, "wg show interfaces")
    all_of_it = c.wg("show")
    for text in ("interface: vpn", "interface: home", "latest handshake", "(hidden)",
                 "persistent keepalive: every 25 seconds"):
        check(text in all_of_it, f"{text!r} is not in wg show:\n{all_of_it}")

    device, peer = (line.split("\t") for line in c.wg("show", "home", "dump").splitlines())
    equal(device, [w.home_client.private, w.home_client.public, "40000", "off"], "wg show home dump, device")
    equal([peer[i] for i in (0, 1, 2, 7)], [w.home_keys.public, "(none)", HOME_ENDPOINT, "off"],
          "wg show home dump, peer")
    equal(set(peer[3].split(",")), {"10.77.0.0/24", "192.168.77.0/24", "fd77::/64", "fd77:1::/64"},
          "allowed IPs in the dump")
    check(int(peer[4]) > 0 and int(peer[5]) > 0 and int(peer[6]) > 0, f"handshake and bytes in the dump: {peer}")
    received, sent = w.home.transfer("wg0", w.home_client.public)
    mine = c.transfer("home", w.home_keys.public)
    equal(mine, (sent, received), "bytes counted by tunion and by wireguard-go")

    text = c.wg("showconf", "home")
    for line in (f"PrivateKey = {w.home_client.private}", "ListenPort = 40000", f"PublicKey = {w.home_keys.public}",
                 f"Endpoint = {HOME_ENDPOINT}"):
        check(line in text, f"{line!r} is not in wg showconf:\n{text}")

    # A peer more, then changed, then gone
    other, psk = Keys(), genkey()
    c.run(["wg", "set", "home", "peer", other.public, "allowed-ips", "10.123.0.0/24", "endpoint", "192.0.2.77:1",
           "persistent-keepalive", "5", "preshared-key", "/dev/stdin"], input=psk)
    dump = c.wg("show", "home", "dump")
    check(f"{other.public}\t{psk}\t192.0.2.77:1\t10.123.0.0/24\t0\t0\t" in dump, dump)
    c.wg("set", "home", "peer", other.public, "allowed-ips", "")
    check(f"{other.public}\t{psk}\t192.0.2.77:1\t(none)\t" in c.wg("show", "home", "dump"), "allowed IPs stay")
    c.wg("set", "home", "peer", other.public, "remove")
    check(other.public not in c.wg("show", "home", "dump"), "a removed peer stays")

    # Cryptokey routing follows at once: without its prefix the LAN is not reached, with it it is
    c.wg("set", "home", "peer", w.home_keys.public, "allowed-ips", "10.77.0.0/24")
    check(not c.ping(LAN), "the LAN answers although no peer of home has its prefix")
    c.wg("set", "home", "peer", w.home_keys.public, "allowed-ips", "10.77.0.0/24,192.168.77.0/24")
    c.reach(LAN)

    # A new identity on both ends
    new = Keys()
    c.run(["wg", "set", "home", "private-key", "/dev/stdin"], input=new.private)
    w.home.wg("set", "wg0", "peer", w.home_client.public, "remove", "peer", new.public, "allowed-ips", "10.77.0.2/32")
    equal(c.wg("show", "home", "public-key").strip(), new.public, "public key after wg set")
    c.reach(LAN)
    c.wg("set", "home", "listen-port", "40001")
    wait_for(lambda: c.wg("show", "home", "listen-port").strip() == "40001", "the new port")
    c.reach(LAN)
    check(c.try_run(["wg", "set", "home", "peer", "nonsense"]).returncode != 0, "wg set with a bad key succeeds")
    t.down()
    equal(c.wg("show", "interfaces").strip(), "", "wg show interfaces after down")
    endpoint_reaches_host(c)


main(test)
