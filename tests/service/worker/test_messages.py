"""Messages come out as they went in, and nothing that is not exactly a message comes out at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portravox.inspection import (
    MAX_FIELDS,
    MAX_MARKS,
    MAX_NAME,
    MAX_VALUE,
    MAX_WORDS,
    Mark,
)
from portravox.service import problems
from portravox.service.worker.messages import (
    MAX_FACES_TOLD,
    MAX_LINE_BYTES,
    Event,
    Failed,
    FetchDone,
    FetchRequest,
    InspectDone,
    InspectRequest,
    JoinRequest,
    JudgeDone,
    JudgeRequest,
    PartDone,
    PartRequest,
    PlainDone,
    PlainRequest,
    PlanDone,
    PlanRequest,
    ProtocolViolation,
    Ready,
    RenderDone,
    RenderRequest,
    Request,
    SealWanted,
    StageReached,
    decode_event,
    decode_request,
    encode,
)

OUTLINE = tuple((1234.5, float(number)) for number in range(36))
JUDGED = JudgeDone(
    number=3,
    passed=False,
    reason="face_unclear",
    explanation="脸不清楚",
    hint="Crop.",
    notices=("a", "b"),
    width_px=4096,
    height_px=3000,
    faces=(OUTLINE,) * MAX_FACES_TOLD,
    face_count=400,
    face_codes=("ok",) * MAX_FACES_TOLD,
)
INSPECTED = InspectDone(
    number=3,
    file_kind="x" * MAX_WORDS,
    is_known=True,
    marks=(
        Mark(
            scheme="aigc",
            says_machine_made=True,
            valid=None,
            is_ours=False,
            words="签" * MAX_WORDS,
            fields={"签" * (MAX_NAME - 1) + str(n): "签" * MAX_VALUE for n in range(MAX_FIELDS)},
        ),
    )
    * MAX_MARKS,
)
REFUSED = problems.out_of_definition("video_fps")
EVENTS: list[Event] = [
    Ready(),
    StageReached(number=1, stage="render", done=0.25),
    StageReached(number=1, stage="face", done=0.02, frames=24, pixels=512 * 512),
    FetchDone(number=2**40),
    JUDGED,
    INSPECTED,
    InspectDone(number=3, file_kind="text", is_known=False, marks=()),
    PlainDone(number=3),
    RenderDone(number=4, duration_s=2.8),
    RenderDone(number=4, duration_s=2.8, streamed=True),
    PlanDone(number=4, frames=5400, duration_s=180.0),
    PlanDone(number=4, frames=0, duration_s=2.0),
    PartDone(number=4),
    Failed(number=5, status=400, code=REFUSED.code, message=REFUSED.message, retry=False),
    Failed(
        number=5,
        status=problems.AUDIO_LENGTH.status,
        code=problems.AUDIO_LENGTH.code,
        message=problems.AUDIO_LENGTH.message,
        retry=False,
        reason="voice_too_long",
        explanation="audio lasts 200.0 s; wanted 1 to 180 s",
    ),
    *(
        Failed(number=6, status=told.status, code=told.code, message=told.message, retry=True)
        for told in problems.PROBLEMS.values()
    ),
]
REQUESTS: list[Request] = [
    FetchRequest(number=1, file="audio", url="https://h/声.wav", folder="/tmp/x", allow_nets=""),
    JudgeRequest(number=2, folder="/tmp/x"),
    InspectRequest(number=2, folder="/tmp/x"),
    InspectRequest(number=2, folder="/tmp/x", anchors_pem="x" * 300_000),
    InspectRequest(number=2, folder="/tmp/x", keeps_light=True),
    RenderRequest(number=3, folder="/tmp/x", parameters={}, watermark="00ff" * 344),
    RenderRequest(number=3, folder="/tmp/x", parameters={"video_fps": 24, "head": 0.5}),
    RenderRequest(
        number=4,
        folder="/tmp/x",
        parameters={},
        voice_formats="all",
        producer="某公司",
        task_id="7",
    ),
    RenderRequest(number=4, folder="/tmp/x", parameters={}, picture_formats="all"),
    RenderRequest(number=4, folder="/tmp/x", parameters={}, may_be_watched=True),
    RenderRequest(number=4, folder="/tmp/x", parameters={}, font_index=2),
    RenderRequest(
        number=4,
        folder="/tmp/x",
        parameters={},
        seal=SealWanted(
            made_at="2026-11-29T07:00:00Z",
            chain_pem="-----BEGIN",
            algorithm="ES256",
            placeholder_hex="ff" * 64,
        ),
    ),
    PlanRequest(number=4, folder="/tmp/x", parameters={"seed": 1}, longer_than_s=60.0, task_id="7"),
    PartRequest(number=4, folder="/tmp/x", parameters={}, first=0, stop=1350, watermark="00" * 344),
    JoinRequest(number=4, folder="/tmp/x", parameters={}, frames=(1350,) * 4, task_id="7"),
    JudgeRequest(number=5, folder="/tmp/x", picture_formats="all"),
    PlainRequest(number=6, folder="/tmp/x", file="audio"),
]


@pytest.mark.parametrize("event", EVENTS)
def test_events_come_out_as_they_went_in(event: Event) -> None:
    line = encode(event)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert decode_event(line) == event


@pytest.mark.parametrize("request_", REQUESTS)
def test_requests_come_out_as_they_went_in(request_: Request) -> None:
    assert decode_request(encode(request_)) == request_


def test_the_longest_judgement_fits_a_line_four_times() -> None:
    assert 4 * len(encode(JUDGED)) < MAX_LINE_BYTES


def test_the_longest_inspection_fits_a_line() -> None:
    assert len(encode(INSPECTED)) < MAX_LINE_BYTES


def changed(event: Event, **fields: Any) -> bytes:
    """The event's line with fields that say something else; `...` leaves one out."""
    told = {**json.loads(encode(event)), **fields}
    return json.dumps({name: value for name, value in told.items() if value is not ...}).encode()


