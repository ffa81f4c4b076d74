"""A server with a saboteur in it, a client that remembers what it was promised, and a ledger.

Flow      tests.faults -> World -> saboteur, in a process of its own
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import av
import httpx

from tests.faults.saboteur import MAIN, PLAN
from tests.live import HTTP, Live, new_key, serving, upload

SUBMIT = "/api/v1/services/aigc/image2video/video-synthesis"
TASKS = "/api/v1/tasks"

VOICE_S = 1.2
FPS = 15

PATIENCE_S = 600.0
"""For a task's end. A lease that nobody prolongs runs for 30 s, and a process that is made anew
takes 2 s; the rest is for machines that do other things, too."""

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Rounds:
    """How often each fault is to happen: once in `make test`, more often in `make faults`."""

    times: int
    minutes: float
    """For all kills together; what does not fit in is not done, and the table says so."""

    @property
    def many(self) -> bool:
        return self.times > 1

    def of(self, *steps: str, share: float) -> Iterator[str]:
        """The steps in turns, so that none is left out when time is up.

        share  of the minutes, that these may take
        """
        end = time.monotonic() + 60.0 * self.minutes * share
        for number in range(self.times):
            for step in steps:
                if number > 0 and time.monotonic() > end:
                    return
                yield step


@dataclass(frozen=True, slots=True)
class Row:
    """A fault, and what became of the tasks it met."""

    fault: str
    times: int
    tasks: int
    ends: str


@dataclass(slots=True)
class Ledger:
    rows: list[Row] = field(default_factory=list)

    def add(self, fault: str, times: int, tasks: int, ends: str) -> None:
        self.rows.append(Row(fault, times, tasks, ends))

    def facts(self) -> list[dict[str, Any]]:
        return [asdict(row) for row in self.rows]

    def markdown(self) -> str:
        lines = ["| fault | times | tasks met | what became of them |", "|---|---|---|---|"]
        for row in self.rows:
            lines.append(f"| {row.fault} | {row.times} | {row.tasks} | {row.ends} |")
        return "\n".join(lines) + "\n"


class World:
    """A data folder, the servers that come and go on it, and all that they promised."""

    def __init__(self, folder: Path, files: str, **environment: str) -> None:
        self.folder = folder
        self.accepted: list[str] = []
        """Ids of all tasks that were answered with 200."""

        self._ended_well = 0
        """So many of the accepted tasks are known to have."""

        self.restarts_s: list[float] = []
        self._files = files
        self._plan = folder / "plan"
        self._environment = {
            "PORTRAVOX_FETCH_ALLOW_NETS": "127.0.0.0/8",
            "PORTRAVOX_DRAIN_S": "0",
            "PYTHONPATH": str(ROOT),
            PLAN: str(self._plan),
            **environment,
        }
        self._key = new_key(folder)
        self._server: Live | None = None

    @contextlib.contextmanager
    def server(self) -> Iterator[Live]:
        """A server that is ready."""
        begun = time.perf_counter()
        with serving(self.folder, environment=self._environment, main=MAIN) as live:
            self._server = live
            while not self.is_ready():
                time.sleep(0.005)
            self.restarts_s.append(time.perf_counter() - begun)
            yield live

    @property
    def url(self) -> str:
        assert self._server is not None
        return self._server.url

    def is_ready(self) -> bool:
        return HTTP.get(f"{self.url}/readyz", timeout=60).status_code == 200

    def until_ready(self) -> None:
        self._wait(self.is_ready, "it to be ready")

    def until_not_ready_because(self, *reasons: str) -> None:
        """Wait until /readyz says 503 for these reasons, which are looked into one by one; it
        answers in no time whatever is wrong."""

        def is_not_ready() -> bool:
            began = time.perf_counter()
            answered = HTTP.get(f"{self.url}/readyz", timeout=60)
            assert time.perf_counter() - began < 0.5  # with a new connection, on a busy machine
            told = [reason["reason"] for reason in answered.json().get("reasons", [])]
            return answered.status_code == 503 and told == list(reasons)

        self._wait(is_not_ready, f"/readyz to say {' and '.join(reasons)}")

    def plan(self, step: str, count: int = 1) -> None:
        """Choose where it breaks next."""
        hidden = self._plan.with_suffix(".new")
        hidden.write_text(f"{step} {count}")
        hidden.replace(self._plan)

    def set_clock(self, ahead_s: float) -> None:
        self._plan.write_text(f"clock {ahead_s:+}")

    @property
    def has_happened(self) -> bool:
        return not self._plan.exists()

    def wait_until_it_happened(self) -> None:
        self._wait(lambda: self.has_happened)

    def post(self, picture: str = "face.png", **headers: str) -> httpx.Response:
        body = {
            "model": "liveportrait",
            "input": {
                "image_url": f"{self._files}/{picture}",
                "audio_url": f"{self._files}/voice.wav",
            },
            "parameters": {"video_fps": FPS},
        }
        return HTTP.post(
            f"{self.url}{SUBMIT}",
            json=body,
            headers={**self.authorization, "X-DashScope-Async": "enable", **headers},
            timeout=60,
        )

    def submit(self, picture: str = "face.png") -> str:
        """Submit a task and keep the promise that was given. Raises httpx.HTTPError where the
        server died before."""
        answered = self.post(picture)
        assert answered.status_code == 200, answered.text
        task_id: str = answered.json()["output"]["task_id"]
        self.accepted.append(task_id)
        return task_id

    def upload(self, content: bytes) -> int:
        """Upload a file as the official package does; gives the status of the answer."""
        return upload(self.url, self._key, content)[0]

    def output(self, task_id: str) -> dict[str, Any]:
        answered = HTTP.get(f"{self.url}{TASKS}/{task_id}", headers=self.authorization, timeout=60)
        assert answered.status_code == 200, answered.text
        output: dict[str, Any] = answered.json()["output"]
        assert output["task_status"] != "UNKNOWN", f"{task_id} was accepted and is lost"
        return output

    def end(self, task_id: str) -> dict[str, Any]:
        """The task once it has ended."""
        found: dict[str, Any] = {}

        def has_ended() -> bool:
            found.update(self.output(task_id))
            return found["task_status"] not in ("PENDING", "RUNNING")

        self._wait(has_ended, f"{task_id} to end")
        return found

    def until_running(self, task_id: str) -> None:
        self._wait(lambda: self.output(task_id)["task_status"] == "RUNNING", "it to run")

    def require_success(self) -> None:
        """All tasks accepted so far end well. Asked for before the next kill: a task that is met by
        three of them fails, as it should."""
        for task_id in self.accepted[self._ended_well :]:
            ended = self.end(task_id)
            assert ended["task_status"] == "SUCCEEDED", ended
            self._ended_well += 1

    def require_one_video_each(self) -> None:
        """Every accepted task has ended well, with one video that plays, and nothing else lies
        about."""
        videos = set()
        for task_id in self.accepted:
            ended = self.end(task_id)
            assert ended["task_status"] == "SUCCEEDED", ended
            videos.add(_video_name(ended))
            address = ended["results"]["video_url"]
            require_playable(HTTP.get(address, timeout=60).content)
        ends = [self.end(task_id) for task_id in self.tasks()]
        told = {_video_name(end) for end in ends if end["task_status"] == "SUCCEEDED"}
        assert videos <= told
        # A task that was begun and never promised to anybody may have its video, too.
        assert {file.name for file in (self.folder / "videos").glob("*.mp4")} == told
        assert list((self.folder / "work").iterdir()) == []

    def tasks(self) -> list[str]:
        """Ids of all tasks in the table, those of clients that were cut off among them."""
        ids: list[str] = []
        page_no = pages = 1
        while page_no <= pages:
            page = HTTP.get(
                f"{self.url}{TASKS}",
                params={"page_no": page_no, "page_size": 100},
                headers=self.authorization,
                timeout=60,
            ).json()
            ids += [row["task_id"] for row in page["data"]]
            page_no, pages = page_no + 1, page["total_page"]
        return ids

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}"}

    def _wait(self, is_so: Any, wanted: str = "it to happen") -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < deadline, f"waited {PATIENCE_S:g} s for {wanted}"
            time.sleep(0.02)


def _video_name(ended: dict[str, Any]) -> str:
    return httpx.URL(ended["results"]["video_url"]).path.rpartition("/")[2]


def require_playable(content: bytes) -> None:
    """All frames and all sound of an MP4 can be decoded."""
    with av.open(io.BytesIO(content)) as video:
        frames = sum(1 for _ in video.decode(video=0))
        assert frames == round(VOICE_S * FPS)
    with av.open(io.BytesIO(content)) as video:
        heard_s = sum(frame.samples / frame.sample_rate for frame in video.decode(audio=0))
        assert abs(heard_s - VOICE_S) < 0.1
