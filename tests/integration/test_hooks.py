#!/usr/bin/env python3
"""Hooks of several files: their order, what of the devices they reach by the name of the tun, who may keep an
instance up; and the files' permissions."""

import os
import signal
import sys

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
        text = self.text().splitlines()
        os.unlink(self.path)
        return text

    def text(self):
        with open(self.path) as f:
            return f.read()


def order(h, log, before):
    t = Tunion(h, {f"{name}.conf": conf(number, *(f"{kind} = echo {kind}_{name}_{which} >>{log.path}"
                                                  for kind in reversed(KINDS) for which in (1, 2)))
                   for number, name in ((7, "b"), (8, "a"), (9, "c"))}, tun="t-order")
    t.run("up", t.dir)
    equal(log.take(), [f"{kind}_{name}_{which}" for kind in ("PreUp", "PostUp") for name in "abc" for which in (1, 2)], "up")
    t.run("down")
    equal(log.take(), [f"{kind}_{name}_{which}" for kind in ("PreDown", "PostDown") for name in "cba" for which in (1, 2)],
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


def keyless(number, *lines):
    """As public guides have it: the key is not in the file. %i is all that a hook knows."""
    return "\n".join(["[Interface]", f"Address = 10.{number}.0.2/24", *lines, "[Peer]", f"PublicKey = {Keys().public}",
                      f"AllowedIPs = 10.{number}.0.0/16", "Endpoint = 192.0.2.1:1", ""])


def key_in_pre_up(h, log, before):
    """The device is there at PreUp, and what that sets stays: for one file, for several, for one that is added."""
    keys = {name: Keys() for name in ("home", "office", "later")}
    for name, k in keys.items():
        with open(os.open(os.path.join(h.run_dir, f"{name}.key"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(k.private + "\n")

    def text(number, name, port):
        return keyless(number, f"PreUp = ip link show dev %i >/dev/null && wg show %i dump | wc -l >>{log.path}",
                       f"PreUp = wg set %i private-key <(cat {h.run_dir}/{name}.key)",
                       f"PreUp = wg set %i listen-port {port} fwmark 7; wg show %i public-key >>{log.path}",
                       f"PostUp = wg show %i public-key >>{log.path}; wg show %i peers | wc -l >>{log.path}")

    def started(name):
        return ["1", keys[name].public, keys[name].public, "1"]  # no peers yet, and then one

    t = Tunion(h, {"home.conf": text(7, "home", 4001)}, tun="t-keys")
    done = t.try_run("up", t.dir)
    equal((done.returncode, "PrivateKey" in done.stderr), (0, False), f"up of one file: {done.stderr}")
    equal(log.take(), started("home"), "what hooks of one file saw")
    equal(h.wg("show", "home", "public-key").strip(), keys["home"].public, "the key of one file")
    t.run("down")
    t.write("office.conf", text(8, "office", 4002))
    t.up("--no-watch")
    home, office = started("home"), started("office")
    equal(log.take(), home[:2] + office[:2] + home[2:] + office[2:], "what hooks of two files saw")
    t.write("later.conf", text(9, "later", 4003))
    # and one whose PreUp fails leaves nothing
    t.write("never.conf", keyless(6, "PreUp = wg set %i listen-port 4004; false"))
    done = t.try_run("reload")
    check(done.returncode == 1 and "1 added" in done.stdout + done.stderr and "never.conf:3: PreUp failed" in
          done.stdout + done.stderr, f"reload: {done.stdout}{done.stderr}")
    equal(log.take(), started("later"), "what hooks of an added file saw")
    for name, port in (("home", 4001), ("office", 4002), ("later", 4003)):
        equal(h.wg("show", name, "public-key").strip(), keys[name].public, f"{name}'s key")
        equal(h.wg("show", name, "listen-port").strip(), str(port), f"{name}'s port")
        equal(h.wg("show", name, "fwmark").strip(), "0x7", f"{name}'s mark")
    equal({d["name"] for d in t.status()["devices"]}, set(keys), "devices")
    equal(set(h.run("ls /run/wireguard").split()), {f"{name}.sock" for name in keys}, "sockets")
    check(":4004 " not in h.run("ss -lun"), "the port of a file that does not come")
    # another worker has these keys; without one, it must not be silent
    t.write("none.conf", keyless(5))
    os.unlink(os.path.join(t.dir, "never.conf"))
    t.run("reload")
    os.kill(t.status()["engine_pid"], signal.SIGKILL)
    wait_for(lambda: "none: its file has no PrivateKey, and one that wg has set is lost" in t.log(), "the warning")
    for name, k in keys.items():
        wait_for(lambda name=name, k=k: h.wg("show", name, "public-key").strip() == k.public, f"{name}'s key")
    equal(t.log().count("has no PrivateKey"), 1, "warnings")
    t.down()
    same_text(h.snapshot(), before, "after down")


def gone_at_post_down(h, log, before):
    """PostDown finds no device, be it at down or when a file goes; down has the exit status of the first that fails."""
    def text(number, name, status):
        # with its own name as a word in a hook, a file has a tun of its own
        of_file = f"N={name}_; wg show ${{N%_}}"
        return conf(number, f"PreDown = wg show %i listen-port | wc -l >>{log.path}",
                    f"PostDown = wg show %i >/dev/null 2>&1 || echo no %i for {name}_ >>{log.path}",
                    f"PostDown = {of_file} >/dev/null 2>&1 || echo no {name}_ >>{log.path}",
                    f"PostDown = ip link show dev %i >/dev/null 2>&1 && echo {name}_ sees the tun >>{log.path} || true",
                    f"PostDown = exit {status}; echo never >>{log.path}")

    def gone(name):
        return [f"no t-gone for {name}_", f"no {name}_"]

    t = Tunion(h, {"a.conf": text(7, "a", 7), "b.conf": text(8, "b", 0), "c.conf": text(9, "c", 9)}, tun="t-gone")
    t.up("--no-watch")
    os.unlink(os.path.join(t.dir, "b.conf"))
    check("1 removed" in t.run("reload"), "reload")
    equal(log.take(), ["1", *gone("b"), "b_ sees the tun"], "hooks of a file that goes")
    done = t.try_run("down")
    check(done.returncode == 9 and "c.conf:8: warning: PostDown failed with exit status 9\n" in done.stderr and
          "a.conf:8: warning: PostDown failed with exit status 7\n" in done.stderr and "stays up" not in done.stderr,
          f"down: {done.returncode} {done.stderr}")
    equal(t.process.wait(), 0, "exit status of tunion up --foreground")
    equal(log.take(), ["1", "1", *gone("c"), *gone("a")], "hooks at down")
    same_text(h.snapshot(), before, "after down")


def worker_dies(h, log, before):
    """While a hook runs, another worker takes the place of one that dies, and the hook finds its device again."""
    worker = os.path.join(h.run_dir, "worker")
    kill = f"kill -9 $(cat {worker}); while kill -0 $(cat {worker}) 2>/dev/null; do sleep 0.05; done"
    # it is told one thing after the other
    look = f'until [ "$(wg show %i listen-port)" = 4005 ]; do sleep 0.05; done; echo seen >>{log.path}'

    def reload():
        with open(worker, "w") as f:
            f.write(str(t.status()["engine_pid"]))
        t.run("reload")

    t = Tunion(h, {"a.conf": conf(7)}, tun="t-dies")
    t.up("--no-watch")
    t.write("b.conf", conf(8, "ListenPort = 4005", f"PreUp = {kill}; {look}", f"PreDown = {kill}; {look}"))
    reload()
    equal(log.take(), ["seen"], "what PreUp saw")
    equal(h.wg("show", "b", "listen-port").strip(), "4005", "the port")
    os.unlink(os.path.join(t.dir, "b.conf"))
    reload()
    equal(log.take(), ["seen"], "what PreDown saw")
    equal({d["name"] for d in t.status()["devices"]}, {"a"}, "devices")
    equal(t.status()["engine_restarts"], 2, "restarts")
    t.down()
    same_text(h.snapshot(), before, "after down")


def after_a_kill(h, log, before):
    """A hook of a supervisor that is killed is waited for: what it does is not left behind. A file that was up already goes
    down with its hooks, one whose PostUp has not succeeded without them."""
    go = os.path.join(h.run_dir, "go")
    slow = f"echo begun >>{log.path}; until [ -e {go} ]; do sleep 0.05; done; echo ended >>{log.path}"
    t = Tunion(h, {"a.conf": conf(7, f"PostUp = {slow}", f"PostDown = echo over >>{log.path}"),
                   "A.conf": conf(8, f"PostUp = echo A_ up >>{log.path}", f"PreDown = echo A_ >>{log.path}",
                                  f"PostDown = echo A_ down >>{log.path}")}, tun="t-kill")
    up = h.start(t.argv("up", "--foreground", t.dir), name="tunion")
    wait_for(lambda: os.path.exists(log.path) and "begun" in log.text(), "the hook")
    os.kill(up.popen.pid, signal.SIGKILL)
    up.wait()
    down = h.start(t.argv("down"), name="down")
    down.wait_output("a hook of the instance that was killed still runs")
    check(down.alive(), "down has not waited")
    open(go, "w").close()
    equal(down.wait(), 0, f"exit status of down: {down.output()}")
    equal(log.take(), ["A_ up", "begun", "ended", "A_", "A_ down"], "hooks")
    same_text(h.snapshot(), before, "after down")


def kept_up(h, log, before):
    keys = Keys()
    t = Tunion(h, {"a.conf": conf(7, f"PreDown = echo a_ >>{log.path}", f"PostDown = echo a_ down >>{log.path}"),
                   "b.conf": conf(8, f"PreDown = echo b_ >>{log.path}; test ! -e {h.run_dir}/stay || exit 5", "SaveConfig = true",
                                  keys=keys)}, tun="t-stay")
    open(os.path.join(h.run_dir, "stay"), "w").close()
    t.up()
    up = h.snapshot()
    refused = t.try_run("down")
    check(refused.returncode == 5 and "b.conf:4: " in refused.stderr and "PreDown failed" in refused.stderr
          and f"t-stay stays up; after the reason is mended, tunion down takes it down, and kill {t.process.popen.pid} does" in refused.stderr, refused.stderr)
    same_text(h.snapshot(), up, "after a down that was refused")
    equal(log.take(), ["b_", "a_"], "hooks")
    h.wg("set", "b", "listen-port", "5555")
    t.process.popen.send_signal(signal.SIGTERM)  # there is nobody to refuse
    equal(t.process.wait(), 0, "exit status")
    equal(log.take(), ["b_", "b_", "a_ down"], "hooks: what had failed is tried, and then as far as it goes")
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


def caller_ignores_children(h, log, before):
    """How a hook has ended is known, even if tunion was started by who doesn't want to know it of its children."""
    ignoring = [sys.executable, "-c", "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execvp(sys.argv[1], sys.argv[1:])"]
    t = Tunion(h, {"a.conf": conf(7, f"PostUp = echo up >>{log.path}", f"PostDown = echo down >>{log.path}; exit 3")}, tun="t-ign")
    h.run([*ignoring, *t.argv("up", t.dir)])
    equal(h.try_run([*ignoring, *t.argv("down")]).returncode, 3, "exit status of down")
    equal(log.take(), ["up", "down"], "hooks")
    same_text(h.snapshot(), before, "after down")


def test(lab):
    h, net = lab.host("h"), lab.host("net")
    lab.link(h, "eth0", "192.0.2.2/24", net, "eth0", "192.0.2.1/24")
    h.run("ip route add default via 192.0.2.1; nft list ruleset")
    before = h.snapshot()
    log = Log(h)
    order(h, log, before)
    wg_by_the_tun(h, log, before)
    key_in_pre_up(h, log, before)
    gone_at_post_down(h, log, before)
    worker_dies(h, log, before)
    after_a_kill(h, log, before)
    kept_up(h, log, before)
    world_accessible(h, before)
    caller_ignores_children(h, log, before)


main(test)
