"""Inspect: which labels of AI-made content a file carries. Ours, beyond the original.

Flow      a client -> routes.inspect -> Detector
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portravox.service.limits import Call
from portravox.service.request_middleware import API, answer, read_body, request_id_of
from portravox.service.routes.detect import share_of, while_connected
from portravox.service.schemas import CallMode, file_to_inspect, json_object
from portravox.service.service import service_of


async def inspect(request: Request) -> Response:
    """No label is an answer, too. Counts as a detect call."""
    service = service_of(request)
    caller = await service.caller(request, Call.DETECT)
    body = json_object(await read_body(request))
    url = file_to_inspect(body, CallMode.of(request.headers))
    inspecting = service.detector.inspect(
        url, key=share_of(request, caller), key_group=caller.group
    )
    found = await while_connected(request, inspecting)
    return answer({"output": found.as_json(), "request_id": request_id_of(request)})


ROUTES = (Route(f"{API}/inspect", inspect, methods=["POST"]),)
