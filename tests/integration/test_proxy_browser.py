#!/usr/bin/env python3
"""A real browser through `tunion proxy`: a page with many pictures behind a tunnel, by name, as a SOCKS5 proxy, and as the PAC
file says; and the status page at the proxy's own port, which says what to set."""

import os
import re
import sys

from browser import Browser, fits
from lab import UP_OPTIONS, check, equal, main, wait_for
from nameserver import NameServer
from ordinary import User
from programserver import PICTURES, PORT
from world import LAN, World

PAC = "http://127.0.0.1:1080/proxy.pac"


def loads(w, proxy, url):
    browser = Browser(w.client, proxy=proxy)
    browser.open(f"http://nas.home.lan:{PORT}/")
    wait_for(lambda: browser.eval("document.title") == f"{PICTURES} pictures",
             lambda: f"all pictures by {proxy}, but {browser.whereabouts()}")
    equal(browser.errors, [], f"errors in the console with {proxy}")
    # what is on this machine is not asked of the proxy
    browser.size(360, 740, 2, mobile=True)
    browser.open(url)
    wait_for(lambda: "Wi-Fi" in browser.eval("document.body ? document.body.innerText : ''"), "the page says what to set")
    return browser


def test(lab):
    w = World(lab)
    w.start_home()
    NameServer(w.home, "10.77.0.1", {"nas.home.lan": [LAN]})
    user = User(lab, w.client, {"home.conf": w.home_conf(interface_lines=["DNS = 10.77.0.1, home.lan"])})
    w.lan.start([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "programserver.py"), lab.dir],
                "programserver").wait_output("ready")
    process = w.client.start(user.become() + [user.program, "proxy", "--foreground", *UP_OPTIONS, user.dir], "proxy")
    process.wait_output("proxy0 is up")
    url = re.search(r"the status page is at (\S+)", process.output())[1]
    loads(w, "--proxy-server=socks5://127.0.0.1:1080", url).stop()
    browser = loads(w, f"--proxy-pac-url={PAC}", url)
    wait_for(lambda: "1 of 1 up" in browser.eval("document.body.innerText") or "all up" in browser.eval("document.body.innerText"),
             "the page shows the tunnel")
    text = browser.eval("document.querySelector('#proxy').innerText")
    for part in ("127.0.0.1:1080", "1080", PAC, "http_proxy=http://127.0.0.1:1080"):
        check(part in text, f"the page doesn't say {part}: {text}")
    check("password" not in text, f"the page speaks of a password: {text}")
    for width, height, dark in ((360, 740, False), (1280, 800, True), (320, 480, False)):
        browser.size(width, height)
        browser.dark(dark)
        fits(browser, f"{width} pixels")
    equal(browser.errors, [], "errors in the console of the status page")
    browser.stop()
    equal(process.stop(), 0, "the end by SIGTERM")


main(test)
