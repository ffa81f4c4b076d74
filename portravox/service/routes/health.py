"""Health: whether the process lives, whether it can work, and its numbers.

Flow      a supervisor, Prometheus -> routes.health
"""

from __future__ import annotations

import hmac

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portravox.service import problems
from portravox.service.problems import Refusal
from portravox.service.request_middleware import answer, request_id_of
from portravox.service.service import service_of
from portravox.service.settings import is_loopback


async def live(request: Request) -> Response:
    return answer({"status": "ok", "request_id": request_id_of(request)})


async def ready(request: Request) -> Response:
    """503 where the table of tasks cannot be read, and for a server that was told to stop."""
    service = service_of(request)
    if service.stopping.is_set():
        raise Refusal(problems.UNAVAILABLE)
    await service.queue.counts()
    return answer({"status": "ok", "request_id": request_id_of(request)})


async def metrics(request: Request) -> Response:
    """For the bearer of the metrics token; where there is none, for this machine."""
    service = service_of(request)
    token = service.settings.metrics_token
    if token is not None:
        wanted = f"Bearer {token.get_secret_value()}".encode()
        sent = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(wanted, sent):
            raise Refusal(problems.BAD_KEY)
    elif request.client is None or not is_loopback(request.client.host):
        raise Refusal(problems.ACCESS_DENIED)
    page = service.metrics.page(await service.queue.counts())
    return Response(page, headers={"content-type": CONTENT_TYPE_LATEST})


ROUTES = (
    Route("/healthz", live, methods=["GET"]),
    Route("/readyz", ready, methods=["GET"]),
    Route("/metrics", metrics, methods=["GET"]),
)
