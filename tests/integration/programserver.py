#!/usr/bin/env python3
"""programserver - a web server for what real programs do: a page with many pictures, uploads, and a git repository

It speaks HTTP/1.1 and keeps connections; half of its answers are chunked. With --say it prints each path that is asked for."""

import hashlib
import http.server
import os
import subprocess
import sys

PORT = 8080
PICTURES = 30
PAGE = ("<!DOCTYPE html><title>loading</title><link rel='icon' href='data:,'><script>let n = 0; function loaded() { document.title = `${++n} pictures`; }</script>"
        + "".join(f"<img src='{i}.svg' onload='loaded()'>" for i in range(PICTURES)))
PICTURE = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><path d='M0 {0}h9'/><!-- {1} --></svg>"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    repositories = None
    say = False

    def log_message(self, *_):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def answer(self, body, kind, chunked, status=200):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))))
        self.end_headers()
        if not chunked:
            self.wfile.write(body)
            return
        for at in range(0, len(body), 10000):
            piece = body[at:at + 10000]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def git(self):
        path, _, query = self.path.partition("?")
        env = dict(os.environ, GIT_PROJECT_ROOT=self.repositories, GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path, QUERY_STRING=query,
                   REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get("Content-Type", ""), REMOTE_USER="anybody",
                   HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""),
                   GIT_PROTOCOL=self.headers.get("Git-Protocol", ""))
        done = subprocess.run(["git", "http-backend"], input=self.body(), env=env, capture_output=True)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        self.answer(body, fields.get("Content-Type", "text/plain"), True, int(fields.get("Status", "200").split()[0]))

    def do_GET(self):
        if self.say:
            os.write(1, (self.path + "\n").encode())  # in one piece: there are many threads
        name = self.path.strip("/").partition(".svg")[0]
        if self.path.startswith("/repo.git/"):
            self.git()
        elif self.path == "/":
            self.answer(PAGE.encode(), "text/html", False)
        elif name.isdigit():
            self.answer(PICTURE.format(name, "x" * 1000 * int(name)).encode(), "image/svg+xml", int(name) % 2 == 1)
        else:
            self.answer(b"", "text/plain", False, 404)

    def do_POST(self):
        if self.path.startswith("/repo.git/"):
            self.git()
        else:
            self.answer(hashlib.sha256(self.body()).hexdigest().encode(), "text/plain", False)

    do_PUT = do_POST


if __name__ == "__main__":
    Handler.repositories = sys.argv[1]
    Handler.say = "--say" in sys.argv
    server = http.server.ThreadingHTTPServer(("", PORT), Handler)
    print("ready", flush=True)
    server.serve_forever()
