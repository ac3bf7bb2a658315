#!/usr/bin/env python3
"""An instance of `tunion exec` seen from outside: two at once, `status`, `reload`, a dropped file, `--in`, `wg show`
with the folder of its sockets, `down`. And whichever of its processes is killed, nothing of it stays, and the
command has no way out any more."""

import os
import signal

from lab import IPV6, Keys, check, equal, main, need, same_text, wait_for
from ordinary import UID, User, nothing_left, pings, processes
from world import INTERNET, LAN, World


def pids(user, tun):
    status = user.status(tun)
    return status["pid"], status["engine_pid"]


def is_up(user, tun):
    return wait_for(lambda: user.status(tun), f"{tun} is up")


def in_exec(user, tun, *command):
    words = ["sh", "-c", command[0]] if len(command) == 1 and " " in command[0] else list(command)
    return user.tunion("exec", "--in", tun, "--", *words)


def other_files(w, user):
    """The same two tunnels with other keys and addresses: two clients with one key would disturb each other."""
    folder = user.make_dir(os.path.join(user.home, "other"))
    for host, name, own, text in ((w.vpn, "vpn.conf", w.vpn_client, w.vpn_conf()),
                                  (w.home, "home.conf", w.home_client, w.home_conf())):
        keys, net = Keys(), "66" if host is w.vpn else "77"
        host.wg("set", "wg0", "peer", keys.public, "allowed-ips", f"10.{net}.0.3/32,fd{net}::3/128")
        text = text.replace(own.private, keys.private).replace(f"10.{net}.0.2", f"10.{net}.0.3")
        user.write(os.path.join(folder, name), text.replace(f"fd{net}::2", f"fd{net}::3"))
    return folder


def two_at_once(w, user):
    first = user.start("sleep", "1000", name="first")
    is_up(user, "exec0")
    second = user.start("sleep", "1000", name="second", files=other_files(w, user))
    is_up(user, "exec1")
    ambiguous = user.tunion("status")
    check(ambiguous.returncode == 1 and "choose one with --tun" in ambiguous.stderr, ambiguous.stderr)
    for tun in ("exec0", "exec1"):
        done = in_exec(user, tun, pings(LAN))
        equal(done.returncode, 0, f"ping in {tun}: {done.stdout}{done.stderr}")
        check(f"dev {tun}" in in_exec(user, tun, "ip -4 route").stdout, f"the routes of {tun} are not its own")
        devices = {d["name"]: d for d in user.status(tun)["devices"]}
        equal(sorted(devices), ["home", "vpn"], f"the devices of {tun}")
    shown = w.client.try_run(["sh", "-c", f"mount --bind {user.run_dir}/tunion/exec1.wireguard /run/wireguard && wg show vpn"])
    check(w.vpn_keys.public in shown.stdout and "fwmark" not in shown.stdout, "wg show: " + shown.stdout + shown.stderr)
    equal(second.stop(), -signal.SIGTERM, "the end of the second")
    wait_for(lambda: not user.status("exec1"), "the end of exec1")
    return first


def has_ipv6_of_its_own(w, user):
    """Also if there is an interface of the same name outside, which has none."""
    w.client.run("ip link add exec0 type veth peer name other0; echo 1 > /proc/sys/net/ipv6/conf/exec0/disable_ipv6")
    first = user.start("sleep", "1000", name="first")
    is_up(user, "exec0")
    check("dev exec0" in in_exec(user, "exec0", "ip -6 route show default").stdout, "the command has no IPv6")
    equal(first.stop(), -signal.SIGTERM, "the end of the command")
    nothing_left(user, "after the command")
    w.client.run("ip link del exec0")


def follows_its_files(w, user):
    os.unlink(os.path.join(user.dir, "home.conf"))
    wait_for(lambda: [d["name"] for d in user.status("exec0")["devices"]] == ["vpn"], "home is gone")
    check("192.168.77.0/24" not in in_exec(user, "exec0", "ip -4 route").stdout, "home's route is still there")
    user.write("home.conf", w.home_conf())
    wait_for(lambda: len(user.status("exec0")["devices"]) == 2, "home is back")
    wait_for(lambda: "192.168.77.0/24" in in_exec(user, "exec0", "ip -4 route").stdout, "home's route is back")
    equal(in_exec(user, "exec0", pings(LAN)).returncode, 0, "ping after the file is back")
    done = user.tunion("reload")
    equal((done.returncode, done.stdout), (0, "0 added, 0 changed, 0 removed\n"), "tunion reload")
    user.write("bad.conf", "[Interface]\nPrivateKey = short\n")
    done = user.tunion("reload")
    check(done.returncode == 1 and "bad.conf:2" in done.stderr, f"reload of a bad file: {done.stderr}")
    os.unlink(os.path.join(user.dir, "bad.conf"))
    wait_for(lambda: not user.status("exec0").get("errors"), "the bad file is forgotten")


