#!/usr/bin/env python3
"""The status page of `tunion gate` and `tunion up`: who has its address gets the status, the metrics and the clients'
files as the commands print them; who hasn't, or comes by another name, gets nothing; and the instance lives on when
the process of the page dies."""

import contextlib
import http.client
import json
import os
import re
import shlex
import signal
import socket

from lab import CLONE_NEWNET, Keys, Tunion, call, check, equal, main, same_text, wait_for, with_ipv6
from ordinary import User, nothing_left

PORT, OTHER = 1081, 1082
CLIENT = ".local/state/tunion/clients/phone.conf"


def conf(address, allowed, endpoint):
    return "\n".join(["[Interface]", f"PrivateKey = {Keys().private}", f"Address = {address}", "[Peer]",
                      f"PublicKey = {Keys().public}", f"AllowedIPs = {allowed}", f"Endpoint = {endpoint}", ""])


@contextlib.contextmanager
def network_of(host):
    """Sockets that are made in here are in the host's namespace."""
    with open("/proc/self/ns/net", "rb") as ours, open(f"/run/netns/{host.name}", "rb") as theirs:
        call("setns", theirs.fileno(), CLONE_NEWNET)
        try:
            yield
        finally:
            call("setns", ours.fileno(), CLONE_NEWNET)


def connect(host, address="127.0.0.1", port=PORT):
    with network_of(host):
        return socket.create_connection((address, port), 10)


def busy(host, port):
    with network_of(host):
        return socket.create_server(("127.0.0.1", port))


class Page:
    """Seen from the host on which it is."""

    def __init__(self, host, url):
        self.host = host
        self.url = url
        found = re.fullmatch(r"http://(\[::1\]|127\.0\.0\.1):(\d+)/([0-9a-f]{32})/", url)
        check(found, f"the address is not as it should be: {url}")
        self.address, self.port, self.token = found[1].strip("[]"), int(found[2]), found[3]

    def ask(self, path, method="GET", host=None, token=None, connection=None):
        """Gives status, headers and text. The path is below the token; from / on it is all of it."""
        c = http.client.HTTPConnection(self.address, self.port)
        c.sock = connection or connect(self.host, self.address, self.port)
        c.putrequest(method, path if path.startswith("/") else f"/{token or self.token}/{path}", skip_host=True,
                     skip_accept_encoding=True)
        c.putheader("Host", host or f"localhost:{self.port}")
        c.endheaders()
        answer = c.getresponse()
        text = answer.read().decode()
        if not connection:
            c.close()
        return answer.status, answer.headers, text

    def get(self, path):
        status, _, text = self.ask(path)
        equal(status, 200, f"GET {path}: {text}")
        return text


def url_in(text):
    found = re.search(r"the status page is at (\S+)", text)
    check(found, "the address of the page isn't said: " + text)
    return found[1]


def read(path):
    with open(path) as f:
        return f.read()


