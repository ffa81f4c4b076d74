"""How far a job has come: a bar on a terminal, lines elsewhere.

Flow      pipeline's on_progress -> cli.progress -> stderr
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from portravox.cli.terminal import tell

if TYPE_CHECKING:
    from portravox.pipeline import OnProgress, Progress

WORDS = {
    "read": "reading the files",
    "face": "finding the face",
    "listen": "listening to the voice",
    "render": "rendering",
    "finish": "finishing the file",
}
"""The pipeline's stages, for people."""

LINE_EVERY = 0.1
"""Of the job, from one line to the next."""


class Pace:
    """Tells the time that a job still takes, from how fast its frames come."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began_s = 0.0
        self._first_frame = 0

    def remaining_s(self, progress: Progress) -> float | None:
        """Seconds; None before the second frame, when nobody knows.

        The first frame is left out: it loads and compiles what the others then use.
        """
        if progress.frames_done == 0:
            return None
        if self._first_frame == 0:
            self._first_frame, self._began_s = progress.frames_done, self._clock()
            return None
        frames = progress.frames_done - self._first_frame
        if frames <= 0:
            return None
        each_s = (self._clock() - self._began_s) / frames
        return each_s * (progress.frames - progress.frames_done)


@contextlib.contextmanager
def shown_progress(title: str = "", *, lines: bool = True) -> Iterator[OnProgress]:
    """Gives what to hand to `animate` as on_progress; `title` stands before each line.

    lines   whether anything is told where there is no terminal
    """
    if sys.stderr.isatty():
        with bar(title or None) as show:
            yield _in_bar(show)
    else:
        yield _lines(title) if lines else _ignore


def _ignore(progress: Progress) -> None:
    del progress


def _lines(title: str) -> OnProgress:
    pace = Pace()
    next_line = 0.0
    stage_told = ""

    def show(progress: Progress) -> None:
        nonlocal next_line, stage_told
        remaining_s = pace.remaining_s(progress)
        if progress.done < 1.0 and progress.stage == stage_told and progress.done < next_line:
            return
        stage_told = progress.stage
        next_line = (progress.done // LINE_EVERY + 1) * LINE_EVERY
        words = "done" if progress.done >= 1.0 else WORDS[progress.stage]
        left = f", {remaining_s:.0f} s left" if remaining_s and progress.stage == "render" else ""
        tell(f"{title}{progress.done:4.0%} {words}{left}")

    return show


Show = Callable[[float, str, "float | None"], None]
"""Called with how much of the job is done, 0..1, what is done, and the seconds that are left."""


@contextlib.contextmanager
def bar(title: str | None = None) -> Iterator[Show]:
    """A bar on the terminal, gone at the end; `title` stands before what is done."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(escape(title or ""), total=1.0, left="")

        def show(done: float, words: str, remaining_s: float | None) -> None:
            left = (
                "" if remaining_s is None else f"{remaining_s // 60:.0f}:{remaining_s % 60:02.0f}"
            )
            shown.update(
                task, completed=done, description=escape(f"{title or ''}{words}"), left=left
            )

        yield show


def _in_bar(show: Show) -> OnProgress:
    pace = Pace()
    return lambda progress: show(progress.done, WORDS[progress.stage], pace.remaining_s(progress))
