"""Nothing is looked up, nobody is called, nothing is left at home: not by us, not by a library.

Each program runs in a network namespace with a name server of ours and no other way out
(`observed.py`). The first test shows that what it must not do would be seen.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest

from portravox.demo import VOICE

HERE = Path(__file__).parent
CHECKOUT = HERE.parent.parent

IDLE_S = 10.0
"""How long the server is left alone: onnxruntime 1.32 called its maker after less. Our choice."""

ENTRY = (sys.executable, "-c", "import sys; from portravox.cli.main import main; sys.exit(main())")

OWN_NAMESPACE = ("unshare", "--net", "--mount")
AS_A_USER = ("--user", "--map-root-user")

SINS = """
import pathlib, socket
for address in ("8.8.8.8", "203.0.113.9", "2001:db8:7::1"):
    try:
        socket.create_connection((address, 81), timeout=0.5)
    except OSError:
        pass
socket.create_connection(("calling.home.example", 443), timeout=5).close()
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("9.9.9.9", 999))
pathlib.Path("~/.habit").expanduser().write_text("x")
pathlib.Path("/var/tmp/habit").write_text("x")
"""

ANIMATE = """
import sys, time
import portravox
result = portravox.animate(sys.argv[1], sys.argv[2], "out.mp4", max_side=256)
time.sleep(float(sys.argv[3]))
print(result.duration_s)
"""


@dataclass(frozen=True)
class Observation:
    """What a program did where it could be watched."""

    status: int
    output: str
    errors: str
    seen: tuple[str, ...]
    """Look-ups, connections and datagrams to anywhere but loopback addresses."""

    left: tuple[str, ...]
    """Files and folders in its home, its temporary folder and those of the machine."""


@lru_cache
def _namespace() -> tuple[str, ...] | None:
    """The command that makes one here; None where that is not allowed."""
    for command in (OWN_NAMESPACE, (*OWN_NAMESPACE, *AS_A_USER)):
        try:
            if subprocess.run([*command, "true"], capture_output=True).returncode == 0:
                return command
        except FileNotFoundError:
            return None
    return None


def observe(
    command: Sequence[str],
    *,
    environment: dict[str, str] | None = None,
    picture: Path | None = None,
) -> Observation:
    """Run a program where it can be watched.

    picture  with one the program is a server, which is asked once whether the picture will do
    """
    namespace = _namespace()
    if namespace is None:
        if os.environ.get("CI"):
            pytest.fail("network namespaces are not allowed here, and this check needs them")
        pytest.skip("needs network namespaces")
    in_tmp = not any(
        Path(path).resolve().is_relative_to("/tmp")
        for path in (CHECKOUT, sys.prefix, sys.base_prefix, VOICE, picture or VOICE)
    )
    inherited = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    plan = {
        "command": list(command),
        "environment": {**inherited, "PYTHONPATH": str(CHECKOUT), **(environment or {})},
        "in_tmp": in_tmp,
        "serve": picture is not None,
        "picture": str(picture),
        "idle_s": IDLE_S,
    }
    ran = subprocess.run(
        [*namespace, sys.executable, str(HERE / "observed.py")],
        input=json.dumps(plan),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    return Observation(
        status=told["status"],
        output=told["output"],
        errors=told["errors"],
        seen=tuple(told["seen"]),
        left=tuple(told["left"]),
    )


def test_what_must_not_be_done_would_be_seen():
    found = observe([sys.executable, "-c", SINS])
    assert found.status == 0, found.errors
    assert set(found.seen) == {
        "connection to 8.8.8.8:81",
        "connection to 203.0.113.9:81",
        "connection to 2001:db8:7::1:81",
        "look-up of calling.home.example",
        "connection to 198.51.100.7:443",
        "datagram to 9.9.9.9:999",
    }
    assert found.left == ("/var/tmp/habit", "home/.habit")


def test_animate_calls_nobody_and_leaves_nothing(astronaut_path: Path):
    found = observe(
        [sys.executable, "-c", ANIMATE, str(astronaut_path), str(VOICE), str(IDLE_S)],
        # Also where it was turned on, for another program.
        environment={"ORT_DISABLE_TELEMETRY": "0"},
    )
    assert found.status == 0, found.errors
    assert float(found.output) > 1.0
    assert (found.seen, found.left) == ((), ())


def test_a_server_calls_nobody_and_leaves_nothing(astronaut_path: Path):
    found = observe([*ENTRY, "serve"], picture=astronaut_path)
    assert found.status == 0, found.errors
    assert '"pass":true' in found.output
    assert (found.seen, found.left) == ((), ())


READ = """
import base64, sys
from portravox.inspection import inspect
for content in sys.argv[1:]:
    print([mark.words for mark in inspect(base64.b64decode(content)).marks])
"""

READ_WITHOUT_OUR_SETTINGS = """
import base64, io, os, sys, threading, c2pa
threading.Timer(1.5, os._exit, [0]).start()  # nobody answers
for kind, content in zip(("video/mp4", "image/png"), sys.argv[1:]):
    try:
        c2pa.Reader(kind, io.BytesIO(base64.b64decode(content))).json()
    except c2pa.C2paError as error:
        print(error)
"""


def test_no_manifest_makes_us_call_anybody(tmp_path: Path):
    """One that lies elsewhere, and a certificate whose issuer may be asked about it."""
    from tests.credentials import new_chain, of_a_camera, sealed_video

    chain = new_chain(tmp_path / "chain", asked_at="http://revoked.example/ocsp")
    files = (
        sealed_video(tmp_path / "v.mp4", chain),
        of_a_camera(tmp_path / "p.png", chain, elsewhere="http://manifest.example/p.c2pa"),
    )
    contents = [base64.b64encode(file.read_bytes()).decode() for file in files]
    found = observe([sys.executable, "-c", READ, *contents])
    assert found.status == 0, found.errors
    assert "a C2PA manifest" in found.output
    assert (found.seen, found.left) == ((), ())
    loud = observe([sys.executable, "-c", READ_WITHOUT_OUR_SETTINGS, *contents])
    assert "look-up of manifest.example" in loud.seen  # so it would be seen


@pytest.mark.parametrize("arguments", [["doctor"], ["demo", "-o", "demo.mp4"]], ids=lambda a: a[0])
def test_a_command_calls_nobody_and_leaves_nothing(arguments: list[str], astronaut_path: Path):
    found = observe([*ENTRY, *arguments])
    assert found.status == 0, found.errors
    assert (found.seen, found.left) == ((), ())


@pytest.mark.parametrize(
    "package",
    ["portravox.inference", "benchmarks", "handbook", "training", "portravox.service.worker.child"],
)
def test_telemetry_is_off_before_anything_of_ours_can_load_onnxruntime(package: str):
    code = (
        f"import sys, os, {package};"
        "print(os.environ['ORT_DISABLE_TELEMETRY'], 'onnxruntime' in sys.modules)"
    )
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["1", "False"]