def processes():
    """Of the page."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if read(f"/proc/{pid}/comm") == "tunion-page\n":
                found.append(int(pid))
    return found


def has_no_rights(uid):
    equal(len(processes()), 1, "how many processes of the page there are")
    pid = processes()[0]
    facts = dict(line.split(":\t", 1) for line in read(f"/proc/{pid}/status").splitlines() if ":\t" in line)
    equal(facts["Uid"].split(), [str(uid)] * 4, "its users")
    equal((int(facts["CapEff"], 16), int(facts["CapPrm"], 16), facts["NoNewPrivs"]), (0, 0, "1"), "its rights")
    kinds = sorted(re.sub(r"\[.*|:.*", "", os.readlink(f"/proc/{pid}/fd/{fd}")) for fd in os.listdir(f"/proc/{pid}/fd"))
    check(set(kinds) <= {"/dev/null", "anon_inode", "socket"} | {os.readlink(f"/proc/{pid}/fd/2")}, f"its descriptors: {kinds}")


def shows_all(user, page):
    html = page.get("")
    check("<!DOCTYPE html>" in html and page.token not in html, "the page itself: " + html[:200])
    check(not re.search(r"""(src|href)=["']?(https?:|//)""", html), "the page loads something from elsewhere")
    status, said = json.loads(page.get("status.json")), user.status("gate0")
    for s in (status, said):
        s.pop("up_seconds")
    equal(status, said, "status.json")
    metrics = user.tunion("status", "--metrics").stdout
    same_text(re.sub(r"(up_seconds\{.*) \d+", r"\1", page.get("metrics")), re.sub(r"(up_seconds\{.*) \d+", r"\1", metrics), "metrics")
    check("no-route" in json.loads(page.get("hints.json")), "no hints")
    names = [c["name"] for c in json.loads(page.get("clients.json"))]
    equal(names, ["laptop", "phone"], "the clients")
    keys = {p["public_key"] for d in said["devices"] if d["name"] == "gate" for p in d["peers"]}
    equal({c["public_key"] for c in json.loads(page.get("clients.json"))}, keys, "their keys")
    _, headers, text = page.ask("clients/phone.conf")
    same_text(text, read(os.path.join(user.home, CLIENT)), "the file of the phone")
    equal(headers["Content-Disposition"], 'attachment; filename="phone.conf"', "Content-Disposition")
    equal(headers["Cache-Control"], "no-store", "Cache-Control")
    code, headers, text = page.ask("clients/phone.svg")
    check((code, headers["Content-Type"]) == (200, "image/svg+xml") or "without libqrencode" in text, "the QR code: " + text)
    equal(page.ask("clients/nobody.conf")[0], 404, "the file of nobody")
    status, headers, text = page.ask("status.json", method="HEAD")
    check(status == 200 and not text and int(headers["Content-Length"]) > 100, f"HEAD: {status} {headers} {text}")


def shows_nothing_else(user, page):
    for path in ("/", "/status.json", f"/{page.token}", "/favicon.ico", "/etc/passwd", f"/{page.token}/../etc/passwd"):
        equal(page.ask(path)[0], 404, path)
    for path in ("gate.conf", "clients/../gate.conf", "clients/%2e%2e/gate.conf", "clients/", "clients/gate", "index.html"):
        equal(page.ask(path)[0], 404, path)
    wrong = page.token[:-1] + ("0" if page.token[-1] != "0" else "1")
    for path in ("", "status.json", "clients/phone.conf"):
        equal(page.ask(path, token=wrong)[0], 404, f"{path} with a wrong token")
        equal(page.ask(path, host="rebound.example.org")[0], 421, f"{path} by another name")
        equal(page.ask(path, host="192.0.2.1:1081")[0], 421, f"{path} by another address")
        equal(page.ask(path, method="POST")[0], 405, f"POST {path}")
    for text in (user.tunion("status", "--json").stdout, user.tunion("status").stdout, page.get("status.json"), page.get("")):
        check(page.token not in text, "the token is in what others may see")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            check(page.token not in read(f"/proc/{pid}/cmdline"), "the token is in a command line")
    other = user.host.try_run(["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", user.program, "status", "--page",
                               "--run-dir", os.path.join(user.run_dir, "tunion")])
    check(other.returncode == 1 and page.token not in other.stdout + other.stderr, "another user gets the address")


def many_come(page):
    held = [connect(page.host) for _ in range(20)]
    for _ in range(20):
        page.get("status.json")
    slow = connect(page.host)
    slow.sendall(b"GET / HTTP/1.1\r\nHost: ")
    page.get("status.json")
    one = connect(page.host)  # several requests on one connection
    for path in ("hints.json", "status.json", "clients.json"):
        equal(page.ask(path, connection=one)[0], 200, path)
    for c in (*held, slow, one):
        c.close()


def lives_on(user, gate, page):
    os.kill(processes()[0], signal.SIGKILL)
    gate.wait_output("the process of the status page was killed by signal 9")
    gate.wait_output("the process of the status page was started again")
    page.get("status.json")
    equal(user.tunion("status", "--page").stdout, page.url + "\n", "the address after that")
    user.write("more.conf", conf("10.3.0.2/32", "10.3.0.0/24", "192.0.2.3:1"))
    wait_for(lambda: "more" in [d["name"] for d in json.loads(page.get("status.json"))["devices"]], "a new file is shown")


