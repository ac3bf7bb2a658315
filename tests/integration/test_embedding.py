#!/usr/bin/env python3
"""The example of doc/embedding.md, doc/examples/vpn_app.c: an app whose VPN tunion serves. It goes by the plan, establishes
the VPN anew when the files have other routes, ends with the VPN, and leaves nothing. What the document says of options
and of the plan's members is there."""

import json
import os
import re
import signal
import subprocess

from lab import BUILD, TOP, TUNION, check, equal, here, main, need, wait_for
from world import INTERNET, INTERNET6, LAN, LAN6, World

EXAMPLE = os.path.join(BUILD, "doc/examples/vpn_app")


def read(path):
    with open(os.path.join(TOP, path)) as f:
        return f.read()


def told_correctly(directory):
    """Of the document and of the example."""
    text = read("doc/embedding.md") + read("doc/examples/vpn_app.c")
    options = set(re.findall(r"[\s\"`](--[a-z][a-z-]+)\b", text))
    usage = subprocess.run(f"{TUNION} up --help; {TUNION} plan --help; {TUNION} status --help; {TUNION} reload --help",
                           shell=True, text=True, capture_output=True).stdout
    equal({option for option in options if option not in usage}, set(), "options that don't exist")
    check(len(options) > 6, f"only {options}")
    plan = json.loads(subprocess.run([TUNION, "plan", "--json", "--no-resolve", directory], text=True, capture_output=True).stdout)
    for member in plan:
        check(f'"{member}"' in text, f"{member} is in the plan, but not in the document")


class App:
    def __init__(self, w, directory):
        self.host, self.dir = w.client, os.path.join(w.client.run_dir, "app")
        os.makedirs(self.dir, mode=0o700, exist_ok=True)
        self.process = w.client.start([EXAMPLE, TUNION, self.dir, directory], "app")
        self.process.wait_output("the app has given a tun")

    def send(self, number):
        os.kill(self.process.popen.pid, number)

    def has(self, device):
        return self.host.try_run(f"ip link show {device}").returncode == 0


def write(directory, name, text):
    with open(os.open(os.path.join(directory, name), os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(text)


def handshake_of_home(w):
    return w.home.wg("show", "wg0", "latest-handshakes")


def test(lab):
    need("wireguard-go")
    w = World(lab)
    w.start_vpn()
    w.start_home()
    directory = os.path.join(w.client.run_dir, "tunnels")
    os.mkdir(directory, 0o700)
    write(directory, "home.conf", w.home_conf(interface_lines=["ExcludedApplications = org.example.bank"]))
    told_correctly(directory)
    app = App(w, directory)
    for address in filter(here, (LAN, LAN6)):
        w.client.reach(address)
    check("ExcludedApplications" not in app.process.output(), "up warns of what the app does")
    handshake = handshake_of_home(w)

    write(directory, "vpn.conf", w.vpn_conf())
    app.send(signal.SIGUSR1)
    app.process.wait_output("the app has given another tun")
    wait_for(lambda: not app.has("app1"), "the tun of the first VPN is gone")
    for address in filter(here, (INTERNET, INTERNET6, LAN, LAN6)):
        w.client.reach(address)
    check(any(w.vpn.transfer("wg0", w.vpn_client.public)), "vpn has carried nothing")
    equal(handshake_of_home(w), handshake, "the session with home")

    app.send(signal.SIGUSR2)
    equal(app.process.wait(), 3, "exit status after the VPN was revoked")
    app = App(w, directory)
    w.client.reach(LAN)
    app.send(signal.SIGTERM)
    equal(app.process.wait(), 0, "exit status after it was switched off")
    check(not app.has("app1"), "the tun is still there")
    equal(os.listdir(app.dir), ["protect"], "what is left of the app")  # it is the app's own


main(test)
