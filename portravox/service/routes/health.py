"""Health: whether the process lives, whether it can work, and its numbers.

Flow      a supervisor, Prometheus -> routes.health
"""

from __future__ import annotations

import hmac

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portravox.service import problems
from portravox.service.health import Trouble
from portravox.service.metrics import PAGE_TYPE
from portravox.service.problems import Refusal
from portravox.service.request_middleware import answer, request_id_of
from portravox.service.schemas import error_body
from portravox.service.service import Service, service_of
from portravox.service.settings import is_loopback
from portravox.service.tasks.queue import Json
from portravox.service.worker.sandbox import offered


async def live(request: Request) -> Response:
    """200 as long as the process lives, with the device of each engine that draws here."""
    engines: dict[str, Json] = dict(service_of(request).drawn_on)
    return answer({"status": "ok", "engines": engines, "request_id": request_id_of(request)})


async def ready(request: Request) -> Response:
    """503, with the reasons by name, where no task could be taken or done, and for a server that
    was told to stop. Answers from memory: what is looked at is looked at in the background."""
    service = service_of(request)
    troubles = service.health.troubles()
    if service.stopping.is_set():
        troubles = (Trouble("stopping", "the server was told to stop"), *troubles)
    if not troubles:
        ok: dict[str, Json] = {
            "status": "ok",
            "isolation": _isolation(service),
            "engines": dict(service.drawn_on),
            "request_id": request_id_of(request),
        }
        return answer(ok | _warnings(service))
    reasons: list[Json] = [{"reason": told.reason, "message": told.message} for told in troubles]
    body = error_body(problems.UNAVAILABLE, request_id_of(request))
    return answer(
        {**body, "status": "unavailable", "reasons": reasons}, status=problems.UNAVAILABLE.status
    )


def _isolation(service: Service) -> str:
    """Of worker processes: full, partial, none, or off."""
    mode = service.settings.sandbox
    return mode if mode == "off" else offered().extent


def _warnings(service: Service) -> dict[str, Json]:
    """What has to be mended although requests are served: without paths, for anybody may ask."""
    warnings: list[Json] = []
    if not service.settings.no_keys and service.keys.is_damaged():
        told = "the file of API keys is damaged; the keys of before are used"
        warnings.append({"reason": "keys_damaged", "message": told})
    if _isolation(service) != "full":
        told = "worker processes are not fully isolated; the log and `portravox doctor` say why"
        warnings.append({"reason": "not_isolated", "message": told})
    return {"warnings": warnings} if warnings else {}


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
    return Response(page, headers={"content-type": PAGE_TYPE})


ROUTES = (
    Route("/healthz", live, methods=["GET"]),
    Route("/readyz", ready, methods=["GET"]),
    Route("/metrics", metrics, methods=["GET"]),
)
