"""world - the hosts that most tests are about

                        +- vpn   203.0.113.2   wireguard-go `wg0` 10.66.0.1, forwards to net
    client --- net -----+
    198.51.100.2        +- home  192.0.2.2     wireguard-go `wg0` 10.77.0.1 --- lan 192.168.77.10

net is the internet: a router, and a host of it at 198.18.0.80. It knows the way back to 10.66.0.0/24,
so nothing is translated, and each host sees the address that tunion chose. The same in IPv6, if the machine has it.
client has two files: vpn.conf (everything) and home.conf (the home network).
"""

from lab import IPV6, Keys, six

INTERNET, INTERNET6 = "198.18.0.80", "2001:db8:80::80"
LAN, LAN6 = "192.168.77.10", "fd77:1::10"
VPN_ENDPOINT, VPN_ENDPOINT6 = "203.0.113.2:51820", "[2001:db8:2::2]:51820"
HOME_ENDPOINT, HOME_ENDPOINT6 = "192.0.2.2:51821", "[2001:db8:3::2]:51821"


def peer(public, allowed_ips, *lines):
    return "\n".join(["[Peer]", f"PublicKey = {public}", f"AllowedIPs = {allowed_ips}", *lines, ""])


class World:
    def __init__(self, lab, client_ipv6=IPV6):
        self.lab = lab
        self.net = net = lab.host("net")
        self.client = lab.host("client", client_ipv6)
        self.vpn = lab.host("vpn")
        self.home = lab.host("home")
        self.lan = lab.host("lan")
        lab.link(self.client, "eth0", "198.51.100.2/24 2001:db8:1::2/64", net, "client", "198.51.100.1/24 2001:db8:1::1/64")
        lab.link(self.vpn, "eth0", "203.0.113.2/24 2001:db8:2::2/64", net, "vpn", "203.0.113.1/24 2001:db8:2::1/64")
        lab.link(self.home, "eth0", "192.0.2.2/24 2001:db8:3::2/64", net, "home", "192.0.2.1/24 2001:db8:3::1/64")
        lab.link(self.home, "eth1", "192.168.77.1/24 fd77:1::1/64", self.lan, "eth0", f"{LAN}/24 {LAN6}/64")
        net.run(f"ip addr add {INTERNET}/32 dev lo" + six(f"; ip addr add {INTERNET6}/128 dev lo nodad"))
        for host, gateway, gateway6 in ((self.client, "198.51.100.1", "2001:db8:1::1"),
                                        (self.vpn, "203.0.113.1", "2001:db8:2::1"),
                                        (self.home, "192.0.2.1", "2001:db8:3::1"),
                                        (self.lan, "192.168.77.1", "fd77:1::1")):
            host.run(f"ip route add default via {gateway}")
            if host.ipv6:
                host.run(f"ip -6 route add default via {gateway6}")
        net.run("ip route add 10.66.0.0/24 via 203.0.113.2" + six("; ip -6 route add fd66::/64 via 2001:db8:2::2"))
        for host in (net, self.vpn, self.home):
            host.forward()
        self.vpn_keys, self.home_keys = Keys(), Keys()  # the servers'
        self.vpn_client, self.home_client = Keys(), Keys()
        self.vpn_process = self.home_process = None

    def start_vpn(self, peer_lines=(), allowed="10.66.0.2/32, fd66::2/128"):
        text = (f"[Interface]\nPrivateKey = {self.vpn_keys.private}\nListenPort = 51820\n"
                + peer(self.vpn_client.public, allowed, *peer_lines))
        self.vpn_process = self.vpn.wireguard_go("wg0", text, ["10.66.0.1/24", "fd66::1/64"])

    def start_home(self, peer_lines=(), allowed="10.77.0.2/32, fd77::2/128"):
        text = (f"[Interface]\nPrivateKey = {self.home_keys.private}\nListenPort = 51821\n"
                + peer(self.home_client.public, allowed, *peer_lines))
        self.home_process = self.home.wireguard_go("wg0", text, ["10.77.0.1/24", "fd77::1/64"])

    def vpn_conf(self, endpoint=VPN_ENDPOINT, allowed="0.0.0.0/0, ::/0", interface_lines=(), peer_lines=()):
        return "\n".join(["[Interface]", f"PrivateKey = {self.vpn_client.private}", "Address = 10.66.0.2/32, fd66::2/128",
                          *interface_lines, ""]) + peer(self.vpn_keys.public, allowed, f"Endpoint = {endpoint}", *peer_lines)

    def home_conf(self, endpoint=HOME_ENDPOINT, allowed="10.77.0.0/24, 192.168.77.0/24, fd77::/64, fd77:1::/64",
                  interface_lines=(), peer_lines=()):
        return "\n".join(["[Interface]", f"PrivateKey = {self.home_client.private}", "Address = 10.77.0.2/24, fd77::2/64",
                          *interface_lines, ""]) + peer(self.home_keys.public, allowed, f"Endpoint = {endpoint}", *peer_lines)


def only_to(lines, text):
    """Splits captured lines: (those with `text` in them, the others but for ARP and IPv6's
    neighbour and router messages)."""
    mine = [line for line in lines if text in line]
    others = [line for line in lines if text not in line and not line.startswith("ARP")
              and "ICMP6, neighbor" not in line and "ICMP6, router" not in line
              and "multicast listener" not in line and "HBH ICMP6" not in line]
    return mine, others
