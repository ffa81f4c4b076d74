"""Live sessions over a WebSocket or WebRTC: speech in while it comes, a portrait that speaks it.

Flow      a client -> routes.live -> LiveSessions | LiveCalls

A browser cannot give a WebSocket headers, so a key may also come as a subprotocol: `bearer.KEY`
beside `portravox.live`, which is the one that is answered. No address holds a key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from portravox.errors import PortravoxError
from portravox.media.picture_file import PictureLimits
from portravox.service import problems
from portravox.service.limits import Call
from portravox.service.live import (
    Asked,
    ClientGone,
    Holder,
    LiveSessions,
    Reason,
    Told,
)
from portravox.service.live_calls import LiveCalls
from portravox.service.live_schemas import CALL_FORMATS, FORMATS, offer_in, said_in, start_in
from portravox.service.origins import require_page
from portravox.service.problems import Refusal
from portravox.service.request_middleware import API, answer, read_body, request_id_of
from portravox.service.schemas import json_object
from portravox.service.service import Caller, Service, service_of
from portravox.service.settings import is_loopback
from portravox.service.sockets import ALLOW, MESSAGE_BYTES
from portravox.service.tasks.queue import Json
from portravox.service.worker.peer_messages import HEARD_RATE_HZ

SUBPROTOCOL = "portravox.live"

_KEY_PREFIX = "bearer."

_CLOSE_CODES: Mapping[Reason, int] = {
    "asked": 1000,
    "gone": 1001,
    "refused": 1008,
    "failed": 1011,
    "idle": 1008,
    "too_long": 1008,
    "spent": 1008,
    "revoked": 1008,
    "stopping": 1012,
}
"""RFC 6455, section 7.4.1, and IANA's registry."""


async def about(request: Request) -> Response:
    """What a session may be here, and how many this key may begin now. From the first call on a
    process is ready for one."""
    service = service_of(request)
    caller = await service.caller(request, Call.POLL)
    live = _live(service)
    holder = _holder(service, caller, request.headers.get("authorization"), Defaults())
    live.keep_warm()
    is_called = service.calls is not None and _is_reached(service, request)
    if service.calls is not None and is_called:
        service.calls.keep_warm()
    return answer(
        {
            "output": {
                "sessions_left": live.left_for(holder),
                "idle_s": live.limits.idle_s,
                "session_s": live.limits.session_s,
                "max_side": service.settings.live_max_side,
                "speech": service.settings.speaks is not None,
                "webrtc": is_called,
            },
            "request_id": request_id_of(request),
        }
    )


async def live(websocket: WebSocket) -> None:
    """A session, for as long as the connection lasts. What is known to be wrong before it begins is
    answered as HTTP; all else by an event."""
    service: Service = websocket.app.state.service
    require_page(service.settings, websocket.headers)
    authorization = _authorization(websocket)
    caller = await service.caller_by(authorization, Call.LIVE)
    sessions = _live(service)
    defaults = Defaults()
    holder = _holder(service, caller, authorization, defaults)
    asked = SUBPROTOCOL if SUBPROTOCOL in websocket.scope["subprotocols"] else None
    await websocket.accept(subprotocol=asked)
    client = _Client(websocket)
    reason, lasted_s = await sessions.hold(client, holder)
    await client.close(reason, lasted_s)


async def call(request: Request) -> Response:
    """A session over WebRTC: an offer in, the answer out. It lasts as long as the connection that
    comes of it; what is wrong with it later is an event on its data channel."""
    service = service_of(request)
    caller = await service.caller(request, Call.LIVE)
    calls = _calls(service)
    offer = offer_in(json_object(await read_body(request)))
    defaults = Defaults(is_call=True)
    holder = _holder(service, caller, request.headers.get("authorization"), defaults)
    sdp = await calls.answer(offer, holder)
    told = {"type": "answer", "sdp": sdp}
    return answer({"output": told, "request_id": request_id_of(request)})


def _calls(service: Service) -> LiveCalls:
    _live(service)
    if service.calls is None:
        raise Refusal(problems.NO_WEBRTC)
    return service.calls


def _is_reached(service: Service, request: Request) -> bool:
    """Whether packets of this client can come here: not to a server that listens to its own machine
    alone, where a proxy brings the request from elsewhere."""
    settings = service.settings
    if settings.live_udp_address is not None or not is_loopback(settings.host):
        return True
    return is_loopback(request.url.hostname or "")


class Defaults:
    """What the first message said about those that follow."""

    sample_rate_hz = 0

    def __init__(self, *, is_call: bool = False) -> None:
        """is_call: over WebRTC"""
        self.is_call = is_call


