#!/usr/bin/env python3
"""Real browsers under `tunion exec`, as an ordinary user: Firefox and Chromium, each with the sandbox that it makes for
its pages, load a page with many pictures by a name that only the tunnel's DNS server knows."""

import os
import shutil
import sys

from lab import Skip, check, equal, main
from nameserver import NameServer
from ordinary import UID, User
from programserver import PICTURES, PORT
from world import LAN, World, only_to

PAGE = f"http://nas.home.lan:{PORT}/"
# What a browser would otherwise ask the internet for at its start is only noise in the log.
QUIET = "".join(f'user_pref("{name}", {value});\n' for name, value in (
    ("browser.aboutwelcome.enabled", "false"), ("datareporting.policy.dataSubmissionEnabled", "false"),
    ("app.update.enabled", "false"), ("network.captive-portal-service.enabled", "false"),
    ("browser.safebrowsing.downloads.remote.enabled", "false"), ("services.settings.server", '"data:,"')))


def firefox(user):
    profile = user.make_dir(os.path.join(user.home, "firefox"))
    user.write(os.path.join(profile, "user.js"), QUIET)
    picture = os.path.join(user.home, "page.png")
    done = user.exec("firefox", "--headless", "--no-remote", "--profile", profile, "--window-size=800,600",
                     "--screenshot", picture, PAGE, seconds=90)
    equal(done.returncode, 0, f"the exit status of firefox: {done.stderr}")
    with open(picture, "rb") as f:
        equal(f.read(8), b"\x89PNG\r\n\x1a\n", "the beginning of the screenshot")
    equal(os.stat(picture).st_uid, UID, "the owner of the screenshot")


def chromium(user):
    done = user.exec("chromium", "--headless=new", f"--user-data-dir={user.make_dir(os.path.join(user.home, 'chromium'))}",
                     "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
                     "--virtual-time-budget=20000", "--dump-dom", PAGE, seconds=90)
    equal(done.returncode, 0, f"the exit status of chromium: {done.stderr}")
    check(f"<title>{PICTURES} pictures</title>" in done.stdout, f"not all pictures in chromium's page:\n{done.stdout[:300]}\n{done.stderr}")


def pictures_asked(server):
    return sorted(line for line in server.output().splitlines() if line.endswith(".svg"))


def test(lab):
    browsers = [browser for browser in (firefox, chromium) if shutil.which(browser.__name__)]
    if not browsers:
        raise Skip("neither firefox nor chromium is installed")
    w = World(lab)
    w.start_vpn()
    w.start_home()
    NameServer(w.home, "10.77.0.1", {"nas.home.lan": [LAN]})
    user = User(lab, w.client, {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf(interface_lines=["DNS = 10.77.0.1, home.lan"])})
    uplink = w.client.capture("eth0")
    for browser in browsers:
        server = w.lan.start([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "programserver.py"),
                              lab.dir, "--say"], f"programserver-{browser.__name__}")
        server.wait_output("ready")
        browser(user)
        equal(len(set(pictures_asked(server))), PICTURES, f"pictures that {browser.__name__} fetched")
        server.stop()
    _, others = only_to(uplink.lines(), "203.0.113.2.51820")
    equal(others, [], "what left by the uplink but to the provider")


main(test)