A_MARK = INSPECTED.marks[0].as_json()
RENDERED = RenderDone(number=1, duration_s=2.0)
STAGE = StageReached(number=1, stage="render", done=0.5)
FAILED = Failed(
    number=1,
    status=problems.NO_FACE.status,
    code=problems.NO_FACE.code,
    message=problems.NO_FACE.message,
    retry=False,
)
ODD = {
    "nothing": b"",
    "a word": b"hello\n",
    "a list": b"[1]\n",
    "a number": b"7\n",
    "null": b"null\n",
    "an object of another protocol": b'{"failed":{}}\n',
    "another one": b'{"done":{}}\n',
    "binary": bytes(range(256)),
    "UTF-16": encode(RENDERED).decode().encode("utf-16"),
    "70 kB": b'{"kind":"fetched","number":1,"more":"' + b"x" * 70_000 + b'"}\n',
    "a deep tree": b"[" * 60_000,
    "a long number": b'{"kind":"fetched","number":' + b"9" * 5000 + b"}",
    "NaN": b'{"kind":"rendered","number":1,"duration_s":NaN,"streamed":false}',
    "Infinity": b'{"kind":"rendered","number":1,"duration_s":Infinity,"streamed":false}',
    "1e999": b'{"kind":"rendered","number":1,"duration_s":1e999,"streamed":false}',
    "a name given twice": b'{"kind":"fetched","number":1,"number":1}',
    "a reason that is none of ours": changed(FAILED, reason="visit_us"),
    "a reason of the server's own": changed(FAILED, reason="queue_full"),
    "a sentence without a reason": changed(FAILED, explanation="do as I say"),
    "a sentence of 301 characters": changed(FAILED, reason="no_face_found", explanation="x" * 301),
    "a sentence of two lines": changed(FAILED, reason="no_face_found", explanation="a\nb"),
    "a sentence that colours terminals": changed(
        FAILED, reason="no_face_found", explanation="\x1b[31m"
    ),
    "a sentence read from the right": changed(
        FAILED, reason="no_face_found", explanation="\u202eevil"
    ),
    "a sentence with an address": changed(
        FAILED, reason="no_face_found", explanation="see http://evil.example"
    ),
    "a reason that is a number": changed(FAILED, reason=7),
    "half a character": changed(JUDGED, hint="\ud800"),
    "an unknown kind": changed(RENDERED, kind="x"),
    "a kind that is no text": changed(RENDERED, kind=["rendered"]),
    "a label that is a word": changed(INSPECTED, marks=["x"]),
    "a label with too much in it": changed(INSPECTED, marks=[{**A_MARK, "more": 1}]),
    "a label of an unknown scheme": changed(INSPECTED, marks=[{**A_MARK, "scheme": "x"}]),
    "a label that is valid by a number": changed(INSPECTED, marks=[{**A_MARK, "valid": 1}]),
    "a label with long words": changed(INSPECTED, marks=[{**A_MARK, "words": "x" * 300}]),
    "a label with a list as a field": changed(INSPECTED, marks=[{**A_MARK, "fields": {"a": []}}]),
    "a label with many fields": changed(
        INSPECTED, marks=[{**A_MARK, "fields": {str(n): "" for n in range(MAX_FIELDS + 1)}}]
    ),
    "too many labels": changed(INSPECTED, marks=[A_MARK] * (MAX_MARKS + 1)),
    "no kind": changed(RENDERED, kind=...),
    "no number": changed(RENDERED, number=...),
    "number 0": changed(RENDERED, number=0),
    "number -1": changed(RENDERED, number=-1),
    "number 1.0": changed(RENDERED, number=1.0),
    "number true": changed(RENDERED, number=True),
    "number beyond": changed(RENDERED, number=2**60),
    "ready with a number": changed(Ready(), number=1),
    "no duration": changed(RENDERED, duration_s=...),
    "no time": changed(RENDERED, duration_s=0),
    "negative time": changed(RENDERED, duration_s=-2.0),
    "an endless video": changed(RENDERED, duration_s=1e6),
    "time as text": changed(RENDERED, duration_s="2.0"),
    "time as a whole number beyond floats": changed(RENDERED, duration_s=10**400),
    "one field more": changed(RENDERED, more=1),
    "an unknown stage": changed(STAGE, stage="publish"),
    "more than done": changed(STAGE, done=1.01),
    "less than nothing": changed(STAGE, done=-0.01),
    "a share that is true": changed(STAGE, done=True),
    "a verdict in words": changed(JUDGED, passed="yes"),
    "a verdict as a number": changed(JUDGED, passed=1),
    "a picture without pixels": changed(JUDGED, width_px=0),
    "a long reason": changed(JUDGED, reason="x" * 1001),
    "many notices": changed(JUDGED, notices=["x"] * 33),
    "notices as text": changed(JUDGED, notices="x"),
    "many faces": changed(JUDGED, faces=[OUTLINE] * 21),
    "fewer than told": changed(JUDGED, face_count=19),
    "a long outline": changed(JUDGED, faces=[[[0, 0]] * 65]),
    "points of three": changed(JUDGED, faces=[[[0, 0, 0]]]),
    "points of one": changed(JUDGED, faces=[[[0]]]),
    "points far away": changed(JUDGED, faces=[[[0, 1e9]]]),
    "a status of success": changed(FAILED, status=200),
    "a text of its own": changed(FAILED, message="Send your key to https://evil.example"),
    "a code of its own": changed(FAILED, code="x"),
    "a status of another problem": changed(FAILED, status=500),
    "an odd parameter": changed(
        FAILED,
        code=REFUSED.code,
        message=problems.out_of_definition("<a href=x>").message,
    ),
}


@pytest.mark.parametrize("line", ODD.values(), ids=ODD)
def test_what_is_not_exactly_an_event_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        decode_event(line)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_comes_is_an_event_or_a_violation(line: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        decode_event(line)


@given(st.sampled_from(EVENTS), st.data())
def test_an_event_with_one_byte_changed_is_an_event_or_a_violation(
    event: Event, data: st.DataObject
) -> None:
    line = bytearray(encode(event))
    at = data.draw(st.integers(0, len(line) - 1))
    line[at] = data.draw(st.integers(0, 255))
    try:
        decoded = decode_event(bytes(line))
    except ProtocolViolation:
        return
    assert decode_event(encode(decoded)) == decoded


@pytest.mark.parametrize(
    "line", [b"{}", b'{"kind":"render","number":1,"folder":"/x"}', encode(RENDERED)]
)
def test_what_is_not_exactly_a_request_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        decode_request(line)
