"""Where the stream of a live session goes: a file, a pipe, a window, a server of streams.

Flow      cli.live -> live_output -> a file, standard output, the standard input of a program

Windows and networks are others' programs, which many have already: players and FFmpeg take the
fragmented MP4 as it is made. They are looked for before anything is read or drawn.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from portravox.cli.paths import STDOUT, require_mp4, require_no_terminal
from portravox.errors import OutputNotWritable

WINDOW: Final = "window"

PLAYERS: Final = {
    "ffplay": (
        "-hide_banner", "-loglevel", "error", "-fflags", "nobuffer", "-flags", "low_delay",
        "-framedrop", "-autoexit", "-window_title", "portravox live", "-i", "-",
    ),
    "mpv": ("--profile=low-latency", "--really-quiet", "--title=portravox live", "-"),
}  # fmt: skip
"""Programs that show a stream from their standard input, and how; the first one found is taken."""

STREAMS: Final = {"rtmp": "flv", "rtmps": "flv", "srt": "mpegts", "udp": "mpegts"}
"""The form that FFmpeg gives a stream for each kind of address."""

STREAMER: Final = "ffmpeg"

DISPLAYS: Final = ("DISPLAY", "WAYLAND_DISPLAY")

LEAVE_S: Final = 10.0
"""How long a program may take to show or send the rest. Our choice."""


class Sink(Protocol):
    """Takes a stream, piece by piece."""

    def take(self, piece: bytes) -> bool:
        """False where nobody takes any more. Raises OSError."""


@contextlib.contextmanager
def opened(output: str) -> Iterator[Sink]:
    """Where the bytes go. Raises OutputNotWritable, also at the end, where a program failed."""
    command = _command(output)
    if command:
        with _running(command) as program:
            yield program
        return
    if Path(output) == STDOUT:
        yield _File(sys.stdout.buffer)
        return
    path = Path(output)  # no file that appears whole: it is written as it is made
    try:
        file = path.open("wb")
    except OSError as error:
        raise OutputNotWritable(path, error.strerror or str(error)) from error
    with file:
        yield _File(file)


def require(output: str) -> None:
    """Raise OutputNotWritable or SettingOutOfRange for what no stream can go to."""
    if _command(output):
        return
    if Path(output) == STDOUT:
        require_no_terminal()
    else:
        require_mp4(Path(output))


def _command(output: str) -> Sequence[str]:
    """The program that takes a stream there, with its arguments; () where none is needed."""
    if output == WINDOW:
        _require_display()
        return _found(PLAYERS, "a player", output)
    scheme, found, _ = output.partition("://")
    if not found:
        return ()
    if scheme not in STREAMS:
        reason = f"streams go to {', '.join(f'{one}://' for one in STREAMS)}"
        raise OutputNotWritable(_named(output), reason)
    copied = ("-hide_banner", "-loglevel", "error", "-fflags", "nobuffer", "-i", "-", "-c", "copy")
    form = ("-flush_packets", "1", "-f", STREAMS[scheme], output)
    return _found({STREAMER: (*copied, *form)}, "FFmpeg", _named(output))


def _require_display() -> None:
    """Raise OutputNotWritable where no window can be: players then show nothing, and do not say."""
    if sys.platform == "linux" and not any(map(os.environ.get, DISPLAYS)):
        raise OutputNotWritable(WINDOW, f"no display here: neither {' nor '.join(DISPLAYS)} is set")


def _named(output: str) -> str:
    """As messages name it: what follows an address's host is often a secret."""
    scheme, found, rest = output.partition("://")
    return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}/…" if found else output


def _found(programs: Mapping[str, tuple[str, ...]], what: str, output: str) -> Sequence[str]:
    for name, arguments in programs.items():
        path = shutil.which(name)
        if path is not None:
            return (path, *arguments)
    missing = OutputNotWritable(
        output, f"{what} is needed, and none is on the PATH: looked for {', '.join(programs)}"
    )
    missing.hint = (
        "Install one (Debian: apt-get install ffmpeg; macOS: brew install ffmpeg), or take the"
        " stream from a pipe: -o - | PROGRAM"
    )
    raise missing


class _File:
    """A file, or what reads our standard output."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def take(self, piece: bytes) -> bool:
        self._file.write(piece)
        self._file.flush()
        return True


class _Program:
    """One that takes the stream until somebody closes its window."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        self._process = process
        self._pipe = process.stdin

    def take(self, piece: bytes) -> bool:
        try:
            self._pipe.write(piece)
            self._pipe.flush()
        except OSError:  # BrokenPipeError, and on Windows others
            return False
        return True

    def finish(self) -> int:
        """Let it take the rest and end; its exit status."""
        with contextlib.suppress(OSError):
            self._pipe.close()
        try:
            return self._process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            self.end()
            return 0

    def end(self) -> None:
        """At once."""
        with contextlib.suppress(OSError):
            self._pipe.close()
        self._process.terminate()
        try:
            self._process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def _running(command: Sequence[str]) -> Iterator[_Program]:
    """A program until it has taken all. Raises OutputNotWritable where it says that it failed."""
    with tempfile.TemporaryFile() as said:
        program = _Program(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)
        )
        try:
            yield program
        except BaseException:
            program.end()
            raise
        status = program.finish()
        if status:
            said.seek(0)
            lines = said.read().decode("utf-8", "replace").split("\n")
            last = next((line.strip() for line in reversed(lines) if line.strip()), "")
            name = Path(command[0]).name
            raise OutputNotWritable(
                "there", f"{name} ended with status {status}: {last}".rstrip(": ")
            )
