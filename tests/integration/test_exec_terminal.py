#!/usr/bin/env python3
"""`tunion exec` in a terminal: Ctrl-C, Ctrl-Z, fg, bg and a change of the window's size reach the command as if the
shell had started it alone; a pipeline, a shell with job control and a program that uses the whole screen work."""

import fcntl
import os
import pty
import select
import shlex
import shutil
import signal
import struct
import subprocess
import termios
import time

from lab import SECONDS, Failed, check, die_with_parent, equal, main, need, wait_for
from ordinary import User, nothing_left
from world import LAN, World


# In these command lines sh only executes a program: dash waits for a child with signals of a terminal in a way
# of its own, with tunion or without.
class Terminal:
    """An interactive bash of the user on a terminal."""

    def __init__(self, user):
        self.master, slave = pty.openpty()
        self.size(24, 80)
        inputrc = os.path.join(user.home, "inputrc")
        with open(inputrc, "w") as f:
            f.write("set enable-bracketed-paste off\n")

        def prepare():
            user.host.enter()
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # it is ignored in a script's background job
            signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as nohup has it
            die_with_parent()
        self.popen = subprocess.Popen(user.become() + ["bash", "--norc", "--noprofile", "-i"], stdin=slave, stdout=slave,
                                      stderr=slave, preexec_fn=prepare,
                                      env=dict(user.host.environment(), PS1="ready> ", TERM="xterm", INPUTRC=inputrc), cwd=user.home)
        os.close(slave)
        self.seen = ""
        self.expect("ready> ")

    def size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def expect(self, text):
        """Reads until this text has come; returns what came before it."""
        end = time.monotonic() + SECONDS
        while text not in self.seen:
            if time.monotonic() > end:
                raise Failed(f"the terminal doesn't show {text!r}, but:\n{self.seen}")
            if select.select([self.master], [], [], 0.1)[0]:
                self.seen += os.read(self.master, 4096).decode(errors="replace")
        before, _, self.seen = self.seen.partition(text)
        return before

    def shows(self, text):
        """Has it come, or does it within a second?"""
        if text not in self.seen and select.select([self.master], [], [], 1)[0]:
            self.seen += os.read(self.master, 4096).decode(errors="replace")
        return text in self.seen

    def gives_up(self):
        """Waits until the shell has given the terminal to a job."""
        wait_for(lambda: os.tcgetpgrp(self.master) != self.popen.pid, "the job has the terminal")

    def run(self, command):
        """A command line, whose echo is taken off; returns its output."""
        self.type(command + "\n")
        self.expect("\n")
        return self.expect("ready> ")

    def status(self):
        return self.run("echo $?").strip()

    def close(self):
        os.close(self.master)
        self.popen.wait(SECONDS)


def foreground(t, exec_dir):
    t.type(f"{exec_dir} sh -c 'echo waiting; exec sleep 1000'\n")
    t.expect("waiting\r\n")
    t.type("\x03")
    t.expect("ready> ")
    equal(t.status(), "130", "exit status after Ctrl-C")
    # Only the command decides what Ctrl-C does.
    t.type(f"{exec_dir} bash -c 'trap \"echo caught; exit 3\" INT; echo waiting; while :; do sleep 0.1; done'\n")
    t.expect("waiting\r\n")
    t.type("\x03")
    t.expect("caught\r\n")
    t.expect("ready> ")
    equal(t.status(), "3", "exit status of a command that catches SIGINT")
    t.type(f"{exec_dir} cat\n")
    wait_for(lambda: "cat" in t.run_elsewhere(), "cat runs")
    t.type("line\n")
    t.expect("line\r\nline\r\n")
    t.type("\x04")
    t.expect("ready> ")
    equal(t.status(), "0", "exit status after Ctrl-D")