def _live(service: Service) -> LiveSessions:
    if service.live is None:
        raise Refusal(problems.NO_LIVE)
    return service.live


def _authorization(websocket: WebSocket) -> str | None:
    for offered in websocket.scope["subprotocols"]:
        if offered.startswith(_KEY_PREFIX):
            return f"Bearer {offered.removeprefix(_KEY_PREFIX)}"
    return websocket.headers.get("authorization")


def _holder(
    service: Service, caller: Caller, authorization: str | None, defaults: Defaults
) -> Holder:
    return Holder(
        key_id=caller.key_id,
        group=caller.group,
        sessions=caller.limits.live_sessions,
        s_per_day=caller.limits.live_s_per_day,
        is_alone=service.settings.no_keys or service.keys.valid_count < 2,
        read_start=partial(_read_start, service, caller, defaults),
        read=partial(_read, service, defaults),
        is_admitted=partial(service.admits, authorization),
        take_speech=partial(_take_speech, service, caller),
        on_start=partial(_write_down, service, caller),
    )


async def _take_speech(service: Service, caller: Caller, characters: int) -> None:
    try:
        await service.spoken.take(
            characters,
            key_id=caller.key_id,
            key_group=caller.group,
            limits=caller.limits,
            is_live=True,
        )
    except PortravoxError as error:
        raise Refusal(problems.problem_of(error)) from error


def _read_start(service: Service, caller: Caller, defaults: Defaults, text: str) -> Asked:
    settings = service.settings
    start = start_in(
        text,
        engines=settings.offered_engines,
        max_side_px=settings.live_max_side,
        max_picture_bytes=0 if defaults.is_call else PictureLimits.service().max_bytes,
        forms=CALL_FORMATS if defaults.is_call else FORMATS,
    )
    if settings.consent is not None:
        settings.consent.require(start.consent)
    defaults.sample_rate_hz = start.sample_rate_hz
    return Asked(
        image_url=start.image_url,
        image_bytes=start.image_bytes,
        parameters=settings.labelling.of_parameters(start.parameters, caller.key_id),
        raw=start.raw,
        sound_rate_hz=HEARD_RATE_HZ if defaults.is_call else start.sound_rate_hz,
        is_seen=defaults.is_call,
    )


def _read(service: Service, defaults: Defaults, message: str | bytes) -> Told:
    of_microphone = defaults.is_call and isinstance(message, bytes)
    rate_hz = HEARD_RATE_HZ if of_microphone else defaults.sample_rate_hz
    return said_in(message, rate_hz=rate_hz, speech=service.settings.speaks)


def _write_down(service: Service, caller: Caller, session_id: str, asked: Asked) -> None:
    """Record a session without the label that others carry, and who agreed to the statement,
    before it is seen."""
    labelling, consent = service.settings.labelling, service.settings.consent
    now = service.queue.now()
    if labelling.lacks_label(asked.parameters):
        labelling.write_session_down(session_id, caller.key_id, now)
    if consent is not None:
        consent.write_session_down(session_id, caller.key_id, now)


class _Client:
    """A WebSocket, as live sessions see it."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def receive(self) -> str | bytes:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise ClientGone
        text: str | None = message.get("text")
        return message["bytes"] if text is None else text

    async def tell(self, event: Mapping[str, Json]) -> None:
        text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        await self._send({"type": "websocket.send", "text": text})

    async def send(self, piece: bytes) -> None:
        await self._send({"type": "websocket.send", "bytes": piece})

    def allow(self, most_bytes: int | None) -> None:
        allow = self._websocket.scope.get(ALLOW)
        if allow is not None:
            allow(max(MESSAGE_BYTES, most_bytes or 0))

    async def close(self, reason: Reason, lasted_s: float) -> None:
        """Say why, and end it."""
        try:
            await self.tell({"type": "closed", "reason": reason, "lasted_s": round(lasted_s, 2)})
            await self._websocket.close(_CLOSE_CODES[reason], reason)
        except (ClientGone, RuntimeError, WebSocketDisconnect):
            pass  # nobody is there to be told

    async def _send(self, message: dict[str, object]) -> None:
        try:
            await self._websocket.send(message)
        except (WebSocketDisconnect, RuntimeError) as error:  # closed, by it or by us
            raise ClientGone from error


ROUTES = (
    WebSocketRoute(f"{API}/live", live),
    Route(f"{API}/live", about, methods=["GET"]),
    Route(f"{API}/live/webrtc", call, methods=["POST"]),
)
