#!/usr/bin/env python3
"""Ten mistakes in five files: `check` names each with its line and exits 1, `up` does the same and changes
nothing on the host."""

from lab import Keys, Tunion, check, equal, main, same_text
from world import World

GOOD = Keys()
FILES = {
    "a.conf": (f"""[Interface]
PrivateKey = {GOOD.private[:-2]}
Address = 10.0.0.300/24
[Peer]
PublicKey = {GOOD.public}
AllowedIPs = 10.0.0.0/33
""", [2, 3, 6]),
    "b.conf": (f"""[Interface]
PrivateKey = {GOOD.private}
ListenPort = 70000
Colour = blue
[Peer]
PublicKey = short
""", [3, 4, 6]),
    "c.conf": (f"""[Interface]
PrivateKey = {GOOD.private}
MTU = many
[Peer]
AllowedIPs = 10.3.0.0/16
""", [3, 4]),
    "d.conf": (f"""[Interface]
PrivateKey = {GOOD.private}
[Peer]
PublicKey = {GOOD.public}
Endpoint = nowhere
""", [5]),
    "e.conf": (f"""[Interface]
PrivateKey = {GOOD.private}
[Peer]
PublicKey = {GOOD.public}
# tunion: Vja = home
""", [5]),
}


def test(lab):
    w = World(lab)
    t = Tunion(w.client, {name: text for name, (text, _) in FILES.items()})
    expected = sorted(f"{t.dir}/{name}:{line}" for name, (_, lines) in FILES.items() for line in lines)
    equal(len(expected), 10, "mistakes in this test")
    before = w.client.snapshot()
    for command in ("check", "up"):
        done = t.try_run(command, t.dir)
        equal(done.returncode, 1, f"exit status of {command}")
        found = sorted(":".join(line.split(":")[:2]) for line in (done.stdout + done.stderr).splitlines()
                       if line.startswith(t.dir) and "warning" not in line)
        equal(found, expected, f"errors of {command}:\n{done.stdout}{done.stderr}")
        check(GOOD.private not in done.stdout + done.stderr, "a private key in the errors")
        check(GOOD.private[:-2] not in done.stdout + done.stderr, "a cut private key in the errors")
        same_text(w.client.snapshot(), before, f"the client after {command}")


main(test)
