"""app - what uses a gate: the WireGuard app, and programs that send and look up names

The WireGuard app is wireguard-go with a client's file, in the same network as the gate. Who uses its VPN is said by rules
for uids, as Android does it.
"""

import os

from lab import IPV6
from ordinary import UID

PORT = 51821
RESOLVER = "192.0.0.53"

ECHO = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 9000))
print("ready", flush=True)
while True:
    data, peer = s.recvfrom(9000)
    s.sendto(data, peer)
"""

ASK_ECHO = """
import os, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
for size in (1, 1300, 4000):
    data = os.urandom(size)
    for _ in range(5):
        s.sendto(data, (sys.argv[1], 9000))
        try:
            print(size, s.recv(9000) == data)
            break
        except TimeoutError:
            pass
"""

LOOK_UP = """
import os, socket, sys
os.environ["RES_OPTIONS"] = "timeout:2 attempts:5"
for name in sys.argv[1:]:
    try:
        print(name, *sorted({a[4][0] for a in socket.getaddrinfo(name, 80)}))
    except OSError as error:
        print(name, "-", error)
"""


class App:
    """The WireGuard app: wireguard-go, with a client's file."""

    def __init__(self, w, user, client, device="wg0"):
        self.host = w.client
        self.device = device
        self.path = os.path.join(user.home, ".local/state/tunion/clients", f"{client}.conf")
        self.text = read(self.path)
        self.addresses = value(self.text, "Address").split(", ")
        own = ("Address", "DNS", "MTU", "ExcludedApplications")  # they are not wg's
        self.setconf = "\n".join(line for line in self.text.splitlines() if line.split(" = ")[0] not in own)
        self.host.wireguard_go(device, self.setconf, self.addresses, int(value(self.text, "MTU")))

    def switch_off_and_on(self):
        """As a user who doesn't wait until the app notices that the gate has forgotten it, which takes 15 s."""
        self.host.run(["wg", "set", self.device, "peer", value(self.text, "PublicKey"), "remove"])
        self.host.run(["wg", "setconf", self.device, "/dev/stdin"], input=self.setconf)

    def route_everything(self):
        self.host.run(f"ip route add default dev {self.device} table 1000; ip route add default dev eth0 via 198.51.100.1 table 1001")
        if IPV6:
            self.host.run(f"ip -6 route add default dev {self.device} table 1000")
        self.exclude()

    def rules(self, *ranges):
        """Only the programs of these uids use the VPN, as Android's rules say it."""
        for family in ("-4",) + (("-6",) if IPV6 else ()):
            for uids in ranges:
                self.host.run(f"ip {family} rule add pref 12000 uidrange {uids} lookup 1000")

    def forget_rules(self):
        for family in ("-4",) + (("-6",) if IPV6 else ()):
            self.host.try_run(f"while ip {family} rule del pref 12000; do :; done")

    def exclude(self):
        self.forget_rules()
        self.rules(f"0-{UID - 1}", f"{UID + 1}-4294967294")

    def forget_to_exclude(self):
        self.forget_rules()
        self.rules("0-4294967294")


def read(path):
    with open(path) as f:
        return f.read()


def value(text, key):
    return next(line.split(" = ", 1)[1] for line in text.splitlines() if line.startswith(key + " = "))
