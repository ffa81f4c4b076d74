"""What a worker process is asked, and what it says: typed, numbered and bounded.

Flow      process -> Request -> child ; child -> Event -> process

One message is a line of JSON. The process that reads files of strangers may have been taken over
by one of them, so nothing it says is believed without a look: names, exact types, ranges, lengths.
Whatever is not exactly a message is a ProtocolViolation, and ends the process that said it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import ClassVar, Literal, Self, cast, get_args

from portravox.inspection import (
    MAX_FIELDS,
    MAX_MARKS,
    MAX_NAME,
    MAX_VALUE,
    MAX_WORDS,
    Inspection,
    Mark,
    Scheme,
)
from portravox.labels.aigc import MAX_PRODUCER, PRODUCER
from portravox.labels.manifest import ALGORITHM_IDS
from portravox.labels.signer import MAX_SIGNATURE_BYTES
from portravox.service import problems
from portravox.service.explanations import MAX_SENTENCE, REASONS, is_sentence
from portravox.service.problems import PROBLEMS, Problem

MAX_LINE_BYTES = 64 * 1024
"""Of an event, its end included. The longest that is one, a judgement, has some 15 kB."""

MAX_NUMBER = 2**53
"""Of requests: what JSON readers keep exactly."""

MAX_FACES_TOLD = 20
"""Faces whose outlines a judgement tells. Our choice: from four of like size on, a picture is
refused anyway, and each takes half a kilobyte."""

MAX_FACES_COUNTED = 100_000
_MAX_OUTLINE_POINTS = 64
_MAX_TEXT = 1000
_MAX_NOTICES = 32
_MAX_SIDE_PX = 65_536
_MAX_COORDINATE_PX = 1e6
"""Outlines may reach out of the picture."""

MAX_DURATION_S = 3601.0
"""Of a video; recordings have an hour at most, and MP3s what an encoder adds."""

MAX_FRAMES = 1_000_000
MAX_PIXELS = 100_000_000
"""Of a video and of one of its frames."""

Formats = Literal["original", "all"]
"""Which kinds of files are taken: those of the original, or all that can be read."""

InputFile = Literal["image", "audio", "background", "file"]
"""The files of a job, and one that is inspected; named so in the scratch folder."""

MAX_INSPECTED_BYTES = 100 * 1024 * 1024
"""Of a file that is inspected. Our choice: a temporary upload's."""

Stage = Literal["read", "face", "listen", "render", "finish"]
"""Where a process is, of a render."""

MAX_ANCHORS = 1024 * 1024
"""Characters of certificates in a request. Our choice."""

VIDEO_NAME = "video.mp4"
OPENED = "PORTRAVOX_OPENED_ENGINES"
"""Environment variable of a render process: the engines that it opens at its start, by name with
commas between them."""

CAPTIONS_NAME = "captions"
"""What a render of a text or a transcript leaves in the scratch folder beside the video."""

FONT_NAME = "font"
"""What captions in the picture are written with, in the scratch folder, where Pillow's own font
lacks a letter."""

NO_FONT = -1
"""Pillow's own has every letter."""

MAX_FONTS = 1000
"""In one file. Our choice."""

PREVIEW_NAME = "preview.jpg"
"""What a render leaves in the scratch folder."""

STREAM_NAME = "stream.mp4"
"""What a render that may be watched writes there beside the video: the same in fragments."""

PLAIN_NAME = "plain"
"""What a PlainRequest leaves there."""

LIGHT_NAME = "light"
"""What an InspectRequest leaves there where it is asked to: the brightness in which a watermark is
looked for, as
`watermark_reading.stored` writes it."""

PLAN_NAME = "plan"
"""What a PlanRequest leaves there, and a PartRequest and a JoinRequest find."""

PART_NAME = "part.mp4"
"""What a PartRequest leaves there."""

MAX_PARTS = 10_000
"""Of a video."""


def part_name(number: int) -> str:
    """Under which a JoinRequest finds a part, by its number from 0."""
    return f"part-{number}.mp4"


JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]


class ProtocolViolation(Exception):
    """A line that is no message, or one that had no place there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
    """Fetch one file of a job into its scratch folder."""

    kind: ClassVar[str] = "fetch"

    number: int = 0
    """1.., counted by who asks; answers carry it."""

    file: InputFile
    url: str
    folder: str
    allow_nets: str
    """Networks that may be called beyond the public ones, as in the settings."""

    allow_ports: str = ""
    """Ports beyond those of web servers, as in the settings."""

    max_voice_s: float = 180.0
    """How long a recording may be: its bytes go with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeRequest:
    """Say whether the image in a folder will do."""

    kind: ClassVar[str] = "judge"

    number: int = 0
    folder: str
    picture_formats: Formats = "original"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainRequest:
    """Write a file of any kind that can be read into the same folder, as one that browsers open: a
    WAV or a JPEG."""

    kind: ClassVar[str] = "plain"

    number: int = 0
    folder: str
    file: InputFile


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectRequest:
    """Say which labels the file in a folder carries."""

    kind: ClassVar[str] = "inspect"

    number: int = 0
    folder: str
    anchors_pem: str = ""
    """Certificates of authorities whose word on signers is taken."""

    keeps_light: bool = False
    """Whether somebody else looks for a watermark, too, whose key the process must not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealWanted:
    """What a manifest is to say that the server will sign, and what it leaves room for."""

    made_at: str
    chain_pem: str
    algorithm: str
    placeholder_hex: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderRequest:
    """Make the video of the image and the audio in a folder, into the same folder."""

    kind: ClassVar[str] = "render"

    number: int = 0
    folder: str
    parameters: Mapping[str, JsonValue]
    """As the task has them; they were checked when it was submitted."""

    picture_formats: Formats = "original"
    voice_formats: Formats = "original"
    max_voice_s: float = 180.0

    producer: str = PRODUCER
    """Named in the video's label."""

    task_id: str = ""
    """Part of what the video's number in its label is made from."""

    watermark: str = ""
    """The mark of the video, in hexadecimal; empty: none. The process never sees the key."""

    may_be_watched: bool = False
    """Whether to write it in fragments, too, as it is made."""

    seal: SealWanted | None = None
    """The manifest to put into the video; None: none."""

    font_index: int = NO_FONT
    """Which font of the file is for captions in the picture, or NO_FONT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """Plan the video of the image and the audio in a folder, if it is a long one: into the same
    folder, with its captions where it has any."""

    kind: ClassVar[str] = "plan"

    number: int = 0
    folder: str
    parameters: Mapping[str, JsonValue]
    longer_than_s: float
    """Of a video that is no longer nothing is planned."""

    picture_formats: Formats = "original"
    voice_formats: Formats = "original"
    max_voice_s: float = 180.0
    task_id: str = ""
    """As that of a render."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRequest:
    """Draw and encode some frames of the plan in a folder, into the same folder."""

    kind: ClassVar[str] = "part"

    number: int = 0
    folder: str
    parameters: Mapping[str, JsonValue]
    first: int
    stop: int
    """Frames by their numbers from 0, the last one not among them."""

    picture_formats: Formats = "original"
    producer: str = PRODUCER
    watermark: str = ""
    """As that of a render."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequest:
    """Make one video of the parts in a folder and the audio there. Answered as a render."""

    kind: ClassVar[str] = "join"

    number: int = 0
    folder: str
    parameters: Mapping[str, JsonValue]
    frames: tuple[int, ...]
    """Of each part."""

    voice_formats: Formats = "original"
    max_voice_s: float = 180.0
    producer: str = PRODUCER
    task_id: str = ""
    seal: SealWanted | None = None
    """As those of a render."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRequest:
    """Hold a live session with the image in a folder; what follows on both sides is
    `live_messages`, and the process ends with it."""

    kind: ClassVar[str] = "live"

    number: int = 0
    folder: str
    parameters: Mapping[str, JsonValue]
    """As those of a render; they were checked when the session was asked for."""

    picture_formats: Formats = "original"
    producer: str = PRODUCER
    session_id: str
    """Part of what the number in the video's label is made from."""

    watermark: str = ""
    """As that of a render."""

    raw: bool
    """Frames and samples instead of a video."""

    sound_rate_hz: int
    """Of the sound that goes out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerRequest:
    """Hold a WebRTC connection with a browser; what follows on both sides is `peer_messages`, and
    the process ends with it."""

    kind: ClassVar[str] = "peer"

    number: int = 0
    folder: str = ""
    offer: str
    """SDP, as it came."""

    address: str
    """Of this machine, at which it is reached; empty: all that it has."""

    announced: str
    """What is told to the browser instead of that address; empty: the address itself."""

    first_port: int
    last_port: int
    """UDP ports; 0 and 0: any that is free."""

    silence_s: float
    """After so long without a packet the browser is gone."""


def told_watermark(key: str, producer: str, number: str) -> str:
    """A video's mark as requests tell it, for who has the key."""
    from portravox.labels.watermark import watermark_of  # brings NumPy in

    mark = watermark_of(key, producer, number)
    return "" if mark is None else mark.phases.hex()


