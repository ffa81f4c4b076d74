"""Submit: a portrait and a recording become a task.

Flow      a client -> routes.videos -> TaskQueue -> worker
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portravox.errors import PortravoxError
from portravox.service import problems
from portravox.service.errors import StorageFailed
from portravox.service.limits import VIDEO_WINDOW_S, Call
from portravox.service.problems import Refusal
from portravox.service.request_middleware import API, answer, read_body, request_id_of
from portravox.service.schemas import (
    CallMode,
    check_model,
    consent_given,
    json_object,
    submitted_body,
    video_job,
)
from portravox.service.service import Caller, Service, service_of
from portravox.service.tasks.queue import Job, Task
from portravox.service.webhooks.schemas import webhook_asked

_MAX_IDEMPOTENCY_KEY = 255
"""Characters; what others who have such keys allow (Stripe)."""


async def submit(request: Request) -> Response:
    """Answer at once: files are fetched by the worker."""
    service = service_of(request)
    caller = await service.caller(request, Call.SUBMIT)
    if service.stopping.is_set():
        raise Refusal(problems.UNAVAILABLE)
    body = json_object(await read_body(request))
    labelling = service.settings.labelling
    job = labelling.of_job(
        video_job(
            body,
            CallMode.of(request.headers),
            service.settings.offered_engines,
            service.settings.speaks,
        ),
        caller.key_id,
    )
    consent = service.settings.consent
    if consent is not None:
        consent.require(consent_given(body))
    idempotency_key = request.headers.get("idempotency-key") or None
    if idempotency_key is not None and len(idempotency_key) > _MAX_IDEMPOTENCY_KEY:
        raise Refusal(problems.bad_parameter("Idempotency-Key"))
    task = None
    if idempotency_key is not None:
        task = await service.queue.repeated(
            job, key_id=caller.key_id, idempotency_key=idempotency_key
        )
    if task is None:
        task = await _submitted(service, caller, job, request, idempotency_key)
    records = [labelling.write_down] if labelling.needs_record(task) else []
    if consent is not None:
        records.append(consent.write_down)
    for write_down in records:
        try:
            await asyncio.to_thread(write_down, task)
        except StorageFailed:
            await service.queue.cancel(task.task_id, key_group=caller.group, force=True)
            raise
    return answer(submitted_body(task, request_id_of(request)))


async def _submitted(
    service: Service, caller: Caller, job: Job, request: Request, idempotency_key: str | None
) -> Task:
    """A new task, within what the key may have rendered and spoken in a day. A repeated call never
    gets here: it costs nothing of that, and is answered where nothing is left."""
    asked = (webhook_asked(request.headers), service.settings.webhook)
    webhooks = tuple(webhook for webhook in asked if webhook is not None)
    if caller.limits.video_s_per_day is not None:
        since = service.queue.now() - VIDEO_WINDOW_S
        rendered_s = await service.queue.rendered_s(key_id=caller.key_id, since=since)
        caller.limits.require_video_left(rendered_s)
    text = str(job.parameters.get("text", ""))
    await service.spoken.take(
        len(text), key_id=caller.key_id, key_group=caller.group, limits=caller.limits
    )
    try:
        return await service.queue.submit(
            job,
            key_id=caller.key_id,
            key_group=caller.group,
            request_id=request_id_of(request),
            idempotency_key=idempotency_key,
            webhooks=webhooks,
        )
    except PortravoxError:
        service.spoken.give_back(len(text), key_id=caller.key_id)
        raise


async def refuse(request: Request) -> Response:
    """The path of sibling models, to which the official package posts unless told otherwise: none
    of ours lives here."""
    await service_of(request).caller(request, Call.SUBMIT)
    check_model(json_object(await read_body(request)), None)
    raise AssertionError("check_model lets nothing through here")


ROUTES = (
    Route(f"{API}/services/aigc/image2video/video-synthesis", submit, methods=["POST"]),
    Route(f"{API}/services/aigc/video-generation/video-synthesis", refuse, methods=["POST"]),
)
