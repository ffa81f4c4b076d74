"""A live process that draws nothing: it keeps the promises of `live_child`, or breaks the one that
the session's `seed` names. Run as a program."""

from __future__ import annotations

import os
import select
import struct
import sys
import time
from pathlib import Path

from portravox.service import problems
from portravox.service.worker import live_messages as live
from portravox.service.worker.messages import Failed, LiveRequest, Ready, decode_request, encode

FRAME_S = 0.02

REFUSES, DIES, FLOODS, BABBLES, IS_SILENT, LARGE = 1, 2, 3, 4, 5, 6
"""Values of `seed`."""


def say(said: live.LiveEvent | live.Piece) -> None:
    sys.stdout.buffer.write(live.encode_live(said))
    sys.stdout.buffer.flush()


def odd(seed: int) -> None:
    """What a process of ours never does."""
    if seed == DIES:
        os._exit(1)
    if seed == BABBLES:
        sys.stdout.buffer.write(b"hello, this is no part\n" * 100)
        sys.stdout.buffer.flush()
    while seed == FLOODS:
        say(live.Stopped(at_s=0.0))


def raw_frame(number: int, *, is_bright: bool) -> bytes:
    """64 x 64 px and 20 ms: bright and loud, or dark and silent."""
    luma = bytes([220 if is_bright else 40]) * (64 * 64)
    tone = struct.pack("<4h", 0, 12_000, 0, -12_000) * 240
    head = live.RAW_HEAD.pack(number, 64, 64, 960, 0)
    return head + luma + bytes([128]) * (64 * 32) + (tone if is_bright else bytes(1920))


class Talker:
    """One session."""

    def __init__(self, request: LiveRequest) -> None:
        self.folder = Path(request.folder)
        self.seed = int(str(request.parameters.get("seed", 0)))
        self.waiting = self.utterance = self.frames = 0
        self.begun = self.whole = False
        self.raw = request.raw

    def open(self, request: LiveRequest) -> None:
        picture = (Path(request.folder) / "image").read_bytes()
        if self.seed == REFUSES or picture == b"no face":
            told = problems.NO_FACE
            say(
                Failed(number=1, status=told.status, code=told.code, message=told.message,
                       retry=False, reason="no_face_found", explanation="no face was found")
            )  # fmt: skip
            sys.exit()
        say(
            live.Opened(
                width_px=64, height_px=64, fps=50, sound_rate_hz=request.sound_rate_hz,
                mime_type="" if request.raw else 'video/mp4; codecs="avc1.64000a, mp4a.40.2"',
                notices=(),
            )
        )  # fmt: skip
        if not request.raw:
            say(live.Piece(b"init"))

    def do(self, command: live.Command | live.Audio) -> None:
        match command:
            case live.Audio():
                self.waiting += len(command.pcm)
                self.whole = False
                odd(self.seed)
            case live.Flush():
                self.whole = True
            case live.Clear():
                cut = self.utterance if self.begun else 0
                self.waiting, self.begun = 0, False
                say(live.Cleared(utterance=cut, position_s=0.5, at_s=self.frames * FRAME_S))
            case live.Speak():
                self.waiting += len((self.folder / command.file).read_bytes())
                self.whole = True
            case live.Finish():
                say(live.Finished())
                sys.exit()

    def frame(self) -> None:
        self.frames += 1
        at_s = self.frames * FRAME_S
        if self.waiting and not self.begun:
            self.begun = True
            self.utterance += 1
            say(live.UtteranceStarted(utterance=self.utterance, at_s=at_s))
        piece = bytes(1 << 20) if self.seed == LARGE else b"frame"
        say(live.Piece(raw_frame(self.frames - 1, is_bright=self.begun) if self.raw else piece))
        self.waiting = max(0, self.waiting - 960)
        if self.begun and self.whole and not self.waiting:
            self.begun = False
            say(live.UtteranceEnded(utterance=self.utterance, position_s=0.5, at_s=at_s))
            say(live.Stopped(at_s=at_s))
        if self.frames % 25 == 0:
            say(live.Pulse(frames=25, late=1, gaps=0))


def main() -> None:
    commands = os.fdopen(0, "rb", buffering=0)
    sys.stdout.buffer.write(encode(Ready()))
    sys.stdout.buffer.flush()
    line = b""
    while not line.endswith(b"\n"):
        byte = commands.read(1)
        if not byte:
            return
        line += byte
    request = decode_request(line)
    assert isinstance(request, LiveRequest)
    talker = Talker(request)
    talker.open(request)
    if talker.seed == IS_SILENT:
        time.sleep(60)
    exact = _Exact(commands)
    while True:
        readable, _, _ = select.select([0], [], [], FRAME_S)
        if readable:
            command = live.read_command(exact)  # type: ignore[arg-type]
            if command is None:
                return
            talker.do(command)
        else:
            talker.frame()


class _Exact:
    """Reads of a pipe, whole."""

    def __init__(self, raw: object) -> None:
        self._raw = raw

    def read(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            piece = self._raw.read(size - len(found))  # type: ignore[attr-defined]
            if not piece:
                break
            found += piece
        return found


if __name__ == "__main__":
    main()