Request = (
    FetchRequest
    | JudgeRequest
    | PlainRequest
    | InspectRequest
    | RenderRequest
    | PlanRequest
    | PartRequest
    | JoinRequest
)
TalkRequest = LiveRequest | PeerRequest
"""After which a process talks on for as long as it lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The first event of every process: it has loaded what it needs."""

    kind: ClassVar[str] = "ready"

    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReached:
    """Where a render is."""

    kind: ClassVar[str] = "stage"

    number: int
    stage: Stage
    done: float
    """0..1 of the whole job"""

    frames: int = 0
    pixels: int = 0
    """How many frames of how many pixels will be drawn; 0 where that is not known, or was told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchDone:
    """The file lies in the folder."""

    kind: ClassVar[str] = "fetched"

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeDone:
    """What became of a picture that could be read."""

    kind: ClassVar[str] = "judged"

    number: int
    passed: bool
    reason: str
    explanation: str
    hint: str
    notices: tuple[str, ...]
    width_px: int
    height_px: int
    faces: tuple[tuple[tuple[float, float], ...], ...]
    """Outlines of up to MAX_FACES_TOLD faces, px from the upper left corner, the one to animate
    first."""

    face_count: int
    """Of the faces found; `face.find` counts up to 20."""

    face_codes: tuple[str, ...] = ()
    """Of each face with an outline: ok, or the code of what speaks against choosing it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainDone:
    """The plain file lies in the folder."""

    kind: ClassVar[str] = "plain_done"

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectDone:
    """Which labels a file carries."""

    kind: ClassVar[str] = "inspected"

    number: int
    file_kind: str
    is_known: bool
    marks: tuple[Mark, ...]

    @property
    def inspection(self) -> Inspection:
        return Inspection(kind=self.file_kind, is_known=self.is_known, marks=self.marks)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderDone:
    """The video lies in the folder."""

    kind: ClassVar[str] = "rendered"

    number: int
    duration_s: float
    streamed: bool = False
    """Whether it was written in fragments, too, all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDone:
    """The plan lies in the folder, if the video is a long one."""

    kind: ClassVar[str] = "planned"

    number: int
    frames: int
    """0: it is not."""

    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PartDone:
    """The part lies in the folder."""

    kind: ClassVar[str] = "part_done"

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The request came to nothing."""

    kind: ClassVar[str] = "failed"

    number: int
    status: int
    code: str
    message: str
    retry: bool
    """Whether another process may do better."""

    reason: str = ""
    explanation: str = ""
    """What was wrong with a file, as `explanations.told`; empty where no file was at fault."""

    @property
    def problem(self) -> Problem:
        """What a client is told."""
        return Problem(self.status, self.code, self.message)


