#!/usr/bin/env python3
"""nameserver - a DNS server for tests: A and AAAA records that can be changed while it runs

Run as a program, "nameserver.py ADDRESS FILE" serves UDP port 53 and reads FILE (JSON: name ->
addresses) anew for each question; a name that isn't there does not exist (NXDOMAIN). It prints a
line per question.
"""

import ipaddress
import json
import os
import socket
import struct
import sys

TYPES = {1: 4, 28: 6}  # A, AAAA: IP version


class NameServer:
    """On a host of the lab."""

    def __init__(self, host, address, records):
        self.path = host.lab.new_file(f"{host.name}.zone")
        self.records = dict(records)
        self.write()
        self.process = host.start([sys.executable, "-u", os.path.abspath(__file__), address, self.path],
                                  name="nameserver")
        self.process.wait_output("ready")

    def write(self):
        with open(self.path + ".new", "w") as f:
            json.dump(self.records, f)
        os.rename(self.path + ".new", self.path)

    def set(self, name, *addresses):
        self.records[name] = addresses
        self.write()

    def count(self, name):
        """How many questions there were for it."""
        return self.process.output().splitlines().count(name)


def name_of(question):
    labels, at = [], 0
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode())
        at += 1 + question[at]
    return ".".join(labels).lower(), at + 1


def answer(query, records):
    name, end = name_of(query[12:])
    kind, = struct.unpack("!H", query[12 + end:14 + end])
    print(name)
    addresses = records.get(name)
    code = 3 if addresses is None else 0
    wanted = [ipaddress.ip_address(a) for a in addresses or ()]
    wanted = [a.packed for a in wanted if a.version == TYPES.get(kind)]
    head = query[:2] + struct.pack("!HHHHH", 0x8580 | code, 1, len(wanted), 0, 0)
    body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 1, len(a)) + a for a in wanted)
    return head + query[12:16 + end] + body


def main(address, path):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, 53))
    print("ready")
    while True:
        query, client = s.recvfrom(4096)
        with open(path) as f:
            records = json.load(f)
        s.sendto(answer(query, records), client)


if __name__ == "__main__":
    main(*sys.argv[1:])
