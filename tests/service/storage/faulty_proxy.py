"""A proxy before a store that breaks as stores do: busy, slow, silent, away, strict."""

from __future__ import annotations

import contextlib
import http.client
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

Mode = Literal["well", "busy", "silent", "away", "strict", "closed"]
"""busy: 503. silent: never an answer. away: the connection is cut. strict: 403 for what is not
there, as S3 to who may not list. closed: 403 for everything that is read."""


class FaultyProxy:
    """One that runs."""

    def __init__(self, upstream: str, server: ThreadingHTTPServer) -> None:
        self.upstream = urlsplit(upstream)
        address, port = server.server_address[:2]
        self.endpoint = f"http://{address!s}:{port}"
        self.mode: Mode = "well"
        self.asked: list[str] = []
        """Method and path of each request."""

        self.only = ""
        """Requests whose path has not this part are answered well in every mode."""

        self.delay_s = 0.0
        """What each request waits for first. Those that `only` leaves out do not."""

        self.ending = threading.Event()
        self._left: int | None = None

    def break_for(self, requests: int, mode: Mode) -> None:
        """Break so many requests, and work again then."""
        self.mode, self._left = mode, requests

    def next_mode(self, path: str) -> Mode:
        """What becomes of the request that came now."""
        mode = self.mode if self.only in path else "well"
        if self._left is not None:
            self._left -= 1
            if self._left <= 0:
                self.mode, self._left = "well", None
        return mode


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Who asked has gone: tests kill processes."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextlib.contextmanager
def before(upstream: str, address: str = "127.0.0.1") -> Iterator[FaultyProxy]:
    """Run one before a server."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            del format, args

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            proxy.asked.append(f"{self.command} {self.path}")
            mode = proxy.next_mode(self.path)
            if proxy.only in self.path:
                proxy.ending.wait(proxy.delay_s)
            if mode == "silent":
                proxy.ending.wait()
            if mode in ("silent", "away"):
                self.close_connection = True
                return
            if mode == "busy" or (mode == "closed" and self.command in ("GET", "HEAD")):
                self._send(503 if mode == "busy" else 403, [], b"")
                return
            assert proxy.upstream.hostname is not None
            asked = http.client.HTTPConnection(proxy.upstream.hostname, proxy.upstream.port or 80)
            with contextlib.closing(asked):
                asked.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    asked.putheader(name, value)
                asked.endheaders(body)
                got = asked.getresponse()
                content = got.read()
                status = got.status
                if mode == "strict" and status == 404:
                    status, content = 403, b""
                self._send(status, got.getheaders(), content)

        def _send(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                    self.send_header(name, value)
            length = dict(headers).get("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer

    server = _Server((address, 0), Handler)
    proxy = FaultyProxy(upstream, server)
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    try:
        yield proxy
    finally:
        proxy.ending.set()
        server.shutdown()
        serving.join()
        server.server_close()
