"""Consent: the statement that this server asks for with each task. Ours, beyond the original.

Flow      a client -> routes.consent -> Consent
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portravox.service.bodies import Statement
from portravox.service.consent import Consent
from portravox.service.request_middleware import API, answer, request_id_of
from portravox.service.service import service_of


async def consent(request: Request) -> Response:
    """Before anyone has signed in: it is to be read before a task is sent."""
    told = statement_of(service_of(request).settings.consent)
    return answer({"output": told, "request_id": request_id_of(request)})


def statement_of(asked: Consent | None) -> Statement:
    """What is asked for; nulls where nothing is."""
    if asked is None:
        return {"id": None, "text": None}
    return {"id": asked.id, "text": asked.statement}


ROUTES = (Route(f"{API}/consent", consent, methods=["GET"]),)
