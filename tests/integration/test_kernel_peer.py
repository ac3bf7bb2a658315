#!/usr/bin/env python3
"""The real kernel WireGuard as peer: one guest has both servers, home's only to be reached through vpn. Each
side shakes hands first once, data passes both ways, and the kernel sees tunion roam. Then four tunnels with it, as
protocol.py says."""

from guest import Guest
from lab import Keys, Tunion, check, genkey, main, six, wait_for
from protocol import KernelPeer, exercise
from world import peer

LIMIT = 600


def server(device, keys, client, psk, port, address, prefix):
    return f"""echo '{keys.private}' >/tmp/{device}.key; echo '{psk}' >/tmp/{device}.psk
ip link add {device} type wireguard
wg set {device} private-key /tmp/{device}.key listen-port {port} peer {client.public} \
preshared-key /tmp/{device}.psk allowed-ips {prefix}
ip addr add {address} dev {device}
ip link set {device} up
"""


def test(lab):
    vpn, home, vpn_client, home_client = Keys(), Keys(), Keys(), Keys()
    psk = genkey()
    client = lab.host("client")
    guest = Guest(client, "eth0", "203.0.113.2/24", f"""ip addr add 10.50.0.1/32 dev lo
{server("vpn", vpn, vpn_client, psk, 51820, "10.66.0.1/24", "10.66.0.2/32")}
{server("home", home, home_client, psk, 51821, "10.77.0.1/24", "10.77.0.2/32")}""")
    client.run("ip addr add 203.0.113.9/24 dev eth0")
    t = Tunion(client, {
        "vpn.conf": f"[Interface]\nPrivateKey = {vpn_client.private}\nAddress = 10.66.0.2/32\n"
                    + peer(vpn.public, "10.66.0.0/24, 10.50.0.0/16", f"PresharedKey = {psk}", "Endpoint = 203.0.113.2:51820"),
        "home.conf": f"[Interface]\nPrivateKey = {home_client.private}\nAddress = 10.77.0.2/32\n"
                     + peer(home.public, "10.77.0.0/24", f"PresharedKey = {psk}", "Endpoint = 10.50.0.1:51821"),
    })
    uplink = client.capture("eth0", "udp port 51821")
    t.up()
    client.reach("10.77.0.1", seconds=60)
    check("home > vpn > network" in t.trace("10.77.0.1"), t.trace("10.77.0.1"))
    for device, public in (("vpn", vpn_client.public), ("home", home_client.public)):
        _, shown = guest.run(f"wg show {device} latest-handshakes")
        check(public in shown and not shown.rstrip().endswith("\t0"), f"no handshake in the kernel's {device}: {shown}")
    _, shown = guest.run("wg show home endpoints")
    check("10.66.0.2:" in shown, f"home does not see its client inside vpn: {shown}")

    # The kernel begins: its session thrown away, it shakes hands anew to ping
    status, text = guest.run("ping -c 3 -W 5 10.66.0.2 && ping -c 3 -W 5 10.77.0.2")
    check(status == 0, f"the guest pings the client:\n{text}")
    endpoint = guest.run("wg show home endpoints")[1].split("\t")[1].strip()
    guest.run(f"wg set home peer {home_client.public} remove; wg set home peer {home_client.public} "
              f"preshared-key /tmp/home.psk allowed-ips 10.77.0.2/32 endpoint {endpoint}")
    wait_for(lambda: guest.run("ping -c 1 -W 5 10.77.0.2")[0] == 0, "the kernel shakes hands with tunion", 60)

    # Data in both directions, checked byte by byte
    guest.run("head -c 3000000 /dev/urandom >/tmp/sent; nc -l -p 7000 </tmp/sent & nc -l -p 7001 >/tmp/back & true")
    # nc listens a moment after `&`
    wait_for(lambda: guest.run("netstat -ltn | grep -c ':700[01] '")[1].strip().startswith("2"), "nc listens")
    client.run("bash -c 'exec 3<>/dev/tcp/10.77.0.1/7000; cat <&3' >/run/got", seconds=120)
    client.run("bash -c 'cat /run/got >/dev/tcp/10.77.0.1/7001'", seconds=120)
    wait_for(lambda: guest.run("cmp /tmp/sent /tmp/back")[0] == 0, "the same bytes come back", 60)

    # The client's address changes
    client.run("ip addr add 203.0.113.8/24 dev eth0; ip addr del 203.0.113.9/24 dev eth0;"
               "ip addr add 203.0.113.8/24 dev eth0 2>/dev/null; true")
    client.reach("10.66.0.1", seconds=60)
    wait_for(lambda: "203.0.113.8:" in guest.run("wg show vpn endpoints")[1], "the kernel sees tunion roam")
    client.reach("10.77.0.1", seconds=60)
    t.down()
    check(not uplink.lines(), "home's datagrams went past vpn")

    client.run("ip addr add 203.0.113.9/24 dev eth0; ip addr del 203.0.113.8/24 dev eth0; "
               "ip addr add 203.0.113.9/24 dev eth0 2>/dev/null; true" + six("; ip addr add 2001:db8:9::9/64 dev eth0 nodad"))
    guest.run("true" + six("; ip -6 addr add 2001:db8:9::2/64 dev eth0"))
    exercise(client, KernelPeer(guest))


main(test)
