"""Messages of live sessions: what clients say, read strictly.

Flow      routes.live -> live_schemas -> Start, live.Told
Reads     untrusted texts and bytes
Gives     checked values, or a Refusal

Parameters are those of a submit, by the one definition of options (`LIVE_OPTIONS`,
`CHANGEABLE_OPTIONS`), and stand where they stand there: the original's six in `parameters`, others
in `parameters.portravox`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from portravox.options import (
    CHANGEABLE_OPTIONS,
    DEFAULT_SOUND_RATE_HZ,
    HIGHEST_RATE_HZ,
    LIVE_OPTIONS,
    LOWEST_RATE_HZ,
    SOUND_RATES_HZ,
    background_kind,
)
from portravox.service import problems
from portravox.service.live import End, Text, Told
from portravox.service.problems import Refusal
from portravox.service.schemas import address_in, json_object, parameters_in, require_speakable
from portravox.service.tasks.queue import Json
from portravox.service.worker.live_messages import (
    MAX_AUDIO_BYTES,
    Audio,
    Change,
    Clear,
    Flush,
    Listen,
)
from portravox.service.worker.peer_messages import MAX_SDP
from portravox.synthesis.settings import SpeechSettings

DEFAULT_RATE_HZ: Final = 24_000
"""Of sound that comes in, where nothing is said: what speech synthesisers give."""

FORMATS: Final = ("fmp4", "raw")

CALL_FORMATS: Final = ("webrtc",)
"""Over WebRTC, where both sides' rates are that of its clock, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The first message: whose face, and how."""

    image_url: str | None
    image_bytes: int | None
    """Where there is no address: how large the message is that brings the picture."""

    parameters: Mapping[str, Json]
    raw: bool
    sound_rate_hz: int
    sample_rate_hz: int
    """Of the sound that comes in, where a message does not say."""

    consent: Json
    """What it says of the operator's statement; not checked yet."""


def start_in(
    text: str,
    *,
    engines: tuple[str, ...],
    max_side_px: int,
    max_picture_bytes: int,
    forms: tuple[str, ...] = FORMATS,
) -> Start:
    """The first message. Raises Refusal.

    engines            that may be named, the default first
    max_side_px        of the picture; a larger `max_side`, or none, becomes this
    max_picture_bytes  of one that comes as a message; 0: it comes by its address alone
    forms              that may be asked for, the default first
    """
    told = _object(text, "start")
    given = parameters_in(told.get("parameters"), engines)
    for name in given:
        if name not in LIVE_OPTIONS:
            raise Refusal(problems.out_of_definition(name))
    if background_kind(str(given.get("background", "keep"))) not in ("keep", "blur", "colour"):
        raise Refusal(problems.out_of_definition("background"))
    parameters = {**given, "max_side": _smaller(given.get("max_side"), max_side_px)}
    form = told.get("format", forms[0])
    if form not in forms:
        raise Refusal(problems.bad_parameter("format"))
    size = told.get("image_bytes")
    if size is None:
        url = address_in(told, "image_url", resolve_oss=True)
        return _start(told, parameters, form, image_url=url, image_bytes=None)
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise Refusal(problems.bad_parameter("image_bytes"))
    if max_picture_bytes == 0:
        raise Refusal(problems.bad_parameter("image_url"))
    if size > max_picture_bytes:
        raise Refusal(problems.IMAGE_SIZE)
    return _start(told, parameters, form, image_url=None, image_bytes=size)


def said_in(message: str | bytes, *, rate_hz: int, speech: SpeechSettings | None) -> Told:
    """A later message. Raises Refusal.

    rate_hz  of sound that does not say its own
    speech   who speaks texts here; None: nobody
    """
    if isinstance(message, bytes):
        return _audio(message, rate_hz)
    told = _object(message, None)
    match told.get("type"):
        case "append":
            return _audio(_sound(told), _rate(told, rate_hz))
        case "flush":
            return Flush()
        case "clear":
            return Clear()
        case "listen":
            return Listen(active=_flag(told, "active"))
        case "close":
            return End()
        case "change":
            return Change(parameters=_changed(told))
        case "say":
            return Text(_text(told, speech))
        case _:
            raise Refusal(problems.NOT_UNDERSTOOD)


