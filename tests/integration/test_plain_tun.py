#!/usr/bin/env python3
"""A tun without vnet header, from an app: what has arrived together of a TCP connection is written as one packet, larger
than the MTU, which the host's TCP takes. A host that forwards it can't send it on. It says so, and from then on packets
are written as they came. Both families; the app is doc/examples/vpn_app.c."""

import os

from lab import BUILD, TUNION, check, here, main, need, wait_for
from webserver import WebServer
from world import LAN, LAN6, World

BEHIND, BEHIND6 = "192.168.9.2", "fd99::2"


def fetch(host, server, address):
    server.check_download(lambda argv: host.try_run(argv[:1] + ["--max-time", "60"] + argv[1:], seconds=80),
                          f"[{address}]" if ":" in address else address, os.path.join(host.run_dir, "fetched"))


def large(capture):
    """Captured packets of TCP that are larger than the tun's MTU."""
    return [line for line in capture.lines() if int((line.rpartition("length ")[2].split() or ["0"])[0].rstrip(":")) > 1500]


def test(lab):
    need("wireguard-go", "curl", "tcpdump")
    w = World(lab)
    w.start_home(allowed=f"10.77.0.2/32, fd77::2/128, {BEHIND}/32, {BEHIND6}/128")
    behind = lab.host("behind")
    lab.link(behind, "eth0", f"{BEHIND}/24 {BEHIND6}/64", w.client, "behind", "192.168.9.1/24 fd99::1/64")
    behind.run("ip route add default via 192.168.9.1" + ("; ip -6 route add default via fd99::1" if here(BEHIND6) else ""))
    w.client.forward()
    for command in ("ip route add 192.168.9.0/24 via 192.168.77.1", "ip -6 route add fd99::/64 via fd77:1::1"):
        w.lan.try_run(command)
    w.home.run(f"ip route add {BEHIND}/32 dev wg0")
    w.home.try_run(f"ip -6 route add {BEHIND6}/128 dev wg0")
    directory = os.path.join(w.client.run_dir, "tunnels")
    os.mkdir(directory, 0o700)
    with open(os.open(os.path.join(directory, "home.conf"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(w.home_conf())
    server = WebServer(w.lan, 8)

    for address in filter(here, (LAN, LAN6)):  # a new process for each, which knows nothing yet
        app_dir = os.path.join(w.client.run_dir, "app-" + address.replace(":", "_"))
        os.mkdir(app_dir, 0o700)
        app = w.client.start([os.path.join(BUILD, "doc/examples/vpn_app"), TUNION, app_dir, directory], "app")
        app.wait_output("the app has given a tun")
        w.client.reach(address)
        capture = w.client.capture("app1", "tcp")
        fetch(w.client, server, address)
        check(large(capture), f"from {address} all packets came one by one")
        wait_for(lambda a=address: behind.ping(a), f"{address} from behind")
        fetch(behind, server, address)
        capture = w.client.capture("app1", "tcp")
        fetch(behind, server, address)
        check(not large(capture), f"from {address} packets still come as one")
        app.stop()


main(test)
