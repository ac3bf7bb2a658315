#!/usr/bin/env python3
"""`status`, `reload` and `down` while the worker process or the supervisor is stopped: each has an answer within
seconds, which names the process and says what to do; `down` takes everything down though the engine is stopped; what
a reload could not tell a stopped engine is in force as soon as it goes on."""

import os
import shutil
import signal
import time

from lab import Keys, Tunion, check, equal, main, same_text, wait_for
from world import LAN, World

SECONDS = 2  # of silence
SLACK = 4    # for a busy machine


class Instance:
    def __init__(self, w, hooks=()):
        self.c = w.client
        self.t = Tunion(w.client, {"home.conf": w.home_conf(interface_lines=hooks)})
        self.t.up("--no-watch")
        status = self.t.status()
        self.supervisor, self.engine = status["pid"], status["engine_pid"]

    def stop(self, *pids):
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: all(state(pid) == "T" for pid in pids), "stopped processes")

    def go_on(self, *pids):
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    def says(self, command, status, *expected, words=()):
        begin = time.monotonic()
        done = self.t.try_run(command, *words)
        took = time.monotonic() - begin
        what = f"{command} {' '.join(words)}".strip()
        equal(done.returncode, status, f"exit status of {what}: {done.stdout}{done.stderr}")
        for text in expected:
            check(text in done.stderr, f"{what}: {text!r} is not in {done.stderr!r}")
        check(took < SECONDS + SLACK, f"{what} took {took:.1f} s")
        print(f"{what:14} {took:4.1f} s  {(done.stdout + done.stderr).strip().splitlines()[0]}")


