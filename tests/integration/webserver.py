#!/usr/bin/env python3
"""webserver - a server of some megabytes of random bytes, and a download by curl that is compared with them"""

import hashlib
import os
import socket
import sys

from lab import IPV6, equal

PORT = 8080


class WebServer:
    """On all addresses of a host."""

    def __init__(self, host, megabytes):
        process = host.start([sys.executable, "-u", os.path.abspath(__file__), str(megabytes), "6" if IPV6 else "4"], "webserver")
        process.wait_output("\n")
        self.sha256 = process.output().strip()

    def check_download(self, run, address, path):
        """run executes a list of words as lab.Host.try_run does."""
        done = run(["curl", "-sS", "-o", path, f"http://{address}:{PORT}/"])
        equal((done.returncode, done.stderr), (0, ""), f"curl of {address}")
        sha = hashlib.sha256()
        with open(path, "rb") as f:
            while block := f.read(1 << 20):
                sha.update(block)
        equal(sha.hexdigest(), self.sha256, "sha256 of what was fetched")


def main(megabytes, family):
    six = family == "6"
    listener = socket.create_server(("::" if six else "", PORT), family=socket.AF_INET6 if six else socket.AF_INET,
                                    dualstack_ipv6=six)
    block, sha = os.urandom(1 << 20), hashlib.sha256()
    for _ in range(megabytes):
        sha.update(block)
    print(sha.hexdigest())
    while True:
        with listener.accept()[0] as c:
            try:
                c.recv(4096)
                c.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % (megabytes << 20))
                for _ in range(megabytes):
                    c.sendall(block)
            except OSError:
                pass  # gone


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
