"""A process that says odd things is killed, costs one attempt, and the next request gets its own
answer."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from portravox.service import problems
from portravox.service.worker.messages import RenderDone, RenderRequest
from portravox.service.worker.process import RequestFailed, WorkerProcess

TALKER = r"""
import json, os, sys, time

def say(line):
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()

def rendered(number, duration_s):
    said = b'{"kind":"rendered","number":%d,"duration_s":%.1f,"streamed":false}\n'
    say(said % (number, duration_s))

odd, folder = sys.argv[1], sys.argv[2]
first = not os.path.exists(folder + "/odd")
if first:
    open(folder + "/odd", "w").close()
    exec(open(folder + "/before").read())
say(b'{"kind":"ready","number":0}\n')
for line in sys.stdin:
    request = json.loads(line)
    number = request["number"]
    # Each request is answered with its own duration, so that a shifted answer shows.
    if first:
        exec(open(folder + "/instead").read())
        continue
    rendered(number, request["parameters"]["s"])
"""


def talker(folder: Path, *, instead: str = "", before: str = "") -> WorkerProcess:
    """A process that does something odd with its first request, and is well behaved when it was
    replaced."""
    (folder / "before").write_text(before)
    (folder / "instead").write_text(instead)
    command = (sys.executable, "-c", TALKER, "render", str(folder))
    return WorkerProcess("render", memory_mib=256, command=command)


async def rendered_s(process: WorkerProcess, wanted_s: float) -> float:
    request = RenderRequest(folder="/nowhere", parameters={"s": wanted_s})
    return (await process.request(request, RenderDone, time_s=10.0)).duration_s


RENDERED = r"""say(b'{"kind":"rendered","number":1,"duration_s":5.0,"streamed":false}###"""

ODD = {
    "a word": r'say(b"hello\n")',
    "a list": r'say(b"[1]\n")',
    "an old failure": r"""say(b'{"failed":{}}\n')""",
    "an old success": r"""say(b'{"done":{}}\n')""",
    "70 kB": r"""say(b'{"x":"' + b"x" * 70000 + b'"}\n')""",
    "70 kB without an end": r"""say(b"x" * 70000); time.sleep(60)""",
    "binary": r"say(bytes(range(256)))",
    "NaN": r"""say(b'{"kind":"rendered","number":1,"duration_s":NaN,"streamed":false}\n')""",
    "negative": r"rendered(number, -2.0)",
    "infinite": r"""say(b'{"kind":"rendered","number":1,"duration_s":1e999,"streamed":false}\n')""",
    "an earlier number": r"rendered(number - 1, 5.0)",
    "a later number": r"rendered(number + 1, 5.0)",
    "another kind of answer": r"""say(b'{"kind":"fetched","number":%d}\n' % number)""",
    "ready again": r"""say(b'{"kind":"ready","number":0}\n')""",
    "done twice at once": RENDERED.replace("###", r"\n' * 2)"),
    "done and half a line": RENDERED.replace("###", r"\n{')"),
    "a flood": r"""
while True:
    say(b'{"kind":"stage","number":1,"stage":"render","done":0.5}\n' * 100)
""",
    "its output closed": r"os.close(1); time.sleep(60)",
    "gone": r"sys.exit()",
}


@pytest.mark.parametrize("instead", ODD.values(), ids=ODD)
async def test_an_odd_answer_costs_one_attempt_and_the_next_request_gets_its_own(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], instead: str
) -> None:
    async with asyncio.timeout(20.0):
        process = talker(tmp_path, instead=instead)
        with pytest.raises(RequestFailed) as failed:
            await rendered_s(process, 2.0)
        assert (failed.value.problem, failed.value.retry) == (problems.ALGO, True)
        assert process.pid is None
        assert [await rendered_s(process, wanted_s) for wanted_s in (3.0, 4.0)] == [3.0, 4.0]
        await process.close()
    assert "Traceback" not in capfd.readouterr().err  # it said what it was to say


BEFORE = {
    "text": r'say(b"warming up\n")',
    "an answer": r"rendered(1, 5.0)",
    "binary": r"say(bytes(range(256)))",
    "nothing more": r"sys.exit()",
}


@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
async def test_what_is_said_before_ready_costs_the_start(tmp_path: Path, before: str) -> None:
    async with asyncio.timeout(20.0):
        process = talker(tmp_path, before=before)
        with pytest.raises(RequestFailed) as failed:
            await process.warm()
        assert (failed.value.problem, failed.value.retry) == (problems.ALGO, True)
        assert await rendered_s(process, 3.0) == 3.0
        await process.close()


@pytest.mark.parametrize(
    "late",
    [
        r"""say(b'{"kind":"rendered","number":1,"duration_s":5.0,"streamed":false}\n')""",
        r'say(b"x")',
        r"sys.exit()",
    ],
)
async def test_what_is_said_after_done_is_no_answer_to_what_follows(
    tmp_path: Path, late: str
) -> None:
    instead = f"rendered(number, 2.0); time.sleep(0.05); {late}"
    async with asyncio.timeout(20.0):
        process = talker(tmp_path, instead=instead)
        assert await rendered_s(process, 2.0) == 2.0
        pid = process.pid
        await asyncio.sleep(0.3)
        assert await rendered_s(process, 3.0) == 3.0
        assert process.pid != pid
        await process.close()


async def test_what_is_watched_is_moved_out_once_and_goes_on_growing(tmp_path: Path) -> None:
    """The process may put another file in its place, which nobody looks at."""
    grows = r"""
folder = request["folder"]
stream = open(folder + "/stream.mp4", "wb", buffering=0)
stream.write(b"first ")
stage = b'{"kind":"stage","number":%d,"stage":"render","done":0.5,"frames":0,"pixels":0}\n' % number
say(stage)
while os.path.exists(folder + "/stream.mp4"):
    time.sleep(0.01)
stream.write(b"second")
os.symlink("/etc/passwd", folder + "/stream.mp4")
say(stage)
open(folder + "/video.mp4", "wb").write(b"mp4")
rendered(number, 1.0)
"""
    process = talker(tmp_path, instead=grows)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    request = RenderRequest(folder=str(scratch), parameters={}, may_be_watched=True)
    await process.request(request, RenderDone, time_s=10.0)
    assert (scratch / "stream.mp4").read_bytes() == b"first second"
    assert not (scratch / "stream.mp4").is_symlink()
    await process.close()


@pytest.mark.parametrize("steps", range(6))
async def test_who_goes_away_as_his_request_begins_takes_nothing_from_the_next(
    tmp_path: Path, steps: int
) -> None:
    """After so many turns of the loop; some of them lie before the request was sent."""
    async with asyncio.timeout(20.0):
        process = talker(tmp_path, instead="rendered(number, 2.0)")
        assert await rendered_s(process, 2.0) == 2.0
        going = asyncio.create_task(rendered_s(process, 2.0))
        for _ in range(steps):
            await asyncio.sleep(0)
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
        own_s = 3.0 if process.pid is None else 2.0  # of a new process, or of this one
        assert await rendered_s(process, 3.0) == own_s
        await process.close()