def state(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rpartition(")")[2].split()[0]


def silent(who, pid):
    return f"{who} (pid {pid}) does not answer: it is stopped; kill -CONT {pid} lets it go on"


def engine_stopped(w):
    i = Instance(w)
    w.client.reach(LAN)
    i.stop(i.engine)
    expected = silent("the worker process", i.engine)
    i.says("status", 1, expected)
    i.says("status", 1, expected, words=["--json"])
    i.t.write("more.conf", f"[Interface]\nPrivateKey = {Keys().private}\nAddress = 10.88.0.1/32\n"
                           f"[Peer]\nPublicKey = {Keys().public}\nAllowedIPs = 10.88.0.0/24\n")
    i.says("reload", 1, expected)
    equal({d for d in w.client.run("ls /run/wireguard").split()}, {"home.sock"}, "sockets after a reload that failed")
    i.go_on(i.engine)
    wait_for(lambda: i.t.try_run("status").returncode == 0, "the engine answers again")
    # what it was told meanwhile, in order, and what could not be told
    wait_for(lambda: "more" in w.client.wg("show", "interfaces").split(), "the device")
    wait_for(lambda: "10.88.0.0/24" in w.client.run("ip route"), "its route")
    wait_for(lambda: i.t.status()["errors"] == [], "no error is left")
    equal({d["name"] for d in i.t.status()["devices"]}, {"home", "more"}, "devices")
    equal(i.t.status()["engine_pid"], i.engine, "the engine's pid")
    w.client.reach(LAN)
    i.says("reload", 0)

    # A changed file: the host follows at once, the engine when it goes on
    i.stop(i.engine)
    i.t.write("home.conf", w.home_conf(allowed="10.77.0.0/24, 192.168.77.0/24, 172.30.0.0/16"))
    i.says("reload", 1, expected)
    check("172.30.0.0/16" in w.client.run("ip route"), "the host does not have what was reloaded")
    i.go_on(i.engine)
    wait_for(lambda: "172.30.0.0/16" in w.client.run("wg show home allowed-ips"), "the changed file in the engine")
    wait_for(lambda: i.t.status()["errors"] == [], "no error is left of the changed file")

    # Asked while it does not answer; it goes on before the time is over
    i.stop(i.engine)
    asking = w.client.start(i.t.argv("status"), name="asking")
    i.go_on(i.engine)
    equal(asking.wait(), 0, "status of an engine that goes on")

    i.stop(i.engine)
    i.says("down", 0, f"the worker process (pid {i.engine}) does not answer: it is killed")
    equal(i.t.process.wait(), 0, "exit status of tunion up --foreground")


def engine_stopped_with_hooks(w):
    """Hooks that speak to the device, and SaveConfig, which asks it."""
    log = os.path.join(w.client.run_dir, "hooks")
    hooks = [f"PreDown = wg show %i public-key >>{log}", f"PostDown = echo down >>{log}", "SaveConfig = true"]
    i = Instance(w, hooks)
    w.client.wg("set", "home", "peer", Keys().public, "allowed-ips", "10.99.0.0/24")
    path = os.path.join(i.t.dir, "home.conf")
    with open(path) as f:
        before = f.read()
    i.stop(i.engine)
    i.says("down", 0, "it is killed", "SaveConfig: the file stays as it is")
    with open(path) as f:
        equal(f.read(), before, "the file that was not to be saved")
    with open(log) as f:
        equal(f.read().split(), [w.home_client.public, "down"], "what the hooks wrote")
    equal(i.t.process.wait(), 0, "exit status of tunion up --foreground")


def engine_stopped_signals(w):
    """SIGTERM is heard also while the supervisor waits for the engine."""
    i = Instance(w)
    i.stop(i.engine)
    i.t.write("home.conf", w.home_conf(allowed="10.77.0.0/24"))
    asking = w.client.start(i.t.argv("reload"), name="asking")
    begin = time.monotonic()
    os.kill(i.supervisor, signal.SIGTERM)
    equal(i.t.process.wait(SECONDS + SLACK), 0, "exit status after SIGTERM")
    print(f"SIGTERM        {time.monotonic() - begin:4.1f} s")
    asking.wait()


def supervisor_stopped(w):
    i = Instance(w)
    w.client.reach(LAN)
    i.stop(i.supervisor)
    expected = silent("the supervisor", i.supervisor)
    i.says("status", 1, expected)
    i.says("status", 1, expected, words=["--json"])
    i.says("reload", 1, expected)
    i.says("down", 1, expected, f"kill -9 {i.supervisor} ends it, and tunion down then clears up")
    check(w.client.ping(LAN), "traffic stands still")
    # More than wait to be accepted
    asking = [w.client.start(i.t.argv("status"), name=f"asking{n}") for n in range(40)]
    for one in asking:
        equal(one.wait(SECONDS + SLACK), 1, "exit status of one status of many")
        check(expected in one.output(), one.output())

    i.stop(i.engine)
    i.says("status", 1, expected)
    i.says("down", 1, expected)
    i.go_on(i.engine)

    # The requests of those who have gone are carried out, or not; then it goes on as ever
    os.kill(i.supervisor, signal.SIGKILL)
    i.t.process.wait()
    i.says("down", 0, "was not running; what it had left on the host was removed")
    i.t.process = None


def busy_with_a_hook(w):
    """It hears who asks, whatever a hook does."""
    i = Instance(w)
    gate = os.path.join(w.client.run_dir, "gate")
    os.mkfifo(gate)
    i.t.write("slow.conf", f"[Interface]\nPrivateKey = {Keys().private}\nPostUp = read x <{gate}\n")
    reloading = w.client.start(i.t.argv("reload"), name="reloading")
    wait_for(lambda: "slow" in w.client.run("wg show interfaces"), "the file that is added")
    i.says("status", 0)
    i.stop(i.engine)
    i.says("status", 1, silent("the worker process", i.engine))
    i.go_on(i.engine)
    again = w.client.start(i.t.argv("reload"), name="reloading-again")
    taking_down = w.client.start(i.t.argv("down"), name="taking-down")
    with open(gate, "w") as f:
        f.write("go on\n")
    equal(reloading.wait(), 0, "exit status of reload")
    again.wait()  # it is carried out, or down comes first
    equal(taking_down.wait(), 0, "exit status of down")
    equal(i.t.process.wait(), 0, "exit status of tunion up --foreground")


def test(lab):
    w = World(lab)
    w.start_home()
    w.client.run("nft list ruleset")
    before = w.client.snapshot()
    for part in (engine_stopped, engine_stopped_with_hooks, engine_stopped_signals, supervisor_stopped,
                 busy_with_a_hook):
        print(f"-- {part.__name__.replace('_', ' ')}")
        part(w)
        shutil.rmtree(lab.tunions[-1].dir)
        same_text(w.client.snapshot(), before, f"the client after {part.__name__}")


main(test)
