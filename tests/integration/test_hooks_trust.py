#!/usr/bin/env python3
"""A plain user's folder, brought up by root: no hook of his runs, by whichever way it comes in; nor does he hinder
root. And an emptied file changes nothing."""

import os
import subprocess

from lab import Keys, Skip, Tunion, check, equal, main, same_text, wait_for

USER = 12345  # who has no rights at all
HOME = "/run/home"


def conf(number, *lines, keys=None):
    return "\n".join(["[Interface]", f"PrivateKey = {(keys or Keys()).private}", f"Address = 10.{number}.0.2/24", *lines,
                      "[Peer]", f"PublicKey = {Keys().public}", f"AllowedIPs = 10.{number}.0.0/16",
                      "Endpoint = 192.0.2.1:1", ""])


def as_user(*argv, text=None):
    return subprocess.run(argv, input=text, text=True, capture_output=True, user=USER, group=USER, extra_groups=[])


class User:
    """A plain user on the host, and the folder of his that root brings up."""

    def __init__(self, h, tun):
        self.h = h
        self.home = os.path.join(HOME, tun)
        self.folder = os.path.join(self.home, "conf")
        self.marker = os.path.join(self.home, "marker")
        os.makedirs(HOME, mode=0o755, exist_ok=True)
        os.makedirs(self.folder)
        for path in (self.home, self.folder):
            os.chmod(path, 0o755)
            os.chown(path, USER, USER)
        self.t = Tunion(h, tun=tun)
        self.t.dir = self.folder

    def do(self, *argv, text=None):
        done = as_user(*argv, text=text)
        equal(done.returncode, 0, f"{argv}: {done.stderr}")

    def write(self, name, text):
        """As an editor does it: there is never half a file."""
        path = os.path.join(self.folder, name)
        self.do("sh", "-c", 'umask 077; cat >"$0.new" && mv "$0.new" "$0"', path, text=text)

    def hook(self, kind):
        return f"{kind} = id -u >>{self.marker}"

    def nothing_ran(self):
        check(not os.path.exists(self.marker), "a hook of the user's has run")

    def devices(self):
        return {d["name"] for d in self.t.status()["devices"]}

    def refused(self):
        """The first (file, line, text) that the status tells."""
        errors = self.t.status()["errors"]
        return [(os.path.basename(e["file"]), e["line"]) for e in errors if "hooks are refused" in e["text"]]


def at_up(h, before):
    u = User(h, "t-up")
    for kind in ("PreUp", "PostUp", "PreDown", "PostDown"):
        u.write("a.conf", conf(7, u.hook(kind)))
        done = u.t.try_run("up", u.folder)
        equal(done.returncode, 1, f"exit status: {done.stderr}")
        check("a.conf:4: hooks are refused" in done.stderr and f"{u.home} belongs to user {USER}" in done.stderr
              and "/etc/tunion" in done.stderr, done.stderr)
        same_text(h.snapshot(), before, "after up that was refused")
    # root's own file in it is no better: he can put another in its place
    os.chown(os.path.join(u.folder, "a.conf"), 0, 0)
    equal(u.t.try_run("up", u.folder).returncode, 1, "exit status")
    # and a link of root's that leads to it
    link = os.path.join(h.run_dir, "link.conf")
    os.symlink(os.path.join(u.folder, "a.conf"), link)
    equal(u.t.try_run("up", link).returncode, 1, "exit status")
    u.nothing_ran()


def live(h, before):
    """Seen by the watch: a file that changes, and goes; one that is new."""
    u = User(h, "t-live")
    keys = Keys()
    u.write("a.conf", conf(7, keys=keys))
    u.t.up()
    u.write("a.conf", conf(7, u.hook("PostDown"), keys=keys))
    wait_for(lambda: u.refused() == [("a.conf", 4)], "the changed file's hook being refused")
    u.write("b.conf", conf(8, u.hook("PreUp"), u.hook("PostUp")))
    wait_for(lambda: u.refused() == [("a.conf", 4), ("b.conf", 4)], "the new file's hooks being refused")
    equal(u.devices(), {"a"}, "devices")
    u.do("rm", os.path.join(u.folder, "a.conf"), os.path.join(u.folder, "b.conf"))
    wait_for(lambda: u.devices() == set(), "the device going")
    u.nothing_ran()
    u.t.down()
    u.nothing_ran()
    same_text(h.snapshot(), before, "after down")


def by_reload(h, before):
    """The same by `tunion reload`. Meanwhile he swaps his folder for a link to root's, and back."""
    u = User(h, "t-reload")
    keys = Keys()
    u.write("a.conf", conf(7, keys=keys))
    u.t.up("--no-watch")
    for kind in ("PreUp", "PostUp", "PreDown", "PostDown"):
        u.write("a.conf", conf(7, u.hook(kind), keys=keys))
        u.write("b.conf", conf(8, u.hook(kind)))
        done = u.t.try_run("reload")
        equal(done.returncode, 1, "exit status of reload")
        for name in "ab":
            check(f"{name}.conf:4: hooks are refused" in done.stderr + done.stdout, done.stderr + done.stdout)
        equal(u.devices(), {"a"}, "devices")
    # through his link to a good folder, which he can turn whenever he likes
    good = os.path.join(h.run_dir, "good")
    os.makedirs(good, mode=0o755)
    with open(os.path.join(good, "a.conf"), "w") as f:
        f.write(conf(7, "PostDown = true", keys=keys))
    u.do("mv", u.folder, u.folder + ".away")
    u.do("ln", "-s", good, u.folder)
    equal(u.t.try_run("reload").returncode, 1, "exit status of reload")
    u.do("rm", u.folder)
    u.do("mv", u.folder + ".away", u.folder)
    u.t.down()
    u.nothing_ran()
    same_text(h.snapshot(), before, "after down")