def offer_in(body: Mapping[str, Json]) -> str:
    """The offer of who calls over WebRTC, not looked into. Raises Refusal."""
    if body.get("type") != "offer":
        raise Refusal(problems.bad_parameter("type"))
    sdp = body.get("sdp")
    if not isinstance(sdp, str) or not 1 <= len(sdp) <= MAX_SDP or not sdp.isascii():
        raise Refusal(problems.bad_parameter("sdp"))
    return sdp


def _object(text: str, wanted: str | None) -> dict[str, Json]:
    try:
        told = json_object(text.encode("utf-8"))
    except (UnicodeEncodeError, Refusal) as error:
        raise Refusal(problems.NOT_UNDERSTOOD) from error
    if wanted is not None and told.get("type") != wanted:
        raise Refusal(problems.NOT_UNDERSTOOD)
    return told


def _start(
    told: Mapping[str, Json],
    parameters: Mapping[str, Json],
    form: Json,
    *,
    image_url: str | None,
    image_bytes: int | None,
) -> Start:
    sound_rate = told.get("sound_rate", DEFAULT_SOUND_RATE_HZ)
    if isinstance(sound_rate, bool) or sound_rate not in SOUND_RATES_HZ:
        raise Refusal(problems.bad_parameter("sound_rate"))
    assert isinstance(sound_rate, int | float)
    return Start(
        image_url=image_url,
        image_bytes=image_bytes,
        parameters=parameters,
        raw=form != FORMATS[0],
        sound_rate_hz=int(sound_rate),
        sample_rate_hz=_rate(told, DEFAULT_RATE_HZ),
        consent=told.get("consent"),
    )


def _rate(told: Mapping[str, Json], default_hz: int) -> int:
    rate = told.get("sample_rate", default_hz)
    whole = isinstance(rate, int) and not isinstance(rate, bool)
    if not whole or not LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ:  # type: ignore[operator]
        raise Refusal(problems.bad_parameter("sample_rate"))
    return rate  # type: ignore[return-value]


def _audio(pcm: bytes, rate_hz: int) -> Audio:
    if len(pcm) > MAX_AUDIO_BYTES:
        raise Refusal(problems.bad_parameter("audio"))
    return Audio(rate_hz, pcm)


def _sound(told: Mapping[str, Json]) -> bytes:
    audio = told.get("audio")
    if not isinstance(audio, str):
        raise Refusal(problems.bad_parameter("audio"))
    try:
        return base64.b64decode(audio, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refusal(problems.bad_parameter("audio")) from error


def _flag(told: Mapping[str, Json], name: str) -> bool:
    flag = told.get(name)
    if not isinstance(flag, bool):
        raise Refusal(problems.bad_parameter(name))
    return flag


def _changed(told: Mapping[str, Json]) -> dict[str, Json]:
    changed = dict(parameters_in(told.get("parameters"), ()))
    for name in changed:
        if name not in CHANGEABLE_OPTIONS:
            raise Refusal(problems.out_of_definition(name))
    return changed


def _text(told: Mapping[str, Json], speech: SpeechSettings | None) -> Mapping[str, Json]:
    names = ("text", "voice_name", "language")
    ours: Json = {name: told[name] for name in names if told.get(name) is not None}
    parameters = parameters_in({"portravox": ours}, ())
    if "text" not in parameters:
        raise Refusal(problems.bad_parameter("text"))
    require_speakable(parameters, speech)
    return parameters


def _smaller(side_px: Any, most_px: int) -> int:
    return most_px if side_px is None else min(int(side_px), most_px)
