"""Videos that are watched while they are made here.

Flow      worker.child -> a file in the scratch folder, which grows -> worker.loop: Streams.showing
          routes.tasks -> Streams.find -> StreamedVideo.pieces -> clients

A video's file is opened once and looked at once for all who watch it; each of them is sent the
bytes from the beginning, as they come, and holds one piece of them. Where the attempt that writes
it ends before the video is whole, whoever watches is cut off: what came was no whole video, and the
next attempt makes another one, from its first frame.
"""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from portravox.system import open_strangers_file

LOOK_S = 0.05
"""How often it is looked whether a watched file has grown. Our choice: a fifth of a fragment."""

PIECE_BYTES = 64 * 1024
"""What is read at once for each who watches."""

REST_S = 300.0
"""How long a client may take for the rest once the video is whole and lies in the storage, too:
until then what is watched keeps its room on the disk. Our choice; those who are cut may have the
finished video."""


CUT = "portravox.cut"
"""In a request's scope, what ends its connection in the middle of an answer (`connections`)."""


def cut_off(scope: MutableMapping[str, Any]) -> bool:
    """End the connection of a request whose answer cannot be finished, so that the client sees that
    it is not whole. False where raising has to do that: no server of ours is below."""
    cut = scope.get(CUT)
    if cut is None:
        return False
    cut()
    return True


class StreamCut(Exception):
    """There will be no more of what was being sent, though it is not whole."""


class StreamedVideo:
    """The video of one attempt. Belongs to one event loop."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor: int | None = None
        self._size_bytes = 0
        self._is_whole = False
        self._ended_at: float | None = None
        self._watching = 0
        self._looking: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    @property
    def has_begun(self) -> bool:
        """Whether there is something to send."""
        try:
            return self._file.lstat().st_size > 0
        except OSError:
            return False

    @property
    def watching(self) -> int:
        """How many watch."""
        return self._watching

    def end(self, *, whole: bool) -> None:
        """Nothing more will be written. Only what is said first counts."""
        if self._ended_at is None:
            self._is_whole = whole
            self._ended_at = time.monotonic()
            self._tell()
            self._close_if_done()

    def cut(self) -> None:
        """Cut off whoever watches, also what is whole."""
        self._is_whole = False
        self._ended_at = self._ended_at or time.monotonic()
        self._tell()

    async def pieces(self) -> AsyncIterator[bytes]:
        """All of it, from the beginning, as it comes. Raises StreamCut."""
        if not self._open():
            raise StreamCut("it has not begun, or is over")
        assert self._descriptor is not None
        self._watching += 1
        if self._looking is None:
            self._looking = asyncio.create_task(self._look(), name="streams")
        at = 0
        try:
            while True:
                # Asked before it is read: what was written before the end is sent before the end.
                ended, changed = self._ended_at, self._changed
                if ended is not None and not self._is_whole:
                    raise StreamCut("the attempt ended")
                if ended is not None and time.monotonic() - ended > REST_S:
                    raise StreamCut("it took too long")
                piece = b""
                if ended is not None or self._size_bytes > at:
                    piece = await asyncio.to_thread(os.pread, self._descriptor, PIECE_BYTES, at)
                if piece:
                    at += len(piece)
                    yield piece
                elif ended is not None:
                    return
                else:
                    await changed.wait()
        finally:
            self._watching -= 1
            self._close_if_done()

    def _open(self) -> bool:
        """Open the file, if it is there; whether it is open."""
        if self._descriptor is not None:
            return True
        # Nothing but files: a child writes here, and must not choose what we read.
        try:
            descriptor = open_strangers_file(self._file)
        except OSError:
            return False
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    async def _look(self) -> None:
        """Tell those who watch when it grows."""
        while self._descriptor is not None:
            size_bytes = os.fstat(self._descriptor).st_size
            if size_bytes != self._size_bytes:
                self._size_bytes = size_bytes
                self._tell()
            await asyncio.sleep(LOOK_S)

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _close_if_done(self) -> None:
        if self._watching:
            return
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        if self._ended_at is not None and self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class Streams:
    """Which video belongs to which task. Belongs to one process: what another one renders cannot
    be watched here."""

    def __init__(self) -> None:
        self._videos: dict[str, StreamedVideo] = {}
        self._left: set[StreamedVideo] = set()
        """Whole, and somebody still takes the rest."""

    @contextmanager
    def showing(self, task_id: str, file: Path) -> Iterator[StreamedVideo]:
        """While this lasts, an attempt at a task writes its video into the file. The block says by
        `end` when it is whole; where it does not, it never was."""
        video = StreamedVideo(file)
        self._videos[task_id] = video
        try:
            yield video
        finally:
            video.end(whole=False)
            if self._videos.get(task_id) is video:
                del self._videos[task_id]
            self._left = {other for other in (*self._left, video) if other.watching}

    def find(self, task_id: str) -> StreamedVideo | None:
        """The video that is being made; None where none is, here."""
        return self._videos.get(task_id)

    @property
    def watching(self) -> int:
        """How many watch, of all videos."""
        return sum(video.watching for video in (*self._videos.values(), *self._left))

    def close(self) -> None:
        """Cut off everybody who watches."""
        for video in (*self._videos.values(), *self._left):
            video.cut()
