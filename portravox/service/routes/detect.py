"""Detect: whether a picture will do, answered while the client waits.

Flow      a client -> routes.detect -> Detector
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from portravox.service.limits import Call
from portravox.service.places import whose_address
from portravox.service.problems import NO_FACE, Refusal
from portravox.service.request_middleware import API, answer, read_body, request_id_of
from portravox.service.schemas import CallMode, error_body, json_object, picture_to_check
from portravox.service.service import NO_KEY_ID, Caller, service_of
from portravox.service.tasks.queue import Json

T = TypeVar("T")


async def detect(request: Request) -> Response:
    """A face that will not do is an answer, too: `pass` is false then. With `?explain=true`, why,
    what would help, and where the faces are; a picture that cannot be read says why, too."""
    service = service_of(request)
    caller = await service.caller(request, Call.DETECT)
    body = json_object(await read_body(request))
    image_url = picture_to_check(body, CallMode.of(request.headers))
    judging = service.detector.judge(
        image_url, key=share_of(request, caller), key_group=caller.group
    )
    explain = request.query_params.get("explain") == "true"
    try:
        judgement = await while_connected(request, judging)
    except Refusal as refusal:
        if not explain:
            raise
        told = error_body(refusal.problem, request_id_of(request))
        return answer({**told, **refusal.why}, status=refusal.problem.status)
    output: dict[str, Json] = {
        "pass": judgement.passed,
        "message": "" if judgement.passed else NO_FACE.message,
    }
    if explain:
        output |= judgement.detail
    return answer(
        {
            "output": output,
            "usage": {"image_count": 1},
            "request_id": request_id_of(request),
        }
    )


def share_of(request: Request, caller: Caller) -> str:
    """Whose share of what there is little of a call takes: its key's, or where it has none that of
    the address it comes from."""
    if caller.key_id != NO_KEY_ID or request.client is None:
        return f"key {caller.key_id}"
    return f"from {whose_address(request.client.host)}"


async def while_connected(request: Request, judging: Coroutine[Any, Any, T]) -> T:
    """What is awaited; where the client goes away, it is cancelled. Raises ClientDisconnect."""
    working = asyncio.create_task(judging)
    gone = asyncio.create_task(_until_gone(request))
    try:
        await asyncio.wait([working, gone], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return await working
    finally:
        for task in (working, gone):
            task.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass  # the body has been read: what comes besides is nothing


ROUTES = (Route(f"{API}/services/aigc/image2video/face-detect", detect, methods=["POST"]),)
