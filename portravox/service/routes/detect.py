"""Detect: whether a picture will do, answered while the client waits.

Flow      a client -> routes.detect -> Detector
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portravox.service.limits import Call
from portravox.service.problems import NO_FACE
from portravox.service.request_middleware import API, answer, read_body, request_id_of
from portravox.service.schemas import CallMode, json_object, picture_to_check
from portravox.service.service import service_of
from portravox.service.tasks.queue import Json


async def detect(request: Request) -> Response:
    """A face that will not do is an answer, too: `pass` is false then. With `?explain=true`, why,
    what would help, and where the faces are."""
    service = service_of(request)
    caller = service.caller(request, Call.DETECT)
    body = json_object(await read_body(request))
    image_url = picture_to_check(body, CallMode.of(request.headers))
    judgement = await service.detector.judge(image_url, key_group=caller.group)
    output: dict[str, Json] = {
        "pass": judgement.passed,
        "message": "" if judgement.passed else NO_FACE.message,
    }
    if request.query_params.get("explain") == "true":
        output |= judgement.detail
    return answer(
        {
            "output": output,
            "usage": {"image_count": 1},
            "request_id": request_id_of(request),
        }
    )


ROUTES = (Route(f"{API}/services/aigc/image2video/face-detect", detect, methods=["POST"]),)
