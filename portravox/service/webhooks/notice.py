"""What a notice says: which task has ended, and how.

Flow      Task -> webhooks.notice -> webhooks.post

There is no link to the video in it: a notice may be late or go astray, and whoever holds the key
can ask for the task. All attempts say the same, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from portravox.service import bodies
from portravox.service.schemas import Account, china_time, task_body, user_api_unique_key
from portravox.service.tasks.outbox import NoticeFormat
from portravox.service.tasks.queue import Json, Task


def notice_body(form: NoticeFormat, task: Task, *, delivery_id: str, account: Account) -> str:
    """The body of a notice about a task that has ended."""
    told: Mapping[str, object]
    match form:
        case NoticeFormat.STANDARD:
            told = _standard(task)
        case NoticeFormat.CLOUDEVENTS:
            told = _cloudevent(task, delivery_id, account)
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _standard(task: Task) -> bodies.Notice:
    """Standard Webhooks' frame around what a query of the task answers, less the link."""
    body = task_body(task, task.request_id, video_url=None)
    data: dict[str, object] = {**body["output"]}
    data.pop("results", None)
    if "usage" in body:
        data["usage"] = body["usage"]
    return {
        "type": f"task.{task.state.lower()}",
        "timestamp": _utc(_ended_at(task)),
        "data": data,
    }


def _cloudevent(task: Task, delivery_id: str, account: Account) -> dict[str, Json]:
    """The body that the original's event bus posts (CloudEvents 1.0)."""
    ended_at = _ended_at(task)
    data: dict[str, Json] = {
        "task_id": task.task_id,
        "task_status": str(task.state),
        "end_time": _china_second(ended_at),
        "user_api_unique_key": user_api_unique_key(task.job.model),
        "contain_result": False,
        "region": account.region,
        "request_id": task.request_id,
        "api_key_id": task.key_id,
    }
    if task.scheduled_at is not None:
        data["start_time"] = _china_second(task.scheduled_at)
    return {
        "specversion": "1.0",
        "id": delivery_id,
        "source": "acs.dashscope",
        "type": "dashscope:System:AsyncTaskFinish",
        "time": _utc(ended_at),
        "datacontenttype": "application/json;charset=utf-8",
        "aliyunaccountid": account.caller_parent_id,
        "aliyunoriginalaccountid": account.caller_uid,
        "aliyunregionid": account.region,
        "aliyuneventbusname": "default",
        "aliyunpublishtime": _utc(ended_at),
        "data": data,
    }


def _ended_at(task: Task) -> float:
    assert task.ended_at is not None  # notices are due once their task has ended
    return task.ended_at


def _utc(moment: float) -> str:
    there = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return there.replace("+00:00", "Z")


def _china_second(moment: float) -> str:
    """As elsewhere on the wire, but without milliseconds: so the original's events have it."""
    return china_time(moment)[:19]
