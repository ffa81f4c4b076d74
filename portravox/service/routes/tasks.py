"""Tasks: query, list, cancel, a stream of what happens to one, and its video while it is made.

Flow      a client -> routes.tasks -> TaskQueue; Streams
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portravox.service import bodies, problems
from portravox.service.limits import Call
from portravox.service.problems import Refusal
from portravox.service.request_middleware import API, StreamInPlace, answer, request_id_of
from portravox.service.schemas import (
    Account,
    list_body,
    progress,
    task_body,
    task_filter,
    unknown_body,
)
from portravox.service.service import Caller, Service, service_of
from portravox.service.streams import LOOK_S, StreamCut, StreamedVideo, cut_off
from portravox.service.tasks.queue import Page, Task, TaskFilter
from portravox.service.tasks.states import TaskState

SILENCE_S = 15.0
"""After how long without news a stream sends a comment, before proxies cut it at 30 or 60 s."""

_TASK_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def query(request: Request) -> Response:
    """Always 200: a task that there is not is UNKNOWN. With `?progress=true`, how far it is; with
    `?explain=true`, why it FAILED."""
    service = service_of(request)
    caller = await service.caller(request, Call.POLL)
    task_id = request.path_params["task_id"]
    task = await _find(service, caller, task_id)
    if task is None:
        return answer(unknown_body(task_id, request_id_of(request)))
    # Most say nothing more, and taking that apart takes as long as looking the task up.
    asked = bool(request.scope["query_string"])
    wants_more = asked and request.query_params.get("progress") == "true"
    extra = await _progress(service, task) if wants_more else None
    explain = asked and _explain(request)
    return answer(await _task_answer(request, service, task, extra, explain=explain))


def _explain(request: Request) -> bool:
    return request.query_params.get("explain") == "true"


async def query_with_slash(request: Request) -> Response:
    """The same for an id with a slash, which no task has."""
    if request.path_params["task_id"].endswith("/cancel"):
        raise Refusal(problems.wrong_method(request.method))
    return await query(request)


async def cancel(request: Request) -> Response:
    """PENDING tasks; with `?force=true` RUNNING ones, too, within a second."""
    service = service_of(request)
    caller = await service.caller(request, Call.POLL)
    task_id = request.path_params["task_id"]
    force = request.query_params.get("force") == "true"
    known = _TASK_ID.fullmatch(task_id) is not None
    if not known or not await service.queue.cancel(task_id, key_group=caller.group, force=force):
        raise Refusal(problems.CANNOT_CANCEL)
    return answer({"request_id": request_id_of(request)})


async def list_tasks(request: Request) -> Response:
    service = service_of(request)
    caller = await service.caller(request, Call.POLL)
    settings = service.settings
    wanted = task_filter(request.query_params, now=service.queue.now(), region=settings.region)
    page = Page(tasks=(), total=0)
    if wanted is None:
        wanted = TaskFilter()
    else:
        page = await service.queue.list(wanted, key_group=caller.group)
    account = Account(
        region=settings.region,
        caller_uid=settings.caller_uid,
        caller_parent_id=settings.caller_parent_id,
    )
    return answer(list_body(page, wanted, account, request_id_of(request)))


async def events(request: Request) -> Response:
    """Server-sent events: what `query` answers, with progress, whenever it changes; with
    `?explain=true`, why it FAILED."""
    service = service_of(request)
    caller = await service.caller(request, Call.POLL)
    place = ExitStack()
    place.enter_context(service.streaming.hold(caller.key_id))
    stream = _events(request, service, caller)
    return StreamInPlace(place, stream, media_type="text/event-stream")


async def _events(request: Request, service: Service, caller: Caller) -> AsyncIterator[bytes]:
    task_id = request.path_params["task_id"]
    credential = request.headers.get("authorization")
    with service.followers.follow(task_id, caller.group, credential) as follower:
        snapshot = None
        if _TASK_ID.fullmatch(task_id):
            snapshot = await service.followers.look(task_id, caller.group)
        if snapshot is None:
            yield _event(unknown_body(task_id, request_id_of(request)))
            return
        last = b""
        # A client whose stream ends before its task connects again, to the server that is next.
        while not follower.ended and service.admits(credential):
            if snapshot is None:
                yield b": still here\n\n"
            else:
                extra = progress(
                    snapshot.task, position=snapshot.position, remaining_s=snapshot.remaining_s
                )
                answered = await _task_answer(
                    request, service, snapshot.task, extra, explain=_explain(request)
                )
                told = _event(answered)
                if told != last:
                    last = told
                    yield told
                if snapshot.task.state.ended:
                    return
            snapshot = await follower.next(within_s=SILENCE_S)


def _event(body: Mapping[str, object]) -> bytes:
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return f"event: task\ndata: {data}\n\n".encode()


async def preview(request: Request) -> Response:
    """The latest frame of a running task as a small JPEG; 204 where there is none, whatever the
    reason."""
    service = service_of(request)
    caller = await service.caller(request, Call.POLL)
    task = await _find(service, caller, request.path_params["task_id"])
    shown = None
    if task is not None and task.state is TaskState.RUNNING:
        shown = await asyncio.to_thread(service.previews.read, task.task_id)
    if shown is None:
        return Response(status_code=204)
    return Response(shown, media_type="image/jpeg")


WAIT_S = 15.0
"""How long who wants to watch waits for the first bytes before he is told to come back. Our choice:
proxies wait for 30 or 60 s."""

HERE_S = 2.0
"""How long after a task is RUNNING it is known here, if it is rendered here. Our choice."""

ASK_S = 0.5
"""How often the table is asked meanwhile, and whether who watches still may."""


async def stream(request: Request) -> Response:
    """The video of a RUNNING task while it is made, from its first frame: a fragmented MP4. Of one
    that is ready, the way to it.

    Raises Refusal where there is none, or none yet after WAIT_S. A video that does not become whole
    ends with the connection being cut.
    """
    service = service_of(request)
    caller = await service.caller(request, Call.POLL)
    place = ExitStack()
    place.enter_context(service.watching.hold(caller.key_id))
    try:
        found = await _to_watch(service, caller, request.path_params["task_id"])
    except BaseException:
        place.close()
        raise
    headers = {"x-accel-buffering": "no"}  # nginx would hold it back until it is whole
    if isinstance(found, Task):
        place.close()
        link = await _video_url(request, service, found)
        assert link is not None
        return Response(status_code=302, headers={"location": link})
    if request.method == "HEAD":
        place.close()
        return Response(headers=headers, media_type="video/mp4")
    return StreamInPlace(
        place, _watched(request, service, found), headers=headers, media_type="video/mp4"
    )


async def _to_watch(service: Service, caller: Caller, task_id: str) -> StreamedVideo | Task:
    """The video as it grows, once it has begun, or its task once that has SUCCEEDED."""
    began = running_since = ask_at = time.monotonic()
    task = None
    while True:
        now = time.monotonic()
        if now >= ask_at:
            task, before = await _find(service, caller, task_id), task
            if task is None:
                raise Refusal(problems.NOT_FOUND)
            if task.state is TaskState.SUCCEEDED:
                return task
            if task.state.ended:
                raise Refusal(problems.NO_STREAM)
            if before is None or before.state is not task.state:
                running_since = now
            ask_at = now + ASK_S
        video = service.streams.find(task_id)
        if video is not None and video.has_begun:
            return video
        assert task is not None
        is_running = task.state is TaskState.RUNNING
        if is_running and video is None and now - running_since > HERE_S:
            raise Refusal(problems.STREAM_ELSEWHERE)
        if now - began > WAIT_S:
            raise Refusal(problems.STREAM_NOT_YET)
        await asyncio.sleep(LOOK_S)


async def _watched(
    request: Request, service: Service, video: StreamedVideo
) -> AsyncIterator[bytes]:
    credential = request.headers.get("authorization")
    ask_at = 0.0
    try:
        async for piece in video.pieces():
            if time.monotonic() >= ask_at:
                if not service.admits(credential):
                    raise StreamCut("the key was revoked")
                ask_at = time.monotonic() + ASK_S
            yield piece
    except StreamCut:
        # The answer has begun: that it ends too early only its line can say.
        if not cut_off(request.scope):
            raise


async def _find(service: Service, caller: Caller, task_id: str) -> Task | None:
    if not _TASK_ID.fullmatch(task_id):
        return None
    return await service.queue.get(task_id, key_group=caller.group)


async def _progress(service: Service, task: Task) -> bodies.Progress:
    position = None
    if task.state is TaskState.PENDING:
        position = await service.queue.position(task.task_id)
    remaining_s = service.eta.remaining_s(task, position=position, now=service.queue.now())
    return progress(task, position=position, remaining_s=remaining_s)


async def _task_answer(
    request: Request,
    service: Service,
    task: Task,
    extra: bodies.Progress | None,
    *,
    explain: bool,
) -> bodies.Task:
    video_url = await _video_url(request, service, task)
    captions_url = None
    if task.captions_name is not None:
        captions_url = await _link(request, service, task, task.captions_name)
    return task_body(
        task,
        request_id_of(request),
        video_url=video_url,
        captions_url=captions_url,
        extra=extra,
        explain=explain,
    )


async def _video_url(request: Request, service: Service, task: Task) -> str | None:
    """The link to a finished video; None where there is none."""
    if task.result is None:
        return None
    return await _link(request, service, task, task.result.video_name)


async def _link(request: Request, service: Service, task: Task, name: str) -> str | None:
    """The link to a file of a task, good for as long as the task is remembered."""
    if task.ended_at is None:
        return None
    link = partial(
        service.links.link,
        name,
        base_url=service.base_url(request),
        expires_at=task.ended_at + service.settings.video_life_s,
    )
    return await asyncio.to_thread(link) if service.links.may_wait else link()


ROUTES = (
    Route(f"{API}/tasks/{{task_id}}", query, methods=["GET"]),
    Route(f"{API}/tasks", list_tasks, methods=["GET"]),
    Route(f"{API}/tasks/{{task_id}}/cancel", cancel, methods=["POST"]),
    Route(f"{API}/tasks/{{task_id}}/events", events, methods=["GET"]),
    Route(f"{API}/tasks/{{task_id}}/preview", preview, methods=["GET"]),
    Route(f"{API}/tasks/{{task_id}}/stream", stream, methods=["GET"]),
    # An id with a slash in it, plain or escaped, is UNKNOWN like every other that there is not.
    Route(f"{API}/tasks/{{task_id:path}}/cancel", cancel, methods=["POST"]),
    Route(f"{API}/tasks/{{task_id:path}}/events", events, methods=["GET"]),
    Route(f"{API}/tasks/{{task_id:path}}/preview", preview, methods=["GET"]),
    Route(f"{API}/tasks/{{task_id:path}}/stream", stream, methods=["GET"]),
    Route(f"{API}/tasks/{{task_id:path}}", query_with_slash, methods=["GET"]),
)