def lets_in(user, first):
    view = "id -u; grep -E '^Cap' /proc/self/status; pwd; exit 5"
    there = user.host.try_run(user.become() + ["sh", "-c", view], cwd="/usr")
    done = user.host.try_run(user.become() + [user.program, "exec", "--in", "exec0", "--", "sh", "-c", view], cwd="/usr")
    equal((done.returncode, done.stderr), (5, ""), "exit status of the second command")
    same_text(done.stdout, there.stdout, "ids, capabilities, working directory of the second command")
    # root would be who the user's namespaces say, among programs that the user could have put there
    done = user.host.try_run([user.program, "exec", "--in", "exec0", "--run-dir", f"{user.run_dir}/tunion", "--", "true"])
    equal((done.returncode, done.stderr), (1, f"tunion: exec0 belongs to user {UID}, whose programs the command would find in there: "
                                              "run tunion exec as that user\n"), "root's --in of a user's instance")
    lost = user.host.try_run(user.become() + [user.program, "exec", "--in", "exec7", "--", "true"]).stderr
    check("exec7 is not up" in lost and lost.endswith("; what is up: exec0\n"), lost)
    # the instance lives as long as one of its commands
    last = user.host.start(user.become() + [user.program, "exec", "--in", "exec0", "--", "sleep", "1000"], "last")
    wait_for(lambda: os.path.basename(os.readlink(f"/proc/{last.popen.pid}/exe")) == "sleep", "the last command runs")
    first.stop()
    equal(in_exec(user, "exec0", pings(LAN)).returncode, 0, "ping after the first command has ended")
    last.stop()
    nothing_left(user, "after the last command")
    done = in_exec(user, "exec0", "true")
    check(done.returncode == 1 and "not up" in done.stderr, f"--in of an instance that isn't up: {done.stderr}")


def goes_down(user):
    command = user.start("sleep", "1000")
    is_up(user, "exec0")
    done = user.tunion("down")
    equal(done.returncode, 0, f"tunion down: {done.stderr}")
    nothing_left(user, "after down")
    has_no_way(user, command)


def has_no_way(user, command):
    """The command goes on; it has no network any more."""
    check(command.alive(), "the command has ended")
    enter = ["nsenter", f"--target={command.popen.pid}", "--net"]
    wait_for(lambda: "exec0" not in user.host.run([*enter, "ip", "-o", "link"]), "the tun is gone")
    done = user.host.try_run([*enter, "ping", "-n", "-c", "1", "-W", "2", INTERNET])
    check("unreachable" in done.stdout + done.stderr, "the internet: " + done.stdout + done.stderr)
    equal(user.host.run([*enter, "ip", "route", "show", "table", "all"]).count("default"), 0, "default routes that are left")
    command.stop()


def is_killed_early(user):
    """As soon as there is nothing but the command to be, the supervisor, the worker."""
    for what, there in (("at once", lambda: True), ("with a supervisor", lambda: len(processes()) >= 2),
                        ("with a worker", lambda: "tunion-worker" in processes().values())):
        command = user.start("sleep", "1000")
        wait_for(lambda: there() or user.status(), what)
        command.popen.send_signal(signal.SIGKILL)
        nothing_left(user, f"after a kill {what}")


def says_that_it_was_ended(user):
    """The supervisor, before everything is up: it can't say that itself."""
    def ended():
        command = user.start("sleep", "1000")
        wait_for(lambda: "tunion-worker" in processes().values(), "a worker")
        for pid, name in processes().items():
            if name == "tunion" and pid != command.popen.pid:
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not processes(), f"processes left: {processes()}")
        status = command.stop()
        equal(user.exec("true").returncode, 0, "exec after a supervisor was killed")
        nothing_left(user, "after the next one")
        return status == 1 and command.output()
    equal(wait_for(ended, "a supervisor that is killed early enough"),
          "tunion: the supervisor was ended before everything was up: try again\n", "what is said")


def survives_kills(user):
    # The command: everything else follows.
    command = user.start("sleep", "1000")
    is_up(user, "exec0")
    command.popen.send_signal(signal.SIGKILL)
    equal(command.wait(), -signal.SIGKILL, "the end of the command by SIGKILL")
    nothing_left(user, "after the command was killed")
    # The worker: there is another one, and the command goes on.
    command = user.start("sleep", "1000")
    is_up(user, "exec0")
    os.kill(pids(user, "exec0")[1], signal.SIGKILL)
    wait_for(lambda: (user.status("exec0") or {}).get("engine_restarts") == 1, "another worker")
    wait_for(lambda: in_exec(user, "exec0", pings(LAN)).returncode == 0, "ping with another worker")
    # The supervisor: the worker follows.
    os.kill(pids(user, "exec0")[0], signal.SIGKILL)
    wait_for(lambda: not processes(), f"processes left: {processes()}")
    has_no_way(user, command)
    # its files go with the next one
    equal(user.exec("true").returncode, 0, "exec after a supervisor was killed")
    nothing_left(user, "after the next one")
    # Both, in the order in which nobody can do anything about the other
    command = user.start("sleep", "1000")
    is_up(user, "exec0")
    for pid in pids(user, "exec0"):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not processes(), f"processes left: {processes()}")
    command.popen.send_signal(signal.SIGKILL)
    equal(user.exec("true").returncode, 0, "exec after all were killed")
    nothing_left(user, "after the next one")


def test(lab):
    need("nsenter")
    w = World(lab)
    w.start_vpn()
    w.start_home()
    before = w.client.snapshot()
    user = User(lab, w.client, {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf()})
    if IPV6:
        has_ipv6_of_its_own(w, user)
    first = two_at_once(w, user)
    follows_its_files(w, user)
    lets_in(user, first)
    goes_down(user)
    is_killed_early(user)
    says_that_it_was_ended(user)
    survives_kills(user)
    same_text(w.client.snapshot(), before, "the client after all")


main(test)
