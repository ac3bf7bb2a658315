#!/usr/bin/env python3
"""`tunion status`: each member of its JSON is documented, its metrics are Prometheus' text format and count
what was sent, and --watch draws on a terminal and gives it back."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

from lab import Tunion, check, equal, main, same_text, wait_for
from world import LAN, World

DOC = os.path.join(os.environ["top_srcdir"], "doc", "tunion-json.5")
SAMPLE = re.compile(r'[a-z_]+\{([a-z]+="(?:[^"\\\n]|\\[\\"n])*"(?:,(?!\})|(?=\})))+\} -?[0-9]+$')


class Terminal:
    """A terminal of 100 columns with `tunion status --watch` on it."""

    def __init__(self, t, **environment):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.before = termios.tcgetattr(slave)

        def begin():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            t.host.enter()
        self.slave = slave
        self.process = subprocess.Popen(t.argv("status", "--watch"), stdin=slave, stdout=slave, stderr=slave,
                                        preexec_fn=begin, env={**t.host.environment(), **environment})
        self.seen = ""

    def read(self, seconds):
        end = time.monotonic() + seconds
        while select.select([self.master], [], [], max(0, end - time.monotonic()))[0]:
            self.seen += os.read(self.master, 65536).decode()

    def wait_seen(self, pattern, what, seconds=10):
        def there():
            self.read(0.1)
            return re.search(pattern, self.seen)
        wait_for(there, what, seconds)

    def end(self, key):
        os.write(self.master, key)
        status = self.process.wait(5)
        self.read(0.1)
        equal(status, 0, f"exit status after {key}")
        check(self.seen.endswith("\033[?25h\033[?1049l"), f"the screen is not given back: {self.seen[-80:]!r}")
        equal(termios.tcgetattr(self.slave), self.before, "the terminal's settings")
        os.close(self.slave)
        os.close(self.master)


def test_json(t):
    """Only members of instance, devices and peers: those of drops are reasons."""
    text = open(DOC).read().split("\n.Sh STATUS\n")[1]
    items = re.findall(r"^\.It Li (.*)$", text, re.M)
    documented = {word for item in items for word in re.findall(r"[a-z][a-z0-9_-]*", item.split(" Pq ")[0])}
    status = t.status()
    members = set(status)
    for d in status["devices"]:
        members |= set(d) | set(d["drops"])
        for p in d["peers"]:
            members |= set(p)
    equal(members - documented, set(), "members that tunion-json(5) does not name")
    equal([d["name"] for d in status["devices"]], ["home", "vpn"], "devices")


def test_metrics(t, w):
    text = t.run("status", "--metrics")
    for line in text.splitlines():
        check(line.startswith(("# HELP ", "# TYPE ")) or SAMPLE.match(line), f"no sample: {line}")
    labels = f'tun="tunion0",device="home",peer="{w.home_keys.public}"'
    found = re.search(r"^tunion_peer_sent_bytes_total\{" + re.escape(labels) + r"\} ([0-9]+)$", text, re.M)
    check(found and int(found[1]) == t.host.transfer("home", w.home_keys.public)[1], text)
    check(f"tunion_peer_session{{{labels}}} 1\n" in text, text)


def test_text(t):
    t.host.try_run("ping -c 1 -W 1 -I tunion0 203.0.113.77; ping -c 1 -W 1 10.77.0.99 -I tunion0")
    text = t.run("status")
    check(re.search(r"^home +up +\d+ s ago .* home > vpn > network$", text, re.M), text)
    check("\033" not in text, "colours, and no terminal")


def test_watch(t, w):
    blocks, ascii = Terminal(t, LC_ALL="C.UTF-8", TERM="xterm"), Terminal(t, LC_ALL="C", NO_COLOR="1", TERM="xterm")
    blocks.wait_seen(r"home .*▁", "a curve")
    ascii.wait_seen(r"home .*_", "a curve in ASCII")
    w.client.ping(LAN, "-i", "0.1", count=20)
    blocks.wait_seen(r"home .*█", "a curve that moves")
    blocks.wait_seen(r"home .*[0-9] kbit/s", "a rate")
    ascii.wait_seen(r"home .*#", "a curve that moves, in ASCII")
    check("\033[32mup\033[0m" in blocks.seen, "no colour")
    check("\033[32m" not in ascii.seen and ascii.seen.isascii(), "colours, or no ASCII")
    for line in re.sub(r"\033\[[0-9;?]*[A-Za-z]", "", blocks.seen.replace("\033[H", "\r\n")).split("\r\n"):
        check(len(line) <= 100, f"a line is longer than the terminal is wide: {line!r}")
    fcntl.ioctl(blocks.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 4, 100, 0, 0))
    blocks.wait_seen(r"\([0-9]+ more lines: tunion status prints all\)", "that a terminal is not high enough")
    blocks.end(b"q")
    ascii.end(b"\x03")
    again = t.try_run("status", "--watch")
    check(again.returncode == 1 and "terminal" in again.stderr, f"without a terminal: {again}")


def test_stuck(t):
    """An engine that does not answer must not keep the terminal."""
    engine = t.status()["engine_pid"]
    terminal = Terminal(t, TERM="xterm")
    terminal.wait_seen("home", "the status")
    t.host.run(f"kill -STOP {engine}")
    try:
        equal(terminal.process.wait(15), 1, "exit status when there is no answer")
        terminal.read(0.1)
        check("does not answer" in terminal.seen.split("\033[?1049l")[-1], terminal.seen[-200:])
        equal(termios.tcgetattr(terminal.slave), terminal.before, "the terminal's settings")
    finally:
        t.host.run(f"kill -CONT {engine}")


def test_restart(t, w):
    """Counters begin anew with the engine; the rest is as before."""
    before = t.status()
    t.host.run(f"kill -9 {before['engine_pid']}")
    wait_for(lambda: t.try_run("status").returncode == 0 and t.status()["engine_restarts"] == 1, "a new engine")
    w.client.reach(LAN)
    check(t.status()["engine_pid"] != before["engine_pid"], "the old engine")
    check("worker restarted 1 time" in t.run("status"), t.run("status"))
    check('tunion_engine_restarts_total{tun="tunion0"} 1\n' in t.run("status", "--metrics"), "restarts in the metrics")


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    t = Tunion(w.client, {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf()})
    t.up()
    w.client.reach(LAN)
    test_json(t)
    test_metrics(t, w)
    test_text(t)
    test_watch(t, w)
    test_stuck(t)
    before = w.client.snapshot()
    test_restart(t, w)
    same_text(w.client.snapshot(), before, "the client after a restart of the engine")
    last = Terminal(t, TERM="xterm")
    last.wait_seen("home", "the status")
    t.down()
    equal(last.process.wait(5), 1, "exit status once it is down")
    last.read(0.1)
    check("\033[?1049l" in last.seen and "is not up (" + w.client.run_dir + "): tunion up" in last.seen,
          f"what is said of one that is down: {last.seen[-200:]!r}")


main(test)
