"""Bodies and queries: what clients send, read with tolerance, and what they get back.

Flow      routes -> service.schemas -> Job, TaskFilter; Task -> service.schemas -> JSON
Reads     untrusted bytes
Gives     checked values, or a Refusal; checks come in the order of the contract's section 2.5

Real clients add keys and send nulls: what is not known is left alone. What no client sends, and
what means different things to different readers (keys given twice, NaN, half a surrogate pair), is
refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from math import ceil
from typing import Any, NoReturn

from portravox.articulation.transcript import missing_readers
from portravox.errors import SettingOutOfRange
from portravox.options import (
    EXTENSION,
    OPTIONS,
    ORIGINAL,
    OURS,
    background_kind,
    is_address,
)
from portravox.pipeline import ENGINES
from portravox.service import bodies, explanations, problems
from portravox.service.bodies import DETECT_MODEL, VIDEO_MODEL
from portravox.service.fetch.urls import MAX_URL_CHARS, wire_length
from portravox.service.problems import Problem, Refusal
from portravox.service.storage.uploads import is_upload
from portravox.service.tasks.queue import Job, Json, Page, Task, TaskFilter
from portravox.service.tasks.states import TaskState
from portravox.synthesis.provider import speech_request
from portravox.synthesis.settings import SpeechSettings

MAX_BODY_BYTES = 64 * 1024
"""Both addresses may be signed links of 8 kB; real bodies have 300 bytes. Our choice."""

MAX_DEPTH = 16
"""Of nested lists and objects; the contract's own bodies have two. Our choice."""

LIST_SPAN_S = 24 * 3600.0
"""The longest span a list shows, and the one it shows unasked."""

MAX_PAGE_SIZE = 100

CHINA = timezone(timedelta(hours=8))
"""Times go over the wire in it, without saying so."""