def after_saving(h, before):
    """SaveConfig writes as root, and the file is read again, as the instance is kept up by another one."""
    u = User(h, "t-save")
    stay = os.path.join(h.run_dir, "stay")
    ours = os.path.join(h.run_dir, "ours.conf")
    with open(os.open(ours, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(conf(9, f"PreDown = test ! -e {stay}", "SaveConfig = true"))
    open(stay, "w").close()
    keys = Keys()
    u.write("a.conf", conf(7, "SaveConfig = true", keys=keys))
    u.t.up(ours)
    equal(u.t.try_run("down").returncode, 1, "exit status of a down that is refused")
    path = os.path.join(u.folder, "a.conf")
    equal(os.stat(path).st_uid, USER, "whose file it is after saving")
    equal(os.stat(path).st_mode & 0o7777, 0o600, "its mode")
    u.t.run("reload")
    equal(u.refused(), [], "refused")
    u.write("a.conf", conf(7, u.hook("PostDown"), "SaveConfig = true", keys=keys))
    wait_for(lambda: u.refused() == [("a.conf", 4)], "the changed file's hook being refused")
    os.unlink(stay)
    u.t.down()
    u.nothing_ran()
    same_text(h.snapshot(), before, "after down")


def saved_elsewhere(h, before):
    """SaveConfig of his file overwrites no file of root's, neither by a link nor by a folder that is swapped."""
    u = User(h, "t-elsewhere")
    path = os.path.join(u.folder, "a.conf")
    text = conf(7, "SaveConfig = true")
    victim = os.path.join(h.run_dir, "victim", "a.conf")
    os.makedirs(os.path.dirname(victim), mode=0o755)
    with open(victim, "w") as f:
        f.write("root's\n")

    def not_saved():
        done = u.t.try_run("down")
        check(done.returncode == 0 and "a.conf: warning: SaveConfig: not saved" in done.stderr, f"down: {done.stderr}")
        with open(victim) as f:
            equal(f.read(), "root's\n", "root's file")
        equal(os.listdir(os.path.dirname(victim)), ["a.conf"], "files beside it")
        same_text(h.snapshot(), before, "after down")

    u.write("a.conf", text)
    u.t.up("--no-watch")
    u.do("ln", "-sf", victim, path)
    not_saved()
    u.do("rm", path)
    u.write("a.conf", text)
    u.t.up("--no-watch")
    u.do("mv", u.folder, u.folder + ".away")
    u.do("ln", "-s", os.path.dirname(victim), u.folder)
    not_saved()
    u.do("rm", u.folder)
    u.do("mv", u.folder + ".away", u.folder)
    # a file that has been read again, if only to find the same text, is the right one
    u.t.up("--no-watch")
    u.write("a.conf", text)
    u.t.run("reload")
    port = h.wg("show", "a", "listen-port").strip()
    u.t.down()
    with open(path) as f:
        check(f"ListenPort = {port}\n" in f.read(), "not saved")
    same_text(h.snapshot(), before, "after down")


def lock(h, before):
    """He can't lock what up and down lock."""
    u = User(h, "t-lock")
    u.write("a.conf", conf(7))
    u.t.up()
    pid = os.path.join(h.run_dir, "t-lock.pid")
    os.chmod(h.run_dir, 0o755)
    os.chmod(os.path.dirname(h.run_dir), 0o755)
    equal(os.stat(pid).st_mode & 0o777, 0o600, "mode of the pid file")
    done = as_user("flock", "--nonblock", "--shared", pid, "true")
    check(done.returncode != 0 and "ermission" in done.stderr, f"the user can lock it: {done.stderr}")
    u.t.down()
    same_text(h.snapshot(), before, "after down")


def emptied(h, before):
    t = Tunion(h, tun="t-empty")
    keys = Keys()
    text = conf(7, keys=keys).replace("10.7.0.0/16", "0.0.0.0/0")
    t.write("a.conf", text)
    t.up()
    up = h.snapshot()
    for bad in ("", "[Interface]\n", text.replace(f"PrivateKey = {keys.private}\n", ""), text[text.index("[Peer]"):]):
        t.write("a.conf", bad)
        wait_for(lambda: [e for e in t.status()["errors"] if "has lost its" in e["text"]], "the file being bad")
        same_text(h.snapshot(), up, "with an emptied file")
        equal(h.wg("show", "a", "public-key").strip(), keys.public, "the key")
        t.write("a.conf", text)
        wait_for(lambda: t.status()["errors"] == [], "the file being good")
    t.down()
    same_text(h.snapshot(), before, "after down")


def test(lab):
    h, net = lab.host("h"), lab.host("net")
    lab.link(h, "eth0", "192.0.2.2/24", net, "eth0", "192.0.2.1/24")
    h.run("ip route add default via 192.0.2.1; nft list ruleset")
    before = h.snapshot()
    emptied(h, before)
    probe = os.path.join(h.run_dir, "probe")
    open(probe, "w").close()
    try:
        os.chown(probe, USER, USER)
    except OSError:
        raise Skip("only root can make files of another user")
    for part in (at_up, live, by_reload, after_saving, saved_elsewhere, lock):
        part(h, before)


main(test)
