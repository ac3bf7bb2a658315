#!/usr/bin/env python3
"""The worker, the resolver, the page, the proxy and its outlet are locked in, as root and as a user, with `up`, `exec`, `gate` and `proxy`:
system calls that are made from inside of each, by ptrace, are refused: those that open, make, remove and execute files, make
sockets and connect them (proxy and outlet may make some of IPv4 and IPv6), make processes and send them signals, trace them,
type into a terminal, and widen what it may. Each has the user, the namespaces and the descriptors that it should have, and
goes on working. The resolver is kept busy by a name whose server is silent."""

import os
import re
import subprocess

from lab import TUNION, Keys, Skip, Tunion, check, equal, main, need, wait_for
from ordinary import UID, User, processes
from webserver import PORT, WebServer
from world import INTERNET, LAN, World

INSIDE = os.path.join(os.environ["top_builddir"], "tests/integration/inside")
WORKER_UID, PAGE_UID, PROXY_UID, RESOLVER_UID = 65521, 65522, 65523, 65524
SILENT = "198.18.0.53"  # a name server that never answers
PAGE = "127.0.0.1:1081"
CALLS = 27
SLICE = 4  # of the calls, if each of them kills the worker: it is started again so often in a minute

next_slice = 0

# What else than "refused 1" (EPERM) a process says to which call. Descriptor 0, which is to be connected, is no socket.
MAKES_SOCKETS = {"inet-socket": "allowed", "connect": "refused 88"}
MAY = {"tunion-worker": {}, "tunion-resolver": {}, "tunion-page": {}, "tunion-proxy": MAKES_SOCKETS, "tunion-outlet": MAKES_SOCKETS}
KINDS = {"tunion-worker": {"/dev/null", "anon_inode", "socket", "/dev/net/tun"}, "tunion-page": {"/dev/null", "anon_inode", "socket"},
         "tunion-resolver": {"/dev/null", "anon_inode", "socket"},
         "tunion-proxy": {"/dev/null", "anon_inode", "socket", "pipe"}, "tunion-outlet": {"/dev/null", "socket"}}


def kills():
    """Is this the build in which a refused call ends the worker?"""
    status = os.path.join(os.path.dirname(TUNION), "config.status")
    return os.path.exists(status) and "enable-sandbox-kill" in subprocess.run([status, "--config"], capture_output=True, text=True).stdout


def nowhere_conf():
    return f"""[Interface]
PrivateKey = {Keys().private}
[Peer]
PublicKey = {Keys().public}
AllowedIPs = 10.99.0.0/24
Endpoint = nowhere.example:51820
"""