def json_object(body: bytes) -> dict[str, Json]:
    """A body as a JSON object, whatever its Content-Type said. Raises Refusal."""
    try:
        value = json.loads(
            body.decode("utf-8-sig"), parse_constant=_refuse, object_pairs_hook=_without_twins
        )
        _check_nodes(value)
    except (ValueError, RecursionError) as error:  # bad UTF-8 and half surrogates are ValueErrors
        raise Refusal(problems.BODY_INVALID) from error
    if not isinstance(value, dict):
        raise Refusal(problems.BODY_INVALID)
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _without_twins(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key given twice")
    return found


def _check_nodes(value: Json) -> None:
    """Raise ValueError for too deep a tree, and for text with half characters or a character 0."""
    level: list[Json] = [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[Json] = []
        for node in level:
            if isinstance(node, dict):
                below.extend(node)
                below.extend(node.values())
            elif isinstance(node, list):
                below.extend(node)
            elif isinstance(node, str):
                if "\0" in node:  # where it ends, to readers in C; PostgreSQL takes none
                    raise ValueError("a character 0")
                if not node.isascii():
                    node.encode()
        if not below:
            return
        level = below
    raise ValueError("too deep")


def check_model(body: Mapping[str, Json], wanted: str | None) -> None:
    """Rows 7 to 9: the model named in the body, against the one that lives on this path (None: on
    this path there is none of ours). Raises Refusal."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise Refusal(problems.bad_parameter("model"))
    if model not in (VIDEO_MODEL, DETECT_MODEL):
        raise Refusal(problems.UNKNOWN_MODEL)
    if model != wanted:
        raise Refusal(problems.WRONG_PATH)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMode:
    """What the headers say about a call."""

    asynchronous: bool
    resolve_oss: bool

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> CallMode:
        return cls(
            asynchronous=_enabled(headers.get("x-dashscope-async")),
            resolve_oss=_enabled(headers.get("x-dashscope-ossresourceresolve")),
        )


def _enabled(value: str | None) -> bool:
    return value is not None and value.strip().lower() == "enable"


def video_job(
    body: Mapping[str, Json],
    mode: CallMode,
    engines: tuple[str, ...] = ENGINES[:1],
    speech: SpeechSettings | None = None,
) -> Job:
    """What a submit asks for, after rows 7 to 14. Raises Refusal.

    engines   what this server offers, the default first
    speech    who speaks texts here; None: nobody
    """
    check_model(body, VIDEO_MODEL)
    if not mode.asynchronous:
        raise Refusal(problems.NOT_SYNCHRONOUS)
    given = _input(body)
    text = _text_to_speak(body.get("parameters"))
    needed = ("image_url", "audio_url") if text is None else ("image_url",)
    addresses = {name: _address(given, name) for name in needed}
    for address in addresses.values():
        _check_scheme(address, mode)
    parameters = parameters_in(body.get("parameters"), engines)
    _check_background(parameters, mode)
    if "captions" in parameters and text is None and "transcript" not in parameters:
        raise Refusal(problems.out_of_definition("captions"))
    if text is not None:
        _check_speech(parameters, given, speech)
    elif "voice_name" in parameters:
        raise Refusal(problems.out_of_definition("voice_name"))
    return Job(
        model=VIDEO_MODEL,
        image_url=addresses["image_url"],
        audio_url=addresses.get("audio_url", ""),
        parameters=parameters,
        resolve_oss=mode.resolve_oss,
    )


def _check_background(parameters: Mapping[str, Json], mode: CallMode) -> None:
    """Whether what stands behind the person can be had here: a picture by its address alone, and
    nothing that an MP4 has not. Raises Refusal."""
    background = parameters.get("background")
    if not isinstance(background, str):
        return
    match background_kind(background):
        case "transparent":
            raise Refusal(problems.NO_TRANSPARENCY)
        case "picture" if not is_address(background):
            raise Refusal(problems.out_of_definition("background"))
        case "picture":
            _check_scheme(background, mode)


def _text_to_speak(parameters: Json) -> Json:
    """What stands in place of a recording; not checked yet."""
    ours = parameters.get(EXTENSION) if isinstance(parameters, dict) else None
    return ours.get("text") if isinstance(ours, dict) else None


def _check_speech(
    parameters: Mapping[str, Any], given: Mapping[str, Json], speech: SpeechSettings | None
) -> None:
    """Whether a text can be taken, and no recording beside it. Raises Refusal."""
    if speech is not None and given.get("audio_url"):
        raise Refusal(problems.out_of_definition("text"))
    require_speakable(parameters, speech)


def require_speakable(parameters: Mapping[str, Any], speech: SpeechSettings | None) -> None:
    """Raise Refusal for a text that is not spoken: here, of that length, in that voice."""
    if speech is None:
        raise Refusal(problems.NO_SPEECH)
    try:
        speech_request(
            speech,
            parameters["text"],
            voice=parameters.get("voice_name"),
            language=parameters.get("language"),
        )
    except SettingOutOfRange as error:
        raise Refusal(problems.out_of_definition(error.name)) from error


def picture_to_check(body: Mapping[str, Json], mode: CallMode) -> str:
    """The picture's address that a detect call names. Raises Refusal."""
    check_model(body, DETECT_MODEL)
    if mode.asynchronous:
        raise Refusal(problems.NOT_ASYNCHRONOUS)
    address = _address(_input(body), "image_url")
    _check_scheme(address, mode)
    return address


def file_to_inspect(body: Mapping[str, Json], mode: CallMode) -> str:
    """The address that an inspect call names. Raises Refusal."""
    if mode.asynchronous:
        raise Refusal(problems.NOT_ASYNCHRONOUS)
    address = _address(_input(body), "url")
    _check_scheme(address, mode)
    return address


def _input(body: Mapping[str, Json]) -> Mapping[str, Json]:
    given = body.get("input")
    if given is None:
        raise Refusal(problems.EMPTY_INPUT)
    if not isinstance(given, dict):
        raise Refusal(problems.ILLEGAL_INPUT)
    return given


def consent_given(body: Mapping[str, Json]) -> Json:
    """What a submit says in `input.consent`; None where it says nothing."""
    return _input(body).get("consent")


def _address(given: Mapping[str, Json], name: str) -> str:
    address = given.get(name)
    if not isinstance(address, str) or not address.strip():
        raise Refusal(problems.field_required(f"input.{name}"))
    return address.strip()


def address_in(given: Mapping[str, Json], name: str, *, resolve_oss: bool) -> str:
    """An address that a message names without a body around it. Raises Refusal."""
    address = given.get(name)
    if not isinstance(address, str) or not address.strip():
        raise Refusal(problems.field_required(name))
    _check_scheme(address.strip(), CallMode(asynchronous=False, resolve_oss=resolve_oss))
    return address.strip()


def _check_scheme(address: str, mode: CallMode) -> None:
    """Refuse an address that could never be fetched; all else is found out when it is fetched."""
    if not is_address(address) or wire_length(address) > MAX_URL_CHARS:
        raise Refusal(problems.INVALID_URL)
    if is_upload(address) and not mode.resolve_oss:
        raise Refusal(problems.OSS_UNRESOLVED)


def parameters_in(given: Json, engines: tuple[str, ...]) -> dict[str, Json]:
    """The options a client chose, as `JobOptions` takes them. Raises Refusal.

    engines  that may be named, the default first; () where none may, and none is filled in
    """
    try:
        options = {name: OPTIONS[name].from_json(value) for name, value in _chosen(given).items()}
    except SettingOutOfRange as error:
        raise Refusal(problems.out_of_definition(error.name)) from error
    if "engine" in options and options["engine"] not in engines:
        raise Refusal(problems.out_of_definition("engine"))
    if engines and engines[0] != ENGINES[0]:  # what the engine says where nothing is said
        options.setdefault("engine", engines[0])
    if "transcript" in options:
        missing = missing_readers(options["transcript"], options.get("language"))
        if missing:
            raise Refusal(problems.transcript_unreadable(missing))
    return options


def _chosen(given: Json) -> dict[str, Json]:
    """Names and values of what is not null, ours among them. Raises Refusal."""
    if given is None or given == []:  # PHP writes an empty object so
        given = {}
    if not isinstance(given, dict):
        raise Refusal(problems.out_of_definition("parameters"))
    chosen = {name: given[name] for name in ORIGINAL if given.get(name) is not None}
    ours = given.get(EXTENSION)
    if ours is not None and not isinstance(ours, dict):
        raise Refusal(problems.out_of_definition(EXTENSION))
    for name, value in (ours or {}).items():
        if value is None:
            continue
        if name not in OURS:
            raise Refusal(problems.out_of_definition(name))
        chosen[name] = value
    return chosen


def task_filter(query: Mapping[str, str], *, now: float, region: str) -> TaskFilter | None:
    """What a list call asks for; None if no task can be like that. Raises Refusal."""
    asked = {name: value for name, value in query.items() if value}
    page_no = whole_number(asked, "page_no", 1)
    page_size = min(whole_number(asked, "page_size", 10), MAX_PAGE_SIZE)
    start = _moment(asked, "start_time")
    end = _moment(asked, "end_time")
    if end is None:
        end = now if start is None else start + LIST_SPAN_S
    if start is None:
        start = end - LIST_SPAN_S
    if not 0.0 <= end - start <= LIST_SPAN_S:
        raise Refusal(problems.bad_parameter("start_time"))
    state = asked.get("status")
    if state is not None and state not in TaskState.__members__:
        return None
    if asked.get("region", region) != region:
        return None
    return TaskFilter(
        task_id=asked.get("task_id"),
        model=asked.get("model_name"),
        state=None if state is None else TaskState(state),
        key_id=asked.get("api_key_id"),
        submitted_from=start,
        submitted_to=end + 0.999,  # the second that was named, to its end
        page_no=page_no,
        page_size=page_size,
    )


def whole_number(asked: Mapping[str, str], name: str, default: int) -> int:
    """A number from 1 out of a query. Raises Refusal."""
    text = asked.get(name)
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise Refusal(problems.bad_parameter(name))
    return int(text)


def _moment(asked: Mapping[str, str], name: str) -> float | None:
    text = asked.get(name)
    if text is None:
        return None
    try:
        if not re.fullmatch(r"[0-9]{14}", text):
            raise ValueError(text)
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=CHINA).timestamp()
    except (ValueError, OverflowError) as error:
        raise Refusal(problems.bad_parameter(name)) from error


def error_body(problem: Problem, request_id: str) -> bodies.Error:
    return {"code": problem.code, "message": problem.message, "request_id": request_id}


def submitted_body(task: Task, request_id: str) -> bodies.Submitted:
    """PENDING whatever became of it since: a submit repeated with its idempotency key gets the
    answer that it missed."""
    return {
        "output": {"task_id": task.task_id, "task_status": TaskState.PENDING},
        "request_id": request_id,
    }


def unknown_body(task_id: str, request_id: str) -> bodies.Task:
    """The answer about a task that there is not, for this key."""
    return {"request_id": request_id, "output": {"task_id": task_id, "task_status": "UNKNOWN"}}


def task_body(
    task: Task,
    request_id: str,
    *,
    video_url: str | None,
    captions_url: str | None = None,
    extra: bodies.Progress | None = None,
    explain: bool = False,
) -> bodies.Task:
    """The answer about a task.

    video_url   where the client finds the video, for a task that SUCCEEDED
    captions_url   the same of its captions, if it has any
    extra       fields of ours to put into `output`, asked for by the client
    explain     whether a FAILED task says why, beyond the contract
    """
    output: bodies.TaskOutput = {"task_id": task.task_id, "task_status": task.state}
    output["submit_time"] = china_time(task.submitted_at)
    if task.scheduled_at is not None:
        output["scheduled_time"] = china_time(task.scheduled_at)
    if task.ended_at is not None:
        output["end_time"] = china_time(task.ended_at)
    body: bodies.Task = {"request_id": request_id, "output": output}
    if task.state is TaskState.FAILED:
        output["code"], output["message"] = task.code or "", task.message or ""
        why = explanations.of_task(task) if explain else None
        if why is not None:
            output["file"] = why.file
            output["reason"] = why.reason
            output["explanation"] = why.explanation
            output["hint"] = why.hint
    if task.result is not None:
        output["results"] = {"video_url": video_url or ""}
        if captions_url is not None:
            output["results"]["captions_url"] = captions_url
        body["usage"] = {
            "video_duration": round(task.result.duration_s, 2),
            "video_ratio": "standard",
        }
    if extra is not None:
        output["stage"] = extra["stage"]
        output["progress"] = extra["progress"]
        output["queue_position"] = extra["queue_position"]
        output["remaining_s"] = extra["remaining_s"]
    return body


def progress(task: Task, *, position: int | None, remaining_s: float | None) -> bodies.Progress:
    """How far a task is: ours, beyond the original."""
    return {
        "stage": task.stage,
        "progress": round(task.done, 4),
        "queue_position": position,
        "remaining_s": None if remaining_s is None else round(remaining_s, 1),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What list rows say about whose the tasks are: configured, since there are no accounts."""

    region: str
    caller_uid: str
    caller_parent_id: str


def list_body(page: Page, asked: TaskFilter, account: Account, request_id: str) -> bodies.TaskList:
    return {
        "total": page.total,
        "total_page": ceil(page.total / asked.page_size),
        "page_no": asked.page_no,
        "page_size": asked.page_size,
        "request_id": request_id,
        "data": [_row(task, account) for task in page.tasks],
    }


def _row(task: Task, account: Account) -> bodies.TaskRow:
    row: bodies.TaskRow = {
        "task_id": task.task_id,
        "status": task.state,
        "model_name": task.job.model,
        "gmt_create": _milliseconds(task.submitted_at),
        "region": account.region,
        "request_id": task.request_id,
        "api_key_id": task.key_id,
        "caller_parent_id": account.caller_parent_id,
        "caller_uid": account.caller_uid,
        "user_api_unique_key": user_api_unique_key(task.job.model),
    }
    if task.scheduled_at is not None:
        row["start_time"] = _milliseconds(task.scheduled_at)
    if task.ended_at is not None:
        row["end_time"] = _milliseconds(task.ended_at)
    return row


def user_api_unique_key(model: str) -> str:
    """What lists and events of the original call the kind of a call."""
    return f"apikey:v1:aigc:image2video:video-synthesis:{model}"


def _milliseconds(moment: float) -> int:
    return round(moment * 1000)


def china_time(moment: float) -> str:
    """`YYYY-MM-DD HH:mm:ss.SSS` in UTC+8."""
    there = datetime.fromtimestamp(moment, UTC).astimezone(CHINA)
    return there.isoformat(sep=" ", timespec="milliseconds")[:23]
