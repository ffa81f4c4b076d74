"""A real server in a process of its own, and files for it to fetch."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from portravox.service.keys import ApiKeys

MAIN = "import sys; from portravox.cli.main import main; sys.exit(main())"

COLD = (
    "from portravox.service.worker.loop import WorkerLoop;"
    f"WorkerLoop.keep_warm = lambda self: None; {MAIN}"
)
"""A server whose worker processes start when there is work for them: for tests that render nothing.
Each of the others begins with one that draws a rehearsal, some 3 s of a core."""


HTTP = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))
"""Calls, each on a connection of its own. `httpx.get` makes a client for each call, and reads all
certificates of the system for it: some 30 ms of a core, every time that a test looks."""


@dataclass(frozen=True)
class Live:
    """A server that has said where it is, or ended."""

    process: subprocess.Popen[str]
    url: str
    """Empty where it ended without a word."""

    log: Path

    def line(self) -> str:
        """The next line it printed."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def rest(self) -> str:
        """What it printed after that until it ended."""
        assert self.process.stdout is not None
        return self.process.stdout.read()


@contextmanager
def serving(
    folder: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    main: str = MAIN,
    log: Path | None = None,
) -> Iterator[Live]:
    """`portravox serve` on a free port; killed at the end if it still lives.

    main  the program, for a server that is tampered with
    log   what it writes to stderr; by default in the folder
    """
    log = log or folder / "log.txt"
    with log.open("a") as stderr:
        # Relative, as people type it: processes of the server are somewhere else.
        place = os.path.relpath(folder)
        process = subprocess.Popen(
            [sys.executable, "-c", main, "serve", "--port", "0", "--data-dir", place, *arguments],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, **(environment or {})},
        )
    assert process.stdout is not None
    try:
        first = process.stdout.readline().split()
        yield Live(process, first[2].removesuffix("/api/v1") if first else "", log)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def new_key(folder: Path, group: str = "default") -> str:
    """A key for a server that has its data in this folder."""
    _, secret = ApiKeys(folder / "keys.json").create("test", group=group)
    return secret


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Not between the lines of the tests."""


@contextmanager
def files_at(folder: Path) -> Iterator[str]:
    """A folder's files on loopback; gives their base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def upload(
    url: str, key: str, content: bytes, name: str = "file", client: httpx.Client = HTTP
) -> tuple[int, str]:
    """Lay a file down as the official package does; gives the answer's status and its address."""
    given = client.get(
        f"{url}/api/v1/uploads",
        params={"action": "getPolicy", "model": "liveportrait"},
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
    ).json()["data"]
    place = f"{given['upload_dir']}/{name}"
    fields = {
        "OSSAccessKeyId": given["oss_access_key_id"],
        "Signature": given["signature"],
        "policy": given["policy"],
        "x-oss-object-acl": given["x_oss_object_acl"],
        "x-oss-forbid-overwrite": given["x_oss_forbid_overwrite"],
        "key": place,
        "success_action_status": "200",
    }
    answered = client.post(given["upload_host"], data=fields, files={"file": content}, timeout=120)
    return answered.status_code, f"oss://{place}"
