"""The studio: its page, its examples, and how it signs itself in.

Flow      studio.files -> routes.studio -> a browser

What the page does beyond that, it does by the public API.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from portravox import __version__, demo
from portravox.media.picture_file import PictureLimits
from portravox.media.voice_file import VoiceLimits
from portravox.options import CHANGEABLE_OPTIONS, LIVE_OPTIONS
from portravox.service import problems
from portravox.service.consent import Consent
from portravox.service.logins import PASS_LIFE_S
from portravox.service.option_controls import PRESETS, option_controls, preset_values
from portravox.service.problems import Refusal
from portravox.service.request_middleware import answer, read_body, request_id_of
from portravox.service.schemas import json_object
from portravox.service.service import Service, service_of
from portravox.service.tasks.queue import Json
from portravox.studio.files import Files, PageFile, page
from portravox.synthesis.settings import PROGRAMS, SpeechSettings

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Nothing inline, nothing from elsewhere; blob: is what the user chose and what is being made."""

_HEADERS = {
    "content-security-policy": _POLICY,
    "permissions-policy": "camera=(self), microphone=(self), geolocation=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

_VARIES = {"vary": "accept-encoding"}

_NOT_AT_ALL = re.compile(r"q=0(\.0*)?")

_FOR_GOOD = "public, max-age=31536000, immutable"


async def index(request: Request) -> Response:
    """The page; asked for each time, sent when it is another."""
    current = page()
    etag = f'W/"{current.version}"'  # weak: one for the packed bytes and the plain ones
    headers = {"cache-control": "no-cache", "etag": etag}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={**_HEADERS, **_VARIES, **headers})
    return _sent(current.index, request, headers)


async def asset(request: Request) -> Response:
    return versioned(page(), request)


def versioned(current: Files, request: Request) -> Response:
    """The file of a set at a path, by the version that a page named: it never changes."""
    file = current.files.get(request.path_params["path"])
    if file is None or request.path_params["version"] != current.version:
        raise Refusal(problems.NOT_FOUND)
    return _sent(file, request, {"cache-control": _FOR_GOOD})


def _sent(file: PageFile, request: Request, headers: Mapping[str, str]) -> Response:
    """A file of the page, packed for who unpacks it. Here and not for all answers of the server:
    these were packed once, and a video, a picture or an event would only be held up by it."""
    headers = {**_HEADERS, **_VARIES, **headers}
    if not _unpacks(request.headers.get("accept-encoding", "")):
        return Response(file.content, media_type=file.media_type, headers=headers)
    headers["content-encoding"] = "gzip"
    return Response(file.gzipped, media_type=file.media_type, headers=headers)


def _unpacks(accepted: str) -> bool:
    """Whether gzip is named in Accept-Encoding, and not as what will not do (`gzip;q=0`)."""
    for coding in accepted.lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() == "gzip":
            return _NOT_AT_ALL.fullmatch(weight.replace(" ", "")) is None
    return False


async def about(request: Request) -> Response:
    """What the page has to know before anyone has signed in."""
    settings = service_of(request).settings
    picture, voice = PictureLimits.service(), VoiceLimits.service(max_s=settings.max_voice_s)
    return answer(
        {
            "version": __version__,
            "needs_key": not service_of(request).settings.no_keys,
            "examples": [{"name": one.name, "preset": one.preset} for one in demo.examples()],
            "presets": [{"name": name, "values": preset_values(name)} for name in PRESETS],
            "video_life_s": settings.video_life_s,
            "live": _live(service_of(request)),
            "consent": _consent(service_of(request).settings.consent),
            "speech": _speech(service_of(request).settings.speaks),
            "options": option_controls(service_of(request).settings.offered_engines),
            "limits": {
                "picture": {
                    "max_bytes": picture.max_bytes,
                    "max_side_px": picture.max_side_px,
                    "max_ratio": picture.max_ratio,
                },
                "voice": {"max_bytes": voice.max_bytes, "min_s": voice.min_s, "max_s": voice.max_s},
            },
            "request_id": request_id_of(request),
        }
    )


def _live(service: Service) -> Json:
    """Options that a live session takes, and those that may change in it; null where none are
    held."""
    if service.live is None:
        return None
    return {"options": list(LIVE_OPTIONS), "changeable": list(CHANGEABLE_OPTIONS)}


def _consent(asked: Consent | None) -> Json:
    """The statement to agree to; null where none is asked for."""
    return None if asked is None else {"id": asked.id, "text": asked.statement}


def _speech(speech: SpeechSettings | None) -> Json:
    """Which texts and voices are taken; null where nobody speaks."""
    if speech is None:
        return None
    return {
        "voices": list(speech.suggested),
        "max_characters": speech.most_characters,
        "is_sent": speech.provider not in PROGRAMS,
    }


async def example(request: Request) -> Response:
    """A portrait or a voice to try things with."""
    name, kind = request.path_params["name"], request.path_params["kind"]
    chosen = next((one for one in demo.examples() if one.name == name), None)
    if chosen is None or kind not in ("portrait", "voice"):
        raise Refusal(problems.NOT_FOUND)
    path = chosen.portrait if kind == "portrait" else chosen.voice
    headers = {**_HEADERS, "cache-control": "public, max-age=86400"}
    return FileResponse(path, media_type=_EXAMPLE_TYPES[path.suffix], headers=headers)


async def login(request: Request) -> Response:
    """The token of a one-time link against a pass. In the body, so that no log has it."""
    service = service_of(request)
    token = json_object(await read_body(request)).get("token")
    if not isinstance(token, str) or not await asyncio.to_thread(service.logins.redeem, token):
        raise Refusal(problems.BAD_KEY)
    return answer(
        {
            "key": service.passes.create(),
            "expires_in_seconds": int(PASS_LIFE_S),
            "request_id": request_id_of(request),
        }
    )


_EXAMPLE_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
}


ROUTES = (
    Route("/", index, methods=["GET"]),
    Route("/studio/about", about, methods=["GET"]),
    Route("/studio/login", login, methods=["POST"]),
    Route("/studio/examples/{name}/{kind}", example, methods=["GET"]),
    Route("/studio/{version}/{path:path}", asset, methods=["GET"]),
)
