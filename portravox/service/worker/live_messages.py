"""What a live process and the server say to each other during a session: typed and bounded.

Flow      live_process -> Command, Audio -> live_child
          live_child -> LiveEvent, Piece -> live_process

Both sides send parts, one after the other: a kind of one byte, the length in four (little-endian),
then so many bytes. Sound and video go as they are, all else as JSON. Nothing the process says is
believed without a look, as in `messages`; what is not exactly so is a ProtocolViolation.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import BinaryIO, ClassVar, Final

from portravox.options import MAX_SEED
from portravox.service.problems import Problem
from portravox.service.worker.messages import (
    MAX_LINE_BYTES,
    MAX_NUMBER,
    Failed,
    Fields,
    JsonValue,
    ProtocolViolation,
    failed_in,
)

HEAD: Final = struct.Struct("<cI")
"""Kind and length of a part."""

_TEXT, _AUDIO, _PIECE = b"J", b"A", b"V"

_RATE: Final = struct.Struct("<I")
"""Before the samples of a piece of sound."""

MAX_AUDIO_BYTES: Final = 1024 * 1024
"""Of one piece of sound."""

MAX_PIECE_BYTES: Final = 32 * 1024 * 1024
"""Of one piece of video: a raw frame of 4096 x 4096 px has 25 MB. Our choice."""

RAW_HEAD: Final = struct.Struct("<IHHII")
"""Before a raw frame: its number, width and height in px, how many samples of sound follow, and 1
where the picture is that of the frame before. Then luma, Cb and Cr (I420), then the samples, 16
bits, signed, little-endian."""

SPOKEN_PREFIX: Final = "spoken-"
"""How names of files begin that a Speak names."""

MAX_POSITION_S: Final = 30 * 24 * 3600.0
_MAX_SIDE_PX = 4096
_MAX_FPS = 240
_MAX_NOTICES = 32


@dataclass(frozen=True, slots=True)
class Audio:
    """Speech that follows what came before."""

    rate_hz: int
    pcm: bytes
    """16 bits, signed, little-endian, one channel."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What is to be sent to the client next: a part of the video, or one raw frame."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Flush:
    """The utterance is whole."""

    kind: ClassVar[str] = "flush"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clear:
    """Interrupt."""

    kind: ClassVar[str] = "clear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Somebody begins to speak to the person, or pauses or ends."""

    kind: ClassVar[str] = "listen"

    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Parameters that are to be others from now on."""

    kind: ClassVar[str] = "change"

    parameters: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speak:
    """Speak a recording that lies in the folder."""

    kind: ClassVar[str] = "speak"

    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """End the video and the process."""

    kind: ClassVar[str] = "finish"


Command = Flush | Clear | Listen | Change | Speak | Finish


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The session has begun; the first piece follows."""

    kind: ClassVar[str] = "opened"

    width_px: int
    height_px: int
    fps: int
    sound_rate_hz: int
    mime_type: str
    """Of the pieces, as Media Source wants it; empty for raw frames."""

    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UtteranceStarted:
    """Its first sound is in the piece that follows."""

    kind: ClassVar[str] = "utterance_started"

    utterance: int
    at_s: float
    """Of the video's time, as in the other events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UtteranceEnded:
    """Its last sound was in the piece before."""

    kind: ClassVar[str] = "utterance_ended"

    utterance: int
    position_s: float
    """How long it was."""

    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """There is nothing left to say."""

    kind: ClassVar[str] = "stopped"

    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """Interrupted, as asked for."""

    kind: ClassVar[str] = "cleared"

    utterance: int
    """0 where nobody spoke."""

    position_s: float
    """How much of it was sent."""

    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Something that was asked for was not done; the session goes on."""

    kind: ClassVar[str] = "refused"

    failed: Failed

    @property
    def problem(self) -> Problem:
        return self.failed.problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """A sign of life, once a second, and what there was since the last one."""

    kind: ClassVar[str] = "pulse"

    frames: int
    late: int
    """Frames that showed the picture before them once more."""

    gaps: int
    """How many times speech did not come in time in the middle of an utterance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The last part."""

    kind: ClassVar[str] = "finished"


LiveEvent = (
    Opened
    | UtteranceStarted
    | UtteranceEnded
    | Stopped
    | Cleared
    | Refused
    | Pulse
    | Finished
    | Failed
)


def encode_command(command: Command | Audio) -> bytes:
    """As `read_command` reads it."""
    if isinstance(command, Audio):
        return _part(_AUDIO, _RATE.pack(command.rate_hz) + command.pcm)
    return json_part(command.kind, message_values(command))