def job_control(t, exec_dir):
    t.type(f"{exec_dir} sh -c 'echo waiting; exec sleep 1000'\n")
    t.expect("waiting\r\n")
    t.type("\x1a")
    t.expect("Stopped")
    t.expect("ready> ")
    equal(t.status(), "148", "exit status after Ctrl-Z")
    check("Stopped" in t.run("jobs"), "the shell doesn't know the job")
    t.run("bg")
    check("Running" in t.run("jobs"), "the job doesn't run in the background")
    t.type("fg\n")
    t.expect("sleep 1000'\r\n")
    t.gives_up()
    t.type("\x1a")
    t.expect("Stopped")
    t.expect("ready> ")
    t.type("fg\n")
    t.expect("sleep 1000'\r\n")
    t.gives_up()
    t.type("\x03")
    t.expect("ready> ")
    equal(t.status(), "130", "exit status after Ctrl-Z, fg, Ctrl-C")
    t.run(f"{exec_dir} sleep 1000 &")
    said = [t.run("kill -TERM %1")]
    wait_for(lambda: "Terminated" in "".join(said) or said.append(t.run("true")), "the shell says how the job has ended")


def programs(t, user, exec_dir):
    equal(t.run(f"{exec_dir} echo one two | tr a-z A-Z | cat").strip(), "ONE TWO", "a pipeline")
    # A shell inside has job control, too.
    t.type(f"{exec_dir} bash --norc --noprofile -i\n")
    wait_for(lambda: "bash" in t.run_elsewhere(), "the shell inside runs")
    check("no job control" not in t.expect("ready> "), "the shell inside has no job control")
    t.type(f"ping -n {LAN}\n")
    t.expect("64 bytes from")
    t.type("\x1a")
    t.expect("Stopped")
    t.expect("ready> ")
    t.run("kill -KILL %1")
    # bash may go on to call a killed job stopped, with tunion or without, until it waits for another program
    wait_for(lambda: "ping" not in t.run("/bin/true; jobs"), "ping has ended")
    t.type("exit 4\n")
    t.expect("exit\r\n")
    t.expect("ready> ")
    equal(t.status(), "4", "exit status of the shell inside")
    # The whole screen
    if not shutil.which("less"):
        return
    with open(os.path.join(user.home, "text"), "w") as f:
        f.writelines(f"line {n}\n" for n in range(1, 1001))
    t.type(f"{exec_dir} less {user.home}/text\n")
    t.expect("line 23")
    t.type("G")
    t.expect("(END)")
    t.size(40, 80)
    wait_for(lambda: t.type("g") or t.shows("line 39"), "less uses the larger screen")
    t.type("q")
    t.expect("ready> ")
    equal(t.status(), "0", "exit status of less")


def in_tmux(user, exec_dir):
    """A program of the whole screen in tmux, and tmux itself inside."""
    if not (shutil.which("tmux") and shutil.which("less")):
        return
    tmux = ["tmux", "-S", os.path.join(user.home, "tmux"), "-f", "/dev/null"]

    def run(*words):
        return user.host.try_run(user.become() + ["env", "TERM=xterm", *tmux, *words]).stdout
    run("new-session", "-d", "-x", "80", "-y", "24", f"{exec_dir} less {user.home}/text")
    wait_for(lambda: "line 23" in run("capture-pane", "-p"), "less in tmux shows its first page")
    run("send-keys", "G")
    wait_for(lambda: "line 1000" in run("capture-pane", "-p"), "less in tmux shows its last page")
    run("send-keys", "q")
    nothing_left(user, "after less in tmux")
    done = user.host.try_run(user.become() + ["env", "TERM=xterm", user.program, "exec", user.dir, "--", *tmux, "new-session", "-d",
                                              f"ping -n {LAN}"])
    equal(done.returncode, 0, f"tmux inside: {done.stderr}")
    run("kill-server")


def test(lab):
    need("bash")
    w = World(lab)
    w.start_vpn()
    w.start_home()
    user = User(lab, w.client, {"vpn.conf": w.vpn_conf(), "home.conf": w.home_conf()})
    exec_dir = f"{shlex.quote(user.program)} exec {shlex.quote(user.dir)} --"
    t = Terminal(user)
    t.run_elsewhere = lambda: w.client.run("cat /proc/[0-9]*/comm 2>/dev/null || true")
    foreground(t, exec_dir)
    job_control(t, exec_dir)
    programs(t, user, exec_dir)
    in_tmux(user, exec_dir)
    # The terminal goes away: so does the command, by SIGHUP, and all the rest.
    t.type(f"{exec_dir} sh -c 'echo waiting; exec sleep 1000'\n")
    t.expect("waiting\r\n")
    t.close()
    nothing_left(user, "after the terminal has gone")


main(test)
