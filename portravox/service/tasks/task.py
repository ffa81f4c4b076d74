"""What is known about a task, whatever keeps it: plain values that cross the queue's border.

Flow      routes, worker -> tasks.task -> tasks.queue, tasks.outbox

Times are seconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portravox.captions.files import CaptionKind
from portravox.options import OPTIONS
from portravox.service.tasks.states import TaskState

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a client asked for, after it was found to be well formed."""

    model: str
    image_url: str
    audio_url: str
    parameters: Mapping[str, Json]
    resolve_oss: bool
    """Whether the client allowed oss:// addresses to be resolved."""

    @property
    def has_words(self) -> bool:
        """Whether it is known what is said."""
        return any(self.parameters.get(name) is not None for name in ("text", "transcript"))

    @property
    def captions_kind(self) -> CaptionKind:
        """The file of captions beside the video, where there is one."""
        return "srt" if self.parameters.get("captions") == "srt" else "vtt"

    @property
    def engine(self) -> str:
        """Name of the engine that draws it."""
        return str(self.parameters.get("engine", OPTIONS["engine"].default))


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a task succeeded."""

    video_name: str
    """In the storage; ends with .mp4."""

    duration_s: float


def captions_name(video_name: str, kind: CaptionKind) -> str:
    """Where the captions of a video lie, if it has any."""
    return f"{video_name.removesuffix('.mp4')}.{kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What was wrong with a file, kept for who asks; code and message stay the original's."""

    file: str | None
    """image or audio"""

    reason: str
    """The code of an error of ours."""

    sentence: str
    """The value and what was wanted; 300 characters at most. Comes from a process that read a
    stranger's file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How an attempt failed."""

    code: str
    message: str
    explanation: Explanation | None = None

    retry: bool = False
    """Whether another attempt may fare better: the worker broke, not the input. The task fails for
    good once it was tried MAX_TRIES times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """An attempt given back unfinished, by a server that shuts down; not counted as a try."""


Outcome = Result | Failure | Released


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task as it was when it was read."""

    task_id: str
    """A UUID in lower case."""

    key_id: str
    key_group: str
    request_id: str
    """Of the request that submitted it."""

    job: Job
    state: TaskState
    attempt: int
    """0 until it is claimed."""

    submitted_at: float
    scheduled_at: float | None
    """When the latest attempt began; None while PENDING."""

    ended_at: float | None
    worker: str | None
    lease_until: float | None
    cancel_requested: bool
    """Only while RUNNING: it will be CANCELED as soon as its worker has stopped."""

    stage: str | None
    """What the worker said last that it does; None unless RUNNING."""

    done: float
    """0..1"""

    code: str | None
    message: str | None
    """Why it FAILED."""

    explanation: Explanation | None = None
    """Of a FAILED task whose input was at fault."""

    result: Result | None
    """Whenever it SUCCEEDED, and only then."""

    @property
    def captions_name(self) -> str | None:
        """Where its captions lie; None where it has none: its words are not known."""
        if self.result is None or not self.job.has_words:
            return None
        return captions_name(self.result.video_name, self.job.captions_kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which tasks a list shows; None lets all through."""

    task_id: str | None = None
    model: str | None = None
    state: TaskState | None = None
    key_id: str | None = None
    submitted_from: float | None = None
    submitted_to: float | None = None
    """Both inclusive."""

    page_no: int = 1
    """1.."""

    page_size: int = 10
    """1.."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a list."""

    tasks: tuple[Task, ...]
    """Newest first."""

    total: int
    """Tasks on all pages together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLimits:
    """What one key may have in the queue at a time; None is without limit."""

    max_pending: int | None = None
    max_running: int | None = None
    """Further tasks wait, and let those of other keys pass."""

    share: float = 1.0
    """How much this key may hold of what other keys leave of the whole queue, 0..1. 1 is for a key
    that has the queue to itself."""


@dataclass(frozen=True, slots=True)
class LatestAttempts:
    """How work goes, on all machines together."""

    mean_s: float | None
    """What the latest attempts that gave a video took; None: there was none yet."""

    running: int
    """How many run now."""
