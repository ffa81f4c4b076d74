"""All kinds of requests that a server meets, good, refused and odd ones, by chance.

Flow      soak -> Sender, one thread each -> portravox serve -> Tally
Gives     how often each kind had which answer, the ids of accepted tasks

The tasks lead to files that are not there, or to a server that says nothing and are
cancelled at once: what they cost is the server's and the fetching process's, not the renderer's.
"""

from __future__ import annotations

import contextlib
import json
import random
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import urlsplit

SUBMIT_PATH = "/api/v1/services/aigc/image2video/video-synthesis"
DETECT_PATH = "/api/v1/services/aigc/image2video/face-detect"

TIMEOUT_S = 90.0
"""A detect call may take 60 s."""

OPEN_STREAMS = 8
"""Streams of events that each sender leaves open while it goes on; the oldest makes room."""

UPLOAD_BYTES = 8 * 1024
"""Small: they stay for 48 hours."""

REMEMBERED_TASKS = 500
"""Of each sender, to be asked for later."""

BROKEN = "no answer"


@dataclass
class Tally:
    """What became of all requests."""

    answers: dict[str, Counter[str]] = field(default_factory=dict)
    """By kind: how often each status."""

    unexpected: list[str] = field(default_factory=list)
    """Answers that no request of a kind may have, the first hundred."""

    unexpected_count: int = 0
    sent: int = 0
    accepted: set[str] = field(default_factory=set)
    """Tasks that were acknowledged."""

    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: str, status: str, expected: frozenset[str]) -> None:
        with self.lock:
            self.sent += 1
            self.answers.setdefault(kind, Counter())[status] += 1
            if status not in expected:
                self.unexpected_count += 1
                if len(self.unexpected) < 100:
                    self.unexpected.append(f"{kind}: {status}")

    def accept(self, task_id: str) -> None:
        with self.lock:
            self.accepted.add(task_id)


@dataclass(frozen=True, slots=True)
class Targets:
    """Where requests go, and what they name."""

    url: str
    keys: tuple[str, ...]
    files: str
    """Base address of files that there are: `face.jpg`."""

    silence: str
    """Of a server that takes connections and says nothing."""

    video_url: Callable[[], str | None]
    """The signed link of the latest video that was made."""


