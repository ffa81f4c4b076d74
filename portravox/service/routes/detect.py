"""Detect: whether a picture will do, answered while the client waits.

Flow      a client -> routes.detect -> Detector
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portravox.service.exchange import API, answer, read_body, request_id_of
from portravox.service.limits import Call
from portravox.service.problems import NO_FACE
from portravox.service.schemas import CallMode, json_object, picture_to_check
from portravox.service.service import service_of


async def detect(request: Request) -> Response:
    """A face that will not do is an answer, too: `pass` is false then."""
    service = service_of(request)
    caller = service.caller(request, Call.DETECT)
    body = json_object(await read_body(request))
    image_url = picture_to_check(body, CallMode.of(request.headers))
    passed = await service.detector.has_face(image_url, key_group=caller.group)
    return answer(
        {
            "output": {"pass": passed, "message": "" if passed else NO_FACE.message},
            "usage": {"image_count": 1},
            "request_id": request_id_of(request),
        }
    )


ROUTES = (Route(f"{API}/services/aigc/image2video/face-detect", detect, methods=["POST"]),)