def gate_has_one(user):
    gate = user.host.start(user.become() + [user.program, "gate", "--foreground", "--client", "laptop", "--client", "phone",
                                            "--page", f"127.0.0.1:{PORT}", user.dir], "gate")
    gate.wait_output("gate0 is up")
    page = Page(user.host, url_in(gate.output()))
    equal(user.tunion("status", "--page").stdout, page.url + "\n", "tunion status --page")
    has_no_rights(54321)
    shows_all(user, page)
    shows_nothing_else(user, page)
    many_come(page)
    lives_on(user, gate, page)
    key = re.search(r"PrivateKey = (\S+)", read(os.path.join(user.home, CLIENT)))[1]
    check(key not in gate.output(), "a key is in the log")
    refused(user, "another program listens there", f"127.0.0.1:{PORT}")
    equal(user.tunion("down").returncode, 0, "tunion down")
    equal(gate.wait(), 0, "exit status of tunion gate --foreground:\n" + gate.output())
    nothing_left(user, "after down")
    equal(processes(), [], "processes of the page after down")
    try:
        connect(user.host).close()
        check(False, "somebody listens after down")
    except ConnectionRefusedError:
        pass


def refused(user, expected, at, lines=1):
    done = user.host.try_run(user.become() + [user.program, "gate", "--state", os.path.join(user.home, "other"), "--page", at, user.dir])
    said = done.stderr.splitlines()
    equal((done.returncode, done.stdout), (1, ""), f"exit status and output of gate --page {at}")
    check(expected in said[0] and (lines is None or len(said) == lines), f"gate --page {at}: {done.stderr}")


def the_journal_does_not_get_it(host, t):
    journal = os.path.join(host.run_dir, "journal")
    with open(journal, "w"):
        pass
    command = shlex.join(t.argv("up", "--foreground", "--page", f"127.0.0.1:{OTHER}", t.dir))
    t.process = host.start(["sh", "-c", f"exec 2>>{journal}; export JOURNAL_STREAM=$(stat -c %d:%i {journal}); exec {command}"],
                           name="journal")
    wait_for(lambda: "is up" in read(journal), "tunion up")
    check(t.run("status", "--page").strip() not in read(journal), "the address is in the journal")
    check("<6>there is a status page: tunion status --page" in read(journal), read(journal))
    t.down()


def up_has_one(host):
    listener = busy(host, OTHER)
    t = Tunion(host, {"home.conf": conf("10.1.0.2/32", "10.1.0.0/24", "192.0.2.1:1")})
    before = host.snapshot()
    done = t.try_run("up", "--page", f"127.0.0.1:{OTHER}", t.dir)
    check(done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "another program listens there" in done.stderr,
          "up --page where another program listens: " + done.stderr)
    same_text(host.snapshot(), before, "the host after that")
    listener.close()
    done = t.try_run("up", "--page", f"127.0.0.1:{OTHER}", t.dir)  # in the background
    equal(done.returncode, 0, "tunion up --page: " + done.stderr)
    page = Page(host, url_in(done.stderr))
    equal(t.run("status", "--page"), page.url + "\n", "tunion status --page")
    has_no_rights(65522 if os.environ["TUNION_LAB"] == "root" else 0)
    equal([d["name"] for d in json.loads(page.get("status.json"))["devices"]], ["home"], "the devices")
    equal(page.get("clients.json"), "[]", "the clients")
    equal(page.ask("clients/phone.conf")[0], 404, "a client's file without a gate")
    t.run("down")
    equal(processes(), [], "processes of the page after down")
    if with_ipv6("a page at [::1]"):
        t.up("--page", f"[::1]:{OTHER}")
        Page(host, url_in(t.log())).get("status.json")
        t.down()
    the_journal_does_not_get_it(host, t)
    done = t.try_run("status", "--page")
    equal((done.returncode, done.stdout), (1, ""), "tunion status --page when it is down")
    t.up()
    done = t.try_run("status", "--page")
    check(done.returncode == 1 and "--page" in done.stderr and not done.stdout, "status --page without a page: " + done.stderr)
    t.down()


def test(lab):
    host = lab.host("client")
    user = User(lab, host, {"vpn.conf": conf("10.2.0.2/32", "0.0.0.0/0", "192.0.2.2:1")}, namespaces=False)
    for at in ("192.0.2.1:80", "0.0.0.0:1081", "127.0.0.1:0", "127.0.0.1", "localhost:1081", "[2001:db8::1]:1081"):
        refused(user, f"--page {at} is wrong", at, None)
    gate_has_one(user)
    up_has_one(host)


main(test)