def encode_live(said: LiveEvent | Piece) -> bytes:
    """As `decode_live` reads it."""
    if isinstance(said, Piece):
        return _part(_PIECE, said.data)
    if isinstance(said, Refused):
        return json_part(
            said.kind, {"failed": {"kind": Failed.kind, **message_values(said.failed)}}
        )
    return json_part(said.kind, message_values(said))


def read_command(stream: BinaryIO) -> Command | Audio | None:
    """The next command; None where the stream ends. Raises ProtocolViolation: the server is
    believed, but what it says is never half of a command."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    kind, size = HEAD.unpack(head)
    if size > MAX_AUDIO_BYTES + _RATE.size:
        raise ProtocolViolation("a command that is too long")
    payload = stream.read(size)
    if len(payload) < size:
        return None
    if kind == _AUDIO:
        if size < _RATE.size:
            raise ProtocolViolation("sound without a rate")
        return Audio(_RATE.unpack_from(payload)[0], payload[_RATE.size :])
    asked = Fields(payload)
    command: Command
    match asked.text("kind"):
        case Flush.kind:
            command = Flush()
        case Clear.kind:
            command = Clear()
        case Listen.kind:
            command = Listen(active=asked.flag("active"))
        case Change.kind:
            command = Change(parameters=asked.mapping("parameters"))
        case Speak.kind:
            command = Speak(file=asked.text("file"))
        case Finish.kind:
            command = Finish()
        case _:
            raise ProtocolViolation("an unknown kind of command")
    asked.require_all_read()
    return command


def size_of_part(head: bytes) -> int:
    """How many bytes follow a head that a process sent. Raises ProtocolViolation."""
    kind, size = HEAD.unpack(head)
    most = {_TEXT: MAX_LINE_BYTES, _PIECE: MAX_PIECE_BYTES}.get(kind)
    if most is None or size > most:
        raise ProtocolViolation(f"a part of kind {kind!r} with {size} bytes")
    return int(size)


def decode_live(head: bytes, payload: bytes) -> LiveEvent | Piece:
    """What a process said. Raises ProtocolViolation for everything that is none of it."""
    if head[:1] == _PIECE:
        return Piece(payload)
    said = Fields(payload)
    event: LiveEvent
    match said.text("kind"):
        case Opened.kind:
            event = Opened(
                width_px=said.whole("width_px", 2, _MAX_SIDE_PX),
                height_px=said.whole("height_px", 2, _MAX_SIDE_PX),
                fps=said.whole("fps", 1, _MAX_FPS),
                sound_rate_hz=said.whole("sound_rate_hz", 1, 192_000),
                mime_type=said.text("mime_type"),
                notices=said.texts("notices", _MAX_NOTICES),
            )
        case UtteranceStarted.kind:
            event = UtteranceStarted(utterance=_utterance(said), at_s=_at_s(said))
        case UtteranceEnded.kind:
            event = UtteranceEnded(
                utterance=_utterance(said), position_s=_position_s(said), at_s=_at_s(said)
            )
        case Stopped.kind:
            event = Stopped(at_s=_at_s(said))
        case Cleared.kind:
            event = Cleared(
                utterance=said.whole("utterance", 0, MAX_NUMBER),
                position_s=_position_s(said),
                at_s=_at_s(said),
            )
        case Refused.kind:
            part = Fields.of(said.mapping("failed"))
            part.one_of("kind", (Failed.kind,))
            event = Refused(failed=failed_in(part))
            part.require_all_read()
        case Pulse.kind:
            frames = said.whole("frames", 0, MAX_SEED)
            event = Pulse(
                frames=frames,
                late=said.whole("late", 0, frames),
                gaps=said.whole("gaps", 0, frames),
            )
        case Finished.kind:
            event = Finished()
        case Failed.kind:
            event = failed_in(said)
        case _:
            raise ProtocolViolation("an unknown kind of event")
    said.require_all_read()
    return event


def _utterance(said: Fields) -> int:
    return said.whole("utterance", 1, MAX_NUMBER)


def _position_s(said: Fields) -> float:
    return said.real("position_s", 0.0, MAX_POSITION_S)


def _at_s(said: Fields) -> float:
    return said.real("at_s", 0.0, MAX_POSITION_S)


def message_values(message: object) -> dict[str, object]:
    """The fields of a message, by name."""
    return {field.name: getattr(message, field.name) for field in fields(message)}  # type: ignore[arg-type]


def json_part(kind: str, values: Mapping[str, object]) -> bytes:
    """A part that says what it is in JSON."""
    text = json.dumps({"kind": kind, **values}, allow_nan=False)
    return _part(_TEXT, text.encode("ascii"))


def _part(kind: bytes, payload: bytes) -> bytes:
    return HEAD.pack(kind, len(payload)) + payload
