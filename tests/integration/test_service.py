#!/usr/bin/env python3
"""Under a service manager: readiness and the end are told by the notify socket, SIGTERM for all processes is an end like
any other, and the unit file is one that systemd accepts."""

import os
import re
import shutil
import signal
import socket
import subprocess

from lab import BUILD, Tunion, check, equal, main
from world import LAN, World


def told(notices):
    return notices.recv(4096).decode()


def test_unit():
    units = ["dist/systemd/tunion.service", "dist/systemd/tunion@.service"]
    subprocess.run(["make", "-s", "-C", BUILD, *units], check=True)
    one, folder = (open(os.path.join(BUILD, unit)).read() for unit in units)
    for text, up, tun in ((one, "", "tunion0"), (folder, r" --tun %i /\S+/tunion/%i", "%i")):
        check(re.search(rf"^ExecStart=/\S+/tunion up --foreground{up}$", text, re.M), text)
        check(re.search(rf"^ExecReload=/\S+/tunion reload --tun {tun}$", text, re.M), text)
        check("@" not in text, text)
    if not shutil.which("systemd-analyze"):
        print("systemd-analyze is not installed: the unit file is not verified")
        return
    for name, text in (("tunion.service", one), ("tunion@lab.service", folder)):
        copy = os.path.join("/run", name)
        with open(copy, "w") as f:  # of a program that is there
            f.write(re.sub(r"=/\S+/tunion ", f"={BUILD}/tunion ", text))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True)
        equal((done.returncode, done.stderr), (0, ""), f"systemd-analyze verify {name}")


def test(lab):
    w = World(lab)
    w.start_home()
    notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notices.settimeout(20)
    notices.bind(os.path.join(lab.dir, "notify"))
    os.environ["NOTIFY_SOCKET"] = os.path.join(lab.dir, "notify")
    t = Tunion(w.client, {"home.conf": w.home_conf(interface_lines=["SaveConfig = true"])})
    process = w.client.start(t.argv("up", "--foreground", t.dir), name="tunion")
    equal(told(notices), "READY=1", "the first notice")
    w.client.reach(LAN)  # ready means ready
    w.client.run("wg set home listen-port 51999")
    os.kill(t.status()["engine_pid"], signal.SIGTERM)  # systemd sends it to all
    equal(process.stop(signal.SIGTERM), 0, "exit status")
    check("ListenPort = 51999\n" in open(os.path.join(t.dir, "home.conf")).read(), f"home.conf isn't saved: {process.output()}")
    equal(told(notices), "STOPPING=1", "the second notice")
    del os.environ["NOTIFY_SOCKET"]
    test_unit()


main(test)
