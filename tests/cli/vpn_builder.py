"""vpn_builder - the rules of Android's VpnService.Builder, written down from AOSP's VpnService.java,
LinkAddress.java, IpPrefix.java and RouteInfo.java, and of Java's InetAddress. A method raises Refused where
Android's throws an exception."""

import ipaddress
import socket

PARCEL_BYTES = 1 << 20  # Binder's buffer, for all calls of a process at the same time
IPV6_MIN_MTU = 1280     # the kernel has no IPv6 on a link with less, so establish() fails


class Refused(Exception):
    pass


def refuse_if(condition, text):
    if condition:
        raise Refused(text)


def java_address(text):
    """InetAddress.getByName makes an Inet4Address of an IPv4-mapped IPv6 address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError as e:
        raise Refused(f"{text}: not numeric") from e
    return getattr(address, "ipv4_mapped", None) or address


def checked(text):
    """VpnService.check, of ADDRESS/LENGTH."""
    address, slash, length = text.partition("/")
    refuse_if(not slash or not length.isdigit(), f"{text}: no prefix length")
    address = java_address(address)
    refuse_if(address.is_loopback, f"{text}: loopback address")
    refuse_if(int(length) > address.max_prefixlen, f"{text}: bad prefix length")
    return address, int(length)


class Builder:
    def __init__(self):
        self.addresses, self.routes, self.servers, self.domains = [], [], [], []
        self.mtu = None
        self.families = set()
        self.included, self.excluded = [], []

    def add_address(self, text):
        address, length = checked(text)
        refuse_if(address.is_unspecified or address.is_multicast, f"{text}: bad address")
        self.addresses.append((address, length))

    def add_route(self, text):
        address, length = checked(text)
        try:
            self.routes.append(ipaddress.ip_network((address, length)))
        except ValueError as e:
            raise Refused(f"{text}: host bits are set") from e

    def add_dns_server(self, text):
        address = java_address(text)
        refuse_if(address.is_loopback or address.is_unspecified, f"{text}: bad server")
        self.servers.append(address)

    def add_search_domain(self, text):
        self.domains.append(text)

    def set_mtu(self, mtu):
        refuse_if(mtu <= 0, f"bad mtu {mtu}")
        self.mtu = mtu

    def allow_family(self, family):
        refuse_if(family not in (socket.AF_INET, socket.AF_INET6), f"{family} is neither AF_INET nor AF_INET6")
        self.families.add(family)

    def add_allowed_application(self, name):
        refuse_if(self.excluded, "addDisallowedApplication already called")
        self.included.append(name)

    def add_disallowed_application(self, name):
        refuse_if(self.included, "addAllowedApplication already called")
        self.excluded.append(name)

    def parcel_bytes(self):
        """What establish() sends: RouteInfo.writeToParcel for each route, and the rest roughly."""
        routes = sum(84 if net.version == 4 else 108 for net in self.routes)
        words = self.servers + self.domains + self.included + self.excluded
        return routes + 80 * len(self.addresses) + sum(8 + 2 * len(str(word)) for word in words) + 512

    def establish(self):
        refuse_if(not self.addresses, "at least one address must be specified")
        refuse_if(self.parcel_bytes() >= PARCEL_BYTES, "TransactionTooLargeException")
        six = any(address.version == 6 for address, _ in self.addresses)
        refuse_if(six and self.mtu is not None and self.mtu < IPV6_MIN_MTU, f"IPv6 with an MTU of {self.mtu}")

    def passes(self, version):
        """Do packets of a family pass to the network if no route has them? Otherwise it is blocked."""
        has = any(x.version == version for x in [a for a, _ in self.addresses] + self.routes + self.servers)
        return has or {4: socket.AF_INET, 6: socket.AF_INET6}[version] in self.families


def build(plan):
    """What an app does with the object that `tunion plan --json` prints."""
    b = Builder()
    b.set_mtu(plan["mtu"])
    for key, method in (("addresses", b.add_address), ("routes", b.add_route), ("dns_servers", b.add_dns_server),
                        ("search_domains", b.add_search_domain),
                        ("included_applications", b.add_allowed_application),
                        ("excluded_applications", b.add_disallowed_application)):
        for word in plan[key]:
            method(word)
    for family in plan["allow_families"]:
        b.allow_family({"inet": socket.AF_INET, "inet6": socket.AF_INET6}[family])
    b.establish()
    return b
