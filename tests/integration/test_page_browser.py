#!/usr/bin/env python3
"""The status page in a real browser, as wide as a phone and as a screen, light and dark: it shows the devices and the
clients, nothing is wider than the window, no error is reported; it says so when the instance is gone."""

import os
import re

from browser import Browser, fits
from lab import Keys, check, equal, main, wait_for
from ordinary import User

PAGE = "127.0.0.1:1081"
NAMES = ["home", "a-name-of-15-ch"]

def conf(address, allowed):
    """With an IPv6 endpoint and a long list, so that there is something that could be too wide."""
    return "\n".join(["[Interface]", f"PrivateKey = {Keys().private}", f"Address = {address}", "[Peer]",
                      f"PublicKey = {Keys().public}", f"AllowedIPs = {allowed}",
                      "Endpoint = [2001:db8:1234:5678:9abc:def0:1234:5678]:51820", ""])


def shows(browser, text):
    """It may not be loaded yet."""
    wait_for(lambda: text in browser.eval("document.body ? document.body.innerText : ''"), f"the page shows {text!r}")


def background(browser):
    return [int(n) for n in re.findall(r"\d+", browser.eval("getComputedStyle(document.body).backgroundColor"))[:3]]


def test(lab):
    host = lab.host("client")
    browser = Browser(host)
    allowed = ", ".join(f"10.{i}.0.0/16" for i in range(10, 40)) + ", 2001:db8:aaaa:bbbb:cccc:dddd:eeee:0/112"
    user = User(lab, host, {f"{NAMES[0]}.conf": conf("10.1.0.2/32", "10.1.0.0/24"), f"{NAMES[1]}.conf": conf("10.2.0.2/32", allowed)},
                namespaces=False)
    gate = host.start(user.become() + [user.program, "gate", "--foreground", "--page", PAGE, user.dir], "gate")
    gate.wait_output("gate0 is up")
    browser.size(360, 740, 2, mobile=True)
    browser.open(re.search(r"the status page is at (\S+)", gate.output())[1])
    for text in ("gate0", "phone", "0 of 2 up", "no handshake yet", *NAMES):
        shows(browser, text)
    browser.eval("document.querySelectorAll('details').forEach(d => d.open = true)")
    for name, width, height, dark in (("phone", 360, 740, False), ("dark phone", 360, 740, True), ("screen", 1280, 800, True),
                                      ("old phone", 320, 480, False)):
        browser.size(width, height)
        browser.dark(dark)
        fits(browser, name)
        check((sum(background(browser)) < 200) == dark, f"{name}: the background is {background(browser)}")
    browser.eval("document.querySelector('#clients button').click()")
    wait_for(lambda: browser.eval("document.querySelector('#qr img').naturalWidth > 0 || document.querySelector('#qr').innerText.includes('no QR code')"),
             "the QR code is shown")
    fits(browser, "the QR code")
    browser.eval("document.querySelector('#qr button').click()")
    wait_for(lambda: browser.eval("!document.querySelector('#qr').open && !document.querySelector('#qr img').getAttribute('src')"),
             "the QR code is gone")  # the browser tells the page later
    # a picture that isn't there is told there, too
    equal([e for e in browser.errors if not e.endswith("/clients/phone.svg")], [], "errors in the console")
    os.kill(user.status("gate0")["pid"], 15)
    equal(gate.wait(), 0, "exit status of the gate")
    shows(browser, "Is the instance still up?")
    browser.stop()


main(test)
