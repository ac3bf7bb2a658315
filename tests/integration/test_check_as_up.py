#!/usr/bin/env python3
"""What `up` warns of, `check` has warned of, and the reverse: over the directories of tests/cli, the examples
and directories drawn at random, in which files have the same and ask for what they won't get."""

import glob
import os
import random
import re
import shutil
import subprocess
import time

from lab import TOP, Keys, Tunion, check, main, same_text, need
from world import World

DRAWN = 40
KEYS = [Keys() for _ in range(6)]


def directories():
    """Folders of files that somebody thought out."""
    cases = glob.glob(os.path.join(TOP, "tests/cli/cases/*/in"))
    examples = {os.path.dirname(path) for path in glob.glob(os.path.join(TOP, "conf-examples/**/*.conf"),
                                                            recursive=True)}
    return sorted(cases) + sorted(examples)


def draw_file(r, i, names):
    # few values, so that files have them in common
    lines = ["[Interface]", f"PrivateKey = {r.choice(KEYS[:3]).private}",
             f"Address = {r.choice(['10.1.0.2/24', '10.1.0.2/32', '10.2.0.2/24', 'fd01::2/64, 10.3.0.2/32'])}"]
    for chance, line in ((0.2, f"FwMark = {r.randrange(3)}"),
                         (0.3, f"DNS = {r.choice(['10.1.0.1', '192.0.2.53, lan', '10.2.0.1, fd01::1', 'lan'])}"),
                         (0.3, f"{r.choice(['PreUp', 'PostUp', 'PreDown', 'PostDown'])} = true "
                               f"{r.choice(names + ['%i', 'tunion0', 'nobody'])}"),
                         (0.2, f"MTU = {r.choice([1200, 1300, 1420, 1500])}"),
                         (0.1, "ExcludedApplications = org.example.a"),
                         (0.2, f"# tunion: Metric = {r.randrange(3)}"),
                         (0.2, f"# tunion: Via = {r.choice(names[i + 1:] + ['network'])}")):
        if r.random() < chance:
            lines.append(line)
    for key in r.sample(KEYS[3:], r.choice([1, 1, 2])):
        allowed = r.choice(["0.0.0.0/0", "0.0.0.0/0, ::/0", "10.1.0.0/24", "10.2.0.0/16, fd01::/64",
                            "198.51.100.192/26", "10.2.0.7/16"])
        endpoint = r.choice(["203.0.113.1:51820", "203.0.113.1:51821", "198.51.100.200:51820",
                             "[2001:db8:9::1]:51820", "10.2.0.9:51820", "nowhere.example:51820"])
        lines += ["[Peer]", f"PublicKey = {key.public}", f"AllowedIPs = {allowed}", f"Endpoint = {endpoint}"]
    return "\n".join(lines) + "\n"


def fill_drawn(r, folder):
    names = [f"wg{i}" for i in range(r.randrange(2, 5))]
    for i, name in enumerate(names):
        with open(os.path.join(folder, f"{name}.conf"), "w") as f:
            f.write(draw_file(r, i, names))


def said(text):
    """Errors and warnings as sorted lines. Why a name has no address is told by two resolvers, and what
    comes of hooks, of routes that are there (those of another tun of the instance, too), and of a host
    with or without IPv6, by one of them alone."""
    lines = [re.sub(r"no address yet \(.*\);", "no address yet;", line) for line in text.splitlines()]
    lines = [line for line in lines if re.match(r"\S+\.conf(:\d+)?: |warning: ", line)
             and not re.search(r": (Pre|Post)(Up|Down) failed with|this host has (no )?IPv6| yields to ", line)]
    return "".join(f"{line}\n" for line in sorted(lines))


def compare(t, folder, what):
    checked = t.host.try_run(t.argv("check", folder))
    up = t.try_run("up", folder)
    if up.returncode == 0:
        t.run("down")
    same_text(said(up.stderr), said(checked.stderr), f"what up says, beside check, of {what}\n{up.stderr}")
    return up.returncode == 0, len(said(checked.stderr).splitlines())


def test(lab):
    need("nft")
    w = World(lab)
    w.client.use_name_servers("127.0.0.1")
    t = Tunion(w.client)
    seed = int(os.environ.get("TUNION_SEED", time.time_ns()))
    print(f"TUNION_SEED={seed}")
    r = random.Random(seed)
    ups = warnings = 0
    for number, source in enumerate(directories() + [None] * DRAWN):
        folder = os.path.join(t.dir, str(number))
        os.mkdir(folder, 0o700)
        if source:
            for path in glob.glob(os.path.join(source, "*.conf")):
                shutil.copyfile(path, os.path.join(folder, os.path.basename(path)))
        else:
            fill_drawn(r, folder)
        for name in os.listdir(folder):
            os.chmod(os.path.join(folder, name), 0o600)
        up, n = compare(t, folder, source or "files drawn at random:\n" + w.client.run(
            f"tail -n +1 {folder}/* | grep -v Key"))
        ups += up
        warnings += n
    t.write("named.conf", w.vpn_conf(endpoint="localhost:51820"))
    spawn = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]))"
    told = w.client.run(["python3", "-c", spawn, *t.argv("check", os.path.join(t.dir, "named.conf"))], stdin=subprocess.DEVNULL)
    check("looking up the names of Endpoints" in told, f"nobody knows what it waits for: {told}")
    check(ups > DRAWN / 2 and warnings > DRAWN, f"{ups} came up, {warnings} messages: this tests nothing")


main(test)
