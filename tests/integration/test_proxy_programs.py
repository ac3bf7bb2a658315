#!/usr/bin/env python3
"""curl, git and wget as an ordinary user through `tunion proxy`, by HTTP and by SOCKS5: uploads with and without a length, a
clone and a push, a page with all that belongs to it over connections that are kept."""

import hashlib
import os
import shutil
import sys

from lab import UP_OPTIONS, check, equal, main, need
from nameserver import NameServer
from ordinary import User
from programserver import PICTURES, PORT
from world import LAN, World

NAME = f"nas.home.lan:{PORT}"
PROXIES = ["http://127.0.0.1:1080", "socks5h://127.0.0.1:1080"]
IDENTITY = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"]


def make_repository(lab, path):
    work = os.path.join(lab.dir, "first")
    os.makedirs(work)
    with open(os.path.join(work, "file"), "wb") as f:
        f.write(os.urandom(1 << 20))
    home = dict(os.environ, HOME=lab.dir, GIT_CONFIG_NOSYSTEM="1")
    host = lab.host("maker")
    for words in (["init", "-q"], ["add", "file"], ["commit", "-q", "-m", "first"], ["clone", "-q", "--bare", work, path]):
        host.run(["git", *IDENTITY, "-C", work, *words], env=dict(host.environment(), **home))
    host.run(["git", "-C", path, "config", "http.receivepack", "true"], env=dict(host.environment(), **home))


def uses_curl(user):
    data = os.urandom(1 << 20)
    path = os.path.join(user.home, "data")
    with open(path, "wb") as f:
        f.write(data)
    for proxy in PROXIES:
        for words in (["-T", path], ["-H", "Transfer-Encoding: chunked", "-T", path], ["--data-binary", f"@{path}", "-p"]):
            got = user.host.run(user.become() + ["curl", "-sS", "-m", "60", "-x", proxy, *words, f"http://{NAME}/upload"])
            equal(got, hashlib.sha256(data).hexdigest(), f"curl -x {proxy} {words}")
        # two requests on one connection
        got = user.host.run(user.become() + ["curl", "-sS", "-m", "60", "-x", proxy, "-o", "/dev/null", "-o", "/dev/null", "-w",
                                             "%{http_code} %{num_connects}\n", f"http://{NAME}/1.svg", f"http://{NAME}/2.svg"])
        equal(got, "200 1\n200 0\n", f"two requests by curl -x {proxy}")


def uses_git(user):
    def git(proxy, *words):
        return user.host.run(user.become() + ["GIT_TERMINAL_PROMPT=0", "git", *IDENTITY, "-c", f"http.proxy={proxy}", *words], seconds=60)
    for i, proxy in enumerate(PROXIES):
        work = os.path.join(user.home, f"work{i}")
        git(proxy, "clone", "-q", f"http://{NAME}/repo.git", work)
        equal(os.path.getsize(os.path.join(work, "file")), 1 << 20, "what was cloned")
        other = os.path.join(work, f"other{i}")
        with open(other, "wb") as f:
            f.write(os.urandom(1 << 20))
        os.chown(other, os.stat(work).st_uid, os.stat(work).st_gid)
        git(proxy, "-C", work, "add", f"other{i}")
        git(proxy, "-C", work, "commit", "-q", "-m", f"by {i}")
        git(proxy, "-C", work, "push", "-q", "origin", "HEAD")
    equal(git(PROXIES[0], "ls-remote", f"http://{NAME}/repo.git", "HEAD").split()[0],
          git(PROXIES[0], "-C", work, "rev-parse", "HEAD").strip(), "what was pushed")


def uses_wget(user):
    out = user.make_dir(os.path.join(user.home, "site"))
    user.host.run(user.become() + [f"http_proxy={PROXIES[0]}", "wget", "-q", "-T", "20", "-p", "-nH", "-P", out, f"http://{NAME}/"], seconds=60)
    equal(len([name for name in os.listdir(out) if name.endswith(".svg")]), PICTURES, "pictures that wget has fetched")
    check(os.path.getsize(os.path.join(out, "29.svg")) > 29000, "the size of a picture")


def test(lab):
    need("curl")
    w = World(lab)
    w.start_home()
    NameServer(w.home, "10.77.0.1", {"nas.home.lan": [LAN]})
    user = User(lab, w.client, {"home.conf": w.home_conf(interface_lines=["DNS = 10.77.0.1, home.lan"])})
    repository = os.path.join(lab.dir, "repositories")
    has_git = shutil.which("git") and w.lan.try_run(["git", "http-backend"]).returncode != 1
    if has_git:
        make_repository(lab, os.path.join(repository, "repo.git"))
    w.lan.start([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "programserver.py"), repository],
                "programserver").wait_output("ready")
    process = w.client.start(user.become() + [user.program, "proxy", "--foreground", *UP_OPTIONS, user.dir], "proxy")
    process.wait_output("proxy0 is up")
    uses_curl(user)
    for program, uses, there in (("git with its http-backend", uses_git, has_git), ("wget", uses_wget, shutil.which("wget"))):
        if there:
            uses(user)
        else:
            print(f"left out, since it is not installed: {program}")
    equal(process.stop(), 0, "the end by SIGTERM")


main(test)
