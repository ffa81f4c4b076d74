"""An ended task, its notice, and a server's secrets."""

from __future__ import annotations

import pytest

from portravox.service.schemas import Account
from portravox.service.storage.signing import SigningKeys
from portravox.service.tasks.outbox import Delivery, DeliveryState, NoticeFormat, Webhook
from portravox.service.tasks.queue import Job, Result, Task
from portravox.service.tasks.states import TaskState

SIGNING = SigningKeys(current=b"c" * 32, previous=b"p" * 32)
ACCOUNT = Account(region="cn-beijing", caller_uid="7", caller_parent_id="8")
ENDED_AT = 1_766_720_002.455  # 2025-12-26 03:33:22.455 UTC


def made_task(**changes) -> Task:
    fields = {
        "task_id": "6b8d9f0e-0000-4000-8000-000000000001",
        "key_id": "3",
        "key_group": "all",
        "request_id": "r-1",
        "job": Job(
            model="liveportrait",
            image_url="http://h/p",
            audio_url="http://h/v",
            parameters={},
            resolve_oss=False,
        ),
        "state": TaskState.SUCCEEDED,
        "attempt": 1,
        "submitted_at": ENDED_AT - 20,
        "scheduled_at": ENDED_AT - 10,
        "ended_at": ENDED_AT,
        "worker": None,
        "lease_until": None,
        "cancel_requested": False,
        "stage": None,
        "done": 1.0,
        "code": None,
        "message": None,
        "result": Result(video_name="secret-name.mp4", duration_s=2.789),
    }
    return Task(**{**fields, **changes})


def made_delivery(url: str = "https://shop.example/hook", **changes) -> Delivery:
    webhook = Webhook(
        url=url,
        format=changes.pop("format", NoticeFormat.STANDARD),
        by_operator=changes.pop("by_operator", False),
    )
    fields = {
        "delivery_id": "0d000000-0000-4000-8000-000000000001",
        "task_id": "6b8d9f0e-0000-4000-8000-000000000001",
        "key_id": "3",
        "key_group": "all",
        "webhook": webhook,
        "state": DeliveryState.DUE,
        "tries": 1,
        "next_at": None,
        "ended_at": None,
        "attempts": (),
    }
    return Delivery(**{**fields, **changes})


@pytest.fixture
def task() -> Task:
    return made_task()