class Sender:
    """One client after another, on one connection that is kept alive as far as answers allow."""

    def __init__(self, targets: Targets, tally: Tally, seed: int) -> None:
        self._targets = targets
        self._tally = tally
        self._chance = random.Random(seed)
        address = urlsplit(targets.url)
        assert address.hostname is not None and address.port is not None
        self._address = (address.hostname, address.port)
        self._connection = self._connect()
        self._tasks: deque[str] = deque(maxlen=REMEMBERED_TASKS)
        self._streams: deque[HTTPConnection] = deque()
        kinds = _KINDS
        self._kinds = tuple(kinds)
        self._weights = tuple(weight for weight, _ in kinds.values())

    def send(self, kind: str | None = None) -> None:
        """One request, of a kind by chance or of this one."""
        name = kind or self._chance.choices(self._kinds, self._weights)[0]
        _, how = _KINDS[name]
        try:
            status, expected = how(self)
        except (OSError, HTTPException) as error:
            self._connection.close()
            self._connection = self._connect()
            status, expected = f"{BROKEN}: {type(error).__name__}", ""
        self._tally.add(name, status, frozenset(expected.split()))

    def rest(self) -> None:
        """Leave nothing open."""
        self._connection.close()
        while self._streams:
            self._streams.popleft().close()

    def _connect(self) -> HTTPConnection:
        return HTTPConnection(*self._address, timeout=TIMEOUT_S)

    def _key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._chance.choice(self._targets.keys)}"}

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[str, bytes]:
        """An answer, read to its end."""
        self._connection.request(method, path, body, self._key() if headers is None else headers)
        answered = self._connection.getresponse()
        return str(answered.status), answered.read()

    def _submission(self, image_url: str, **more: object) -> bytes:
        body = {
            "model": "liveportrait",
            "input": {"image_url": image_url, "audio_url": f"{self._targets.files}/none.wav"},
            "parameters": {"template_id": "normal", "head_move_strength": 0.7},
            **more,
        }
        return json.dumps(body).encode()

    def _submit(self, image_url: str) -> str:
        status, answered = self._ask(
            "POST",
            SUBMIT_PATH,
            self._submission(image_url),
            {**self._key(), "X-DashScope-Async": "enable", "Content-Type": "application/json"},
        )
        if status == "200":
            task_id = json.loads(answered)["output"]["task_id"]
            self._tally.accept(task_id)
            self._tasks.append(task_id)
        return status

    def _task(self) -> str:
        if not self._tasks:
            return "00000000-0000-4000-8000-000000000000"
        return self._chance.choice(self._tasks)

    def _submit_missing(self) -> tuple[str, str]:
        return self._submit(f"{self._targets.files}/none.png"), "200"

    def _submit_and_cancel(self) -> tuple[str, str]:
        status = self._submit(f"{self._targets.silence}/face.png")
        if status != "200":
            return status, "200"
        path = f"/api/v1/tasks/{self._tasks[-1]}/cancel?force=true"
        return self._ask("POST", path)[0], "200"

    def _submit_refused(self) -> tuple[str, str]:
        body, expected = self._chance.choice(
            (
                (b"{", "400"),
                (b'{"model": "liveportrait", "model": "x"}', "400"),
                (b"[" * 60_000, "400"),
                (b'{"model": ' + b"9" * 50_000 + b"}", "400"),
                (b'{"model": NaN}', "400"),
                (self._submission("ftp://files/face.png"), "400"),
                (self._submission("http://" + "a" * 9000), "400"),
                (self._submission("https://a.test/a.png", parameters={"eye_move_freq": 9}), "400"),
                (self._submission("https://a.test/a.png", model="another"), "400 403 404"),
                (b" " * 70_000, "413"),
            )
        )
        headers = {**self._key(), "X-DashScope-Async": "enable"}
        return self._ask("POST", SUBMIT_PATH, body, headers)[0], expected

    def _query(self) -> tuple[str, str]:
        more = self._chance.choice(("", "?progress=true"))
        return self._ask("GET", f"/api/v1/tasks/{self._task()}{more}")[0], "200"

    def _query_unknown(self) -> tuple[str, str]:
        wrong = f"{self._chance.getrandbits(64):x}"
        return self._ask("GET", f"/api/v1/tasks/{wrong}/{wrong}")[0], "200"

    def _list(self) -> tuple[str, str]:
        return self._ask("GET", f"/api/v1/tasks?page_no={self._chance.randint(1, 5)}")[0], "200"

    def _cancel_ended(self) -> tuple[str, str]:
        return self._ask("POST", f"/api/v1/tasks/{self._task()}/cancel")[0], "200 400"

    def _preview(self) -> tuple[str, str]:
        return self._ask("GET", f"/api/v1/tasks/{self._task()}/preview")[0], "200 204"

    def _follow(self) -> tuple[str, str]:
        """Left open after its first event."""
        connection = self._connect()
        connection.request("GET", f"/api/v1/tasks/{self._task()}/events", headers=self._key())
        answered = connection.getresponse()
        answered.readline()
        self._streams.append(connection)
        if len(self._streams) > OPEN_STREAMS:
            self._streams.popleft().close()
        return str(answered.status), "200"

    def _detect(self) -> tuple[str, str]:
        return self._judged(f"{self._targets.files}/face.jpg", "200 429")

    def _detect_refused(self) -> tuple[str, str]:
        where = self._chance.choice(
            ("http://10.0.0.1/a.jpg", "http://127.0.0.1:22/a.jpg", f"{self._targets.files}/none")
        )
        return self._judged(where, "400 429")

    def _judged(self, url: str, expected: str) -> tuple[str, str]:
        """A call that waits for its turn and for a process ends after a minute on a busy machine,
        and says so."""
        body = {"model": "liveportrait-detect", "input": {"image_url": url}}
        status, answered = self._ask("POST", DETECT_PATH, json.dumps(body).encode())
        if status == "500" and b'"InternalError.Timeout"' in answered:
            status = "timeout"
        return status, f"{expected} timeout"

    def _detect_gone(self) -> tuple[str, str]:
        """A client that does not wait."""
        image = {"image_url": f"{self._targets.silence}/face.png"}
        body = json.dumps({"model": "liveportrait-detect", "input": image}).encode()
        connection = self._connect()
        connection.request("POST", DETECT_PATH, body, self._key())
        time.sleep(0.02)
        connection.close()
        return "gone", "gone"

    def _upload(self) -> tuple[str, str]:
        """Credentials, and the form, now and then with a signature that is none."""
        status, answered = self._ask("GET", "/api/v1/uploads?action=getPolicy&model=liveportrait")
        if status != "200":
            return status, "200"
        granted = json.loads(answered)["data"]
        wrong = self._chance.random() < 0.2
        fields = {
            "OSSAccessKeyId": granted["oss_access_key_id"],
            "Signature": "none" if wrong else granted["signature"],
            "policy": granted["policy"],
            "x-oss-object-acl": granted["x_oss_object_acl"],
            "x-oss-forbid-overwrite": granted["x_oss_forbid_overwrite"],
            "key": f"{granted['upload_dir']}/face.jpg",
            "success_action_status": "200",
        }
        parts = [
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        body = b"".join([*parts, head, self._chance.randbytes(UPLOAD_BYTES), b"\r\n--b--\r\n"])
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        status, _ = self._ask("POST", urlsplit(granted["upload_host"]).path, body, headers)
        return status, "403" if wrong else "200"

    def _upload_odd(self) -> tuple[str, str]:
        """No policy, too many fields, no end."""
        part = b'--b\r\nContent-Disposition: form-data; name="%d"\r\n\r\nx\r\n'
        body = b"".join(part % number for number in range(self._chance.choice((1, 50, 900))))
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        return self._ask("POST", "/uploads", body, headers)[0], "400 403 413"

    def _without_key(self) -> tuple[str, str]:
        wrong = f"Bearer sk-{self._chance.getrandbits(128):032x}"
        headers = self._chance.choice(({}, {"Authorization": wrong}, {"Authorization": "Basic"}))
        return self._ask("GET", f"/api/v1/tasks/{self._task()}", None, dict(headers))[0], "401"

    def _elsewhere(self) -> tuple[str, str]:
        """No such path, no such method, links and passes that are none."""
        method, path, body, expected = self._chance.choice(
            (
                ("GET", f"/api/v1/{self._chance.getrandbits(64):x}", None, "404"),
                ("DELETE", f"/api/v1/tasks/{self._task()}", None, "400 405"),
                ("OPTIONS", SUBMIT_PATH, None, "200 204 400 405"),
                ("HEAD", "/", None, "200"),
                ("GET", "/files/a.mp4?Expires=1&Signature=a", None, "403 404"),
                ("POST", "/studio/login", b'{"token": "none"}', "401"),
                ("PUT", "/uploads", b"a", "400 405"),
            )
        )
        return self._ask(method, path, body)[0], expected

    def _looked_at(self) -> tuple[str, str]:
        """What operators and browsers fetch."""
        paths = ("/healthz", "/readyz", "/metrics", "/", "/docs", "/openapi.json", "/studio/about")
        return self._ask("GET", self._chance.choice(paths))[0], "200"

    def _video(self) -> tuple[str, str]:
        """A part of the latest video, or all of it, or its beginning by a client that goes."""
        url = self._targets.video_url()
        if url is None:
            return "-", "-"
        address = urlsplit(url)
        path = f"{address.path}?{address.query}"
        many = "bytes=" + ",".join(f"{n}-{n + 1}" for n in range(500))
        part = self._chance.choice(("bytes=0-", "bytes=100-999", "bytes=-10", many, "gone"))
        if part != "gone":
            return self._ask("GET", path, None, {"Range": part})[0], "200 206 416"
        connection = self._connect()
        connection.request("GET", path)
        status = str(connection.getresponse().status)
        connection.close()
        return status, "200"

    def _odd(self) -> tuple[str, str]:
        """What is hardly HTTP, on a connection of its own."""
        raw, expected = self._chance.choice(_ODD)
        with socket.create_connection(self._address, timeout=TIMEOUT_S) as connection:
            with contextlib.suppress(ConnectionError):  # it may be cut while it sends
                connection.sendall(raw)
            if expected == "gone":
                return "gone", "gone"
            try:
                answered = HTTPResponse(connection)
                answered.begin()
            except (ConnectionError, HTTPException):
                return "cut", expected
            return str(answered.status), expected


_HEAD = b"POST " + SUBMIT_PATH.encode() + b" HTTP/1.1\r\nHost: a\r\n"
_CHUNKED = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
_QUERY = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"

_ODD = (
    (b"\r\n\r\n\x00\xff\r\n\r\n", "400 cut"),
    (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", "400"),
    (b"GET / HTTP/1.1\r\n\r\n", "400"),
    (b"GET /healthz HTTP/1.0\r\n\r\n", "200"),
    (_HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400"),
    (_HEAD + b"Content-Length: 999999999\r\n\r\n", "401"),
    (_HEAD + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n", "401"),
    (_HEAD + b"Content-Length: 50\r\n\r\nhalf", "gone"),
    (_HEAD + b"X-A: b\r\n" * 5000, "431 400 cut"),
    (_CHUNKED + b"1\r\na\r\n" * 2000 + b"0\r\n\r\n", "401"),
    (_CHUNKED + b"1;" + b"e" * 90_000, "401 431 cut"),
    (_CHUNKED + b"0\r\n" + b"X: b\r\n" * 20_000 + b"\r\n", "401 431 cut"),
    (_QUERY * 20, "200"),
    (_QUERY + b"GET /hea", "200"),
    (b"GET /heal", "gone"),
    (b"", "gone"),
)
"""What is sent, and what may come of it."""

_KINDS: dict[str, tuple[int, Callable[[Sender], tuple[str, str]]]] = {
    "query": (34, Sender._query),
    "query, unknown": (4, Sender._query_unknown),
    "list": (4, Sender._list),
    "preview": (2, Sender._preview),
    "events": (5, Sender._follow),
    "submit": (3, Sender._submit_missing),
    "submit and cancel": (4, Sender._submit_and_cancel),
    "submit, refused": (8, Sender._submit_refused),
    "cancel": (3, Sender._cancel_ended),
    "detect": (1, Sender._detect),
    "detect, refused": (1, Sender._detect_refused),
    "detect, client goes": (1, Sender._detect_gone),
    "upload": (3, Sender._upload),
    "upload, refused": (3, Sender._upload_odd),
    "without a key": (5, Sender._without_key),
    "elsewhere": (5, Sender._elsewhere),
    "page, health, metrics": (5, Sender._looked_at),
    "video": (4, Sender._video),
    "odd": (5, Sender._odd),
}
"""Of a hundred requests."""
