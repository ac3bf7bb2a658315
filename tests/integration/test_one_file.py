#!/usr/bin/env python3
"""`tunion down NAME` takes one file out of a running instance, `tunion up NAME` takes it in; the others go on.
NAME is that of a file in the default folder, or of one that was taken out."""

import os
import re
import shutil
import subprocess

from lab import TUNION, Skip, Tunion, check, equal, main, wait_for
from world import LAN, World


def default_folder(lab, host):
    """A folder of our own in the place of the one that is configured."""
    text = subprocess.run([TUNION, "up", "--help"], capture_output=True, text=True, check=True).stdout
    folder = re.search(r"The default DIR is (\S+);", text).group(1)
    parent = os.path.dirname(folder)
    if not os.path.isdir(parent):
        raise Skip(f"there is no {parent}")
    ours = os.path.join(lab.dir, "etc")
    if parent == "/etc":  # whose other files are needed; what we may not read isn't
        subprocess.run(["cp", "-a", parent, ours], capture_output=True)
        shutil.rmtree(os.path.join(ours, os.path.basename(folder)), ignore_errors=True)
    os.makedirs(os.path.join(ours, os.path.basename(folder)), mode=0o700)
    host.binds.append((ours, parent))
    return os.path.join(ours, os.path.basename(folder))


def write(folder, name, text):
    with open(os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(text)


def says(t, words, status, *texts):
    done = t.try_run(*words)
    said = done.stdout + done.stderr
    equal(done.returncode, status, f"exit status of {words}: {said}")
    for text in texts:
        check(text in said, f"{words}: {text!r} is not in {said!r}")


def devices(t):
    return sorted(d["name"] for d in t.status()["devices"])


def out_and_in(w, t, folder):
    c = w.client
    handshake = c.handshake("vpn", w.vpn_keys.public)
    c.reach(LAN)
    says(t, ("down", "nobody"), 1, "tunion: no file of the NAME nobody is up; tunion status lists those that are")
    says(t, ("down", "home"), 0, "home is down\n")
    equal((devices(t), t.status()["taken_out"]), (["vpn"], ["home"]), "after down home")
    check("192.168.77" not in c.run("ip route"), "home's route after down home")
    # neither a reload nor a change of the file takes it in again
    says(t, ("reload",), 0, "0 added, 0 changed, 0 removed")
    write(folder, "home.conf", w.home_conf() + "# a comment\n")
    says(t, ("reload",), 0, "0 added, 0 changed, 0 removed")
    says(t, ("down", "home"), 1, f"tunion: home was taken out already; tunion up --run-dir {c.run_dir} home brings it back")
    says(t, ("up", "home"), 0, "home is up\n")
    equal((devices(t), t.status()["taken_out"]), (["home", "vpn"], []), "after up home")
    c.reach(LAN)
    says(t, ("up", "home"), 1, "home.conf: is up already; tunion reload applies")
    # what is wrong stays out
    says(t, ("down", "home.conf"), 0, "home is down\n")
    write(folder, "home.conf", "[Interface]\nPrivateKey = nonsense\n")
    says(t, ("up", "home"), 1, "home.conf:2: PrivateKey is no key", "tunion: home was not taken in")
    equal((devices(t), t.status()["taken_out"], t.status()["errors"]), (["vpn"], ["home"], []), "a wrong file")
    write(folder, "home.conf", w.home_conf())
    says(t, ("up", "home"), 0, "home is up\n")
    equal(c.handshake("vpn", w.vpn_keys.public), handshake, "vpn's session")


def from_single_files(w, t, folder):
    """An instance that was begun with one NAME gets another, and follows it; down of the last is down."""
    c = w.client
    done = t.run("up", "vpn")
    check(f"tunion0 is up with vpn from " in done and "; tunion status" in done, done)
    says(t, ("up", "home"), 0, "home is up\n")
    c.reach(LAN)
    write(folder, "home.conf", w.home_conf(interface_lines=["MTU = 1300"]))
    wait_for(lambda: "1300" in c.run("ip route show 192.168.77.0/24"), "the new file is watched")
    says(t, ("down", "vpn", "home"), 0, "vpn is down\nhome was the last file: tunion0 is down\n")
    says(t, ("status",), 1, "is not up")
    says(t, ("down", "home"), 1, "tunion: tunion0 is not up")


def from_another_folder(w):
    """What was taken out comes back by its NAME, wherever it is, and whatever the default folder has."""
    t = Tunion(w.client, tun="other")
    options = ["--run-dir", w.client.run_dir]
    t.dir = os.path.join(w.client.run_dir, "elsewhere")
    os.mkdir(t.dir, mode=0o700)
    write(t.dir, "lab.conf", w.home_conf())
    write(t.dir, "vpn.conf", w.vpn_conf(allowed="10.66.0.0/24"))
    t.up()
    says(t, ("down", "lab"), 0, "lab is down\n")
    says(t, ("status",), 0, f"taken out: lab (tunion up --run-dir {w.client.run_dir} --tun other NAME brings it back)")
    equal(w.client.run([TUNION, "up", *options, "lab"]), "lab is up\n", "up of what was taken out of the only instance")
    w.client.reach(LAN)
    says(t, ("down", "nobody", "vpn"), 1, "no file of the NAME nobody is up", "vpn is down\n")
    says(t, ("up", "vpn.conf"), 0, "vpn is up\n")  # not the one in the default folder
    check("198.18.0.0" not in w.client.run("ip route"), "the file of the default folder came instead")
    says(t, ("up", "nobody"), 1, "nobody is neither a file that was taken out nor", "put nobody.conf into")
    says(t, ("up", "nobody.conf"), 1, "default folder, which has no .conf; put nobody.conf into")
    t.down()


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    c = w.client
    before = c.snapshot()
    folder = default_folder(lab, c)
    t = Tunion(c)
    write(folder, "vpn.conf", w.vpn_conf(allowed="198.18.0.0/16, 10.66.0.0/24"))
    write(folder, "home.conf", w.home_conf())
    says(t, ("check", "home"), 0, "files: 1")
    says(t, ("check", "nobody"), 1, "there is no such file or folder")
    t.dir = folder  # the same folder by another path
    t.up("--no-watch")
    c.reach("10.66.0.1")
    out_and_in(w, t, folder)
    t.down()
    equal(c.snapshot(), before, "the host after down")
    from_single_files(w, t, folder)
    equal(c.snapshot(), before, "the host after down of each")
    from_another_folder(w)
    equal(c.snapshot(), before, "the host at the end")


main(test)
