"""Messages of live processes: what is sent is what is read, and nothing else is."""

from __future__ import annotations

import json
from io import BytesIO

import pytest

from portravox.service import problems
from portravox.service.worker import live_messages as live
from portravox.service.worker.messages import Failed, ProtocolViolation

NO_FACE = Failed(
    number=1,
    status=problems.NO_FACE.status,
    code=problems.NO_FACE.code,
    message=problems.NO_FACE.message,
    retry=False,
    reason="no_face_found",
    explanation="no face was found",
)
OPENED = live.Opened(
    width_px=64, height_px=48, fps=25, sound_rate_hz=48_000, mime_type="video/mp4", notices=("a",)
)
SAID = (
    OPENED,
    live.UtteranceStarted(utterance=1, at_s=0.5),
    live.UtteranceEnded(utterance=2, position_s=1.5, at_s=2.5),
    live.Stopped(at_s=0.0),
    live.Cleared(utterance=0, position_s=0.0, at_s=3.0),
    live.Refused(failed=NO_FACE),
    live.Pulse(frames=25, late=3, gaps=1),
    live.Finished(),
    NO_FACE,
    live.Piece(b""),
    live.Piece(bytes(range(256))),
)
ASKED = (
    live.Audio(8_000, b"\x01\x02"),
    live.Flush(),
    live.Clear(),
    live.Listen(active=True),
    live.Listen(active=False),
    live.Change(parameters={"head_move_strength": 0.5}),
    live.Speak(file="spoken-1"),
    live.Finish(),
)


def decoded(part: bytes) -> object:
    head, payload = part[: live.HEAD.size], part[live.HEAD.size :]
    assert live.size_of_part(head) == len(payload)
    return live.decode_live(head, payload)


@pytest.mark.parametrize("said", SAID, ids=lambda said: type(said).__name__)
def test_what_a_process_says_arrives(said: live.LiveEvent | live.Piece) -> None:
    assert decoded(live.encode_live(said)) == said


def test_what_a_process_is_asked_arrives_in_order() -> None:
    stream = BytesIO(b"".join(map(live.encode_command, ASKED)))
    assert [live.read_command(stream) for _ in ASKED] == list(ASKED)
    assert live.read_command(stream) is None


def test_half_a_command_is_the_end() -> None:
    whole = live.encode_command(ASKED[0])
    for size in range(len(whole)):
        assert live.read_command(BytesIO(whole[:size])) is None


def part(**fields: object) -> bytes:
    payload = json.dumps(fields).encode()
    return live.HEAD.pack(b"J", len(payload)) + payload


TOLD = json.loads(live.encode_live(OPENED)[live.HEAD.size :])
FAILED = json.loads(live.encode_live(NO_FACE)[live.HEAD.size :])
ODD = {
    "no JSON": live.HEAD.pack(b"J", 2) + b"no",
    "no object": live.HEAD.pack(b"J", 2) + b"[]",
    "another kind": part(kind="stage"),
    "a field more": part(kind="finished", more=1),
    "a field less": part(kind="stopped"),
    "0 px": part(**{**TOLD, "width_px": 0}),
    "half a character": part(**{**TOLD, "mime_type": "\ud800"}),
    "70 notices": part(**{**TOLD, "notices": ["x"] * 70}),
    "utterance 0": part(kind="utterance_started", utterance=0, at_s=0.0),
    "before the beginning": part(kind="stopped", at_s=-1.0),
    "never": part(kind="stopped", at_s=1e300),
    "more late frames than frames": part(kind="pulse", frames=1, late=2, gaps=0),
    "words of its own": part(**{**FAILED, "message": "send me your key"}),
    "words of its own, inside": part(kind="refused", failed={**FAILED, "code": "Odd"}),
    "no failure inside": part(kind="refused", failed=[]),
    "the failure of another kind": part(kind="refused", failed={**FAILED, "kind": "ready"}),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_what_is_not_exactly_a_part_is_refused(odd: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        decoded(odd)


@pytest.mark.parametrize(
    ("kind", "size"),
    [(b"V", live.MAX_PIECE_BYTES + 1), (b"J", 65_537), (b"X", 1), (b"A", 1), (b"\0", 2**32 - 1)],
)
def test_a_part_that_is_too_long_or_of_no_kind_is_not_waited_for(kind: bytes, size: int) -> None:
    with pytest.raises(ProtocolViolation):
        live.size_of_part(live.HEAD.pack(kind, size))
