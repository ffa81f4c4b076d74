"""portravox live: a portrait that speaks what comes through a pipe, while it comes.

Flow      cli.app -> cli.live -> engines.session, live_stream
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from portravox.cli import live_output
from portravox.cli.options import Given, Producer, job_options, with_options
from portravox.cli.paths import require_file
from portravox.cli.terminal import tell
from portravox.errors import SettingOutOfRange
from portravox.labels.aigc import PRODUCER
from portravox.options import LIVE_OPTIONS, background_kind

if TYPE_CHECKING:
    from portravox.arrays import Float32
    from portravox.media.picture import Picture

STDIN = Path("-")

PIECE_S = 0.1
"""Read from a pipe at once, at most."""

PIECES = 100
"""Held of a pipe, at most; then it waits."""


def _live(
    portrait: Annotated[
        Path, typer.Argument(metavar="PORTRAIT", help="JPEG, PNG, BMP or WebP picture.")
    ],
    source: Annotated[
        Path,
        typer.Option(
            "-i",
            "--input",
            help="WAV or MP3 recording; - is standard input: samples alone, 16 bits, signed,"
            " little-endian, one channel, at --rate.",
        ),
    ] = STDIN,
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            metavar="WHERE",
            help="Where the fragmented MP4 goes: a file; - is standard output; window shows it"
            " (ffplay or mpv does); rtmp://, rtmps://, srt:// and udp:// send it (ffmpeg does).",
        ),
    ] = "-",
    rate: Annotated[
        int,
        typer.Option(
            "--rate", metavar="HZ", help="Samples a second on standard input, 8000 to 192000."
        ),
    ] = 24_000,
    pace: Annotated[
        bool,
        typer.Option(
            "--pace/--no-pace",
            help="A frame when it is due; --no-pace: as fast as the input and the machine go.",
        ),
    ] = True,
    *,
    given: Given,
    producer: Producer = PRODUCER,
) -> None:
    """Speak what comes in while it comes, and idle in between, until the input ends."""
    from portravox import __version__, read_picture
    from portravox.engines.registry import open_engine
    from portravox.engines.session import require_rate
    from portravox.labels.aigc import AiLabel, content_id
    from portravox.labels.watermark import watermark_of
    from portravox.labels.watermark_key import key_of_environment
    from portravox.live_stream import LiveStream, streamed
    from portravox.media.live_video import LIVE
    from portravox.staging.stage import reading_side, staged

    options = job_options(given)
    require_file(portrait, "portrait")
    require_rate("rate", rate)
    key = key_of_environment()
    live_output.require(output)
    if background_kind(options.background) == "transparent":
        raise SettingOutOfRange("background", options.background, "another one: a stream is MP4")
    picture = read_picture(portrait, max_side_px=reading_side(options))
    backdrop = _backdrop(options.background)
    spoken = _Pipe(sys.stdin.buffer, rate) if source == STDIN else _recording(source)
    ready = staged(picture, options, backdrop)
    avatar = open_engine(options.engine).register(ready.picture, face=ready.face)
    for notice in avatar.notices:
        tell(f"note: {notice}")
    number = content_id(picture.pixels.tobytes(), __version__.encode(), os.urandom(16))
    with live_output.opened(output) as sink, avatar.open(ready.direction) as session:
        stream = LiveStream(
            session,
            label=AiLabel(producer=producer, content_id=number),
            watermark=watermark_of(key, producer, number),
            settings=LIVE.labelled(options),
        )
        for piece in streamed(session, spoken, stream, paced=pace):
            if not sink.take(piece):
                break
        report = stream.report()
    tell(
        f"{report.duration_s:.1f} s, {report.frames} frames, {report.late} of them late,"
        f" {report.gaps} gaps in the speech"
    )


live_command = with_options(_live, LIVE_OPTIONS)


def _backdrop(background: str) -> Picture | None:
    """The picture behind the person; None where it is none."""
    from portravox.pipeline import read_background

    if background_kind(background) != "picture":
        return None
    require_file(Path(background), "background")
    return read_background(Path(background))


class _Pipe:
    """Samples from a pipe, read in a thread of its own, so that the picture never waits."""

    def __init__(self, pipe: BinaryIO, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._pipe = pipe
        self._pieces: queue.Queue[bytes] = queue.Queue(PIECES)
        self._ended = False
        self._odd = b""
        threading.Thread(target=self._run, name="portravox-pipe", daemon=True).start()

    @property
    def rate_hz(self) -> int:
        return self._rate_hz

    def read(self, wait: bool) -> Float32 | None:
        import numpy as np

        if self._ended:
            return None
        try:
            data = self._pieces.get(block=wait)
        except queue.Empty:
            return np.zeros(0, np.float32)
        if not data:
            self._ended = True
            return None
        data = self._odd + data
        whole = len(data) // 2 * 2
        self._odd = data[whole:]
        samples = np.frombuffer(data[:whole], "<i2").astype(np.float32) / np.float32(32768.0)
        return samples if len(samples) else self.read(wait)

    def _run(self) -> None:
        size = max(2, round(PIECE_S * self._rate_hz) * 2)
        data = b"?"
        while data:
            try:
                data = os.read(self._pipe.fileno(), size)
            except OSError:
                data = b""
            self._pieces.put(data)


class _Recording:
    """Samples of a file that was read already."""

    def __init__(self, samples: Float32, rate_hz: int) -> None:
        self._samples, self._rate_hz = samples, rate_hz
        self._given = 0

    @property
    def rate_hz(self) -> int:
        return self._rate_hz

    def read(self, wait: bool) -> Float32 | None:
        del wait
        if self._given >= len(self._samples):
            return None
        piece = self._samples[self._given :][: round(PIECE_S * self._rate_hz)]
        self._given += len(piece)
        return piece


def _recording(path: Path) -> _Recording:
    from portravox import read_voice

    require_file(path, "voice")
    voice = read_voice(path)
    return _Recording(voice.mono(), voice.rate_hz)
