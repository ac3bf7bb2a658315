#!/usr/bin/env python3
"""nameserver - a DNS server for tests: A and AAAA records that can be changed while it runs

Run as a program, "nameserver.py ADDRESS FILE" serves port 53 and reads FILE (JSON: name ->
addresses) anew for each question; a name that isn't there does not exist (NXDOMAIN). A name that
begins with "big" is answered by TCP only: by UDP the answer is cut short. It prints a line per
question.
"""

import ipaddress
import json
import os
import socket
import struct
import sys
import threading

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


def answer(query, records, tcp=False):
    name, end = name_of(query[12:])
    kind, = struct.unpack("!H", query[12 + end:14 + end])
    print(name)
    addresses = records.get(name)
    code = 3 if addresses is None else 0
    if name.startswith("big") and not tcp:
        addresses, code = None, 0x0200  # truncated
    wanted = [ipaddress.ip_address(a) for a in addresses or ()]
    wanted = [a.packed for a in wanted if a.version == TYPES.get(kind)]
    head = query[:2] + struct.pack("!HHHHH", 0x8580 | code, 1, len(wanted), 0, 0)
    body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 1, len(a)) + a for a in wanted)
    return head + query[12:16 + end] + body


def records_of(path):
    with open(path) as f:
        return json.load(f)


def serve_tcp(listener, path):
    while True:
        with listener.accept()[0] as s:
            s.settimeout(5)
            try:
                size, = struct.unpack("!H", s.recv(2, socket.MSG_WAITALL))
                reply = answer(s.recv(size, socket.MSG_WAITALL), records_of(path), tcp=True)
                s.sendall(struct.pack("!H", len(reply)) + reply)
            except (OSError, struct.error):
                pass  # gone


def main(address, path):
    listener = socket.create_server((address, 53), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
    threading.Thread(target=serve_tcp, args=(listener, path), daemon=True).start()
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, 53))
    print("ready")
    while True:
        query, client = s.recvfrom(4096)
        s.sendto(answer(query, records_of(path)), client)


if __name__ == "__main__":
    main(*sys.argv[1:])