Done = FetchDone | JudgeDone | PlainDone | InspectDone | RenderDone | PlanDone | PartDone
Event = Ready | StageReached | Done | Failed


def encode(message: Request | TalkRequest | Event) -> bytes:
    """A message as the line that `decode_request` or `decode_event` reads.

    Raises ValueError for numbers that are none.
    """
    told = {field.name: getattr(message, field.name) for field in fields(message)}
    if isinstance(message, RenderRequest | JoinRequest) and message.seal is not None:
        told["seal"] = asdict(message.seal)
    if isinstance(message, InspectDone):
        told["marks"] = [mark.as_json() for mark in message.marks]
    line = json.dumps({"kind": message.kind, **told}, allow_nan=False)
    return line.encode("ascii") + b"\n"


def decode_event(line: bytes) -> Event:
    """What a worker process said. Raises ProtocolViolation for everything that is no event."""
    if len(line) > MAX_LINE_BYTES:
        raise ProtocolViolation(f"a line of {len(line)} bytes; wanted {MAX_LINE_BYTES} at most")
    said = Fields(line)
    event: Event
    match said.text("kind"):
        case Ready.kind:
            event = Ready(number=said.whole("number", 0, 0))
        case StageReached.kind:
            event = StageReached(
                number=said.number(),
                stage=cast(Stage, said.one_of("stage", get_args(Stage))),
                done=said.real("done", 0.0, 1.0),
                frames=said.whole("frames", 0, MAX_FRAMES),
                pixels=said.whole("pixels", 0, MAX_PIXELS),
            )
        case FetchDone.kind:
            event = FetchDone(number=said.number())
        case JudgeDone.kind:
            event = _judged(said)
        case InspectDone.kind:
            event = InspectDone(
                number=said.number(),
                file_kind=said.text("file_kind", MAX_WORDS),
                is_known=said.flag("is_known"),
                marks=tuple(_mark(mark) for mark in said.items("marks", MAX_MARKS)),
            )
        case PlainDone.kind:
            event = PlainDone(number=said.number())
        case RenderDone.kind:
            event = RenderDone(
                number=said.number(),
                duration_s=said.real("duration_s", 1e-3, MAX_DURATION_S),
                streamed=said.flag("streamed"),
            )
        case PlanDone.kind:
            event = PlanDone(
                number=said.number(),
                frames=said.whole("frames", 0, MAX_FRAMES),
                duration_s=said.real("duration_s", 1e-3, MAX_DURATION_S),
            )
        case PartDone.kind:
            event = PartDone(number=said.number())
        case Failed.kind:
            event = failed_in(said)
        case _:
            raise ProtocolViolation("an unknown kind of message")
    said.require_all_read()
    return event