def facts(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def terminal_of(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rpartition(")")[2].split()[4]


def child_of(supervisor, name):
    """The supervisor's only child of this name."""
    found = [pid for pid, comm in processes().items() if comm == name and facts(pid)["PPid"] == str(supervisor)]
    equal(len(found), 1, f"processes {name} of {supervisor}")
    return found[0]


def status_with(get_status, *helpers):
    """The status, when these processes have said how they are locked in."""
    wait_for(lambda: set(helpers) <= {h["process"] for h in get_status()["helpers"]}, f"{helpers} in the status")
    return get_status()


def stages_of(status, name):
    """As the status has them."""
    if name == "tunion-worker":
        return status["sandbox"]
    found = [h["sandbox"] for h in status["helpers"] if f"tunion-{h['process']}" == name]
    equal(len(found), 1, f"{name} among the helpers of the status: {status['helpers']}")
    return found[0]


def is_locked_in(status, name, uid, user_namespace, network="own"):
    supervisor = status["pid"]
    pid = child_of(supervisor, name)
    stages = stages_of(status, name)
    equal([s["stage"] for s in stages], ["namespaces", "rights", "files", "calls"], f"{name}: the stages in the status")
    missing = {s["stage"]: s["why"] for s in stages if not s["in_force"]}
    if missing:
        raise Skip(f"the sandbox lacks here: {missing}")
    try:
        os.listdir(f"/proc/{pid}/fd")
    except PermissionError:
        raise Skip("root may not look into a process that can't be dumped (CAP_SYS_PTRACE)") from None
    f = facts(pid)
    equal(f["Uid"].split(), [str(uid)] * 4, f"{name}: users")
    equal(f["Gid"].split(), [str(uid)] * 4, f"{name}: groups")
    equal([f[c] for c in ("CapEff", "CapPrm", "CapInh", "CapAmb")], ["0" * 16] * 4, f"{name}: capabilities")
    equal((f["NoNewPrivs"], f["Seccomp"]), ("1", "2"), f"{name}: no_new_privs, and seccomp by a filter")
    equal(terminal_of(pid), "0", f"{name}: controlling terminal")
    equal(os.listdir(f"/proc/{pid}/root/"), [], f"{name}: root directory")
    for kind, own in (("mnt", True), ("ipc", True), ("net", network == "own"), ("user", user_namespace)):
        same = os.readlink(f"/proc/{pid}/ns/{kind}") == os.readlink(f"/proc/{supervisor}/ns/{kind}")
        equal(not same, own, f"{name}: is its namespace {kind} its own?")
    kinds = {re.sub(r":.*", "", os.readlink(f"/proc/{pid}/fd/{fd}")) for fd in os.listdir(f"/proc/{pid}/fd")}
    check(kinds <= KINDS[name], f"{name}: descriptors: {kinds}")
    with open(f"/proc/{pid}/limits") as limits:
        text = limits.read()
    for what, most in (("Max processes", "0"), ("Max file size", "0"), ("Max core file size", "0")):
        check(re.search(rf"{what} +{most} +{most} ", text), f"{name}: limits:\n{text}")


def inside(pid, supervisor, path, *words):
    done = subprocess.run([INSIDE, str(pid), path, str(supervisor), *map(str, words)], capture_output=True, text=True)
    if done.returncode == 77:
        raise Skip(done.stderr.strip())
    equal((done.returncode, done.stderr), (0, ""), "the end of inside")
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def may_do_nothing(status, name, path):
    """But for what it is there for; and then it goes on."""
    pid = child_of(status["pid"], name)
    said = inside(pid, status["pid"], path)
    equal(said.pop("getpid"), "allowed", f"{name}: getpid")
    equal(len(said), CALLS, f"{name}: how many calls were made")
    equal({call: what for call, what in said.items() if what != MAY[name].get(call, "refused 1")}, {},
          f"{name}: what it can do, but should not")
    equal(child_of(status["pid"], name), pid, f"{name}: the same one after that")


def worker_may_do_nothing(get_status, path):
    if not kills():
        may_do_nothing(get_status(), "tunion-worker", path)
        return
    global next_slice
    for i in range(next_slice, next_slice + SLICE):
        status = get_status()
        before = status["engine_pid"]
        said = inside(before, status["pid"], path, i % CALLS, 1)
        equal(list(said.values()), ["killed"], f"what becomes of the worker by {list(said)}")
        wait_for(lambda: (get_status() or {}).get("engine_pid", before) != before, "another worker")
    next_slice += SLICE


def resolver_may_do_nothing(get_status, uid, user_namespace, path):
    """It is exchanged when `up` has ended, since its sockets get a mark then: the status comes later."""
    status = status_with(get_status, "resolver")
    wait_for(lambda: "tunion-resolver" in processes().values() and
             facts(child_of(status["pid"], "tunion-resolver"))["Seccomp"] == "2", "the resolver")
    is_locked_in(status, "tunion-resolver", uid, user_namespace)
    if not kills():
        may_do_nothing(status, "tunion-resolver", path)


def lives(status, before):
    if not kills():
        equal((status["engine_pid"], status["engine_restarts"]), (before["engine_pid"], 0), "the worker is the same one")


def is_quiet(text, *names):
    """Nothing was refused before somebody else made calls."""
    check("which is not in its list" not in text, "a process has needed a call that it may not make:\n" + text)
    for name in names:
        check(f"sandbox of the {name} process, calls: in force" in text, f"the log says nothing of the sandbox of the {name}:\n{text}")


def up_as_root(w):
    t = Tunion(w.client, {"home.conf": w.home_conf(), "vpn.conf": w.vpn_conf(), "nowhere.conf": nowhere_conf()})
    t.up("--no-dns", "--log-level", "debug", "--page", PAGE, "--resolver", SILENT)
    path = os.path.join(t.dir, "home.conf")
    before = status_with(t.status, "page")
    page = t.run("status", "--page").strip()
    is_locked_in(before, "tunion-worker", WORKER_UID, False)
    is_locked_in(before, "tunion-page", PAGE_UID, False)
    w.client.reach(LAN)
    get_page(w, page)
    wait_for(lambda: "sandbox of the resolver process" in t.log(), "the resolver has begun")
    is_quiet(t.log(), "worker", "page", "resolver")
    worker_may_do_nothing(t.status, path)
    if not kills():
        may_do_nothing(before, "tunion-page", path)
    resolver_may_do_nothing(t.status, RESOLVER_UID, False, path)
    w.client.reach(LAN)
    get_page(w, page)
    lives(t.status(), before)
    t.down()


def get_page(w, page):
    check('"devices"' in w.client.run(["curl", "-sS", f"{page}status.json"]), "the page's status")
    check("<!DOCTYPE html>" in w.client.run(["curl", "-sS", page]), "the page")


def as_user(w, user, command, tun):
    process = w.client.start(command, name=tun)
    wait_for(lambda: user.status(tun), f"{tun} is up")
    before = user.status(tun)
    is_locked_in(before, "tunion-worker", UID, True)
    worker_may_do_nothing(lambda: user.status(tun), os.path.join(user.dir, "home.conf"))
    if tun == "gate0":
        resolver_may_do_nothing(lambda: user.status(tun), UID, True, os.path.join(user.dir, "home.conf"))
    lives(user.status(tun), before)
    process.stop()
    wait_for(lambda: not processes(), f"{tun}: processes left: {processes()}")


def proxy(w, command, get_status, uids, user_namespace, path):
    """Its two processes have the networks inside and outside."""
    process = w.client.start(command, name="proxy0")
    process.wait_output("proxy0 is up")
    status = status_with(get_status, "proxy", "outlet", "page")
    for name, uid, network in (("tunion-proxy", uids[1], "own"), ("tunion-outlet", uids[1], "shared"), ("tunion-page", uids[0], "own")):
        is_locked_in(status, name, uid, user_namespace, network)
    fetch(w)
    is_quiet(process.output(), "proxy", "outlet", "page")
    if not kills():
        for name in ("tunion-proxy", "tunion-outlet", "tunion-page"):
            may_do_nothing(status, name, path)
        fetch(w)
    process.stop()
    wait_for(lambda: not processes(), f"processes left: {processes()}")


def fetch(w):
    """Through the tunnels; outside, which asks the outlet; and the page."""
    for where in (LAN, INTERNET):
        equal(w.client.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-x", "socks5h://127.0.0.1:1080", f"http://{where}:{PORT}/"]),
              "200", f"an answer of {where}")
    equal(w.client.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:1080/"]), "404", "the page without its token")


def test(lab):
    w = World(lab)
    w.start_vpn()
    w.start_home()
    if os.environ["TUNION_LAB"] != "root":
        raise Skip("only root can look into a process that can't be dumped")
    need("curl")
    up_as_root(w)
    user = User(lab, w.client, {"home.conf": w.home_conf(), "vpn.conf": w.vpn_conf()})
    as_user(w, user, user.argv("sleep 1000"), "exec0")
    program = [*user.become(), user.program]
    user.write("nowhere.conf", nowhere_conf())
    as_user(w, user, [*program, "gate", "--foreground", "--resolver", SILENT, user.dir], "gate0")
    os.remove(os.path.join(user.dir, "nowhere.conf"))
    WebServer(w.lan, 1)
    WebServer(w.net, 1)
    os.remove(os.path.join(user.dir, "vpn.conf"))
    options = ["proxy", "--foreground", "--direct", "--log-level", "debug"]
    proxy(w, [*program, *options, user.dir], lambda: user.status("proxy0"), (UID, UID), True, os.path.join(user.dir, "home.conf"))
    t = Tunion(w.client, {"home.conf": w.home_conf()}, tun="proxy0")
    proxy(w, t.argv(*options, t.dir), t.status, (PAGE_UID, PROXY_UID), False, os.path.join(t.dir, "home.conf"))


if __name__ == "__main__":
    main(test)
