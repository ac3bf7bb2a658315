#!/usr/bin/env python3
"""Hooks of several files: their order, what of the devices they reach by the name of the tun, who may keep an
instance up; and the files' permissions."""

import os
import signal

from lab import Keys, Tunion, check, equal, main, same_text, wait_for

KINDS = ("PreUp", "PostUp", "PreDown", "PostDown")


def conf(number, *lines, allowed=None, keys=None):
    return "\n".join(["[Interface]", f"PrivateKey = {(keys or Keys()).private}", f"Address = 10.{number}.0.2/24", *lines,
                      "[Peer]", f"PublicKey = {Keys().public}", f"AllowedIPs = {allowed or f'10.{number}.0.0/16'}",
                      "Endpoint = 192.0.2.1:1", ""])


class Log:
    def __init__(self, h):
        self.path = os.path.join(h.run_dir, "hooks")

    def take(self):
        with open(self.path) as f:
            text = f.read().splitlines()
        os.unlink(self.path)
        return text


def order(h, log, before):
    t = Tunion(h, {f"{name}.conf": conf(number, *(f"{kind} = echo {kind} {name} {which} >>{log.path}"
                                                  for kind in reversed(KINDS) for which in (1, 2)))
                   for number, name in ((7, "b"), (8, "a"), (9, "c"))}, tun="t-order")
    t.run("up", t.dir)
    equal(log.take(), [f"{kind} {name} {which}" for kind in ("PreUp", "PostUp") for name in "abc" for which in (1, 2)], "up")
    t.run("down")
    equal(log.take(), [f"{kind} {name} {which}" for kind in ("PreDown", "PostDown") for name in "cba" for which in (1, 2)],
          "down")
    same_text(h.snapshot(), before, "after down")


def wg_by_the_tun(h, log, before):
    """%i is the tun, yet wg finds the file's own device by it; also what needs sockets anew."""
    key = Keys()
    with open(os.open(os.path.join(h.run_dir, "key"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(key.private)
    t = Tunion(h, {
        "full.conf": conf(7, f"PostUp = echo $(wg show %i fwmark) >>{log.path}", allowed="0.0.0.0/0"),
        "home.conf": conf(8, f"PostUp = wg set %i private-key {h.run_dir}/key listen-port 4444 fwmark 5",
                          f"PostUp = wg show %i public-key >>{log.path}; wg show %i listen-port >>{log.path}",
                          f"PreDown = wg show %i fwmark >>{log.path}"),
    }, tun="t-wg")
    t.run("up", t.dir, seconds=20)
    equal(log.take(), ["0xca6c", key.public, "4444"], "what hooks saw")
    equal(h.run("ls /run/wireguard").split(), ["full.sock", "home.sock"], "no more than hooks need")
    equal(h.wg("show", "home", "public-key").strip(), key.public, "the key that a hook has set")
    t.run("down")
    equal(log.take(), ["0x5"], "what the hook saw")
    same_text(h.snapshot(), before, "after down")


def kept_up(h, log, before):
    keys = Keys()
    t = Tunion(h, {"a.conf": conf(7, f"PreDown = echo a >>{log.path}", f"PostDown = echo a down >>{log.path}"),
                   "b.conf": conf(8, f"PreDown = echo b >>{log.path}; test ! -e {h.run_dir}/stay", "SaveConfig = true",
                                  keys=keys)}, tun="t-stay")
    open(os.path.join(h.run_dir, "stay"), "w").close()
    t.up()
    up = h.snapshot()
    refused = t.try_run("down")
    check(refused.returncode == 1 and "b.conf:4: " in refused.stderr and "PreDown failed" in refused.stderr
          and "stays up" in refused.stderr, refused.stderr)
    same_text(h.snapshot(), up, "after a down that was refused")
    equal(log.take(), ["b", "a"], "hooks")
    h.wg("set", "b", "listen-port", "5555")
    t.process.popen.send_signal(signal.SIGTERM)  # there is nobody to refuse
    equal(t.process.wait(), 0, "exit status")
    equal(log.take(), ["b", "a", "b", "a", "a down"], "hooks: tried, and then as far as they go")
    same_text(h.snapshot(), before, "after SIGTERM")
    with open(os.path.join(t.dir, "b.conf")) as f:
        saved = f.read()
    check("ListenPort = 5555\n" in saved and keys.private in saved, f"not saved: {saved}")


def world_accessible(h, before):
    """The warning is wg-quick's: file and directory share a bit of mode & 007."""
    t = Tunion(h, {"t0.conf": conf(7)}, tun="t-mode")
    path = os.path.join(t.dir, "t0.conf")
    for folder, file in ((0o700, 0o644), (0o755, 0o644), (0o755, 0o640), (0o711, 0o604), (0o701, 0o605), (0o755, 0o600)):
        os.chmod(t.dir, folder)
        os.chmod(path, file)
        theirs = h.try_run(["wg-quick", "strip", path])
        ours = t.try_run("up", t.dir)
        equal("world accessible" in ours.stderr or "readable by" in ours.stderr, "world accessible" in theirs.stderr,
              f"mode {file:o} in {folder:o}: {ours.stderr}")
        t.run("down")
    same_text(h.snapshot(), before, "after down")


def test(lab):
    h, net = lab.host("h"), lab.host("net")
    lab.link(h, "eth0", "192.0.2.2/24", net, "eth0", "192.0.2.1/24")
    h.run("ip route add default via 192.0.2.1; nft list ruleset")
    before = h.snapshot()
    log = Log(h)
    order(h, log, before)
    wg_by_the_tun(h, log, before)
    kept_up(h, log, before)
    world_accessible(h, before)


main(test)