def decode_request(line: bytes) -> Request | TalkRequest:
    """What a worker process is asked. Raises ProtocolViolation for everything else: the server is
    believed, but an old process must not do half of what a newer server asks."""
    asked = Fields(line)
    request: Request | TalkRequest
    match asked.text("kind"):
        case FetchRequest.kind:
            request = FetchRequest(
                number=asked.number(),
                file=cast(InputFile, asked.one_of("file", get_args(InputFile))),
                url=asked.text("url", MAX_LINE_BYTES),
                folder=asked.text("folder", MAX_LINE_BYTES),
                allow_nets=asked.text("allow_nets", MAX_LINE_BYTES),
                allow_ports=asked.text("allow_ports", MAX_LINE_BYTES),
                max_voice_s=asked.real("max_voice_s", 1.0, MAX_DURATION_S),
            )
        case JudgeRequest.kind:
            request = JudgeRequest(
                number=asked.number(),
                folder=asked.text("folder", MAX_LINE_BYTES),
                picture_formats=asked.formats("picture_formats"),
            )
        case PlainRequest.kind:
            request = PlainRequest(
                number=asked.number(),
                folder=asked.text("folder", MAX_LINE_BYTES),
                file=cast(InputFile, asked.one_of("file", get_args(InputFile))),
            )
        case InspectRequest.kind:
            request = InspectRequest(
                number=asked.number(),
                folder=asked.text("folder", MAX_LINE_BYTES),
                anchors_pem=asked.text("anchors_pem", MAX_ANCHORS),
                keeps_light=asked.flag("keeps_light"),
            )
        case RenderRequest.kind:
            request = RenderRequest(
                number=asked.number(),
                folder=asked.text("folder", MAX_LINE_BYTES),
                parameters=asked.mapping("parameters"),
                picture_formats=asked.formats("picture_formats"),
                voice_formats=asked.formats("voice_formats"),
                max_voice_s=asked.real("max_voice_s", 1.0, MAX_DURATION_S),
                producer=asked.text("producer", MAX_PRODUCER),
                task_id=asked.text("task_id"),
                watermark=asked.text("watermark", MAX_LINE_BYTES),
                may_be_watched=asked.flag("may_be_watched"),
                seal=_seal(asked.mapping_or_none("seal")),
                font_index=asked.whole("font_index", NO_FONT, MAX_FONTS),
            )
        case PlanRequest.kind:
            request = PlanRequest(
                number=asked.number(),
                folder=asked.text("folder", MAX_LINE_BYTES),
                parameters=asked.mapping("parameters"),
                longer_than_s=asked.real("longer_than_s", 0.0, MAX_DURATION_S),
                picture_formats=asked.formats("picture_formats"),
                voice_formats=asked.formats("voice_formats"),
                max_voice_s=asked.real("max_voice_s", 1.0, MAX_DURATION_S),
                task_id=asked.text("task_id"),
            )
        case PartRequest.kind:
            request = PartRequest(
                number=asked.number(),
                folder=asked.text("folder", MAX_LINE_BYTES),
                parameters=asked.mapping("parameters"),
                first=asked.whole("first", 0, MAX_FRAMES),
                stop=asked.whole("stop", 1, MAX_FRAMES),
                picture_formats=asked.formats("picture_formats"),
                producer=asked.text("producer", MAX_PRODUCER),
                watermark=asked.text("watermark", MAX_LINE_BYTES),
            )
        case JoinRequest.kind:
            request = JoinRequest(
                number=asked.number(),
                folder=asked.text("folder", MAX_LINE_BYTES),
                parameters=asked.mapping("parameters"),
                frames=asked.wholes("frames", MAX_PARTS, 1, MAX_FRAMES),
                voice_formats=asked.formats("voice_formats"),
                max_voice_s=asked.real("max_voice_s", 1.0, MAX_DURATION_S),
                producer=asked.text("producer", MAX_PRODUCER),
                task_id=asked.text("task_id"),
                seal=_seal(asked.mapping_or_none("seal")),
            )
        case LiveRequest.kind:
            request = LiveRequest(
                number=asked.number(),
                folder=asked.text("folder", MAX_LINE_BYTES),
                parameters=asked.mapping("parameters"),
                picture_formats=asked.formats("picture_formats"),
                producer=asked.text("producer", MAX_PRODUCER),
                session_id=asked.text("session_id"),
                watermark=asked.text("watermark", MAX_LINE_BYTES),
                raw=asked.flag("raw"),
                sound_rate_hz=asked.whole("sound_rate_hz", 1, 192_000),
            )
        case PeerRequest.kind:
            request = PeerRequest(
                number=asked.number(),
                folder=asked.text("folder", MAX_LINE_BYTES),
                offer=asked.text("offer", MAX_LINE_BYTES),
                address=asked.text("address"),
                announced=asked.text("announced"),
                first_port=asked.whole("first_port", 0, 65535),
                last_port=asked.whole("last_port", 0, 65535),
                silence_s=asked.real("silence_s", 0.0, 3600.0),
            )
        case _:
            raise ProtocolViolation("an unknown kind of message")
    asked.require_all_read()
    return request


