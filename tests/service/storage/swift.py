"""OpenStack Swift with its S3 middleware: a real server of the protocol, from Debian's packages.

One process (`swift_program`) with one folder for one copy of everything. It ends with the block.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from portravox.service.storage.object_store import Bucket

BUCKET = "portravox"

ACCESS_KEY_ID, SECRET_ACCESS_KEY = "test:tester", "testing"

KINDS = ("account", "container", "object")

DEBIANS_PYTHON = "/usr/bin/python3"
PROGRAM = Path(__file__).with_name("swift_program.py")

START_TIME_S = 300.0
"""A start of Python, which takes a second or two where the machine does nothing else."""


def is_here() -> bool:
    """Whether Debian's packages are installed."""
    return shutil.which("swift-proxy-server") is not None and Path(DEBIANS_PYTHON).exists()


@dataclass(frozen=True)
class SwiftServer:
    """One that runs."""

    endpoint: str
    """http://127.0.0.1:PORT"""

    @property
    def environment(self) -> dict[str, str]:
        """What a client of S3 finds in its environment."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_REGION": "us-east-1",
        }

    def url(self, prefix: str, *, endpoint: str | None = None) -> str:
        """As PORTRAVOX_STORAGE_URL takes it."""
        return f"s3://{BUCKET}/{prefix}?endpoint={endpoint or self.endpoint}&allow_http=true"

    def open_bucket(self, prefix: str, *, endpoint: str | None = None) -> Bucket:
        """A part of its bucket, for a test of its own."""
        from portravox.service.storage.location import parse_location
        from portravox.service.storage.object_store import open_bucket

        with pytest.MonkeyPatch.context() as patched:
            for name, value in self.environment.items():
                patched.setenv(name, value)
            return open_bucket(parse_location(self.url(prefix, endpoint=endpoint)))


def make_bucket(server: SwiftServer) -> None:
    """The one bucket, which no server of ours would make."""
    import obstore

    # A signed request for the object without a name.
    address = obstore.sign(server.open_bucket("").store, "PUT", "", datetime.timedelta(seconds=60))
    with urllib.request.urlopen(urllib.request.Request(address, method="PUT"), timeout=30):
        pass


@contextlib.contextmanager
def running(folder: Path) -> Iterator[SwiftServer]:
    """Start it in an empty folder."""
    ports = dict(zip(("proxy", *KINDS), _free_ports(4), strict=True))
    (folder / "devices" / "d1").mkdir(parents=True)
    (folder / "swift.conf").write_text(
        "[swift-hash]\nswift_hash_path_prefix = a\nswift_hash_path_suffix = b\n"
        "[storage-policy:0]\nname = one\ndefault = yes\n"
    )
    for kind in KINDS:
        (folder / f"{kind}.conf").write_text(
            _general(folder, ports[kind])
            + f"[pipeline:main]\npipeline = {kind}-server\n"
            + f"[app:{kind}-server]\nuse = egg:swift#{kind}\n"
        )
    (folder / "proxy.conf").write_text(_general(folder, ports["proxy"]) + _PROXY)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            (DEBIANS_PYTHON, "-P", str(PROGRAM), str(folder), *map(str, ports.values())),
            stdout=log,
            stderr=log,
            # Nothing of the environment that the tests run in: it has other packages.
            env={"PATH": os.defpath, "PYTHONWARNINGS": "ignore", "LANG": "C.UTF-8"},
        )
    try:
        endpoint = f"http://127.0.0.1:{ports['proxy']}"
        _wait_for(endpoint, process, folder / "log")
        server = SwiftServer(endpoint)
        make_bucket(server)
        yield server
    finally:
        process.kill()
        process.wait()


_PROXY = """\
[pipeline:main]
pipeline = catch_errors proxy-logging cache s3api tempauth slo dlo proxy-logging proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:proxy-logging]
use = egg:swift#proxy_logging
[filter:cache]
use = egg:swift#memcache
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
"""


def _general(folder: Path, port: int) -> str:
    return (
        f"[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = {port}\nworkers = 0\nuser = {_user()}\n"
        f"swift_dir = {folder}\ndevices = {folder}/devices\nmount_check = false\n"
        f"log_level = WARNING\nlog_address = {folder}/no-syslog\n"
        "fallocate_reserve = 0\n"
    )


def _user() -> str:
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _wait_for(endpoint: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIME_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{endpoint}/info", timeout=5):
                return
        except urllib.error.HTTPError as error:
            error.close()
            return  # it answers
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"Swift did not start:\n{log.read_text()[-4000:]}")
