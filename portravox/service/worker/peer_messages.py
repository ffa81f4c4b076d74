"""What a peer process and the server say to each other: typed and bounded.

Flow      peer_process -> Tell, Frame, Hang -> peer_child
          peer_child -> PeerEvent, Heard -> peer_process

Parts as those of a live process (`live_messages.HEAD`). Raw frames, samples and texts go as they
are, all else as JSON. Nothing the process says is believed without a look: it parses what strangers
send.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from portravox.service.worker.live_messages import (
    HEAD,
    MAX_PIECE_BYTES,
    json_part,
    message_values,
)
from portravox.service.worker.messages import (
    MAX_LINE_BYTES,
    Fields,
    ProtocolViolation,
)

MAX_SDP: Final = 32 * 1024
"""Characters of an offer or an answer: a browser's offer of sound, picture and data has 5,000."""

MAX_TEXT_BYTES: Final = 64 * 1024
"""Of a message on the data channel: what browsers send without asking (RFC 8841, 6.1)."""

MAX_HEARD_BYTES: Final = 64 * 1024
"""Of one piece of what a microphone hears: 20 ms have 1,920 bytes."""

HEARD_RATE_HZ: Final = 48_000
"""Of what comes from a microphone, and of what is spoken: the clock of Opus (RFC 7587)."""

_JSON, _TEXT, _FRAME, _HEARD = b"J", b"T", b"V", b"A"


@dataclass(frozen=True, slots=True)
class Tell:
    """Send a text on the data channel."""

    text: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Show a raw frame, as `live_messages.RAW_HEAD` describes it, and have its sound heard."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Hang:
    """Send what was told, then end the connection and the process."""

    kind: ClassVar[str] = "hang"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The answer to the offer: the first event."""

    kind: ClassVar[str] = "answered"

    sdp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """The offer will not do: the only event then."""

    kind: ClassVar[str] = "unfit"


@dataclass(frozen=True, slots=True)
class Said:
    """A text that came on the data channel."""

    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What the microphone heard next."""

    pcm: bytes
    """16 bits, signed, little-endian, one channel, HEARD_RATE_HZ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The connection has ended, or never was."""

    kind: ClassVar[str] = "lost"


PeerEvent = Answered | Unfit | Said | Heard | Lost
PeerCommand = Tell | Frame | Hang


def command_parts(command: PeerCommand) -> tuple[bytes, ...]:
    """A command as `read_command` reads it, in pieces: a frame is not copied once more."""
    match command:
        case Tell():
            text = command.text.encode("utf-8")
            return HEAD.pack(_TEXT, len(text)), text
        case Frame():
            return HEAD.pack(_FRAME, len(command.data)), command.data
        case Hang():
            return (json_part(command.kind, {}),)


def size_of_command(head: bytes) -> int:
    """How many bytes follow a head that the server sent. Raises ProtocolViolation."""
    most = {_TEXT: MAX_LINE_BYTES, _FRAME: MAX_PIECE_BYTES, _JSON: MAX_LINE_BYTES}
    return _bounded(head, most)


def decode_command(head: bytes, payload: bytes) -> PeerCommand:
    """What the server asks. Raises ProtocolViolation."""
    match head[:1]:
        case b"T":
            return Tell(payload.decode("utf-8"))
        case b"V":
            return Frame(payload)
        case _:
            asked = Fields(payload)
            asked.one_of("kind", (Hang.kind,))
            asked.require_all_read()
            return Hang()


def encode_peer(said: PeerEvent) -> bytes:
    """As `decode_peer` reads it."""
    match said:
        case Heard():
            return HEAD.pack(_HEARD, len(said.pcm)) + said.pcm
        case Said():
            text = said.text.encode("utf-8")
            return HEAD.pack(_TEXT, len(text)) + text
        case _:
            return json_part(said.kind, message_values(said))


def size_of_peer_part(head: bytes) -> int:
    """How many bytes follow a head that a process sent. Raises ProtocolViolation."""
    return _bounded(head, {_JSON: MAX_LINE_BYTES, _TEXT: MAX_TEXT_BYTES, _HEARD: MAX_HEARD_BYTES})


def decode_peer(head: bytes, payload: bytes) -> PeerEvent:
    """What a process said. Raises ProtocolViolation for everything that is none of it."""
    if head[:1] == _HEARD:
        if len(payload) % 2:
            raise ProtocolViolation("half a sample")
        return Heard(payload)
    if head[:1] == _TEXT:
        try:
            return Said(payload.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise ProtocolViolation("a text that is none") from error
    said = Fields(payload)
    event: PeerEvent
    match said.text("kind"):
        case Answered.kind:
            event = Answered(sdp=said.text("sdp", MAX_SDP))
        case Lost.kind:
            event = Lost()
        case Unfit.kind:
            event = Unfit()
        case _:
            raise ProtocolViolation("an unknown kind of event")
    said.require_all_read()
    return event


def _bounded(head: bytes, most: dict[bytes, int]) -> int:
    kind, size = HEAD.unpack(head)
    if kind not in most or size > most[kind]:
        raise ProtocolViolation(f"a part of kind {kind!r} with {size} bytes")
    return int(size)
