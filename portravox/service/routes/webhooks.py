"""Webhooks: what became of the notices, and the secret they are signed with. Ours.

Flow      a client -> routes.webhooks -> Outbox, webhooks.sign
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portravox.service.limits import Call
from portravox.service.request_middleware import API, answer, request_id_of
from portravox.service.service import service_of
from portravox.service.webhooks.schemas import deliveries_body, delivery_filter
from portravox.service.webhooks.sign import webhook_secrets


async def list_deliveries(request: Request) -> Response:
    """Notices of the group's tasks, with each attempt."""
    service = service_of(request)
    caller = await service.caller(request, Call.POLL)
    wanted = delivery_filter(request.query_params)
    page = await service.queue.outbox.list(wanted, key_group=caller.group)
    return answer(deliveries_body(page, wanted, request_id_of(request)))


async def secret(request: Request) -> Response:
    """What notices of this key's tasks are signed with; a second one only while the first one takes
    its place."""
    service = service_of(request)
    caller = await service.caller(request, Call.POLL)
    secrets: list[str] = list(webhook_secrets(service.signing, caller.key_id))
    return answer({"request_id": request_id_of(request), "data": {"secrets": [*secrets]}})


ROUTES = (
    Route(f"{API}/webhooks", list_deliveries, methods=["GET"]),
    Route(f"{API}/webhooks/secret", secret, methods=["GET"]),
)