def _seal(wanted: dict[str, JsonValue] | None) -> SealWanted | None:
    if wanted is None:
        return None
    asked = Fields.of(wanted)
    seal = SealWanted(
        made_at=asked.text("made_at"),
        chain_pem=asked.text("chain_pem", MAX_ANCHORS),
        algorithm=asked.one_of("algorithm", tuple(ALGORITHM_IDS)),
        placeholder_hex=asked.text("placeholder_hex", 2 * MAX_SIGNATURE_BYTES),
    )
    asked.require_all_read()
    return seal


def _judged(said: Fields) -> JudgeDone:
    faces = []
    for outline in said.items("faces", MAX_FACES_TOLD):
        points = []
        for point in _as_list(outline, _MAX_OUTLINE_POINTS):
            x, y = _as_list(point, 2, at_least=2)
            limits = (-_MAX_COORDINATE_PX, _MAX_COORDINATE_PX)
            points.append((_as_real(x, *limits), _as_real(y, *limits)))
        faces.append(tuple(points))
    return JudgeDone(
        number=said.number(),
        passed=said.flag("passed"),
        reason=said.text("reason"),
        explanation=said.text("explanation"),
        hint=said.text("hint"),
        notices=tuple(_as_text(item) for item in said.items("notices", _MAX_NOTICES)),
        width_px=said.whole("width_px", 1, _MAX_SIDE_PX),
        height_px=said.whole("height_px", 1, _MAX_SIDE_PX),
        faces=tuple(faces),
        face_count=said.whole("face_count", len(faces), MAX_FACES_COUNTED),
        face_codes=tuple(_as_text(code) for code in said.items("face_codes", len(faces))),
    )


def _mark(found: object) -> Mark:
    said = Fields.of(found)
    mark = Mark(
        scheme=cast(Scheme, said.one_of("scheme", get_args(Scheme))),
        says_machine_made=said.flag("says_machine_made"),
        valid=said.flag_or_none("valid"),
        is_ours=said.flag("is_ours"),
        words=said.text("words", MAX_WORDS),
        fields={
            _as_text(name, MAX_NAME): _as_text(value, MAX_VALUE)
            for name, value in said.mapping("fields").items()
        },
    )
    if len(mark.fields) > MAX_FIELDS:
        raise ProtocolViolation("a label with too many fields")
    said.require_all_read()
    return mark


_PROBLEMS_TOLD = frozenset(PROBLEMS.values())

_PARAMETER = re.compile(r"[A-Za-z_.]{1,64}")


def failed_in(said: Fields) -> Failed:
    """The failure that a message tells. Raises ProtocolViolation where it is none of ours."""
    failed = Failed(
        number=said.number(),
        status=said.whole("status", 400, 599),
        code=said.text("code"),
        message=said.text("message"),
        retry=said.flag("retry"),
        reason=said.text("reason"),
        explanation=said.text("explanation", MAX_SENTENCE),
    )
    # Clients read this: a process that was taken over must not choose the words.
    if failed.problem not in _PROBLEMS_TOLD and not _is_out_of_definition(failed.problem):
        raise ProtocolViolation("a failure that is none of ours")
    if failed.reason and failed.reason not in REASONS:
        raise ProtocolViolation("a reason that is none of ours")
    if not is_sentence(failed.explanation) or (failed.explanation and not failed.reason):
        raise ProtocolViolation("an explanation that is no sentence of ours")
    return failed


def _is_out_of_definition(problem: Problem) -> bool:
    before, after = problems.out_of_definition("\n").message.split("\n")
    name = problem.message.removeprefix(before).removesuffix(after)
    return bool(_PARAMETER.fullmatch(name)) and problem == problems.out_of_definition(name)


