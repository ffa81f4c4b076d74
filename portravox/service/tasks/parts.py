"""What is known about a part of a long video, whatever keeps it.

Flow      worker.parts -> tasks.parts -> tasks.postgres_parts

One attempt at a task makes its plan and leaves its parts here; whoever has nothing else to do
claims one. As with tasks, the number of a try is a fence, and a claim lasts as long as its lease.
Parts belong to no key: whose they are counts as one running task.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from portravox.service.tasks.task import Failure, Task

PartState = Literal["WAITING", "RUNNING", "DONE", "FAILED"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part as it was when it was read."""

    task_id: str
    number: int
    """0.., in the order of the video"""

    plan: str
    """Which plan it is a part of; another one makes another video."""

    first: int
    stop: int
    """Frames by their numbers, the last one not among them."""

    state: PartState
    tries: int
    """0 until it is claimed."""

    done: float
    """0..1"""

    failure: Failure | None = None
    """Why it FAILED, which it did for good."""

    @property
    def frames(self) -> int:
        return self.stop - self.first

    @property
    def file(self) -> str:
        """Where the latest try leaves it, in the storage."""
        return self.file_of_try(self.tries)

    def file_of_try(self, tries: int) -> str:
        return f"{self.task_id}-{self.plan}-{self.number}-{tries}.part"


SHARED = ("plan", "image", "background")
"""Files that all parts of a plan need, as they are named beside each other."""


def shared_file(task_id: str, plan: str, name: str) -> str:
    """Where what all parts of a plan need lies, in the storage."""
    return f"{task_id}-{plan}-{name}.part"


def files_of(parts: Iterable[Part]) -> tuple[str, ...]:
    """All files in the storage that there may be of parts."""
    names: dict[str, None] = {}
    for part in parts:
        names |= {shared_file(part.task_id, part.plan, name): None for name in SHARED}
        names |= {part.file_of_try(tries): None for tries in range(1, part.tries + 1)}
    return tuple(names)


class PartsTable(Protocol):
    """Parts between the attempt that needs them and the workers who make them.

    Every method raises QueueUnavailable where the table cannot be read or written.
    """

    async def begin(
        self, task: Task, *, plan: str, recipe: str, ranges: Sequence[range]
    ) -> tuple[Part, ...]:
        """Leave the parts of a plan, and call for workers; gives parts of an earlier plan, whose
        files are to be removed. Parts of this very plan stay as they are: an attempt that died
        had them made.

        recipe   who may make them: workers whose parts would be the same
        """

    async def claim(
        self,
        worker: str,
        *,
        recipe: str,
        engines: Collection[str],
        lease_s: float,
        task_id: str | None = None,
    ) -> tuple[Part, Task] | None:
        """Begin a try at a part of a task that runs; None where none waits.

        task_id   of this task; None: of the one of which the fewest are being made
        """

    async def heartbeat(self, part: Part, *, lease_s: float, done: float) -> bool:
        """Prolong the lease and tell progress, 0..1. False where the part is somebody else's now,
        or its video is not wanted any more."""

    async def finish(self, part: Part, failure: Failure | None) -> bool:
        """End a try, well or not; True if it is taken. A failure that another try may mend lets
        the part wait again, up to MAX_TRIES."""

    async def release(self, part: Part) -> None:
        """Give a try back unfinished; not counted as one."""

    async def of_task(self, task_id: str) -> tuple[Part, ...]:
        """All parts of a task, in order."""

    async def forget_ended(self, task_id: str | None = None) -> tuple[Part, ...]:
        """Forget parts of tasks that ended, or of one; gives them, so that files are removed."""

    async def drop(self, task_id: str) -> tuple[Part, ...]:
        """Forget the parts of a task that turned out to be of no use; gives them likewise."""

    async def requeue_expired(self, lost: Collection[str] = ()) -> None:
        """Let parts wait again whose lease has run out, or whose worker is known to be gone."""
