"""A speech server on this machine that answers as the path of its base URL says."""

from __future__ import annotations

import json
import threading
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

import pytest


def recording(seconds: float = 1.2) -> bytes:
    """A WAV file with a tone."""
    made = BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\x00\x20\x00\xe0" * int(4000 * seconds))
    return made.getvalue()


@dataclass
class SpeechServer:
    """What it was asked, and where it is."""

    url: str = ""
    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    """Path, headers in lower case, body."""

    stopping: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of_test: SpeechServer

    def log_message(self, format: str, *args: object) -> None:
        """Keep the output of the tests clean."""

    def do_GET(self) -> None:
        self.server_of_test.asked.append((self.path, self._headers(), None))
        self._sound()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = self.server_of_test
        known.asked.append((self.path, self._headers(), body))
        mood = self.path.split("/")[1]
        first = sum(path == self.path for path, _, _ in known.asked) == 1
        match mood:
            case "html":
                self._answer(200, "text/html; charset=utf-8", b"<h1>Welcome</h1>")
            case "empty":
                self._answer(200, "audio/wav", b"")
            case "refuses":
                self._answer(422, "application/json", b'{"detail": "no such voice"}')
            case "locked":
                self._answer(401, "application/json", b'{"error": {"message": "who?"}}')
            case "busy":
                self._answer(429, "application/json", b"{}", retry_after="1")
            case "tired" if first:
                self._answer(503, "text/plain", b"later")
            case "elsewhere":
                self._answer(307, "text/plain", b"", location=f"{known.url}/good/v1/audio/speech")
            case "slow":
                known.stopping.wait(10.0)
            case "drips":
                self._endless(b"\0", pause_s=0.02)
            case "endless":
                self._endless(b"\0" * 65536, pause_s=0.0)
            case "cut":
                self._answer(200, "audio/wav", b"RIFF", length=5000)
            case "dashscope":
                said = {"output": {"audio": {"url": f"{known.url}/recordings/1.wav?sign=1"}}}
                self._answer(200, "application/json", json.dumps(said).encode())
            case "dashscope-odd":
                self._answer(200, "application/json", b'{"output": {"audio": {"url": "file:///"}}}')
            case _:
                self._sound()

    def _sound(self) -> None:
        self._answer(200, "audio/wav", recording())

    def _headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def _answer(
        self,
        status: int,
        kind: str,
        body: bytes,
        *,
        length: int | None = None,
        retry_after: str = "",
        location: str = "",
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def _endless(self, piece: bytes, *, pause_s: float) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "audio/wav")
        self.end_headers()
        self.close_connection = True
        try:
            while not self.server_of_test.stopping.is_set():
                self.wfile.write(piece)
                time.sleep(pause_s)
        except OSError:  # who asked has had enough
            return


@pytest.fixture
def speech_server() -> Iterator[SpeechServer]:
    """Real HTTP on a port of this machine's; `url` plus a mood is a base URL."""
    known = SpeechServer()
    handler = type("Handler", (_Handler,), {"server_of_test": known})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        known.url = f"http://127.0.0.1:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        serving.start()
        yield known
        known.stopping.set()
        server.shutdown()
        serving.join()