class Fields:
    """The fields of one message, each taken once and as what it has to be."""

    def __init__(self, line: bytes) -> None:
        try:
            # Decoded here: the reader would also guess UTF-16 and UTF-32.
            message = json.loads(
                line.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
            )
        except (ValueError, RecursionError) as error:
            raise ProtocolViolation(f"a line that is no message: {type(error).__name__}") from error
        if not isinstance(message, dict):
            raise ProtocolViolation("a line that is no message")
        self._fields: dict[str, object] = message

    @classmethod
    def of(cls, part: object) -> Self:
        """Of an object within a message."""
        if type(part) is not dict:
            raise ProtocolViolation("a part that is no object")
        made = cls.__new__(cls)
        made._fields = dict(part)
        return made

    def require_all_read(self) -> None:
        """Raise ProtocolViolation where the message says more."""
        if self._fields:
            raise ProtocolViolation("a message with fields that it does not have")

    def number(self) -> int:
        """The request's."""
        return self.whole("number", 1, MAX_NUMBER)

    def text(self, name: str, longest: int = _MAX_TEXT) -> str:
        return _as_text(self._take(name), longest)

    def one_of(self, name: str, choices: tuple[str, ...]) -> str:
        found = self.text(name)
        if found not in choices:
            raise ProtocolViolation(f"{name} is none of {', '.join(choices)}")
        return found

    def formats(self, name: str) -> Formats:
        return cast(Formats, self.one_of(name, get_args(Formats)))

    def whole(self, name: str, least: int, most: int) -> int:
        return _as_whole(self._take(name), name, least, most)

    def real(self, name: str, least: float, most: float) -> float:
        return _as_real(self._take(name), least, most)

    def flag(self, name: str) -> bool:
        found = self._take(name)
        if type(found) is not bool:
            raise ProtocolViolation(f"{name} is neither true nor false")
        return found

    def flag_or_none(self, name: str) -> bool | None:
        if self._fields.get(name, False) is None:
            self._take(name)
            return None
        return self.flag(name)

    def items(self, name: str, most: int) -> list[object]:
        return _as_list(self._take(name), most)

    def mapping_or_none(self, name: str) -> dict[str, JsonValue] | None:
        if self._fields.get(name, False) is None:
            self._take(name)
            return None
        return self.mapping(name)

    def texts(self, name: str, most: int) -> tuple[str, ...]:
        return tuple(_as_text(item) for item in self.items(name, most))

    def wholes(self, name: str, most: int, lowest: int, highest: int) -> tuple[int, ...]:
        return tuple(_as_whole(item, name, lowest, highest) for item in self.items(name, most))

    def mapping(self, name: str) -> dict[str, JsonValue]:
        found = self._take(name)
        if type(found) is not dict:
            raise ProtocolViolation(f"{name} is no object")
        return found

    def _take(self, name: str) -> object:
        if name not in self._fields:
            raise ProtocolViolation(f"a message without {name}")
        return self._fields.pop(name)


def _as_text(found: object, longest: int = _MAX_TEXT) -> str:
    # Half a character, which JSON can write, could not be sent on.
    if type(found) is not str or len(found) > longest or not _is_unicode(found):
        raise ProtocolViolation(f"wanted text of {longest} characters at most")
    return found


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _as_whole(found: object, name: str, least: int, most: int) -> int:
    if type(found) is not int or not least <= found <= most:
        raise ProtocolViolation(f"{name} is no whole number from {least} to {most}")
    return found


def _as_real(found: object, least: float, most: float) -> float:
    if type(found) not in (int, float):
        raise ProtocolViolation(f"wanted a number from {least:g} to {most:g}")
    value = cast(float, found)
    # Compared before it is converted: a whole number may be too large to be a float.
    if not least <= value <= most or not math.isfinite(value):
        raise ProtocolViolation(f"wanted a number from {least:g} to {most:g}")
    return float(value)


def _as_list(found: object, most: int, *, at_least: int = 0) -> list[object]:
    if type(found) is not list or not at_least <= len(found) <= most:
        raise ProtocolViolation(f"wanted a list of {most} at most")
    return found


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuses a name given twice, which readers differ about."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name given twice")
    return found


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no number of JSON")
